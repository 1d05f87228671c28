// Tunables by name.
#include "host/sysctl.hpp"

#include <gtest/gtest.h>

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
}

TEST(Sysctl, EveryNameTakesItsBoundsAndNothingBeyond) {
    for (const SysctlText& text : sysctl_texts()) {
        HostConfig config;
        config.tcp.rto_max = seconds(1'000'000);  // so that the smallest RTO may be anything
        const std::string name(text.name);
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
