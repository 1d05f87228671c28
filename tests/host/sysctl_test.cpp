// Tunables by name.
#include "host/sysctl.hpp"

#include <gtest/gtest.h>

#include <string>

namespace berth::host {
namespace {

TEST(Sysctl, ANameSetsItsField) {
    HostConfig config;
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_syn_retries=10", config), "");
    EXPECT_EQ(config.tcp.syn_retries, 10);
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_timestamps=0", config), "");
    EXPECT_FALSE(config.tcp.timestamps);
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_fin_timeout=7", config), "");
    EXPECT_EQ(config.tcp.fin_wait_2, seconds(7));
    EXPECT_EQ(apply_sysctl("berth.tcp_rto_min_ms=30", config), "");
    EXPECT_EQ(config.tcp.rto_min, milliseconds(30));
    EXPECT_EQ(apply_sysctl("net.core.somaxconn=17", config), "");
    EXPECT_EQ(config.tcp.max_backlog, 17);
    EXPECT_EQ(apply_sysctl("net.ipv4.ip_forward=1", config), "");
    EXPECT_TRUE(config.ip.forward);
    EXPECT_EQ(apply_sysctl("net.ipv4.ip_default_ttl=128", config), "");
    EXPECT_EQ(config.ip.ttl, 128);
    EXPECT_EQ(apply_sysctl("net.ipv4.ipfrag_high_thresh=1000000", config), "");
    EXPECT_EQ(config.ip.reassembly.high_bytes, 1'000'000u);
    EXPECT_EQ(apply_sysctl("net.ipv4.ipfrag_time=30", config), "");
    EXPECT_EQ(config.ip.reassembly.timeout, seconds(30));
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_invalid_ratelimit=250", config), "");
    EXPECT_EQ(config.tcp.challenge_interval, milliseconds(250));
    EXPECT_EQ(apply_sysctl("berth.tcp_blind_attack_checks=0", config), "");
    EXPECT_FALSE(config.tcp.blind_attack_checks);
}

// What a row sets is what the row reads, and nothing else moves.
TEST(Sysctl, EachRowReadsBackWhatItSetAndMovesNoOther) {
    const auto texts = sysctl_texts();
    for (std::size_t i = 0; i < texts.size(); ++i) {
        HostConfig config;
        config.tcp.rto_max = seconds(1'000'000);
        const auto before = sysctl_values(config);
        const std::string name(texts[i].name);
        const bool at_its_greatest = before[i].value == std::to_string(texts[i].greatest);
        std::string value = std::to_string(at_its_greatest ? texts[i].least : texts[i].greatest);
        if (texts[i].numbers == 3) value = "4096 " + value + " " + value;
        ASSERT_EQ(apply_sysctl(name + "=" + value, config), "");
        const auto after = sysctl_values(config);
        ASSERT_EQ(after.size(), texts.size());
        EXPECT_EQ(after[i].value, value) << name;
        EXPECT_NE(after[i].value, before[i].value) << name;
        const bool is_buffer =
            name.find("mem") != std::string::npos || name.find("buffer_bytes") != std::string::npos;
        for (std::size_t other = 0; other < texts.size(); ++other) {
            if (other == i || is_buffer) continue;  // those have two names each
            EXPECT_EQ(after[other].value, before[other].value) << name << ", " << texts[other].name;
        }
    }
}

TEST(Sysctl, BuffersTakeLinuxsThreeNumbers) {
    HostConfig config;
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_rmem=4096 131072 6291456", config), "");
    EXPECT_EQ(config.tcp.receive_buffer_bytes, 131'072u);
    EXPECT_EQ(config.tcp.receive_buffer_max_bytes, 6'291'456u);
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_wmem=4096\t16384\t4194304", config), "");
    EXPECT_EQ(config.tcp.send_buffer_bytes, 16'384u);
    EXPECT_EQ(config.tcp.send_buffer_max_bytes, 4'194'304u);
    for (const char* wrong : {"131072", "4096 131072", "4096 131072 65536", "4096 131072 6291456 ",
                              "4096 131072 6291456 1", "4096,131072,6291456", "", "4096 131072 x",
                              " 4096 131072 6291456", "1 131072 6291456"})
        EXPECT_NE(apply_sysctl(std::string("net.ipv4.tcp_rmem=") + wrong, config), "") << wrong;
    EXPECT_EQ(config.tcp.receive_buffer_bytes, 131'072u);
    // By berth's own name only the beginning is set; the end is never below it.
    EXPECT_EQ(apply_sysctl("berth.tcp_receive_buffer_bytes=10000000", config), "");
    EXPECT_EQ(config.tcp.receive_buffer_max_bytes, 10'000'000u);
}

TEST(Sysctl, EveryNameTakesItsBoundsAndNothingBeyond) {
    for (const SysctlText& text : sysctl_texts()) {
        HostConfig config;
        config.tcp.rto_max = seconds(1'000'000);  // so that the smallest RTO may be anything
        const std::string name(text.name);
        if (text.numbers != 1) continue;  // see above
        EXPECT_EQ(apply_sysctl(name + "=" + std::to_string(text.greatest), config), "");
        EXPECT_NE(apply_sysctl(name + "=" + std::to_string(text.greatest + 1), config), "");
        EXPECT_NE(apply_sysctl(name + "=" + std::to_string(text.least - 1), config), "");
        if (text.name != "berth.tcp_rto_max_ms") {
            EXPECT_EQ(apply_sysctl(name + "=" + std::to_string(text.least), config), "");
        }
    }
}

TEST(Sysctl, WrongOnesSayWhatWouldBeRight) {
    HostConfig config;
    EXPECT_EQ(apply_sysctl("net.ipv4.tcp_syn_retries", config),
              "sysctl 'net.ipv4.tcp_syn_retries' has no value; write name=value");
    EXPECT_EQ(
        apply_sysctl("net.ipv4.tcp_syn_retries=200", config),
        "sysctl net.ipv4.tcp_syn_retries cannot be '200'; it is a number from 1 to 127 (retries)");
    EXPECT_NE(apply_sysctl("net.ipv4.tcp_syn_retries=2x", config), "");
    EXPECT_NE(apply_sysctl("net.ipv4.tcp_syn_retries=", config), "");
    EXPECT_NE(apply_sysctl("net.ipv4.tcp_syn_retries=99999999999999999999", config), "");
    const std::string unknown = apply_sysctl("net.ipv4.nonsense=1", config);
    EXPECT_NE(unknown.find("there is no sysctl 'net.ipv4.nonsense'"), std::string::npos);
    EXPECT_NE(unknown.find("net.core.somaxconn"), std::string::npos);
    EXPECT_NE(apply_sysctl("berth.tcp_rto_min_ms=120000", config).empty() &&
                  apply_sysctl("berth.tcp_rto_max_ms=1000", config).empty(),
              true);
}

}  // namespace
}  // namespace berth::host
