// What ping and traceroute write, from events and numbers.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/berth/icmp_text.hpp"
#include "apps/berth/ping_statistics.hpp"

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

Json reply(std::int64_t time_ns, bool duplicate = false) {
    return {{"event", "reply"}, {"time_ns", time_ns}, {"duplicate", duplicate}};
}
Json end(unsigned sent, unsigned pipe = 1) {
    return {{"event", "end"}, {"sent", sent}, {"elapsed_ns", 2'032'999'999}, {"pipe", pipe}};
}

TEST(PingStatistics, LookAsIputilsWritesThem) {
    PingStatistics statistics;
    for (const std::int64_t ms : {1, 2, 3})
        statistics.count(reply(ms * 1'000'000));
    statistics.count(end(3));
    EXPECT_EQ(statistics.text("192.0.2.1"),
              "\n--- 192.0.2.1 ping statistics ---\n"
              "3 packets transmitted, 3 received, 0% packet loss, time 2032ms\n"
              "rtt min/avg/max/mdev = 1.000/2.000/3.000/0.816 ms\n");
}

TEST(PingStatistics, LossErrorsAndDuplicatesAreNamed) {
    PingStatistics statistics;
    statistics.count(reply(1'000'000));
    statistics.count(reply(2'000'000, true));
    statistics.count({{"event", "error"}});
    statistics.count(end(3, 2));
    EXPECT_EQ(statistics.text("web"),
              "\n--- web ping statistics ---\n"
              "3 packets transmitted, 1 received, +1 duplicates, +1 errors, 66.6667% packet loss, "
              "time 2032ms\n"
              "rtt min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms, pipe 2\n");
    EXPECT_EQ(statistics.received(), 1u);
}

TEST(PingStatistics, WithoutAnAnswerThereAreNoTimes) {
    PingStatistics statistics;
    statistics.count(end(2, 0));
    EXPECT_EQ(statistics.text("192.0.2.1"),
              "\n--- 192.0.2.1 ping statistics ---\n"
              "2 packets transmitted, 0 received, 100% packet loss, time 2032ms\n");
    EXPECT_TRUE(statistics.json()["rtt_ms"].is_null());
    EXPECT_EQ(statistics.json()["schema"], 1);
}

TEST(PingStatistics, RoundTripsHaveTheDigitsThatMatter) {
    EXPECT_EQ(round_trip_text(36'400), "0.036");
    EXPECT_EQ(round_trip_text(999'400), "0.999");
    EXPECT_EQ(round_trip_text(999'600), "1.00");
    EXPECT_EQ(round_trip_text(9'994'000), "9.99");
    EXPECT_EQ(round_trip_text(9'996'000), "10.0");
    EXPECT_EQ(round_trip_text(99'960'000), "100");
    EXPECT_EQ(round_trip_text(1'234'000'000), "1234");
}

TEST(IcmpText, EveryCodeOfUnreachableHasItsWords) {
    EXPECT_EQ(ping_error_text(3, 1, 0), "Destination Host Unreachable");
    EXPECT_EQ(ping_error_text(3, 4, 1400), "Frag needed and DF set (mtu = 1400)");
    EXPECT_EQ(ping_error_text(3, 16, 0), "Dest Unreachable, Bad Code: 16");
    EXPECT_EQ(ping_error_text(11, 0, 0), "Time to live exceeded");
    EXPECT_EQ(ping_error_text(11, 1, 0), "Frag reassembly time exceeded");
    EXPECT_EQ(ping_error_text(12, 0, 20), "Parameter problem: pointer = 20");
    EXPECT_EQ(ping_error_text(99, 0, 0), "Bad ICMP type: 99");
    for (unsigned code = 0; code < 16; ++code)
        EXPECT_EQ(ping_error_text(3, code, 0).find("Bad Code"), std::string::npos) << code;
}

TEST(IcmpText, TraceMarksAreThoseOfTraceroute) {
    EXPECT_EQ(trace_mark(3, 0, 0), "!N");
    EXPECT_EQ(trace_mark(3, 1, 0), "!H");
    EXPECT_EQ(trace_mark(3, 2, 0), "!P");
    EXPECT_EQ(trace_mark(3, 3, 0), "");
    EXPECT_EQ(trace_mark(3, 4, 1400), "!F-1400");
    EXPECT_EQ(trace_mark(3, 13, 0), "!X");
    EXPECT_EQ(trace_mark(3, 77, 0), "!<77>");
    EXPECT_EQ(trace_mark(11, 0, 0), "");
    EXPECT_EQ(trace_mark(0, 0, 0), "");
}

}  // namespace
}  // namespace berth::app
