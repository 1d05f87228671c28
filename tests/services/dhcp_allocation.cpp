// RFC 2131 §4.4.1, §3.1, §4.1: from nothing to an address, and what may go wrong on the way.
#include <set>

#include "tests/services/dhcp_lab.hpp"

namespace berth::dhcp_test {
namespace {

TEST(Rfc2131_4_4_1, a_discover_goes_to_everybody_from_no_address) {
    DhcpLab lab;
    lab.start();
    const Said said = lab.expect(DhcpMessageType::discover);
    EXPECT_EQ(said.link_destination, MacAddress::broadcast());
    EXPECT_EQ(said.source, Ipv4Address{});
    EXPECT_EQ(said.destination, everybody);
    EXPECT_EQ(said.source_port, 68);
    EXPECT_EQ(said.destination_port, 67);
    EXPECT_FALSE(said.view().is_reply());
    EXPECT_EQ(said.view().hardware_address(), our_mac);
    EXPECT_EQ(said.view().client_address(), Ipv4Address{});
    EXPECT_EQ(said.view().your_address(), Ipv4Address{});
    EXPECT_EQ(said.view().next_server(), Ipv4Address{});
    EXPECT_EQ(said.view().relay(), Ipv4Address{});
    EXPECT_EQ(lab.state(), DhcpState::selecting);
}

TEST(Rfc2131_4_4_1, table_5_options_of_a_discover) {
    DhcpLab lab;
    lab.start();
    const Said said = lab.next();
    EXPECT_FALSE(said.has(option::server_identifier));
    EXPECT_FALSE(said.has(option::message));
    EXPECT_EQ(said.option(option::client_identifier), (Octets{1, 2, 0, 0, 0, 0, 7}));
    EXPECT_EQ(said.option(option::max_message_size), (Octets{0x05, 0xc0}));
    const Octets wanted = said.option(option::parameter_request_list);
    for (const int code : {1, 3, 6, 15, 26, 58, 59, 121})
        EXPECT_EQ(std::count(wanted.begin(), wanted.end(), code), 1) << code;
    EXPECT_EQ(said.bytes.back(), 0);  // padded, behind the end option
    EXPECT_GE(said.bytes.size(), wire::dhcp_least_bytes);
}

TEST(Rfc3442, classless_routes_are_asked_for_before_the_router) {
    DhcpLab lab;
    lab.start();
    const Octets wanted = lab.next().option(option::parameter_request_list);
    EXPECT_LT(std::find(wanted.begin(), wanted.end(), 121),
              std::find(wanted.begin(), wanted.end(), 3));
}

TEST(Rfc2131_4_4_1, a_request_names_the_server_and_the_address_under_the_offers_xid) {
    DhcpLab lab;
    lab.start();
    const Said discover = lab.next();
    lab.server_says({});
    const Said request = lab.expect(DhcpMessageType::request);
    EXPECT_EQ(request.view().xid(), discover.view().xid());
    EXPECT_EQ(request.view().seconds(), discover.view().seconds());
    EXPECT_EQ(request.destination, everybody);
    EXPECT_EQ(request.source, Ipv4Address{});
    EXPECT_EQ(request.view().client_address(), Ipv4Address{});
    EXPECT_EQ(request.option(option::requested_address), octets_of(offered_address));
    EXPECT_EQ(request.option(option::server_identifier), octets_of(server_address));
    EXPECT_EQ(lab.state(), DhcpState::requesting);
}

TEST(Rfc2131_3_1, a_request_repeats_the_secs_of_the_discover_that_was_answered) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.wait_until_it_speaks();
    const Said second = lab.expect(DhcpMessageType::discover);
    EXPECT_GE(second.view().seconds(), 3);
    lab.pass(seconds(2));
    lab.server_says({});
    EXPECT_EQ(lab.expect(DhcpMessageType::request).view().seconds(), second.view().seconds());
}

TEST(Rfc2131_4_4_1, the_parameter_list_and_the_client_identifier_are_in_every_later_message) {
    DhcpLab lab;
    lab.start();
    const Said discover = lab.next();
    lab.server_says({});
    const Said request = lab.next();
    for (const std::uint8_t code : {option::parameter_request_list, option::client_identifier})
        EXPECT_EQ(request.option(code), discover.option(code));
    lab.server_says({.type = DhcpMessageType::ack});
    lab.dhcp.release_all(lab.now);
    lab.settle();
    EXPECT_EQ(lab.next().option(option::client_identifier),
              discover.option(option::client_identifier));
}

TEST(Rfc2131_4_4_1, an_acknowledged_address_is_in_use_with_its_network_and_router) {
    DhcpLab lab;
    lab.bind({.options = {{option::router, octets_of(server_address)}}});
    EXPECT_EQ(lab.state(), DhcpState::bound);
    EXPECT_TRUE(lab.has_address());
    const auto near = lab.stack().ip().route({192, 0, 2, 9});
    ASSERT_TRUE(near);
    EXPECT_EQ(near->next_hop, Ipv4Address(192, 0, 2, 9));
    EXPECT_EQ(near->source, offered_address);
    const auto far = lab.stack().ip().route({198, 51, 100, 1});
    ASSERT_TRUE(far);
    EXPECT_EQ(far->next_hop, server_address);
}

TEST(Rfc2131_4_4_1, before_the_ack_no_address_is_used) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({});
    EXPECT_FALSE(lab.has_address());
}

TEST(Rfc2131_4_4_1, an_offer_with_another_xid_is_discarded) {
    DhcpLab lab;
    lab.start();
    const std::uint32_t xid = lab.next().view().xid();
    lab.server_says({.xid = xid ^ 1});
    EXPECT_EQ(lab.state(), DhcpState::selecting);
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_xid), 1U);
}

TEST(Rfc2131_4_4_1, an_ack_while_selecting_is_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({.type = DhcpMessageType::ack});
    EXPECT_EQ(lab.state(), DhcpState::selecting);
    EXPECT_FALSE(lab.has_address());
    EXPECT_EQ(lab.ignored(DhcpIgnored::unexpected), 1U);
}

TEST(Rfc2131_4_4, a_nak_while_selecting_is_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({.type = DhcpMessageType::nak});
    EXPECT_EQ(lab.state(), DhcpState::selecting);
}

TEST(Rfc2131_4_4, a_second_offer_is_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({});
    lab.next();
    lab.server_says({.your_address = {192, 0, 2, 78}, .server = other_server});
    EXPECT_TRUE(lab.is_silent());
    lab.server_says({.type = DhcpMessageType::ack});
    EXPECT_TRUE(lab.has_address());
    EXPECT_EQ(lab.ignored(DhcpIgnored::unexpected), 1U);
}

TEST(Rfc2131_4_4, in_bound_offers_acks_and_naks_are_discarded) {
    DhcpLab lab;
    lab.bind();
    for (const auto type : {DhcpMessageType::offer, DhcpMessageType::ack, DhcpMessageType::nak})
        lab.server_says({.type = type});
    EXPECT_EQ(lab.state(), DhcpState::bound);
    EXPECT_TRUE(lab.has_address());
    EXPECT_TRUE(lab.is_silent());
    EXPECT_EQ(lab.ignored(DhcpIgnored::unexpected), 3U);
}

TEST(Rfc2131_4_4, messages_that_only_clients_send_are_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    for (const auto type : {DhcpMessageType::discover, DhcpMessageType::request,
                            DhcpMessageType::decline, DhcpMessageType::release})
        lab.server_says({.type = type});
    EXPECT_EQ(lab.ignored(DhcpIgnored::unexpected), 4U);
    lab.server_says({.reply = false});
    EXPECT_EQ(lab.ignored(DhcpIgnored::not_a_reply), 1U);
    EXPECT_EQ(lab.state(), DhcpState::selecting);
}

TEST(Rfc2131_4_1, a_reply_for_another_station_is_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({.hardware_address = server_mac});
    EXPECT_EQ(lab.state(), DhcpState::selecting);
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_hardware), 1U);
}

TEST(Rfc2131_3_1, an_ack_or_nak_of_a_server_that_was_not_chosen_is_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({});
    lab.server_says({.type = DhcpMessageType::ack, .server = other_server});
    lab.server_says({.type = DhcpMessageType::nak, .server = other_server});
    EXPECT_EQ(lab.state(), DhcpState::requesting);
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_server), 2U);
}

TEST(Rfc2131_3_1, an_ack_for_another_address_than_was_asked_for_is_discarded) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({});
    lab.server_says({.type = DhcpMessageType::ack, .your_address = {192, 0, 2, 78}});
    EXPECT_EQ(lab.state(), DhcpState::requesting);
    EXPECT_EQ(lab.ignored(DhcpIgnored::unacceptable), 1U);
}

TEST(Rfc2131_3_1, the_acks_parameters_count_not_the_offers) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({.lease_s = 600});
    lab.next();
    lab.server_says({.type = DhcpMessageType::ack, .lease_s = 1200});
    EXPECT_EQ(lab.status().expires_at - lab.now, seconds(1200));
}

TEST(Rfc2131_3_1, a_nak_begins_anew) {
    DhcpLab lab;
    lab.start();
    const std::uint32_t first_xid = lab.next().view().xid();
    lab.server_says({});
    lab.next();
    lab.server_says({.type = DhcpMessageType::nak});
    EXPECT_EQ(lab.state(), DhcpState::init);
    EXPECT_EQ(lab.wait_until_it_speaks(), seconds(1));
    EXPECT_NE(lab.expect(DhcpMessageType::discover).view().xid(), first_xid);
}

TEST(Rfc2131_3_1, a_server_that_always_refuses_keeps_nobody_busy) {
    DhcpLab lab;
    lab.start();
    std::vector<std::int64_t> waits_s;
    for (int i = 0; i < 9; ++i) {
        lab.expect(DhcpMessageType::discover);
        lab.server_says({});
        lab.expect(DhcpMessageType::request);
        lab.server_says({.type = DhcpMessageType::nak});
        waits_s.push_back(lab.wait_until_it_speaks().seconds());
    }
    EXPECT_EQ(waits_s, (std::vector<std::int64_t>{1, 2, 4, 8, 16, 32, 64, 64, 64}));
}

// Delays 4, 8, 16, 32, 64, 64 … seconds, each plus or minus one.
TEST(Rfc2131_4_1, discovers_back_off_exponentially_with_jitter) {
    std::set<std::int64_t> first_delays_ms;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        DhcpLab lab(nullptr, {}, seed);
        lab.start();
        const std::uint32_t xid = lab.next().view().xid();
        for (const int expected_s : {4, 8, 16, 32, 64, 64, 64}) {
            const Duration waited = lab.wait_until_it_speaks();
            EXPECT_GE(waited, seconds(expected_s - 1));
            EXPECT_LE(waited, seconds(expected_s + 1));
            if (expected_s == 4) first_delays_ms.insert(waited.milliseconds());
            const Said again = lab.expect(DhcpMessageType::discover);
            EXPECT_EQ(again.view().xid(), xid);
        }
    }
    EXPECT_GT(first_delays_ms.size(), 15U) << "no jitter";
}

TEST(Rfc2131_3_1, four_requests_in_a_minute_then_it_begins_anew) {
    DhcpLab lab;
    lab.start();
    const std::uint32_t xid = lab.next().view().xid();
    lab.server_says({});
    lab.expect(DhcpMessageType::request);
    const Time first = lab.now;
    for (int i = 0; i < 3; ++i) {
        lab.wait_until_it_speaks();
        EXPECT_EQ(lab.expect(DhcpMessageType::request).view().xid(), xid);
    }
    lab.wait_until_it_speaks();
    EXPECT_NE(lab.expect(DhcpMessageType::discover).view().xid(), xid);
    EXPECT_GE(lab.now - first, seconds(56));
    EXPECT_LE(lab.now - first, seconds(64));
}

TEST(Rfc2131_4_4_1, the_lease_is_counted_from_the_original_request) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({});
    const Time first_request = lab.next().when;
    lab.wait_until_it_speaks();
    lab.expect(DhcpMessageType::request);  // again
    lab.server_says({.type = DhcpMessageType::ack, .lease_s = 100});
    EXPECT_EQ(lab.status().expires_at, first_request + seconds(100));
}

TEST(Rfc2131_4_4_1, xids_are_random) {
    std::set<std::uint32_t> xids;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        DhcpLab lab(nullptr, {}, seed);
        lab.start();
        xids.insert(lab.next().view().xid());
    }
    EXPECT_EQ(xids.size(), 50U);
}

TEST(Rfc2131_4_4_1, the_start_is_put_off_at_random_where_that_is_asked_for) {
    std::set<std::int64_t> delays_ms;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        DhcpLab lab(nullptr, {.start_delay_max = seconds(10)}, seed);
        lab.start();
        EXPECT_TRUE(lab.is_silent());
        const Duration waited = lab.wait_until_it_speaks();
        EXPECT_LE(waited, seconds(10));
        delays_ms.insert(waited.milliseconds());
    }
    EXPECT_GT(delays_ms.size(), 15U);
}

TEST(Rfc2131_4_1, the_broadcast_flag_is_set_until_there_is_an_address) {
    DhcpLab lab;
    lab.start();
    EXPECT_TRUE(lab.next().view().wants_broadcast());
    lab.server_says({});
    EXPECT_TRUE(lab.next().view().wants_broadcast());
    lab.server_says({.type = DhcpMessageType::ack, .lease_s = 120});
    lab.wait_until_it_speaks();
    EXPECT_FALSE(lab.expect(DhcpMessageType::request).view().wants_broadcast());
}

// ---- is the address free? ----

TEST(Rfc2131_4_4_1, the_address_is_checked_before_it_is_used) {
    FakeProber prober;
    DhcpLab lab(&prober);
    lab.bind();
    EXPECT_EQ(lab.state(), DhcpState::checking);
    EXPECT_FALSE(lab.has_address());
    ASSERT_EQ(prober.probed.size(), 1U);
    EXPECT_EQ(prober.probed[0], (Ipv4Prefix{offered_address, 24}));
    EXPECT_TRUE(lab.dhcp.on_address_free(0, lab.now));
    EXPECT_EQ(lab.state(), DhcpState::bound);
    EXPECT_TRUE(lab.has_address());
}

TEST(Rfc2131_3_1, an_address_in_use_is_declined_and_ten_seconds_pass) {
    FakeProber prober;
    DhcpLab lab(&prober);
    lab.bind();
    lab.dhcp.on_address_in_use(0, lab.now);
    lab.settle();
    const Said decline = lab.expect(DhcpMessageType::decline);
    EXPECT_EQ(decline.destination, everybody);
    EXPECT_EQ(decline.source, Ipv4Address{});
    EXPECT_EQ(decline.view().client_address(), Ipv4Address{});
    EXPECT_EQ(decline.view().seconds(), 0);
    EXPECT_FALSE(decline.view().wants_broadcast());
    EXPECT_EQ(decline.option(option::requested_address), octets_of(offered_address));
    EXPECT_EQ(decline.option(option::server_identifier), octets_of(server_address));
    EXPECT_FALSE(decline.option(option::message).empty());
    for (const auto code :
         {option::parameter_request_list, option::max_message_size, option::lease_time})
        EXPECT_FALSE(decline.has(code)) << int{code};
    EXPECT_EQ(lab.state(), DhcpState::init);
    EXPECT_EQ(lab.wait_until_it_speaks(), seconds(10));
    lab.expect(DhcpMessageType::discover);
}

TEST(Rfc2131_4_4_1, a_conflict_that_shows_later_is_declined_as_well) {
    DhcpLab lab;
    lab.bind();
    lab.dhcp.on_address_in_use(0, lab.now);
    lab.settle();
    EXPECT_EQ(lab.expect(DhcpMessageType::decline).option(option::requested_address),
              octets_of(offered_address));
    EXPECT_FALSE(lab.has_address());
    EXPECT_FALSE(lab.stack().ip().route({192, 0, 2, 9}));
}

TEST(Rfc2131_4_4_1, an_address_that_the_prober_has_claimed_already_goes_with_the_lease) {
    FakeProber prober;
    DhcpLab lab(&prober);
    lab.bind({.lease_s = 100});
    lab.stack().add_address(0, prober.probed.at(0));
    EXPECT_TRUE(lab.dhcp.on_address_free(0, lab.now));
    lab.pass(seconds(100));
    EXPECT_FALSE(lab.has_address());
}

TEST(Rfc2131_4_4_1, an_address_that_the_host_had_by_hand_stays) {
    DhcpLab lab;
    lab.stack().add_address(0, {offered_address, 24});
    lab.bind({.lease_s = 100});
    EXPECT_EQ(lab.state(), DhcpState::bound);
    lab.pass(seconds(100));
    EXPECT_TRUE(lab.has_address());
}

TEST(Rfc2131_4_4_1, a_check_that_never_ends_ends_with_the_lease) {
    FakeProber prober;
    DhcpLab lab(&prober);
    lab.bind({.lease_s = 100});
    lab.pass(seconds(101));
    lab.expect(DhcpMessageType::discover);
    EXPECT_FALSE(lab.has_address());
    EXPECT_FALSE(lab.dhcp.on_address_free(0, lab.now)) << "too late";
    EXPECT_FALSE(lab.has_address());
}

}  // namespace
}  // namespace berth::dhcp_test
