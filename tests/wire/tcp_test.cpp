#include "wire/tcp.hpp"

#include <algorithm>
#include <array>

#include "wire/checksum.hpp"
#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

struct Golden {
    const char* what;
    std::string_view hex;
    TcpHeader header;
    std::string_view payload;
};

TcpHeader header_of(std::uint32_t seq, std::uint32_t ack, std::uint8_t flags,
                    std::uint16_t window) {
    TcpHeader header;
    header.source_port = 40000;
    header.destination_port = 80;
    header.seq = seq;
    header.ack = ack;
    header.flags = TcpFlags::from_byte(flags);
    header.window = window;
    return header;
}

constexpr std::uint8_t fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32, ece = 64, cwr = 128;

// From 192.0.2.1:40000 to 192.0.2.2:80; the checksums were made and checked by other programs.
std::vector<Golden> golden_segments() {
    std::vector<Golden> all;
    TcpHeader h = header_of(0x01020304, 0, syn, 64240);
    h.options.mss = 1460;
    h.options.sack_permitted = true;
    h.options.timestamps = TcpTimestamps{0x11223344, 0};
    h.options.window_scale = 7;
    all.push_back({"SYN with all the usual options",
                   "9c40 0050 01020304 00000000 a002 faf0 e40e 0000"
                   " 020405b4 0402080a 11223344 00000000 01030307",
                   h, ""});

    h.flags = TcpFlags::from_byte(syn | ece | cwr);
    h.options.timestamps.reset();
    all.push_back({"SYN that asks for ECN, without timestamps",
                   "9c40 0050 01020304 00000000 80c2 faf0 4ec6 0000"
                   " 020405b4 01010402 01030307",
                   h, ""});

    h = header_of(0xffffffff, 0x01020305, syn | ack, 65535);
    h.options.mss = 536;
    h.options.timestamps = TcpTimestamps{1, 0x11223344};
    all.push_back({"SYN-ACK without SACK",
                   "9c40 0050 ffffffff 01020305 9012 ffff f998 0000"
                   " 02040218 0101080a 00000001 11223344",
                   h, ""});

    h = header_of(0x01020305, 0xa0b0c0d0, psh | ack, 502);
    h.options.timestamps = TcpTimestamps{0x11223345, 0x55667788};
    all.push_back({"data",
                   "9c40 0050 01020305 a0b0c0d0 8018 01f6 08d3 0000"
                   " 0101080a 11223345 55667788 474554202f0d0a",
                   h, "GET /\r\n"});

    h = header_of(0x01020305, 1000, ack, 502);
    h.options.timestamps = TcpTimestamps{7, 8};
    h.options.sack_blocks = {{{2000, 3000}, {4000, 5000}, {6000, 7000}}};
    h.options.sack_block_count = 3;
    all.push_back({"ACK with three SACK blocks beside timestamps",
                   "9c40 0050 01020305 000003e8 f010 01f6 6c85 0000 0101080a 00000007 00000008"
                   " 0101051a 000007d0 00000bb8 00000fa0 00001388 00001770 00001b58",
                   h, ""});

    h.options.timestamps.reset();
    h.options.sack_blocks[3] = {0xffffff00, 0x10};
    h.options.sack_block_count = 4;
    all.push_back({"ACK with four SACK blocks",
                   "9c40 0050 01020305 000003e8 e010 01f6 868a 0000 01010522"
                   " 000007d0 00000bb8 00000fa0 00001388 00001770 00001b58 ffffff00 00000010",
                   h, ""});

    all.push_back({"RST", "9c40 0050 01020305 00000000 5004 0000 8b45 0000",
                   header_of(0x01020305, 0, rst, 0), ""});

    h = header_of(0x01020305, 9, fin | psh | ack | urg, 1);
    h.urgent_pointer = 2;
    all.push_back(
        {"FIN with urgent data", "9c40 0050 01020305 00000009 5039 0001 29a0 0002 6162", h, "ab"});
    return all;
}

Octets segment_of(const TcpHeader& header, const Octets& payload) {
    Octets segment(tcp_header_size(header.options), 0xee);
    const Bytes slice = payload;
    EXPECT_EQ(write_tcp(header, client, server, {&slice, 1}, segment), segment.size());
    segment.insert(segment.end(), payload.begin(), payload.end());
    return segment;
}

DropReason reason_for(const Octets& segment, bool vouched = false) {
    const auto view = TcpView::parse(segment, client, server, vouched);
    return view ? DropReason::none : view.error();
}

TEST(Tcp, GoldenBytes) {
    for (const Golden& golden : golden_segments()) {
        SCOPED_TRACE(golden.what);
        const Octets segment = from_hex(golden.hex);
        const auto view = TcpView::parse(segment, client, server, false);
        ASSERT_TRUE(view);
        EXPECT_EQ(view->header(), golden.header);
        EXPECT_EQ(to_hex(view->payload()), to_hex(text_bytes(golden.payload)));
        EXPECT_FALSE(view->options().malformed);
        EXPECT_EQ(to_hex(segment_of(golden.header, text_bytes(golden.payload))), to_hex(segment));
    }
}

TEST(Tcp, EveryAccessorReadsItsOwnField) {
    const Octets segment = from_hex("1234 5678 9abcdef0 0fedcba9 5055 8765 0000 4321");
    const auto view = TcpView::parse(segment, client, server, true);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->source_port(), 0x1234);
    EXPECT_EQ(view->destination_port(), 0x5678);
    EXPECT_EQ(view->seq(), 0x9abcdef0);
    EXPECT_EQ(view->ack(), 0x0fedcba9U);
    EXPECT_EQ(view->flags().to_byte(), 0x55);
    EXPECT_EQ(view->window(), 0x8765);
    EXPECT_EQ(view->urgent_pointer(), 0x4321);
    EXPECT_TRUE(view->payload().empty());
}

TEST(TcpFlags, AreOneBitEach) {
    EXPECT_EQ(TcpFlags{.fin = true}.to_byte(), fin);
    EXPECT_EQ(TcpFlags{.syn = true}.to_byte(), syn);
    EXPECT_EQ(TcpFlags{.rst = true}.to_byte(), rst);
    EXPECT_EQ(TcpFlags{.psh = true}.to_byte(), psh);
    EXPECT_EQ(TcpFlags{.ack = true}.to_byte(), ack);
    EXPECT_EQ(TcpFlags{.urg = true}.to_byte(), urg);
    EXPECT_EQ(TcpFlags{.ece = true}.to_byte(), ece);
    EXPECT_EQ(TcpFlags{.cwr = true}.to_byte(), cwr);
    for (unsigned byte = 0; byte < 256; ++byte) {
        EXPECT_EQ(TcpFlags::from_byte(static_cast<std::uint8_t>(byte)).to_byte(), byte);
    }
}

TcpHeader random_header(Random& random) {
    TcpHeader header;
    header.source_port = random_u16(random);
    header.destination_port = random_u16(random);
    header.seq = random.next_u32();
    header.ack = random.next_u32();
    header.flags = TcpFlags::from_byte(random_u8(random));
    header.window = random_u16(random);
    header.urgent_pointer = random_u16(random);
    TcpOptions& options = header.options;
    if (random.chance(500'000)) options.mss = random_u16(random);
    if (random.chance(500'000)) options.window_scale = random_u8(random);
    options.sack_permitted = random.chance(500'000);
    if (random.chance(500'000)) options.timestamps = {random.next_u32(), random.next_u32()};
    // As many blocks as fit beside the others: 40 bytes, four of them for the option itself.
    const std::size_t used = tcp_header_size(options) - tcp_header_bytes;
    const auto fit = static_cast<std::uint32_t>(std::min<std::size_t>((40 - used - 4) / 8, 4));
    options.sack_block_count = static_cast<std::uint8_t>(random.below(fit + 1));
    for (std::size_t i = 0; i < options.sack_block_count; ++i) {
        options.sack_blocks[i] = {random.next_u32(), random.next_u32()};
    }
    return header;
}

TEST(Tcp, ParsesWhatItWritesFromAnySlices) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 20'000; ++i) {
        const TcpHeader header = random_header(random);
        const Ipv4Address source(random.next_u32());
        const Ipv4Address destination(random.next_u32());
        const std::array<Octets, 3> pieces = {random_octets(random, random.below(20)),
                                              random_octets(random, random.below(20)),
                                              random_octets(random, random.below(20))};
        const std::array<Bytes, 3> slices = {pieces[0], pieces[1], pieces[2]};
        const std::size_t size = tcp_header_size(header.options);
        ASSERT_GE(size, tcp_header_bytes);
        ASSERT_LE(size, tcp_max_header_bytes);
        ASSERT_EQ(size % 4, 0U);
        Octets segment(size, 0xee);
        ASSERT_EQ(write_tcp(header, source, destination, slices, segment), size);
        for (const Octets& piece : pieces)
            segment.insert(segment.end(), piece.begin(), piece.end());

        const auto view = TcpView::parse(segment, source, destination, false);
        ASSERT_TRUE(view);
        ASSERT_EQ(view->header(), header) << to_hex(segment);
        ASSERT_EQ(view->payload().size(), segment.size() - size);
    }
}

TEST(Tcp, CutShortIsTruncatedOrHasABadOffsetOrChecksum) {
    for (const Golden& golden : golden_segments()) {
        SCOPED_TRACE(golden.what);
        const Octets whole = from_hex(golden.hex);
        const std::size_t header_size = tcp_header_size(golden.header.options);
        for_each_truncation(whole, [&](const Octets& segment) {
            const DropReason reason = reason_for(segment);
            EXPECT_EQ(reason, segment.size() < tcp_header_bytes ? DropReason::tcp_truncated
                              : segment.size() < header_size    ? DropReason::tcp_bad_offset
                                                                : DropReason::tcp_bad_checksum);
            EXPECT_EQ(reason_for(segment, true),
                      segment.size() < header_size ? reason : DropReason::none);
        });
    }
}

TEST(Tcp, EveryFlippedBitIsFound) {
    for (const Golden& golden : golden_segments()) {
        SCOPED_TRACE(golden.what);
        const Octets whole = from_hex(golden.hex);
        for_each_bit_flip(whole, [](const Octets& damaged, std::size_t byte, unsigned bit) {
            const DropReason reason = reason_for(damaged);
            if (byte == 12 && bit >= 4) {
                EXPECT_TRUE(reason == DropReason::tcp_bad_offset ||
                            reason == DropReason::tcp_bad_checksum)
                    << text_of(reason).name;
            } else {
                EXPECT_EQ(reason, DropReason::tcp_bad_checksum);
            }
            // Vouched for, the damage is taken at its word; it must only not lead out of bounds.
            const auto view = TcpView::parse(damaged, client, server, true);
            if (view) (void)view->header();
        });
    }
}

// The pseudo-header: a segment that was delivered to the wrong address is found out.
TEST(Tcp, AnotherAddressIsABadChecksum) {
    const Octets segment = from_hex(golden_segments().front().hex);
    for (unsigned bit = 0; bit < 32; ++bit) {
        const Ipv4Address other(client.value ^ (1U << bit));
        const auto view = TcpView::parse(segment, other, server, false);
        ASSERT_FALSE(view);
        EXPECT_EQ(view.error(), DropReason::tcp_bad_checksum);
    }
}

TEST(Tcp, EveryDataOffset) {
    Octets segment = segment_of(header_of(1, 2, ack, 3), Octets(24));  // 44 bytes
    for (unsigned offset = 0; offset < 16; ++offset) {
        segment[12] = static_cast<std::uint8_t>(offset << 4);
        const auto view = TcpView::parse(segment, client, server, true);
        if (offset >= 5 && offset <= 11) {
            ASSERT_TRUE(view) << offset;
            EXPECT_EQ(view->payload().size(), segment.size() - 4 * offset);
        } else {
            ASSERT_FALSE(view) << offset;
            EXPECT_EQ(view.error(), DropReason::tcp_bad_offset);
        }
    }
}

// RFC 9293 §3.1: the reserved bits are ignored on receipt.
TEST(Tcp, ReservedBitsAreIgnored) {
    const Golden golden = golden_segments().front();
    for (unsigned reserved = 0; reserved < 16; ++reserved) {
        Octets segment = from_hex(golden.hex);
        segment[12] = static_cast<std::uint8_t>(segment[12] | reserved);
        const auto view = TcpView::parse(segment, client, server, true);
        ASSERT_TRUE(view);
        EXPECT_EQ(view->header(), golden.header);
    }
}

TEST(Tcp, RandomBytesGiveAReasonOrAViewThatHolds) {
    Random random{Seed::from(2)};
    int parsed = 0;
    for (int i = 0; i < 100'000; ++i) {
        const Octets segment = random_octets(random, random.below(80));
        const auto view = TcpView::parse(segment, client, server, true);
        if (!view) {
            EXPECT_NE(view.error(), DropReason::none);
            continue;
        }
        ++parsed;
        EXPECT_LE(view->options().sack_block_count, 4);
        EXPECT_LE(view->payload().size() + tcp_header_bytes, segment.size());
        (void)view->header();
    }
    EXPECT_GT(parsed, 10'000);
}

}  // namespace
}  // namespace berth::wire
