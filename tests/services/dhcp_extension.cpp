// RFC 2131 §4.4.5 and §4.4.6: a lease is renewed, rebound, over, or given back.
#include "tests/services/dhcp_lab.hpp"

namespace berth::dhcp_test {
namespace {

constexpr std::uint32_t hour_s = 3600;

Reply terms(std::uint32_t lease_s, std::optional<std::uint32_t> t1_s = {},
            std::optional<std::uint32_t> t2_s = {}) {
    Reply reply;
    reply.lease_s = lease_s;
    if (t1_s) reply.options.emplace_back(option::renewal_time, octets_of(*t1_s));
    if (t2_s) reply.options.emplace_back(option::rebinding_time, octets_of(*t2_s));
    return reply;
}

Reply ack(Reply reply) {
    reply.type = DhcpMessageType::ack;
    reply.to = offered_address;
    return reply;
}

TEST(Rfc2131_4_4_5, at_t1_the_leasing_server_is_asked_by_unicast) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 1200));
    const std::uint32_t before = lab.status().lease->lease_s;
    EXPECT_EQ(lab.wait_until_it_speaks(), seconds(600));
    EXPECT_EQ(before, hour_s);
    const Said request = lab.expect(DhcpMessageType::request);
    EXPECT_EQ(lab.state(), DhcpState::renewing);
    EXPECT_EQ(request.destination, server_address);
    EXPECT_EQ(request.link_destination, server_mac);
    EXPECT_EQ(request.source, offered_address);
    EXPECT_EQ(request.view().client_address(), offered_address);
    EXPECT_FALSE(request.has(option::server_identifier));
    EXPECT_FALSE(request.has(option::requested_address));
    EXPECT_TRUE(request.has(option::parameter_request_list));
    EXPECT_EQ(request.view().hardware_address(), our_mac);
}

TEST(Rfc2131_4_4_5, an_ack_extends_the_lease_from_the_request_on) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 1200));
    lab.wait_until_it_speaks();
    const Time asked = lab.next().when;
    lab.pass(seconds(5));
    lab.server_says(ack(terms(hour_s, 600, 1200)));
    EXPECT_EQ(lab.state(), DhcpState::bound);
    EXPECT_EQ(lab.status().expires_at, asked + seconds(hour_s));
    EXPECT_EQ(lab.status().renew_at, asked + seconds(600));
    EXPECT_TRUE(lab.has_address());
}

TEST(Rfc2131_4_4_5, an_ack_with_another_xid_is_discarded) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 1200));
    lab.wait_until_it_speaks();
    Reply wrong = ack(terms(hour_s));
    wrong.xid = lab.next().view().xid() + 1;
    lab.server_says(wrong);
    EXPECT_EQ(lab.state(), DhcpState::renewing);
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_xid), 1U);
}

TEST(Rfc2131_4_4_5, while_renewing_only_the_leasing_server_is_heard) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 1200));
    lab.wait_until_it_speaks();
    Reply other = ack(terms(hour_s));
    other.server = other_server;
    lab.server_says(other);
    other.type = DhcpMessageType::nak;
    lab.server_says(other);
    EXPECT_EQ(lab.state(), DhcpState::renewing);
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_server), 2U);
    EXPECT_TRUE(lab.has_address());
}

TEST(Rfc2131_4_4_5, unanswered_renewals_halve_the_time_to_t2_down_to_a_minute) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 1200));
    lab.wait_until_it_speaks();
    lab.next();
    std::vector<std::int64_t> waits_s;
    while (lab.state() == DhcpState::renewing) {
        waits_s.push_back(lab.wait_until_it_speaks().seconds());
        lab.next();
    }
    // 600 s remain: 300, 150, 75, then a minute, then what is left until T2.
    EXPECT_EQ(waits_s, (std::vector<std::int64_t>{300, 150, 75, 60, 15}));
    EXPECT_EQ(lab.state(), DhcpState::rebinding);
}

TEST(Rfc2131_4_4_5, at_t2_all_servers_are_asked_by_broadcast) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 630));
    lab.pass(seconds(630));
    EXPECT_EQ(lab.state(), DhcpState::rebinding);
    lab.next();
    const Said request = lab.expect(DhcpMessageType::request);
    EXPECT_EQ(request.destination, everybody);
    EXPECT_EQ(request.source, offered_address);
    EXPECT_EQ(request.view().client_address(), offered_address);
    EXPECT_FALSE(request.has(option::server_identifier));
    EXPECT_FALSE(request.has(option::requested_address));
}

TEST(Rfc2131_4_4_5, while_rebinding_any_server_may_extend_the_lease_and_becomes_ours) {
    DhcpLab lab;
    lab.bind(terms(hour_s, 600, 630));
    lab.pass(seconds(630));
    Reply other = ack(terms(hour_s));
    other.server = other_server;
    other.from = other_server;
    lab.server_says(other);
    EXPECT_EQ(lab.state(), DhcpState::bound);
    EXPECT_EQ(lab.status().lease->server, other_server);
}

TEST(Rfc2131_4_4_5, unanswered_rebindings_halve_the_time_that_remains) {
    DhcpLab lab;
    lab.bind(terms(1000, 100, 200));
    lab.pass(seconds(200));
    while (!lab.is_silent())
        lab.next();
    std::vector<std::int64_t> waits_s;
    while (lab.state() == DhcpState::rebinding) {
        waits_s.push_back(lab.wait_until_it_speaks().seconds());
        lab.next();
    }
    EXPECT_EQ(waits_s, (std::vector<std::int64_t>{400, 200, 100, 60, 40}));
    EXPECT_EQ(lab.state(), DhcpState::selecting);
}

TEST(Rfc2131_4_4_5, a_lease_that_is_over_takes_address_and_routes_away_at_once) {
    DhcpLab lab;
    Reply reply = terms(1000, 100, 200);
    reply.options.emplace_back(option::router, octets_of(server_address));
    lab.bind(reply);
    lab.pass(seconds(999));
    EXPECT_TRUE(lab.has_address());
    while (!lab.is_silent())
        lab.next();
    lab.pass(seconds(1));
    EXPECT_FALSE(lab.has_address());
    EXPECT_TRUE(lab.stack().ip().routes().routes().empty());
    EXPECT_EQ(lab.status().expiries, 1U);
    EXPECT_FALSE(lab.status().lease);
    // Uninitialised again: from no address, for any address.
    const Said discover = lab.expect(DhcpMessageType::discover);
    EXPECT_EQ(discover.source, Ipv4Address{});
    EXPECT_EQ(discover.view().client_address(), Ipv4Address{});
}

TEST(Rfc2131_4_4_5, after_the_end_the_same_address_or_another_may_be_had) {
    DhcpLab lab;
    lab.bind(terms(1000, 100, 200));
    lab.pass(seconds(1000));
    while (lab.waiting() > 1)
        lab.next();
    Reply another = terms(1000);
    another.your_address = {192, 0, 2, 78};
    lab.bind(another);
    EXPECT_TRUE(lab.has_address({192, 0, 2, 78}));
    EXPECT_FALSE(lab.has_address());
}

TEST(Rfc2131_4_4_5, a_nak_halts_the_network_at_once) {
    for (const bool rebinding : {false, true}) {
        DhcpLab lab;
        lab.bind(terms(hour_s, 600, 1200));
        lab.pass(seconds(rebinding ? 1200 : 600));
        lab.server_says({.type = DhcpMessageType::nak});
        EXPECT_EQ(lab.state(), DhcpState::init);
        EXPECT_FALSE(lab.has_address());
        EXPECT_FALSE(lab.stack().ip().route({192, 0, 2, 9}));
    }
}

TEST(Rfc2131_4_4_5, t1_and_t2_default_to_half_and_seven_eighths_with_fuzz) {
    std::vector<Duration> all;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        DhcpLab lab(nullptr, {}, seed);
        lab.bind(terms(8000));
        const Duration t1 = lab.status().renew_at - lab.status().leased_at;
        const Duration t2 = lab.status().rebind_at - lab.status().leased_at;
        EXPECT_GE(t1, seconds(3900));
        EXPECT_LE(t1, seconds(4000));
        EXPECT_GE(t2, seconds(6800));
        EXPECT_LE(t2, seconds(7000));
        all.push_back(t1);
    }
    std::sort(all.begin(), all.end());
    EXPECT_GT(std::unique(all.begin(), all.end()) - all.begin(), 15) << "no fuzz";
}

TEST(Rfc2131_4_4_5, t1_before_t2_before_the_end_whatever_the_server_says) {
    struct Case {
        std::uint32_t t1, t2;
    };
    for (const Case& each : {Case{2000, 1000},
                             {900, 5000},
                             {5000, 900},
                             {0, 0},
                             {1000, 1000},
                             {0xffffffff, 0xffffffff},
                             {1, 999},
                             {999, 0},
                             {0, 1}}) {
        DhcpLab lab;
        lab.bind(terms(1000, each.t1, each.t2));
        ASSERT_TRUE(lab.status().lease) << each.t1 << ' ' << each.t2;
        EXPECT_LT(lab.status().renew_at, lab.status().rebind_at) << each.t1 << ' ' << each.t2;
        EXPECT_LT(lab.status().rebind_at, lab.status().expires_at) << each.t1 << ' ' << each.t2;
    }
}

TEST(Rfc2131_3_3, a_lease_without_end_is_never_renewed) {
    DhcpLab lab;
    lab.bind(terms(0xffffffff));
    EXPECT_TRUE(lab.status().expires_at.is_never());
    EXPECT_TRUE(lab.dhcp.next_deadline().is_never());
}

TEST(Rfc2131_3_3, the_longest_and_the_shortest_lease) {
    DhcpLab longest;
    longest.bind(terms(0xfffffffe));
    EXPECT_EQ(longest.status().expires_at - longest.status().leased_at, seconds(0xfffffffe));
    DhcpLab shortest;
    shortest.bind(terms(1));
    EXPECT_TRUE(shortest.has_address());
    shortest.pass(seconds(1));
    EXPECT_FALSE(shortest.has_address());
}

TEST(Rfc2131_4_4_5, an_ack_that_comes_after_the_end_changes_nothing) {
    DhcpLab lab;
    lab.bind(terms(100, 10, 20));
    lab.pass(seconds(99));
    const Octets late = lab.message(ack(terms(100)));
    lab.pass(seconds(2));
    lab.hear(late);
    EXPECT_FALSE(lab.has_address());
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_xid), 1U);
}

TEST(Rfc2131_4_4_6, a_release_goes_to_the_server_alone) {
    DhcpLab lab;
    lab.bind();
    lab.dhcp.release_all(lab.now);
    lab.settle();
    const Said release = lab.expect(DhcpMessageType::release);
    EXPECT_EQ(release.destination, server_address);
    EXPECT_EQ(release.link_destination, server_mac);
    EXPECT_EQ(release.source, offered_address);
    EXPECT_EQ(release.view().client_address(), offered_address);
    EXPECT_EQ(release.view().seconds(), 0);
    EXPECT_FALSE(release.view().wants_broadcast());
    EXPECT_EQ(release.option(option::server_identifier), octets_of(server_address));
    EXPECT_FALSE(release.option(option::message).empty());
    for (const auto code : {option::requested_address, option::lease_time,
                            option::parameter_request_list, option::max_message_size})
        EXPECT_FALSE(release.has(code)) << int{code};
    EXPECT_EQ(lab.state(), DhcpState::stopped);
    EXPECT_FALSE(lab.dhcp.is_releasing());
    lab.pass(services::DhcpClients::release_grace);
    EXPECT_FALSE(lab.has_address());
    lab.pass(minutes(60));
    EXPECT_TRUE(lab.is_silent());
}

TEST(Rfc2131_4_4_6, a_release_waits_a_moment_for_the_servers_hardware_address) {
    DhcpLab lab;
    lab.bind();
    lab.server_answers_arp = false;
    lab.dhcp.release_all(lab.now);
    lab.settle();
    EXPECT_TRUE(lab.dhcp.is_releasing());
    EXPECT_TRUE(lab.has_address());
    lab.pass(services::DhcpClients::release_grace);
    EXPECT_FALSE(lab.dhcp.is_releasing());
    EXPECT_FALSE(lab.has_address());
}

TEST(Rfc2131_4_4_6, without_a_lease_there_is_nothing_to_release) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.dhcp.release_all(lab.now);
    lab.pass(minutes(10));
    EXPECT_TRUE(lab.is_silent());
}

TEST(Rfc2131_4_4_5, renewal_goes_on_for_as_long_as_the_server_answers) {
    DhcpLab lab;
    lab.bind(terms(120, 60, 100));
    for (int i = 0; i < 50; ++i) {
        lab.wait_until_it_speaks();
        lab.expect(DhcpMessageType::request);
        lab.server_says(ack(terms(120, 60, 100)));
        EXPECT_EQ(lab.state(), DhcpState::bound);
    }
    EXPECT_EQ(lab.status().acks, 51U);
    EXPECT_EQ(lab.status().discovers, 1U);
}

}  // namespace
}  // namespace berth::dhcp_test
