// Redirects (RFC 1122 §3.2.2.2): ignored unless asked for, and then believed only from the first
// hop in use.
#include <gtest/gtest.h>

#include <vector>

#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address gateway_ip{192, 0, 2, 1};
constexpr Ipv4Address better_ip{192, 0, 2, 3};
constexpr Ipv4Address far_ip{203, 0, 113, 9};

class RedirectTest : public testing::Test {
  protected:
    harness::LowerLayers host{{.accept_redirects = true}};

    RedirectTest() { set_up(host); }
    static void set_up(harness::LowerLayers& host) {
        for (int i = 0; i < 2; ++i)
            host.add_interface(link::LinkKind::raw_ip);
        host.ip.add_address(0, {our_ip, 24});
        host.ip.add_address(1, {{198, 51, 100, 2}, 24});
        host.ip.routes().add({{{}, 0}, gateway_ip, 0, 0});
    }
    static Octets redirect(Ipv4Address from, Ipv4Address better, Ipv4Address about = far_ip,
                           std::uint8_t code = 1) {
        const Octets ours = harness::udp_packet({our_ip, 1000}, {about, 2000}, Octets(8));
        return harness::icmp_packet(from, our_ip, {wire::IcmpType::redirect, code, better.value},
                                    ours);
    }
    DropReason refusal(const Octets& packet, link::InterfaceIndex index = 0) {
        const Fate fate = host.feed(packet, index);
        return fate.kind == FateKind::dropped ? fate.reason : DropReason::none;
    }
    Ipv4Address first_hop(Ipv4Address to = far_ip) { return host.ip.route(to)->next_hop; }
};

TEST_F(RedirectTest, Rfc1122_3_2_2_2_TheNewFirstHopIsUsedForThatDestination) {
    EXPECT_EQ(first_hop(), gateway_ip);
    EXPECT_EQ(refusal(redirect(gateway_ip, better_ip)), DropReason::none);
    EXPECT_EQ(first_hop(), better_ip);
    EXPECT_EQ(first_hop({203, 0, 113, 10}), gateway_ip) << "and for no other";
}

TEST_F(RedirectTest, Rfc1122_3_2_2_2_NetworkRedirectsCountForTheHostOnly) {
    for (const std::uint8_t code : {std::uint8_t{0}, std::uint8_t{2}, std::uint8_t{3}}) {
        host.ip.redirects().forget(far_ip);
        EXPECT_EQ(refusal(redirect(gateway_ip, better_ip, far_ip, code)), DropReason::none);
        EXPECT_EQ(first_hop(), better_ip);
        EXPECT_EQ(first_hop({203, 0, 113, 10}), gateway_ip);
    }
}

TEST_F(RedirectTest, Rfc1122_3_2_2_2_OnlyFromTheFirstHopInUse) {
    EXPECT_EQ(refusal(redirect({192, 0, 2, 9}, better_ip)), DropReason::icmp_redirect_refused);
    EXPECT_EQ(refusal(redirect(gateway_ip, better_ip), 1), DropReason::icmp_redirect_refused)
        << "by another interface";
    EXPECT_EQ(refusal(redirect(gateway_ip, better_ip)), DropReason::none);
    EXPECT_EQ(refusal(redirect(gateway_ip, {192, 0, 2, 4})), DropReason::icmp_redirect_refused)
        << "it is not in use any more";
    EXPECT_EQ(refusal(redirect(better_ip, {192, 0, 2, 4})), DropReason::none);
    EXPECT_EQ(first_hop(), Ipv4Address(192, 0, 2, 4));
}

TEST_F(RedirectTest, Rfc1122_3_2_2_2_OnlyToAHostOnThatNetwork) {
    for (const Ipv4Address bad :
         {Ipv4Address(198, 51, 100, 9), Ipv4Address(203, 0, 113, 1), Ipv4Address(192, 0, 2, 255),
          Ipv4Address(224, 0, 0, 5), Ipv4Address(0, 0, 0, 0), Ipv4Address(127, 0, 0, 1),
          Ipv4Address(255, 255, 255, 255), our_ip, gateway_ip}) {
        EXPECT_EQ(refusal(redirect(gateway_ip, bad)), DropReason::icmp_redirect_refused)
            << to_string(bad);
    }
    EXPECT_EQ(first_hop(), gateway_ip);
    EXPECT_EQ(host.ip.redirects().size(), 0u);
}

TEST_F(RedirectTest, NotAboutNeighboursNorOurselves) {
    EXPECT_EQ(refusal(redirect({192, 0, 2, 9}, better_ip, {192, 0, 2, 9})),
              DropReason::icmp_redirect_refused);
    EXPECT_EQ(refusal(redirect(gateway_ip, better_ip, our_ip)), DropReason::icmp_redirect_refused);
}

TEST_F(RedirectTest, ItsQuoteIsOurs) {
    const Octets others = harness::udp_packet({{192, 0, 2, 7}, 1}, {far_ip, 2}, Octets(8));
    EXPECT_EQ(refusal(harness::icmp_packet(gateway_ip, our_ip,
                                           {wire::IcmpType::redirect, 1, better_ip.value}, others)),
              DropReason::icmp_error_bad_quote);
}

TEST_F(RedirectTest, Rfc1122_3_2_2_2_IgnoredByDefault) {
    harness::LowerLayers plain;
    set_up(plain);
    EXPECT_EQ(plain.feed(redirect(gateway_ip, better_ip)).reason, DropReason::icmp_error_ignored);
    EXPECT_EQ(plain.ip.route(far_ip)->next_hop, gateway_ip);
}

TEST_F(RedirectTest, ARouterHasRoutesOfItsOwn) {
    harness::LowerLayers router({.forward = true, .accept_redirects = true});
    set_up(router);
    EXPECT_EQ(router.feed(redirect(gateway_ip, better_ip)).reason,
              DropReason::icmp_redirect_refused);
}

TEST_F(RedirectTest, WhatIsLearnedIsForgotten) {
    EXPECT_EQ(refusal(redirect(gateway_ip, better_ip)), DropReason::none);
    const Time end = host.now + ip::RedirectCache::lifetime;
    EXPECT_EQ(host.ip.next_deadline(), end);
    host.ip.advance(end - nanoseconds(1));
    EXPECT_EQ(first_hop(), better_ip);
    host.ip.advance(end);
    EXPECT_EQ(first_hop(), gateway_ip);
    EXPECT_TRUE(host.ip.next_deadline().is_never());
}

TEST_F(RedirectTest, TheCacheIsBounded) {
    constexpr std::uint32_t many = 2 * ip::RedirectCache::limit_entries;
    for (std::uint32_t i = 0; i < many; ++i) {
        host.now = host.now + milliseconds(1);
        const Ipv4Address about(Ipv4Address(198, 18, 0, 1).value + i);
        EXPECT_EQ(refusal(redirect(gateway_ip, better_ip, about)), DropReason::none);
        EXPECT_LE(host.ip.redirects().size(), ip::RedirectCache::limit_entries);
    }
    EXPECT_EQ(first_hop({198, 18, 0, 1}), gateway_ip) << "the oldest went";
    EXPECT_EQ(first_hop(Ipv4Address(Ipv4Address(198, 18, 0, 1).value + many - 1)), better_ip);
}

}  // namespace
}  // namespace berth
