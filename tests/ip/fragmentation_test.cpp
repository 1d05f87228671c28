// Cutting datagrams (RFC 791 §3.2).
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "harness/packets.hpp"
#include "ip/fragmentation.hpp"
#include "wire/checksum.hpp"

namespace berth {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets datagram(std::size_t payload_bytes, const Octets& options = {}) {
    Octets payload(payload_bytes);
    std::iota(payload.begin(), payload.end(), std::uint8_t{0});
    Octets packet = harness::ipv4_packet({192, 0, 2, 1}, {192, 0, 2, 2}, 17, payload);
    packet.insert(packet.begin() + 20, options.begin(), options.end());
    packet[0] = static_cast<std::uint8_t>(0x40 | (20 + options.size()) / 4);
    store_be16(packet, 2, static_cast<std::uint16_t>(packet.size()));
    store_be16(packet, 10, 0);
    store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(20 + options.size())));
    return packet;
}

std::vector<Octets> cut(const Octets& packet, std::size_t mtu) {
    std::vector<Octets> pieces;
    ip::Fragmenter fragmenter(packet, mtu);
    const std::size_t promised = fragmenter.count();
    while (const auto piece = fragmenter.next()) {
        Octets bytes(piece->header.begin(), piece->header.end());
        bytes.insert(bytes.end(), piece->payload.begin(), piece->payload.end());
        pieces.push_back(std::move(bytes));
    }
    EXPECT_EQ(pieces.size(), promised);
    return pieces;
}

// The pieces' payloads in a row, each at the offset that it claims.
Octets together(const std::vector<Octets>& pieces, bool more_after_last = false,
                std::size_t first_offset = 0) {
    Octets payload;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        const auto view = wire::Ipv4View::parse(pieces[i]);
        EXPECT_TRUE(view) << i;
        if (!view) return {};
        const wire::Ipv4Header header = view->header();
        EXPECT_EQ(header.fragment_offset_bytes, first_offset + payload.size());
        EXPECT_EQ(header.more_fragments, i + 1 < pieces.size() || more_after_last);
        if (header.more_fragments && !more_after_last) {
            EXPECT_EQ(view->payload().size() % 8, 0u);
        }
        payload.insert(payload.end(), view->payload().begin(), view->payload().end());
    }
    return payload;
}

TEST(Rfc791_3_2_Fragmentation, EverySizeAtEveryMtuComesTogetherAgain) {
    for (const std::size_t mtu : {68U, 69U, 75U, 76U, 552U, 576U, 1500U}) {
        for (const std::size_t size : {1U, 8U, 47U, 48U, 49U, 55U, 56U, 57U, 500U, 2000U, 4001U}) {
            const Octets packet = datagram(size);
            const std::vector<Octets> pieces = cut(packet, mtu);
            for (const Octets& piece : pieces)
                EXPECT_LE(piece.size(), mtu);
            EXPECT_EQ(together(pieces), Octets(packet.begin() + 20, packet.end()))
                << size << " at " << mtu;
        }
    }
}

TEST(Rfc791_3_2_Fragmentation, TheLargestDatagram) {
    const Octets packet = datagram(65'515);
    const std::vector<Octets> pieces = cut(packet, 1500);
    EXPECT_EQ(pieces.size(), 45u);
    EXPECT_EQ(together(pieces).size(), 65'515u);
}

TEST(Rfc791_3_1_Options, OnlyThoseWithTheCopiedBitAreInEveryPiece) {
    // Record route (7) is not copied; router alert (148) and security (130) are.
    Octets options{1, 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 130, 3, 9, 0};
    const std::vector<Octets> pieces = cut(datagram(300, options), 100);
    ASSERT_GT(pieces.size(), 2u);
    const auto first = wire::Ipv4View::parse(pieces[0]);
    EXPECT_EQ(Octets(first->options().begin(), first->options().end()), options);
    for (std::size_t i = 1; i < pieces.size(); ++i) {
        const auto later = wire::Ipv4View::parse(pieces[i]);
        EXPECT_EQ(Octets(later->options().begin(), later->options().end()),
                  (Octets{148, 4, 0, 0, 130, 3, 9, 0}));
    }
    EXPECT_EQ(together(pieces).size(), 300u);
}

TEST(Rfc791_3_2_Fragmentation, APieceIsCutAgain) {
    const std::vector<Octets> large = cut(datagram(4000), 1500);
    ASSERT_EQ(large.size(), 3u);
    const std::vector<Octets> middle = cut(large[1], 600);
    EXPECT_EQ(together(middle, true, 1480).size(), 1480u);
    const std::vector<Octets> last = cut(large[2], 600);
    EXPECT_EQ(together(last, false, 2960).size(), 1040u);
}

}  // namespace
}  // namespace berth
