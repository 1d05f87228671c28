// TCP options are hostile until parsed (RFC 9293 §3.1 MUST-6, MUST-7): what holds for any bytes.
#include "wire/tcp_options.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/random.hpp"
#include "wire/tcp.hpp"

namespace berth::wire {
namespace {

constexpr int rounds = 50'000;
constexpr Ipv4Address source{192, 0, 2, 1};
constexpr Ipv4Address destination{192, 0, 2, 2};

// A header with these bytes where the options are (a multiple of four), and this text behind it.
std::vector<std::uint8_t> segment_with(const std::vector<std::uint8_t>& options,
                                       std::size_t text_bytes) {
    std::vector<std::uint8_t> bytes(tcp_header_bytes, 0);
    bytes[12] = static_cast<std::uint8_t>((tcp_header_bytes + options.size()) / 4 << 4);
    bytes.insert(bytes.end(), options.begin(), options.end());
    bytes.resize(bytes.size() + text_bytes, 0x55);
    return bytes;
}

TcpOptions parsed(const std::vector<std::uint8_t>& options) {
    const auto bytes = segment_with(options, 7);
    const auto view = TcpView::parse(bytes, source, destination, true);
    EXPECT_TRUE(view.has_value());
    EXPECT_EQ(view->payload().size(), 7U) << "options never reach into the text";
    return view->options();
}

std::vector<std::uint8_t> random_options(Random& random) {
    std::vector<std::uint8_t> options(4 * random.below(11));
    // Kinds and lengths that mean something, often; any byte, else.
    static constexpr std::uint8_t likely[] = {0, 1, 2, 3, 4, 5, 8, 10, 34};
    for (std::uint8_t& byte : options)
        byte = random.below(3) == 0 ? static_cast<std::uint8_t>(random.next_u32())
                                    : likely[random.below(std::size(likely))];
    return options;
}

TEST(TcpOptions, any_bytes_parse_to_the_same_each_time_rfc9293_3_1_must_7) {
    Random random(Seed::from(11));
    for (int i = 0; i < rounds; ++i) {
        const auto options = random_options(random);
        const TcpOptions once = parsed(options);
        ASSERT_EQ(parsed(options), once);
        ASSERT_LE(once.sack_block_count, once.sack_blocks.size());
    }
}

TEST(TcpOptions, what_was_understood_is_written_and_understood_again_rfc9293_3_2) {
    Random random(Seed::from(12));
    for (int i = 0; i < rounds; ++i) {
        TcpOptions first = parsed(random_options(random));
        first.malformed = false;
        // All of them at once need not fit: blocks are what is left out (write_tcp).
        if (first.mss && first.timestamps && first.sack_block_count > 0) first.sack_block_count = 0;
        TcpHeader header;
        header.options = first;
        std::array<std::uint8_t, tcp_max_header_bytes> bytes{};
        const std::size_t size = write_tcp(header, source, destination, {}, bytes);
        ASSERT_LE(size, tcp_max_header_bytes);
        ASSERT_EQ(size % 4, 0U);
        const auto view = TcpView::parse(Bytes(bytes).first(size), source, destination, false);
        ASSERT_TRUE(view.has_value());
        const TcpOptions again = view->options();
        EXPECT_EQ(again.mss, first.mss);
        EXPECT_EQ(again.window_scale, first.window_scale);
        EXPECT_EQ(again.sack_permitted, first.sack_permitted);
        EXPECT_EQ(again.timestamps, first.timestamps);
        EXPECT_LE(again.sack_block_count, first.sack_block_count);
        for (std::size_t block = 0; block < again.sack_block_count; ++block)
            EXPECT_EQ(again.sack_blocks[block], first.sack_blocks[block]);
    }
}

TEST(TcpOptions, in_any_order_and_with_any_padding_they_mean_the_same_rfc9293_3_1_must_64) {
    Random random(Seed::from(13));
    for (int i = 0; i < rounds / 5; ++i) {
        const auto mss = static_cast<std::uint16_t>(random.next_u32());
        const auto shift = static_cast<std::uint8_t>(random.below(256));
        const std::uint32_t value = random.next_u32();
        std::vector<std::vector<std::uint8_t>> items = {
            {2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)},
            {3, 3, shift},
            {4, 2},
            {8, 10, static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
             static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value), 0, 0, 0, 0},
            {254, 4, 0xf9, 0x89},  // unknown: skipped (MUST-6)
            {1},
            {1}};
        for (std::size_t n = items.size(); n > 1; --n)
            std::swap(items[n - 1], items[random.below(static_cast<std::uint32_t>(n))]);
        std::vector<std::uint8_t> options;
        for (const auto& item : items)
            options.insert(options.end(), item.begin(), item.end());
        options.resize((options.size() + 3) / 4 * 4, static_cast<std::uint8_t>(random.below(2)));
        const TcpOptions said = parsed(options);
        ASSERT_EQ(said.mss, mss);
        ASSERT_EQ(said.window_scale, shift);
        ASSERT_TRUE(said.sack_permitted);
        ASSERT_TRUE(said.timestamps.has_value());
        ASSERT_EQ(said.timestamps->value, value);
        ASSERT_FALSE(said.malformed);
    }
}

TEST(TcpOptions, a_length_beyond_the_header_ends_the_list_and_keeps_what_came_before_must_7) {
    Random random(Seed::from(14));
    for (int i = 0; i < rounds / 5; ++i) {
        const auto kind = static_cast<std::uint8_t>(2 + random.below(253));
        const auto length = static_cast<std::uint8_t>(random.below(3) == 0 ? random.below(2)
                                                                           : 9 + random.below(247));
        const TcpOptions said = parsed({2, 4, 5, 0xb4, kind, length, 4, 2, 3, 3, 7, 0});
        ASSERT_EQ(said.mss, 1460);
        ASSERT_TRUE(said.malformed);
        ASSERT_FALSE(said.sack_permitted);
        ASSERT_FALSE(said.window_scale.has_value());
    }
}

}  // namespace
}  // namespace berth::wire
