// Options that stations on the way write into (RFC 791 §3.1).
#include <gtest/gtest.h>

#include <vector>

#include "harness/packets.hpp"
#include "ip/options.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;
constexpr Ipv4Address own{198, 51, 100, 2};
constexpr Time now{5'000'000'000};

Octets packet_with(Octets options) {
    options.resize((options.size() + 3) / 4 * 4);
    Octets packet = harness::ipv4_packet({192, 0, 2, 1}, {203, 0, 113, 1}, 17, Octets(8));
    packet.insert(packet.begin() + 20, options.begin(), options.end());
    packet[0] = static_cast<std::uint8_t>(0x40 | (20 + options.size()) / 4);
    return packet;
}
// The options after the passage.
Octets passed(const Octets& options) {
    Octets packet = packet_with(options);
    EXPECT_FALSE(ip::record_passage(packet, own, now));
    return {packet.begin() + 20, packet.begin() + 20 + static_cast<int>(options.size())};
}
int fault_of(const Octets& options) {
    Octets packet = packet_with(options);
    const auto fault = ip::record_passage(packet, own, now);
    return fault ? *fault : -1;
}

TEST(Rfc791_3_1_RecordRoute, OurAddressIsEnteredAndThePointerMoves) {
    EXPECT_EQ(passed({7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0}),
              (Octets{7, 11, 8, 198, 51, 100, 2, 0, 0, 0, 0}));
    EXPECT_EQ(passed({7, 11, 8, 1, 2, 3, 4, 0, 0, 0, 0}),
              (Octets{7, 11, 12, 1, 2, 3, 4, 198, 51, 100, 2}));
}

TEST(Rfc791_3_1_RecordRoute, AFullListPassesUnchanged) {
    EXPECT_EQ(passed({7, 7, 8, 1, 2, 3, 4}), (Octets{7, 7, 8, 1, 2, 3, 4}));
}

TEST(Rfc791_3_1_RecordRoute, APointerIntoTheMiddleOfAnEntryIsAnError) {
    EXPECT_EQ(fault_of({7, 7, 6, 0, 0, 0, 0}), 22);
    EXPECT_EQ(fault_of({1, 7, 7, 3, 0, 0, 0, 0}), 23);
    EXPECT_EQ(fault_of({7, 2, 1, 1}), 22) << "no room even for the pointer";
}

TEST(Rfc791_3_1_Timestamp, TimeAlone) {
    // 5,000 ms of the stack's own epoch: the high bit says that it is not universal time.
    EXPECT_EQ(passed({68, 8, 5, 0x00, 0, 0, 0, 0}), (Octets{68, 8, 9, 0x00, 0x80, 0, 0x13, 0x88}));
}

TEST(Rfc791_3_1_Timestamp, WithOurAddress) {
    EXPECT_EQ(passed({68, 12, 5, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}),
              (Octets{68, 12, 13, 0x01, 198, 51, 100, 2, 0x80, 0, 0x13, 0x88}));
}

TEST(Rfc791_3_1_Timestamp, OnlyWhoWasNamedEntersIt) {
    const Octets others{68, 12, 5, 0x03, 1, 2, 3, 4, 0, 0, 0, 0};
    EXPECT_EQ(passed(others), others);
    EXPECT_EQ(passed({68, 12, 5, 0x03, 198, 51, 100, 2, 0, 0, 0, 0}),
              (Octets{68, 12, 13, 0x03, 198, 51, 100, 2, 0x80, 0, 0x13, 0x88}));
}

TEST(Rfc791_3_1_Timestamp, WhoFindsNoRoomIsCounted) {
    EXPECT_EQ(passed({68, 8, 9, 0x00, 1, 2, 3, 4}), (Octets{68, 8, 9, 0x10, 1, 2, 3, 4}));
    EXPECT_EQ(fault_of({68, 8, 9, 0xf0, 1, 2, 3, 4}), 22) << "the count itself overflows";
    EXPECT_EQ(fault_of({68, 8, 7, 0x00, 1, 2, 3, 4}), 22);
}

}  // namespace
}  // namespace berth
