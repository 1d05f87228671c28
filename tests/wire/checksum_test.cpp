#include "wire/checksum.hpp"

#include <algorithm>
#include <array>

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

// RFC 1071 §4.1 in its plainest form, a 16-bit word at a time: what the fast one is held against.
std::uint16_t slow_checksum(Bytes bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        const std::uint32_t low = i + 1 < bytes.size() ? bytes[i + 1] : 0;
        sum += std::uint32_t{bytes[i]} << 8 | low;
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

TEST(Checksum, OfTheExampleInRfc1071) {
    EXPECT_EQ(checksum_of(from_hex("0001 f203 f4f5 f6f7")), 0xffff - 0xddf2);
}

TEST(Checksum, OfNothingAndOfZeros) {
    EXPECT_EQ(checksum_of({}), 0xffff);
    EXPECT_EQ(checksum_of(Octets(33)), 0xffff);
    EXPECT_EQ(checksum_of(Octets(64, 0xff)), 0);
    EXPECT_EQ(checksum_of(from_hex("ff")), 0x00ff);
}

TEST(Checksum, EveryLengthAtEveryAlignment) {
    Random random{Seed::from(1)};
    const Octets octets = random_octets(random, 400);
    for (std::size_t offset = 0; offset < 17; ++offset) {
        for (std::size_t length = 0; length + offset <= 300; ++length) {
            const Bytes range = Bytes(octets).subspan(offset, length);
            ASSERT_EQ(checksum_of(range), slow_checksum(range))
                << "offset " << offset << ", length " << length;
        }
    }
}

// All ones makes every addition carry.
TEST(Checksum, CarriesThroughLongRunsOfOnes) {
    Octets octets(65535, 0xff);
    EXPECT_EQ(checksum_of(octets), slow_checksum(octets));
    octets[17] = 0;
    EXPECT_EQ(checksum_of(octets), slow_checksum(octets));
    std::fill(octets.begin(), octets.begin() + 30000, std::uint8_t{0x80});
    EXPECT_EQ(checksum_of(octets), slow_checksum(octets));
}

TEST(Checksum, ReadsNothingBeyondTheRange) {
    Random random{Seed::from(2)};
    for (std::size_t length = 0; length < 100; ++length) {
        const Octets exact = random_octets(random, length);
        EXPECT_EQ(checksum_of(exact), slow_checksum(exact));
    }
}

TEST(Checksum, PiecesOfAnyLengthJoin) {
    Random random{Seed::from(3)};
    for (int round = 0; round < 3000; ++round) {
        const Octets whole = random_octets(random, random.below(200));
        Checksum checksum;
        std::size_t at = 0;
        while (at < whole.size()) {
            const auto left = static_cast<std::uint32_t>(whole.size() - at);
            const std::size_t piece = random.below(std::min(left, 40U) + 1);
            checksum.add(Bytes(whole).subspan(at, piece));
            at += piece;
        }
        ASSERT_EQ(checksum.finish(), slow_checksum(whole)) << to_hex(whole);
    }
}

TEST(Checksum, AWordCountsAsItsTwoBytesWhereverItStands) {
    for (const std::string_view before : {"", "12", "1234", "123456"}) {
        for (const std::string_view after : {"", "ab", "abcd"}) {
            Checksum checksum;
            checksum.add(from_hex(before));
            checksum.add16(0x5678);
            checksum.add(from_hex(after));
            const std::string whole = std::string(before) + "5678" + std::string(after);
            EXPECT_EQ(checksum.finish(), slow_checksum(from_hex(whole))) << whole;
        }
    }
}

TEST(Checksum, ThePseudoHeaderIsTwelveBytes) {
    Random random{Seed::from(4)};
    for (int i = 0; i < 1000; ++i) {
        const Ipv4Address source(i == 0 ? 0xffffffff : random.next_u32());
        const Ipv4Address destination(i == 0 ? 0xffffffff : random.next_u32());
        const std::uint8_t protocol = i == 0 ? 0xff : random_u8(random);
        const std::uint16_t length = i == 0 ? 0xffff : random_u16(random);
        Octets spelled_out(12);
        store_be32(spelled_out, 0, source.value);
        store_be32(spelled_out, 4, destination.value);
        spelled_out[9] = protocol;
        store_be16(spelled_out, 10, length);
        Checksum checksum;
        checksum.add_pseudo_header(source, destination, protocol, length);
        ASSERT_EQ(checksum.finish(), slow_checksum(spelled_out));
    }
}

TEST(Checksum, ARangeWithItsOwnChecksumGivesZero) {
    Random random{Seed::from(5)};
    for (int round = 0; round < 1000; ++round) {
        Octets octets = random_octets(random, 3 + random.below(100));
        store_be16(octets, 0, 0);
        octets.back() |= 1;  // a range of zeros alone would be the exception
        store_be16(octets, 0, checksum_of(octets));
        ASSERT_EQ(checksum_of(octets), 0) << to_hex(octets);
    }
}

TEST(Checksum, FinishingDoesNotEndIt) {
    Checksum checksum;
    checksum.add(from_hex("0102"));
    EXPECT_EQ(checksum.finish(), checksum.finish());
    checksum.add(from_hex("0304"));
    EXPECT_EQ(checksum.finish(), checksum_of(from_hex("01020304")));
}

// RFC 1624 §4: the case in which the form of RFC 1141 gives 0xffff.
TEST(ChecksumUpdate, OfTheExampleInRfc1624) {
    EXPECT_EQ(checksum_updated(0xdd2f, 0x5555, 0x3285), 0x0000);
}

TEST(ChecksumUpdate, IsWhatComputingAnewGives) {
    Random random{Seed::from(6)};
    for (int round = 0; round < 20'000; ++round) {
        Octets octets = random_octets(random, 20);
        const std::size_t at = 2 * random.below(10);
        const std::uint16_t before = checksum_of(octets);
        const std::uint16_t old_word = load_be16(octets, at);
        const std::uint16_t new_word = random.chance(100'000) ? 0xffff : random_u16(random);
        store_be16(octets, at, new_word);
        ASSERT_EQ(checksum_updated(before, old_word, new_word), checksum_of(octets));
    }
}

}  // namespace
}  // namespace berth::wire
