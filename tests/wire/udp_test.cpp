#include "wire/udp.hpp"

#include <array>

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

constexpr std::string_view hello_hex = "9c40 0007 000d 9bb6 68656c6c6f";
constexpr std::string_view empty_hex = "9c40 0007 0008 df92";
constexpr Endpoint from{client, 40000};
constexpr Endpoint to{server, 7};

Octets datagram_of(const Octets& payload) {
    Octets datagram(udp_header_bytes, 0xee);
    const Bytes slice = payload;
    write_udp(from, to, {&slice, 1}, datagram);
    datagram.insert(datagram.end(), payload.begin(), payload.end());
    return datagram;
}

DropReason reason_for(const Octets& segment, bool vouched = false) {
    const auto view = UdpView::parse(segment, client, server, vouched);
    return view ? DropReason::none : view.error();
}

TEST(Udp, GoldenBytes) {
    for (const auto& [hex, text] : {std::pair{hello_hex, "hello"}, {empty_hex, ""}}) {
        const Octets datagram = from_hex(hex);
        const auto view = UdpView::parse(datagram, client, server, false);
        ASSERT_TRUE(view) << hex;
        EXPECT_EQ(view->source_port(), 40000);
        EXPECT_EQ(view->destination_port(), 7);
        EXPECT_EQ(to_hex(view->payload()), to_hex(text_bytes(text)));
        EXPECT_EQ(to_hex(datagram_of(text_bytes(text))), to_hex(datagram));
    }
}

TEST(Udp, ParsesWhatItWritesFromAnySlices) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 5000; ++i) {
        const Endpoint source{Ipv4Address(random.next_u32()), random_u16(random)};
        const Endpoint destination{Ipv4Address(random.next_u32()), random_u16(random)};
        const std::array<Octets, 3> pieces = {random_octets(random, random.below(20)),
                                              random_octets(random, random.below(20)),
                                              random_octets(random, random.below(20))};
        const std::array<Bytes, 3> slices = {pieces[0], pieces[1], pieces[2]};
        Octets datagram(udp_header_bytes);
        write_udp(source, destination, slices, datagram);
        for (const Octets& piece : pieces) {
            datagram.insert(datagram.end(), piece.begin(), piece.end());
        }
        const std::size_t size = datagram.size();
        const Octets padding = random_octets(random, random.below(9));
        datagram.insert(datagram.end(), padding.begin(), padding.end());

        const auto view = UdpView::parse(datagram, source.address, destination.address, false);
        ASSERT_TRUE(view);
        ASSERT_EQ(view->source_port(), source.port);
        ASSERT_EQ(view->destination_port(), destination.port);
        ASSERT_EQ(view->payload().size(), size - udp_header_bytes);
        ASSERT_NE(load_be16(datagram, 6), 0) << "zero would say that there is no checksum";
    }
}

// RFC 768: a sum of zero is sent as all ones, and all ones is accepted as the zero that it stands
// for.
TEST(Udp, AChecksumOfZeroIsSentAsAllOnes) {
    Octets payload = from_hex("0000");
    const std::uint16_t checksum_over_zeros = load_be16(datagram_of(payload), 6);
    store_be16(payload, 0, checksum_over_zeros);
    const Octets datagram = datagram_of(payload);
    EXPECT_EQ(load_be16(datagram, 6), 0xffff);
    EXPECT_EQ(reason_for(datagram), DropReason::none);
}

TEST(Udp, NoChecksumIsAccepted) {
    Octets datagram = from_hex(hello_hex);
    store_be16(datagram, 6, 0);
    EXPECT_EQ(reason_for(datagram), DropReason::none);
}

TEST(Udp, AChecksumThatTheLinkVouchesForIsNotLookedAt) {
    Octets datagram = from_hex(hello_hex);
    store_be16(datagram, 6, 0x1234);
    EXPECT_EQ(reason_for(datagram, true), DropReason::none);
    EXPECT_EQ(reason_for(datagram, false), DropReason::udp_bad_checksum);
}

TEST(Udp, CutShortIsTruncatedOrHasABadLength) {
    for (const std::string_view hex : {hello_hex, empty_hex}) {
        for_each_truncation(from_hex(hex), [](const Octets& segment) {
            EXPECT_EQ(reason_for(segment), segment.size() < udp_header_bytes
                                               ? DropReason::udp_truncated
                                               : DropReason::udp_bad_length);
        });
    }
}

TEST(Udp, EveryLengthField) {
    const Octets whole = from_hex(hello_hex);
    for (unsigned length = 0; length < 0x10000; ++length) {
        Octets segment = whole;
        store_be16(segment, 4, static_cast<std::uint16_t>(length));
        const auto view = UdpView::parse(segment, client, server, true);
        if (length >= udp_header_bytes && length <= segment.size()) {
            ASSERT_TRUE(view);
            ASSERT_EQ(view->payload().size(), length - udp_header_bytes);
        } else {
            ASSERT_FALSE(view);
            ASSERT_EQ(view.error(), DropReason::udp_bad_length);
        }
    }
}

TEST(Udp, EveryFlippedBitIsFound) {
    for_each_bit_flip(from_hex(hello_hex), [](const Octets& damaged, std::size_t byte, unsigned) {
        const DropReason reason = reason_for(damaged);
        if (byte == 4 || byte == 5) {
            EXPECT_TRUE(reason == DropReason::udp_bad_length ||
                        reason == DropReason::udp_bad_checksum)
                << text_of(reason).name;
        } else {
            EXPECT_EQ(reason, DropReason::udp_bad_checksum);
        }
    });
}

// The pseudo-header: a datagram that was delivered to the wrong address is found out.
TEST(Udp, AnotherAddressIsABadChecksum) {
    const Octets datagram = from_hex(hello_hex);
    for (unsigned bit = 0; bit < 32; ++bit) {
        const Ipv4Address other(server.value ^ (1U << bit));
        const auto view = UdpView::parse(datagram, client, other, false);
        ASSERT_FALSE(view);
        EXPECT_EQ(view.error(), DropReason::udp_bad_checksum);
    }
}

}  // namespace
}  // namespace berth::wire
