// ping and traceroute inside a host.
#include "host/measurement.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::host {
namespace {

using Json = nlohmann::json;

std::vector<Json> measured(Host& host, const std::string& request,
                           std::size_t end_after = SIZE_MAX) {
    std::vector<Json> lines;
    host.measure(
        request,
        [&](const std::string& line) {
            lines.push_back(Json::parse(line));
            return true;
        },
        [&] { return lines.size() >= end_after; });
    return lines;
}

std::string error_of(const std::vector<Json>& lines) {
    return lines.empty() ? std::string() : lines.back().value("error", "");
}

TEST(Measurement, PingHearsItsAnswers) {
    test::HostPair hosts;
    const auto lines =
        measured(*hosts.client, R"(ping {"to":"192.0.2.2","count":3,"interval_ms":2,"size":100})");
    ASSERT_EQ(lines.size(), 5u);
    EXPECT_EQ(lines[0]["event"], "begin");
    EXPECT_EQ(lines[0]["source"], "192.0.2.1");
    for (unsigned i = 1; i <= 3; ++i) {
        EXPECT_EQ(lines[i]["event"], "reply");
        EXPECT_EQ(lines[i]["schema"], 1);
        EXPECT_EQ(lines[i]["from"], "192.0.2.2");
        EXPECT_EQ(lines[i]["sequence"], i);
        EXPECT_EQ(lines[i]["bytes"], 108);
        EXPECT_EQ(lines[i]["ttl"], 64);
        EXPECT_EQ(lines[i]["duplicate"], false);
        EXPECT_FALSE(lines[i].contains("wrong_byte"));
        EXPECT_GT(lines[i]["time_ns"], 0);
    }
    EXPECT_EQ(lines[4]["event"], "end");
    EXPECT_EQ(lines[4]["sent"], 3);
}

TEST(Measurement, PingToItselfTouchesNoLink) {
    test::HostPair hosts;
    hosts.to_server.broken = true;
    hosts.to_client.broken = true;
    for (const char* to : {"127.0.0.1", "192.0.2.1"}) {
        const auto lines =
            measured(*hosts.client, std::string(R"(ping {"count":1,"to":")") + to + "\"}");
        ASSERT_EQ(lines.size(), 3u) << to;
        EXPECT_EQ(lines[1]["from"], to);
    }
}

TEST(Measurement, SilenceEndsAPing) {
    test::HostPair hosts;
    hosts.to_client.broken = true;
    hosts.to_server.broken = true;
    const auto lines = measured(
        *hosts.client, R"(ping {"to":"192.0.2.2","count":2,"interval_ms":2,"timeout_ms":30})");
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_EQ(lines[1]["event"], "end");
    EXPECT_EQ(lines[1]["sent"], 2);
}

TEST(Measurement, APingWithoutCountEndsWhenItIsToldTo) {
    test::HostPair hosts;
    const auto lines = measured(*hosts.client, R"(ping {"to":"192.0.2.2","interval_ms":2})", 4);
    ASSERT_GE(lines.size(), 5u);
    EXPECT_EQ(lines.back()["event"], "end");
}

TEST(Measurement, TracerouteIsAnsweredByTheDestination) {
    test::HostPair hosts;
    for (const char* kind : {"0", "1"}) {
        const auto lines = measured(
            *hosts.client,
            std::string(R"(traceroute {"to":"192.0.2.2","probes":2,"icmp":)") + kind + "}");
        ASSERT_EQ(lines.size(), 4u) << kind;
        EXPECT_EQ(lines[0]["packet_bytes"], 60);
        EXPECT_EQ(lines[1]["event"], "probe");
        EXPECT_EQ(lines[1]["hop"], 1);
        EXPECT_EQ(lines[1]["from"], "192.0.2.2");
        EXPECT_EQ(lines[2]["probe"], 1);
        EXPECT_EQ(lines[3]["reached"], true);
    }
}

TEST(Measurement, TracerouteShowsSilenceAndGoesOn) {
    test::HostPair hosts;
    hosts.to_client.broken = true;
    const auto lines = measured(
        *hosts.client, R"(traceroute {"to":"192.0.2.2","probes":1,"last":2,"timeout_ms":20})");
    ASSERT_EQ(lines.size(), 4u);
    EXPECT_FALSE(lines[1].contains("from"));
    EXPECT_EQ(lines[2]["hop"], 2);
    EXPECT_EQ(lines[3]["reached"], false);
}

TEST(Measurement, WrongRequestsAreSentences) {
    test::HostPair hosts;
    for (const char* request :
         {R"(ping {)", R"(ping [])", R"(ping {"to":7})", R"(ping {"to":"no such name!"})",
          R"(ping {"to":"198.51.100.1"})", R"(ping {"to":"192.0.2.2","size":70000})",
          R"(ping {"to":"192.0.2.2","interval_ms":1})", R"(ping {"to":"192.0.2.2","ttl":"x"})",
          R"(ping {"to":"192.0.2.2","pattern":"zz"})",
          R"(ping {"to":"192.0.2.2","mtu_discover":"perhaps"})", R"(ping {"to":"192.0.2.255"})",
          R"(traceroute {"to":"192.0.2.2","first":9,"last":3})",
          R"(traceroute {"to":"192.0.2.2","probes":11})", R"(traceroute {"to":"198.51.100.1"})"}) {
        const auto lines = measured(*hosts.client, request);
        ASSERT_EQ(lines.size(), 1u) << request;
        EXPECT_NE(error_of(lines), "") << request;
    }
}

TEST(Measurement, AnEmbeddedHostHasNoClockForIt) {
    auto made = Host::create({.threads = false});
    EXPECT_NE(error_of(measured(**made, R"(ping {"to":"127.0.0.1"})")).find("embedded"),
              std::string::npos);
}

TEST(Measurement, LeavesNoSocketBehind) {
    test::HostPair hosts;
    measured(*hosts.client, R"(ping {"to":"192.0.2.2","count":1})");
    measured(*hosts.client, R"(traceroute {"to":"192.0.2.2"})");
    EXPECT_TRUE(hosts.client->sockets().empty());
}

}  // namespace
}  // namespace berth::host
