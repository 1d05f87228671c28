// RFC 9293 §3.8.1 to §3.8.3: the retransmission timeout, congestion control, connections that fail.
#include <cstdlib>

#include "harness/network.hpp"
#include "harness/two_hosts.hpp"
#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, MUST_18_the_rto_follows_rfc_6298_with_karns_algorithm) {
    config.rto_min = milliseconds(1);
    accept_connection();
    // The handshake took no time, so what SRTT and RTTVAR are is known after each sample from
    // there.
    const tcp::RttEstimator& rtt = connection().sender().rtt();
    const auto round_trip = [&](std::uint32_t position, Duration time) {
        app.sends(100);
        stack.sends({.seq = position, .length = 100});
        advance(time);
        peer.sends({});
    };
    std::int64_t srtt_us = rtt.srtt().microseconds();
    std::int64_t rttvar_us = rtt.rttvar().microseconds();
    std::uint32_t position = 1;
    for (const int time_ms : {80, 100, 60, 90}) {
        const std::int64_t sample_us = std::int64_t{time_ms} * 1000;
        if (!rtt.has_sample()) {
            srtt_us = sample_us;
            rttvar_us = sample_us / 2;
        } else {
            rttvar_us = (3 * rttvar_us + std::abs(srtt_us - sample_us)) / 4;
            srtt_us = (7 * srtt_us + sample_us) / 8;
        }
        round_trip(position, milliseconds(time_ms));
        position += 100;
        EXPECT_EQ(rtt.srtt().microseconds(), srtt_us);
        EXPECT_EQ(rtt.rttvar().microseconds(), rttvar_us);
        EXPECT_EQ(rtt.rto(0, config.rto_max).microseconds(),
                  srtt_us + std::max<std::int64_t>(1000, 4 * rttvar_us));
    }
    // Karn: what was sent twice is no sample, however long its acknowledgment takes.
    app.sends(100);
    stack.loses({.length = 100});
    within(seconds(3), {.seq = position, .length = 100});
    advance(milliseconds(50));
    peer.sends({});
    EXPECT_EQ(rtt.srtt().microseconds(), srtt_us);
    EXPECT_EQ(rtt.rttvar().microseconds(), rttvar_us);
}

TEST_F(Rfc9293, MUST_19_slow_start) {
    config.initial_window_segments = 2;
    accept_connection();
    app.sends(100'000);
    stack.sends_run(2, 1460);
    stack.sends_nothing();
    peer.sends({.ack = 1461});  // each acknowledged segment lets one more go …
    stack.sends_run(2, 1460);
    peer.sends({.ack = 2921});
    stack.sends_run(2, 1460);
    peer.sends({});  // … so that a round trip doubles the window: 4 were in flight
    const std::size_t next = bytes_heard() / 1460;
    EXPECT_GE(next, 5U);
    EXPECT_LE(next, 8U);
}

TEST_F(Rfc9293, MUST_19_congestion_avoidance_after_a_loss) {
    config.initial_window_segments = 16;
    accept_connection();
    app.sends(200'000);
    stack.loses({.length = 1460});
    while (!script.heard().empty())
        stack.loses({.length = 1460});
    // A timeout: one segment, and slow start up to half of what was in flight (8 segments).
    within(seconds(5), {.seq = 1, .length = 1460});
    stack.sends_nothing();
    std::uint32_t acked = 1461;
    std::size_t in_round = 0;
    std::vector<std::size_t> rounds;
    for (int round = 0; round < 8; ++round) {
        peer.sends({.ack = acked});
        in_round = 0;
        for (const Heard& heard : all_heard()) {
            acked = std::max(acked, heard.header.seq - peer.stack_isn() +
                                        static_cast<std::uint32_t>(heard.payload.size()));
            in_round += heard.payload.size() / 1460;
        }
        rounds.push_back(in_round);
        advance(milliseconds(20));
    }
    // The window never jumps back to what it was, and grows by about one segment a round trip.
    EXPECT_LE(rounds[0], 3U);
    for (std::size_t i = 1; i < rounds.size(); ++i) {
        EXPECT_LE(rounds[i], 2 * std::max<std::size_t>(rounds[i - 1], 1) + 1) << i;
        if (rounds[i - 1] > 9) {
            EXPECT_LE(rounds[i], rounds[i - 1] + 2) << i;
        }
    }
    EXPECT_LE(rounds.back(), 14U) << "below the 16 that were too many";
}

TEST_F(Rfc9293, MUST_19_the_rto_backs_off_exponentially) {
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    for (const int wait : {1, 2, 4, 8, 16, 32}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.seq = 1, .length = 1000});
    }
    // It stays backed off until new data was acknowledged that was sent once (§3.8.2).
    peer.sends({.ack = 1001});
    app.sends(10);
    stack.loses({.length = 10});
    advance(seconds(59));
    stack.sends_nothing();
    within(seconds(62), {.seq = 1001, .length = 10});
}

// A client with two gateways to the server; the first one dies without anybody saying so.
TEST_F(Rfc9293, MUST_20_at_r1_the_ip_layer_is_told_to_doubt_the_gateway) {
    Network net;
    Stack& client = net.add();
    Stack& server = net.add();
    Stack& first = net.add(true);
    Stack& second = net.add(true);
    net.join(client, {192, 0, 2, 2}, first, {192, 0, 2, 1});
    net.join(client, {198, 51, 100, 2}, second, {198, 51, 100, 1});
    net.join(first, {203, 0, 113, 1}, server, {203, 0, 113, 9});
    net.join(second, {198, 18, 0, 1}, server, {198, 18, 0, 9});
    client.add_route({{{}, 0}, {192, 0, 2, 1}, 0, 1});
    client.add_route({{{}, 0}, {198, 51, 100, 1}, 1, 2});
    server.add_route({{{}, 0}, {203, 0, 113, 1}, 0, 1});
    server.add_route({{{}, 0}, {198, 18, 0, 1}, 1, 2});
    second.add_route({{{203, 0, 113, 0}, 24}, {198, 18, 0, 9}, 1, 0});
    second.add_route({{{192, 0, 2, 0}, 24}, {198, 51, 100, 2}, 0, 0});
    auto listener = TwoHosts::listener(server, {{}, 80});
    auto socket = TwoHosts::stream(client);
    socket->connect({{203, 0, 113, 9}, 80});
    net.settle();
    auto accepted = listener->accept();
    ASSERT_TRUE(accepted);
    net.kill(first);
    ASSERT_EQ(TwoHosts::send(*socket, "by the second gateway"), std::errc{});
    net.advance(seconds(120));
    EXPECT_EQ(TwoHosts::receive(**accepted).text, "by the second gateway");
    EXPECT_GT(second.ip().counters().forwarded, 0U);
}

TEST_F(Rfc9293, MUST_20_at_r2_the_connection_is_closed) {
    config.rto_min = seconds(1);
    config.data_retries = 5;
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    for (const int wait : {1, 2, 4, 8, 16}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1000});
    }
    state_is(State::established);
    advance(seconds(32));
    state_is(State::closed);
    app.read_fails(std::errc::timed_out);
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_21_the_application_sets_r2_of_its_connection) {
    config.rto_min = seconds(1);
    accept_connection();
    chooses([](tcp::Options& options) { options.user_timeout = seconds(10); });
    app.sends(1000);
    stack.loses({.length = 1000});
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1000});
    }
    state_is(State::established);
    advance(seconds(4));  // 11 s
    state_is(State::closed);
    app.read_fails(std::errc::timed_out);
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_21_r2_may_be_longer_than_the_stacks) {
    config.rto_min = seconds(1);
    config.rto_max = seconds(10);
    config.data_retries = 2;
    accept_connection();
    chooses([](tcp::Options& options) { options.user_timeout = seconds(3600); });
    app.sends(1000);
    stack.loses({.length = 1000});
    for (int minute = 0; minute < 59; ++minute) {
        stack.sends_nothing();
        for (int i = 0; i < 6; ++i) {
            script.await(seconds(10), {});
            all_heard();
        }
    }
    state_is(State::established);
    app.aborts();
    script.heard().clear();
}

TEST_F(Rfc9293, SHLD_9_the_application_hears_of_trouble_between_r1_and_r2) {
    config.rto_min = seconds(1);
    accept_connection();
    Bell bell;
    app.socket().set_watcher(&bell);
    app.sends(1000);
    stack.loses({.length = 1000});
    bell.rings = 0;
    for (const int wait : {1, 2}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1000});
    }
    app.error_is({});
    EXPECT_EQ(bell.rings, 0) << "below R1";
    for (const int wait : {4, 8}) {
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1000});
    }
    EXPECT_GT(bell.rings, 0);
    state_is(State::established);  // R2 is far away
    app.error_is(std::errc::timed_out);
    app.socket().set_watcher(nullptr);
}

TEST_F(Rfc9293, SHLD_10_r1_is_at_least_three_retransmissions) {
    EXPECT_GE(tcp::Config{}.retries1, 3);
    config.rto_min = seconds(1);
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    for (const int wait : {1, 2, 4}) {
        app.error_is({});
        advance(seconds(wait));
        stack.loses({.seq = 1, .length = 1000});
    }
    within(seconds(8), {.seq = 1, .length = 1000});
    app.error_is(std::errc::timed_out);
}

TEST_F(Rfc9293, SHLD_11_r2_is_at_least_100_seconds) {
    ASSERT_EQ(config.data_retries, tcp::Config{}.data_retries);
    ASSERT_EQ(config.rto_min, tcp::Config{}.rto_min);
    accept_connection();
    app.sends(1000);
    stack.loses({.length = 1000});
    std::size_t again = 0;
    while (script.elapsed() < seconds(100)) {
        script.await(seconds(1), {});
        again += all_heard().size();
    }
    EXPECT_GT(again, 5U);
    state_is(State::established);
}

TEST_F(Rfc9293, MUST_22_syns_are_treated_the_same_way) {
    // Sent again at growing intervals, given up at an R2 of their own, and the application hears
    // it.
    config.syn_retries = 3;
    app.connects();
    stack.loses({.syn = true});
    for (const int wait : {1, 2, 4}) {
        advance(seconds(wait) - milliseconds(1));
        stack.sends_nothing();
        advance(milliseconds(1));
        stack.loses({.seq = 0, .syn = true});
    }
    advance(seconds(8));
    state_is(State::closed);
    app.error_is(std::errc::timed_out);
}

TEST_F(Rfc9293, MUST_23_a_syn_is_tried_for_at_least_three_minutes) {
    ASSERT_EQ(config.syn_retries, tcp::Config{}.syn_retries);
    app.connects();
    stack.loses({.syn = true});
    Duration last_sent{};
    while (script.elapsed() < minutes(3)) {
        script.await(seconds(1), {});
        if (!all_heard().empty()) last_sent = script.elapsed();
    }
    state_is(State::syn_sent);
    EXPECT_GT(last_sent, seconds(60));
    // Its answer is still welcome then.
    peer.sends({.syn = true});
    stack.sends({});
    state_is(State::established);
}

}  // namespace berth::harness
