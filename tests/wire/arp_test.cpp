#include "wire/arp.hpp"

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

constexpr std::string_view request_hex =
    "0001 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202";
constexpr std::string_view reply_hex =
    "0001 0800 06 04 0002 020000000002 c0000202 020000000001 c0000201";
constexpr ArpPacket request{ArpOperation::request, client_mac, client, MacAddress{}, server};
constexpr ArpPacket reply{ArpOperation::reply, server_mac, server, client_mac, client};

TEST(Arp, GoldenBytes) {
    for (const auto& [hex, packet] : {std::pair{request_hex, request}, {reply_hex, reply}}) {
        const auto parsed = parse_arp(from_hex(hex));
        ASSERT_TRUE(parsed) << hex;
        EXPECT_EQ(*parsed, packet);
        Octets written(arp_packet_bytes, 0xee);
        write(packet, written);
        EXPECT_EQ(to_hex(written), to_hex(from_hex(hex)));
    }
}

TEST(Arp, ParsesWhatItWrites) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 2000; ++i) {
        const ArpPacket packet{random.chance(500'000) ? ArpOperation::request : ArpOperation::reply,
                               random_mac(random), Ipv4Address(random.next_u32()),
                               random_mac(random), Ipv4Address(random.next_u32())};
        Octets bytes = random_octets(random, arp_packet_bytes + random.below(20));  // and padding
        write(packet, bytes);
        const auto parsed = parse_arp(bytes);
        ASSERT_TRUE(parsed);
        ASSERT_EQ(*parsed, packet);
    }
}

TEST(Arp, CutShortIsTruncated) {
    for_each_truncation(from_hex(request_hex), [](const Octets& packet) {
        const auto parsed = parse_arp(packet);
        ASSERT_FALSE(parsed);
        EXPECT_EQ(parsed.error(), DropReason::arp_truncated);
    });
}

TEST(Arp, OtherHardwareProtocolsLengthsAndOperationsAreUnsupported) {
    for (const std::string_view hex :
         {"0006 0800 06 04 0001 020000000001 c0000201 000000000000 c0000202",
          "0001 86dd 06 04 0001 020000000001 c0000201 000000000000 c0000202",
          "0001 0800 08 04 0001 020000000001 c0000201 000000000000 c0000202",
          "0001 0800 06 10 0001 020000000001 c0000201 000000000000 c0000202",
          "0001 0800 06 04 0000 020000000001 c0000201 000000000000 c0000202",
          "0001 0800 06 04 0003 020000000001 c0000201 000000000000 c0000202",
          "0007 0800 01 04 0001 01 c0000201 00 c0000202"}) {  // its fields are shorter than ours
        const auto parsed = parse_arp(from_hex(hex));
        ASSERT_FALSE(parsed) << hex;
        EXPECT_EQ(parsed.error(), DropReason::arp_unsupported) << hex;
    }
}

// ARP has no checksum: what is not refused must at least not pass for the original.
TEST(Arp, AFlippedBitIsUnsupportedOrAnotherPacket) {
    for_each_bit_flip(from_hex(request_hex), [](const Octets& damaged, std::size_t byte, unsigned) {
        const auto parsed = parse_arp(damaged);
        if (byte < 8) {
            ASSERT_FALSE(parsed);
            EXPECT_EQ(parsed.error(), DropReason::arp_unsupported);
        } else {
            ASSERT_TRUE(parsed);
            EXPECT_NE(*parsed, request);
        }
    });
}

}  // namespace
}  // namespace berth::wire
