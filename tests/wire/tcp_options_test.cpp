#include "wire/tcp_options.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

TcpOptions parse(std::string_view hex) {
    return parse_tcp_options(from_hex(hex));
}

std::string written(const TcpOptions& options) {
    Octets list(tcp_options_size(options), 0xee);
    EXPECT_EQ(write_tcp_options(options, list), list.size());
    return to_hex(list);
}

TcpOptions malformed(TcpOptions options = {}) {
    options.malformed = true;
    return options;
}

// What one option of this kind and length says, with zeros for its value.
TcpOptions meaning_of(unsigned kind, unsigned length) {
    TcpOptions options;
    if (kind == 2 && length == 4) options.mss = 0;
    if (kind == 3 && length == 3) options.window_scale = 0;
    if (kind == 4 && length == 2) options.sack_permitted = true;
    if (kind == 5 && length >= 10 && length <= 34 && (length - 2) % 8 == 0) {
        options.sack_block_count = static_cast<std::uint8_t>((length - 2) / 8);
    }
    if (kind == 8 && length == 10) options.timestamps = TcpTimestamps{};
    if (kind == 34 && (length == 2 || (length >= 6 && length <= 18 && length % 2 == 0))) {
        options.fast_open.emplace();
        options.fast_open->size = static_cast<std::uint8_t>(length - 2);
    }
    return options;
}

// RFC 7413 §4.1.1 with erratum 4238.
TEST(TcpOptions, AFastOpenCookieOfEverySizeComesBack) {
    for (std::uint8_t size = 0; size <= 16; size = static_cast<std::uint8_t>(size + 2)) {
        if (size == 2) continue;
        TcpOptions options;
        options.mss = 1460;
        options.sack_permitted = true;
        options.timestamps = TcpTimestamps{1, 0};
        options.window_scale = 7;
        options.fast_open.emplace();
        options.fast_open->size = size;
        for (std::uint8_t i = 0; i < size; ++i)
            options.fast_open->bytes[i] = static_cast<std::uint8_t>(0xa0 + i);
        ASSERT_LE(tcp_options_size(options), 40U);
        Octets list(tcp_options_size(options), 0xee);
        ASSERT_EQ(write_tcp_options(options, list), list.size());
        EXPECT_EQ(parse_tcp_options(list), options) << unsigned{size};
    }
}

// Behind the window scale, filled up with NOPs, as Linux writes it.
TEST(TcpOptions, AFastOpenCookieIsTheLastOption) {
    TcpOptions options;
    options.mss = 1460;
    options.window_scale = 7;
    options.fast_open.emplace();
    EXPECT_EQ(written(options), "020405b40103030722020101");
    options.fast_open->size = 8;
    options.fast_open->bytes = {1, 2, 3, 4, 5, 6, 7, 8};
    EXPECT_EQ(written(options), "020405b401030307220a01020304050607080101");
}

// RFC 9293 §3.1 MUST-5, MUST-6, MUST-7.
TEST(TcpOptions, EveryKindAndLengthInEveryListSize) {
    for (std::size_t size = 2; size <= 40; ++size) {
        for (unsigned kind = 2; kind < 256; ++kind) {
            for (unsigned length = 0; length < 256; ++length) {
                Octets list(size);  // zeros behind the option: the end of the list
                list[0] = static_cast<std::uint8_t>(kind);
                list[1] = static_cast<std::uint8_t>(length);
                const TcpOptions expected =
                    length < 2 || length > size ? malformed() : meaning_of(kind, length);
                ASSERT_EQ(parse_tcp_options(list), expected)
                    << "kind " << kind << ", length " << length << " in " << size << " bytes";
            }
        }
    }
}

TEST(TcpOptions, AKindWithoutALengthEndsTheList) {
    for (unsigned kind = 0; kind < 256; ++kind) {
        const Octets list = {1, 1, 4, 2, static_cast<std::uint8_t>(kind)};
        TcpOptions expected;
        expected.sack_permitted = true;
        if (kind > 1) expected = malformed(expected);
        EXPECT_EQ(parse_tcp_options(list), expected) << kind;
    }
}

TEST(TcpOptions, WhatCameBeforeAnOptionThatDoesNotFitCounts) {
    TcpOptions expected;
    expected.mss = 1460;
    EXPECT_EQ(parse("020405b4 03ff0700"), malformed(expected));
    EXPECT_EQ(parse("020405b4 030007 01"), malformed(expected));
    EXPECT_EQ(parse("020405b4 0800 0402"), malformed(expected));
}

TEST(TcpOptions, UnknownOnesAndWrongLengthsAreSkipped) {
    TcpOptions expected;
    expected.window_scale = 9;
    EXPECT_EQ(parse("fd06 01020304 0303 09"), expected);
    EXPECT_EQ(parse("0203 05 030309"), expected);  // an MSS of one byte
    EXPECT_EQ(parse("0804 0102 0306 01020304 030309"), expected);
    EXPECT_EQ(parse("050a 0000000100000002 0303 09").sack_block_count, 1);
    EXPECT_EQ(parse("0509 00000001000000 0303 09"), expected);
    EXPECT_EQ(parse("0502 030309"), expected);
}

TEST(TcpOptions, NothingBehindTheEndCounts) {
    EXPECT_EQ(parse("00 020405b4"), TcpOptions());
    EXPECT_EQ(parse("01 00 ff"), TcpOptions());
    EXPECT_EQ(parse(""), TcpOptions());
}

TEST(TcpOptions, OfAnOptionThatComesTwiceTheLastCounts) {
    EXPECT_EQ(parse("02040001 02040002").mss, 2);
    const TcpOptions sack = parse(
        "0512 00000001000000020000000300000004"
        " 050a 0000000500000006");
    EXPECT_EQ(sack.sack_block_count, 1);
    EXPECT_EQ(sack.sack_blocks[0], (TcpSackBlock{5, 6}));
    EXPECT_EQ(sack.sack_blocks[1], TcpSackBlock{});
}

// The common list has a short way through the parser, which must not differ from the long one.
TEST(TcpOptions, TimestampsAloneAreReadAlikeInAnyDress) {
    TcpOptions expected;
    expected.timestamps = TcpTimestamps{0x01020304, 0x05060708};
    EXPECT_EQ(parse("0101080a 01020304 05060708"), expected);
    EXPECT_EQ(parse("080a 01020304 05060708 0101"), expected);
    EXPECT_EQ(parse("01080a 01020304 05060708 00"), expected);
    EXPECT_EQ(parse("0101080a 01020304 05060708 01010101"), expected);
    EXPECT_EQ(parse("0101080a 01020304 050607"), malformed());
}

TEST(TcpOptions, AreLaidOutAsLinuxDoes) {
    TcpOptions options;
    EXPECT_EQ(written(options), "");
    options.sack_permitted = true;
    EXPECT_EQ(written(options), "01010402");
    options.mss = 1460;
    EXPECT_EQ(written(options), "020405b401010402");
    options.window_scale = 7;
    EXPECT_EQ(written(options), "020405b40101040201030307");
    options.timestamps = TcpTimestamps{1, 2};
    EXPECT_EQ(written(options), "020405b40402080a000000010000000201030307");
    options.sack_permitted = false;
    EXPECT_EQ(written(options), "020405b40101080a000000010000000201030307");
}

TEST(TcpOptions, SackBlocksThatDoNotFitAreLeftOut) {
    TcpOptions options;
    options.sack_block_count = 4;
    options.sack_blocks = {{{1, 2}, {3, 4}, {5, 6}, {7, 8}}};
    EXPECT_EQ(tcp_options_size(options), 36U);
    options.timestamps = TcpTimestamps{};
    EXPECT_EQ(tcp_options_size(options), 40U);  // three blocks
    options.mss = 536;
    EXPECT_EQ(tcp_options_size(options), 36U);  // two
    options.window_scale = 1;
    EXPECT_EQ(written(options),
              "02040218"
              "0101080a0000000000000000"
              "01030301"
              "010105120000000100000002"
              "0000000300000004");
    options.sack_block_count = 255;  // more than there are
    EXPECT_EQ(tcp_options_size(options), 40U);
}

TEST(TcpOptions, MalformedIsNotWritten) {
    EXPECT_EQ(tcp_options_size(malformed()), 0U);
}

// A list of options that are mostly what they should be, and sometimes anything.
Octets random_list(Random& random) {
    constexpr std::pair<std::uint8_t, std::uint8_t> usual[] = {
        {1, 0}, {2, 4}, {3, 3}, {4, 2}, {5, 10}, {5, 18}, {5, 34}, {8, 10}, {253, 6}};
    Octets list;
    const std::size_t size = random.below(41);
    while (list.size() < size) {
        auto [kind, length] = usual[random.below(std::size(usual))];
        if (random.chance(50'000)) kind = random_u8(random);
        if (random.chance(50'000)) length = random_u8(random);
        list.push_back(kind);
        if (kind < 2) continue;
        list.push_back(length);
        const Octets value = random_octets(random, length < 2 ? 0 : length - 2U);
        list.insert(list.end(), value.begin(), value.end());
    }
    return Octets(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(size));
}

// Whatever the bytes say, writing it and reading it back says the same.
TEST(TcpOptions, RandomBytesMeanWhatTheirCanonicalFormMeans) {
    Random random{Seed::from(1)};
    int told_something = 0;
    int ended_early = 0;
    for (int i = 0; i < 100'000; ++i) {
        const Octets list =
            random.chance(100'000) ? random_octets(random, random.below(41)) : random_list(random);
        TcpOptions options = parse_tcp_options(list);
        ASSERT_LE(options.sack_block_count, options.sack_blocks.size());
        const std::string text = written(options);
        ASSERT_LE(text.size(), 80U);
        const TcpOptions again = parse_tcp_options(from_hex(text));
        told_something += text.empty() ? 0 : 1;
        ended_early += options.malformed ? 1 : 0;
        options.malformed = false;
        if (again.sack_block_count < options.sack_block_count) {  // they did not all fit
            std::fill(options.sack_blocks.begin() + again.sack_block_count,
                      options.sack_blocks.end(), TcpSackBlock{});
            options.sack_block_count = again.sack_block_count;
        }
        ASSERT_EQ(again, options) << to_hex(list);
    }
    EXPECT_GT(told_something, 50'000);
    EXPECT_GT(ended_early, 10'000);
}

}  // namespace
}  // namespace berth::wire
