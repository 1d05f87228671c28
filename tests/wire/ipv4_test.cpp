#include "wire/ipv4.hpp"

#include "wire/checksum.hpp"
#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

// A UDP datagram of 13 bytes from 192.0.2.1 to 192.0.2.2.
constexpr std::string_view plain_hex =
    "45 b9 0021 1c46 4000 ff 11 dac8 c0000201 c0000202 9c40 0007 000d 9bb6 68656c6c6f";
// The last fragment but one of something; options: NOP, router alert, loose source route.
constexpr std::string_view options_hex =
    "48 00 0029 ffff 2003 40 11 049f c0000201 c0000202 01 94040000 830704c0000203"
    " 9c40 0007 0009 6790 78";

Ipv4Header plain_header() {
    Ipv4Header header;
    header.dscp = 0x2e;
    header.ecn = 1;
    header.total_length = 33;
    header.identification = 0x1c46;
    header.dont_fragment = true;
    header.ttl = 255;
    header.protocol = 17;
    header.source = client;
    header.destination = server;
    return header;
}

// `packet` with its header checksum made right, whatever the header says.
Octets with_checksum(Octets packet) {
    const std::size_t header_size = std::size_t{4} * (packet[0] & 0x0fU);
    store_be16(packet, 10, 0);
    store_be16(packet, 10, checksum_of(Bytes(packet).first(header_size)));
    return packet;
}

// A packet whose header is made of 20 bytes and `options`, a multiple of four bytes.
Octets packet_with_options(const Octets& options) {
    Octets packet(ipv4_header_bytes);
    Ipv4Header header = plain_header();
    header.total_length = static_cast<std::uint16_t>(ipv4_header_bytes + options.size());
    write(header, packet);
    packet.insert(packet.end(), options.begin(), options.end());
    packet[0] = static_cast<std::uint8_t>(0x40 | (ipv4_header_bytes + options.size()) / 4);
    return with_checksum(std::move(packet));
}

DropReason reason_for(const Octets& packet) {
    const auto view = Ipv4View::parse(packet);
    return view ? DropReason::none : view.error();
}

TEST(Ipv4, GoldenBytes) {
    const Octets packet = from_hex(plain_hex);
    const auto view = Ipv4View::parse(packet);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->header(), plain_header());
    EXPECT_EQ(view->source(), client);
    EXPECT_EQ(view->destination(), server);
    EXPECT_EQ(view->protocol(), 17);
    EXPECT_EQ(view->ttl(), 255);
    EXPECT_EQ(view->ecn(), 1);
    EXPECT_FALSE(view->is_fragment());
    EXPECT_FALSE(view->has_source_route());
    EXPECT_TRUE(view->options().empty());
    EXPECT_EQ(to_hex(view->payload()), "9c400007000d9bb668656c6c6f");

    Octets written(ipv4_header_bytes, 0xee);
    write(plain_header(), written);
    EXPECT_EQ(to_hex(written), to_hex(Bytes(packet).first(ipv4_header_bytes)));
}

TEST(Ipv4, GoldenBytesWithOptionsInAFragment) {
    const Octets packet = from_hex(options_hex);
    const auto view = Ipv4View::parse(packet);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->is_fragment());
    EXPECT_TRUE(view->has_source_route());
    EXPECT_EQ(view->header_bytes(), 32U);
    EXPECT_EQ(to_hex(view->options()), "0194040000830704c0000203");
    EXPECT_EQ(to_hex(view->payload()), "9c4000070009679078");
    const Ipv4Header header = view->header();
    EXPECT_TRUE(header.more_fragments);
    EXPECT_FALSE(header.dont_fragment);
    EXPECT_EQ(header.fragment_offset_bytes, 24);
    EXPECT_EQ(header.identification, 0xffff);
}

TEST(Ipv4, ParsesWhatItWrites) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 5000; ++i) {
        const std::size_t payload = random.below(64);
        Ipv4Header header;
        header.dscp = static_cast<std::uint8_t>(random.below(64));
        header.ecn = static_cast<std::uint8_t>(random.below(4));
        header.total_length = static_cast<std::uint16_t>(ipv4_header_bytes + payload);
        header.identification = random_u16(random);
        header.dont_fragment = random.chance(500'000);
        header.more_fragments = random.chance(500'000);
        header.fragment_offset_bytes = static_cast<std::uint16_t>(random.below(0x2000) * 8);
        header.ttl = random_u8(random);
        header.protocol = random_u8(random);
        header.source = Ipv4Address(random.next_u32());
        header.destination = Ipv4Address(random.next_u32());
        Octets packet = random_octets(random, ipv4_header_bytes + payload + random.below(9));
        write(header, packet);
        const auto view = Ipv4View::parse(packet);
        ASSERT_TRUE(view);
        ASSERT_EQ(view->header(), header);
        ASSERT_EQ(view->payload().size(), payload) << "link padding is cut off";
        ASSERT_EQ(view->packet().size(), header.total_length);
        ASSERT_EQ(view->is_fragment(), header.more_fragments || header.fragment_offset_bytes != 0);
    }
}

TEST(Ipv4, CutShortIsTruncatedOrHasABadLength) {
    for (const std::string_view hex : {plain_hex, options_hex}) {
        const Octets whole = from_hex(hex);
        const std::size_t header_size = std::size_t{4} * (whole[0] & 0x0fU);
        for_each_truncation(whole, [&](const Octets& packet) {
            EXPECT_EQ(reason_for(packet),
                      packet.size() < ipv4_header_bytes ? DropReason::ip_truncated
                      : packet.size() < header_size     ? DropReason::ip_bad_header_length
                                                        : DropReason::ip_bad_total_length);
        });
    }
}

// Every bit of the header is covered by its checksum; the fields that say where things are may be
// found wrong before it.
TEST(Ipv4, AFlippedBitInTheHeaderIsFound) {
    for (const std::string_view hex : {plain_hex, options_hex}) {
        const Octets whole = from_hex(hex);
        const std::size_t header_size = std::size_t{4} * (whole[0] & 0x0fU);
        for_each_bit_flip(whole, [&](const Octets& damaged, std::size_t byte, unsigned bit) {
            const DropReason reason = reason_for(damaged);
            if (byte >= header_size) {
                EXPECT_EQ(reason, DropReason::none) << "the payload is not IP's to check";
            } else if (byte == 0 && bit >= 4) {
                EXPECT_EQ(reason, DropReason::ip_bad_version);
            } else if (byte == 0) {
                EXPECT_TRUE(reason == DropReason::ip_bad_header_length ||
                            reason == DropReason::ip_bad_total_length ||
                            reason == DropReason::ip_bad_checksum)
                    << text_of(reason).name;
            } else if (byte == 2 || byte == 3) {
                EXPECT_TRUE(reason == DropReason::ip_bad_total_length ||
                            reason == DropReason::ip_bad_checksum)
                    << text_of(reason).name;
            } else {
                EXPECT_EQ(reason, DropReason::ip_bad_checksum);
            }
        });
    }
}

TEST(Ipv4, EveryVersionAndHeaderLength) {
    const Octets whole = from_hex(plain_hex);  // 33 bytes
    for (unsigned first = 0; first < 256; ++first) {
        Octets packet = whole;
        packet[0] = static_cast<std::uint8_t>(first);
        const std::size_t header_size = std::size_t{4} * (first & 0x0f);
        if (first >> 4 == 4 && header_size >= 20 && header_size <= packet.size()) {
            packet = with_checksum(packet);
            const auto view = Ipv4View::parse(packet);
            ASSERT_TRUE(view || view.error() == DropReason::ip_bad_option) << first;
            if (view) {
                EXPECT_EQ(view->payload().size(), packet.size() - header_size);
            }
        } else {
            EXPECT_EQ(reason_for(packet), first >> 4 != 4 ? DropReason::ip_bad_version
                                                          : DropReason::ip_bad_header_length);
        }
    }
}

TEST(Ipv4, EveryTotalLength) {
    const Octets whole = from_hex(plain_hex);
    for (unsigned length = 0; length < 0x10000; ++length) {
        Octets packet = whole;
        store_be16(packet, 2, static_cast<std::uint16_t>(length));
        packet = with_checksum(packet);
        const auto view = Ipv4View::parse(packet);
        if (length >= ipv4_header_bytes && length <= packet.size()) {
            ASSERT_TRUE(view);
            ASSERT_EQ(view->packet().size(), length);
        } else {
            ASSERT_FALSE(view) << length;
            ASSERT_EQ(view.error(), DropReason::ip_bad_total_length) << length;
        }
    }
}

// One option of every kind and every length in every size of list, then the end of the list.
TEST(Ipv4, EveryOptionKindAndLength) {
    for (std::size_t size = 4; size <= 40; size += 4) {
        for (unsigned kind = 0; kind < 256; ++kind) {
            for (unsigned length = 0; length < 256; ++length) {
                Octets options(size);
                options[0] = static_cast<std::uint8_t>(kind);
                options[1] = static_cast<std::uint8_t>(length);
                const auto view = Ipv4View::parse(packet_with_options(options));
                // After a NOP the second byte is a kind of its own, of length zero unless it is
                // short.
                const bool fits = kind == 0 || (kind == 1 && length < 2) ||
                                  (kind > 1 && length >= 2 && length <= size);
                ASSERT_EQ(view.has_value(), fits) << kind << ", " << length << " of " << size;
                if (!fits) {
                    ASSERT_EQ(view.error(), DropReason::ip_bad_option);
                }
            }
        }
    }
}

TEST(Ipv4, AnOptionThatIsOnlyAKindDoesNotFit) {
    EXPECT_EQ(reason_for(packet_with_options(from_hex("01010194"))), DropReason::ip_bad_option);
}

TEST(Ipv4, SourceRoutesAreSeenWhereverTheyStand) {
    const auto has_source_route = [](std::string_view options) {
        const Octets packet = packet_with_options(from_hex(options));
        const auto view = Ipv4View::parse(packet);
        EXPECT_TRUE(view) << options;
        return view && view->has_source_route();
    };
    EXPECT_TRUE(has_source_route("830304 00"));
    EXPECT_TRUE(has_source_route("890304 00"));
    EXPECT_TRUE(has_source_route("01 890304"));
    EXPECT_TRUE(has_source_route("94040000 830304 01"));
    EXPECT_FALSE(has_source_route("94040000"));
    EXPECT_FALSE(has_source_route("00 830304"));  // behind the end of the list
    EXPECT_FALSE(has_source_route("07048304"));   // inside a record route
}

TEST(Ipv4, RandomBytesGiveAReasonOrAViewThatHolds) {
    Random random{Seed::from(2)};
    int parsed = 0;
    for (int i = 0; i < 50'000; ++i) {
        Octets packet = random_octets(random, random.below(90));
        if (packet.size() >= ipv4_header_bytes) {
            packet[0] = static_cast<std::uint8_t>(0x40 | random.below(16));
            store_be16(packet, 2, static_cast<std::uint16_t>(random.below(100)));
            const std::size_t header_size = std::size_t{4} * (packet[0] & 0x0fU);
            if (header_size >= 20 && header_size <= packet.size()) packet = with_checksum(packet);
        }
        const auto view = Ipv4View::parse(packet);
        if (!view) {
            EXPECT_NE(view.error(), DropReason::none);
            continue;
        }
        ++parsed;
        EXPECT_EQ(view->header_bytes() + view->payload().size(), view->packet().size());
        EXPECT_EQ(view->header().total_length, view->packet().size());
        EXPECT_LE(view->packet().size(), packet.size());
        (void)view->has_source_route();
    }
    EXPECT_GT(parsed, 500);
}

}  // namespace
}  // namespace berth::wire
