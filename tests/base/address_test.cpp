#include "berth/address.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace berth {
namespace {

constexpr Ipv4Address server(192, 0, 2, 2);

TEST(AddressText, OfEachType) {
    EXPECT_EQ(to_string(server), "192.0.2.2");
    EXPECT_EQ(to_string(Ipv4Address()), "0.0.0.0");
    EXPECT_EQ(to_string(Ipv4Address(0xffffffff)), "255.255.255.255");
    EXPECT_EQ(to_string(MacAddress{{0x02, 0, 0, 0xab, 0xcd, 0xef}}), "02:00:00:ab:cd:ef");
    EXPECT_EQ(to_string(Ipv4Prefix{server, 24}), "192.0.2.2/24");
    EXPECT_EQ(to_string(Endpoint{server, 80}), "192.0.2.2:80");
    EXPECT_EQ(to_string(FourTuple{{server, 80}, {Ipv4Address(192, 0, 2, 1), 40000}}),
              "192.0.2.2:80 <-> 192.0.2.1:40000");
    EXPECT_EQ(to_string(Protocol::icmp), "icmp");
    EXPECT_EQ(to_string(Protocol::tcp), "tcp");
    EXPECT_EQ(to_string(Protocol::udp), "udp");
    EXPECT_EQ(to_string(static_cast<Protocol>(89)), "protocol 89");
}

TEST(AddressText, GivesTheAddressBack) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 2000; ++i) {
        const Ipv4Address address(random.next_u32());
        const Ipv4Prefix prefix{address, static_cast<std::uint8_t>(random.below(33))};
        const Endpoint endpoint{address, static_cast<Port>(random.below(65536))};
        MacAddress mac;
        for (auto& octet : mac.octets)
            octet = static_cast<std::uint8_t>(random.below(256));
        EXPECT_EQ(parse_ipv4_address(to_string(address)), address);
        EXPECT_EQ(parse_ipv4_prefix(to_string(prefix)), prefix);
        EXPECT_EQ(parse_endpoint(to_string(endpoint)), endpoint);
        EXPECT_EQ(parse_mac_address(to_string(mac)), mac);
    }
    for (std::uint32_t port = 0; port < 65536; ++port) {
        ASSERT_EQ(parse_port(std::to_string(port)), static_cast<Port>(port));
    }
}

TEST(AddressText, APrefixWithoutLengthIsOneHost) {
    EXPECT_EQ(parse_ipv4_prefix("192.0.2.2"), (Ipv4Prefix{server, 32}));
    EXPECT_EQ(parse_ipv4_prefix("0.0.0.0/0"), (Ipv4Prefix{Ipv4Address(), 0}));
}

TEST(AddressText, RefusesWhatIsNotAnAddress) {
    for (const std::string_view text :
         {"",         "1",          "1.2.3",      "1.2.3.",    ".1.2.3",
          "1.2.3.4.", "1.2.3.4.5",  "1..2.3",     "256.0.0.1", "1.2.3.256",
          "01.2.3.4", "1.2.3.00",   "1.2.3.04",   " 1.2.3.4",  "1.2.3.4 ",
          "1.2.3.-4", "+1.2.3.4",   "0x1.2.3.4",  "1.2.3.a",   "99999999999.1.1.1",
          "1,2,3,4",  "3221225986", "1.2.3.4/24", "1.2.3.4:80"}) {
        EXPECT_FALSE(parse_ipv4_address(text)) << text;
    }
    EXPECT_FALSE(parse_ipv4_address(std::string_view("1.2.3.4\0", 8)));
}

TEST(AddressText, RefusesWhatIsNotAPrefix) {
    for (const std::string_view text :
         {"", "/", "/24", "192.0.2.0/", "192.0.2.0/33", "192.0.2.0/024", "192.0.2.0/-1",
          "192.0.2.0/24/24", "192.0.2/24", "192.0.2.0/24 ", "192.0.2.0:24"}) {
        EXPECT_FALSE(parse_ipv4_prefix(text)) << text;
    }
}

TEST(AddressText, RefusesWhatIsNotAnEndpointOrAPort) {
    for (const std::string_view text : {"", ":", ":80", "192.0.2.1", "192.0.2.1:", "192.0.2.1:080",
                                        "192.0.2.1:65536", "192.0.2.1: 80", "192.0.2.1:80:80",
                                        "192.0.2.1/24:80", "[192.0.2.1]:80", "localhost:80"}) {
        EXPECT_FALSE(parse_endpoint(text)) << text;
    }
    for (const std::string_view text :
         {"", "-1", "+1", "00", "01", "65536", "99999", "100000", "4294967376", "80 ", "http"}) {
        EXPECT_FALSE(parse_port(text)) << text;
    }
}

TEST(AddressText, RefusesWhatIsNotAMac) {
    for (const std::string_view text :
         {"", "02:00:00:00:00", "02:00:00:00:00:01:", "02:00:00:00:00:1", "2:00:00:00:00:001",
          "02-00-00-00-00-01", "02:00:00:00:00:0g", "02:00:00:00:00:0A", "020000000001",
          "02:00:00:00:00:01 ", ":02:00:00:00:00:1"}) {
        EXPECT_FALSE(parse_mac_address(text)) << text;
    }
}

TEST(Ipv4Address, KnowsItsKind) {
    EXPECT_TRUE(Ipv4Address(0, 0, 0, 0).is_unspecified());
    EXPECT_TRUE(Ipv4Address(0, 1, 2, 3).is_this_network());
    EXPECT_TRUE(Ipv4Address(127, 255, 0, 1).is_loopback());
    EXPECT_FALSE(Ipv4Address(128, 0, 0, 1).is_loopback());
    EXPECT_FALSE(Ipv4Address(223, 255, 255, 255).is_multicast());
    EXPECT_TRUE(Ipv4Address(224, 0, 0, 1).is_multicast());
    EXPECT_TRUE(Ipv4Address(239, 255, 255, 255).is_multicast());
    EXPECT_FALSE(Ipv4Address(240, 0, 0, 0).is_multicast());
    EXPECT_TRUE(Ipv4Address(240, 0, 0, 0).is_reserved());
    EXPECT_FALSE(Ipv4Address(255, 255, 255, 255).is_reserved());
    EXPECT_TRUE(Ipv4Address(255, 255, 255, 255).is_limited_broadcast());
}

TEST(Ipv4Prefix, HasANetworkABroadcastAddressAndMembers) {
    constexpr Ipv4Prefix prefix{server, 24};
    EXPECT_EQ(prefix.network(), Ipv4Address(192, 0, 2, 0));
    EXPECT_EQ(prefix.broadcast(), Ipv4Address(192, 0, 2, 255));
    EXPECT_TRUE(prefix.has_broadcast());
    EXPECT_TRUE(prefix.contains(Ipv4Address(192, 0, 2, 200)));
    EXPECT_FALSE(prefix.contains(Ipv4Address(192, 0, 3, 2)));
    EXPECT_TRUE((Ipv4Prefix{Ipv4Address(), 0}).contains(server));
    EXPECT_FALSE((Ipv4Prefix{server, 31}).has_broadcast());  // RFC 3021
    EXPECT_TRUE((Ipv4Prefix{server, 32}).contains(server));
    EXPECT_FALSE((Ipv4Prefix{server, 32}).contains(Ipv4Address(192, 0, 2, 3)));
}

TEST(PortRange, FollowsRfc6335) {
    EXPECT_EQ(port_range(0), PortRange::well_known);
    EXPECT_EQ(port_range(1023), PortRange::well_known);
    EXPECT_EQ(port_range(1024), PortRange::registered);
    EXPECT_EQ(port_range(49151), PortRange::registered);
    EXPECT_EQ(port_range(49152), PortRange::dynamic);
    EXPECT_EQ(port_range(65535), PortRange::dynamic);
}

}  // namespace
}  // namespace berth
