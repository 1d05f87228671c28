// What `ss -imeo` writes, from what a host answers.
#include "apps/berth/socket_details.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace berth::app {
namespace {

using Json = nlohmann::ordered_json;

Json row() {
    return Json::parse(R"({
        "timer": {"name": "keepalive", "left_us": 7140000000, "tries": 0},
        "tcp_info": {"congestion": "reno", "timestamps": true, "sack": true, "window_scaling": true,
            "ecn": false, "snd_wscale": 7, "rcv_wscale": 2, "mss": 1448, "rcv_mss": 536,
            "advmss": 1460, "pmtu": 1500, "snd_wnd": 64256, "rcv_wnd": 65535, "rto_us": 204000,
            "ato_us": 40000, "rtt_us": 4250, "rttvar_us": 2125, "rcv_rtt_us": 0, "last_data_sent_us": 12000,
            "cwnd_bytes": 14480, "ssthresh_bytes": null, "in_recovery": false, "in_loss": false,
            "flight_bytes": 1449, "notsent_bytes": 0, "backoff": 0, "unanswered": 0,
            "is_probing": false, "retransmissions": 1, "bytes_acked": 5, "bytes_received": 7,
            "segs_in": 3, "segs_out": 4},
        "memory": {"receive": 4096, "receive_buffer": 131072, "send": 2048, "send_buffer": 16384},
        "path": {"link": "tap:tap0", "next_hop": "192.0.2.1"}})");
}

TEST(SocketDetails, InfoIsInTheWordsAndOrderOfSs) {
    EXPECT_EQ(
        detail_text(row(), {.info = true}).below,
        " ts sack reno wscale:7,2 rto:204 rtt:4.25/2.125 ato:40 mss:1448 pmtu:1500 rcvmss:536 "
        "advmss:1460 cwnd:10 bytes_acked:5 bytes_received:7 segs_out:4 segs_in:3 lastsnd:12 "
        "unacked:2 retrans:0/1 snd_wnd:64256 rcv_wnd:65535");
    EXPECT_EQ(detail_text(row(), {.info = true}).beside, "");
}

TEST(SocketDetails, MemoryTimerAndPath) {
    EXPECT_EQ(detail_text(row(), {.memory = true}).below,
              " skmem:(r4096,rb131072,t0,tb16384,f0,w2048,o0,bl0,d0)");
    EXPECT_EQ(detail_text(row(), {.timers = true}).beside, " timer:(keepalive,119min,0)");
    EXPECT_EQ(detail_text(row(), {.extended = true}).beside, " dev:tap:tap0 via:192.0.2.1");
    EXPECT_EQ(detail_text(row(), {}).beside + detail_text(row(), {}).below, "");
    // A row without details: a listener, or UDP.
    const DetailText none = detail_text(
        Json::object(), {.info = true, .memory = true, .extended = true, .timers = true});
    EXPECT_EQ(none.beside + none.below, "");
}

TEST(SocketDetails, TimesAreWrittenAsSsWritesThem) {
    EXPECT_EQ(ss_time(0), "000ms");
    EXPECT_EQ(ss_time(7), "007ms");
    EXPECT_EQ(ss_time(200), "200ms");
    EXPECT_EQ(ss_time(1000), "1sec");
    EXPECT_EQ(ss_time(1234), "1.234ms");
    EXPECT_EQ(ss_time(59'999), "59sec");
    EXPECT_EQ(ss_time(119'000), "1min59sec");
    EXPECT_EQ(ss_time(7'199'000), "119min");
}

TEST(SocketDetails, WhatAHostSaysIsMadeSafeForATerminal) {
    Json object = row();
    object["path"]["link"] = "tap:\x1b[31m";
    EXPECT_EQ(detail_text(object, {.extended = true}).beside.find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace berth::app
