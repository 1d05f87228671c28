#include "wire/tcp_options.hpp"

#include <algorithm>

namespace berth::wire {
namespace {

constexpr std::uint8_t kind_end = 0;
constexpr std::uint8_t kind_no_operation = 1;
constexpr std::uint8_t kind_mss = 2;
constexpr std::uint8_t kind_window_scale = 3;    // RFC 7323 §2.2
constexpr std::uint8_t kind_sack_permitted = 4;  // RFC 2018 §2
constexpr std::uint8_t kind_sack = 5;            // RFC 2018 §3
constexpr std::uint8_t kind_timestamps = 8;      // RFC 7323 §3.2
constexpr std::uint8_t kind_fast_open = 34;      // RFC 7413 §4.1.1

// Lengths count the kind and the length byte.
constexpr std::uint8_t mss_bytes = 4;
constexpr std::uint8_t window_scale_bytes = 3;
constexpr std::uint8_t sack_permitted_bytes = 2;
constexpr std::uint8_t timestamps_bytes = 10;
constexpr std::uint8_t sack_block_bytes = 8;

// Each option is written with the NOPs, or the partner, that bring it to a multiple of four.
constexpr std::size_t max_options_bytes = tcp_max_header_bytes - tcp_header_bytes;
constexpr std::size_t padded_timestamps_bytes = 12;
constexpr std::size_t padded_sack_permitted_bytes = 4;
constexpr std::size_t padded_window_scale_bytes = 4;
constexpr std::size_t padded_sack_lead_bytes = 4;

constexpr std::uint32_t four_bytes(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d;
}
// What nearly every segment of a connection with timestamps begins its list with.
constexpr std::uint32_t timestamps_lead =
    four_bytes(kind_no_operation, kind_no_operation, kind_timestamps, timestamps_bytes);

TcpTimestamps load_timestamps(Bytes from, std::size_t at) {
    return {load_be32(from, at), load_be32(from, at + 4)};
}

void parse_sack(Bytes option, TcpOptions& into) {
    const std::size_t bytes = option.size() - 2;
    const std::size_t count = bytes / sack_block_bytes;
    if (bytes % sack_block_bytes != 0 || count > into.sack_blocks.size()) return;
    into.sack_blocks = {};
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t at = 2 + i * sack_block_bytes;
        into.sack_blocks[i] = {load_be32(option, at), load_be32(option, at + 4)};
    }
    into.sack_block_count = static_cast<std::uint8_t>(count);
}

// Length 2, a request, is what RFC 7413's erratum 4238 says of §4.1.1.
void parse_fast_open(Bytes option, TcpOptions& into) {
    const Bytes cookie = option.subspan(2);
    const bool is_cookie = cookie.size() >= TcpFastOpen::least_cookie_bytes &&
                           cookie.size() <= TcpFastOpen::max_cookie_bytes && cookie.size() % 2 == 0;
    if (!cookie.empty() && !is_cookie) return;
    into.fast_open.emplace();
    into.fast_open->size = static_cast<std::uint8_t>(cookie.size());
    std::copy(cookie.begin(), cookie.end(), into.fast_open->bytes.begin());
}

// `option` begins with its kind and is as long as its length byte says. A known kind with another
// length than its own says nothing, like an unknown one (MUST-6).
void parse_option(Bytes option, TcpOptions& into) {
    switch (option[0]) {
        case kind_mss:
            if (option.size() == mss_bytes) into.mss = load_be16(option, 2);
            break;
        case kind_window_scale:
            if (option.size() == window_scale_bytes) into.window_scale = option[2];
            break;
        case kind_sack_permitted:
            if (option.size() == sack_permitted_bytes) into.sack_permitted = true;
            break;
        case kind_timestamps:
            if (option.size() == timestamps_bytes) into.timestamps = load_timestamps(option, 2);
            break;
        case kind_sack: parse_sack(option, into); break;
        case kind_fast_open: parse_fast_open(option, into); break;
        default: break;
    }
}

std::size_t padded_fast_open_bytes(const TcpOptions& options) {
    if (!options.fast_open) return 0;
    const std::size_t cookie =
        std::min<std::size_t>(options.fast_open->size, TcpFastOpen::max_cookie_bytes);
    return (2 + cookie + 3) / 4 * 4;
}

std::size_t size_without_sack(const TcpOptions& options) {
    return (options.mss ? mss_bytes : 0U) + (options.timestamps ? padded_timestamps_bytes : 0U) +
           (options.sack_permitted && !options.timestamps ? padded_sack_permitted_bytes : 0U) +
           (options.window_scale ? padded_window_scale_bytes : 0U) +
           padded_fast_open_bytes(options);
}

std::size_t sack_blocks_that_fit(const TcpOptions& options, std::size_t used) {
    if (used + padded_sack_lead_bytes > max_options_bytes) return 0;
    const std::size_t room = max_options_bytes - used - padded_sack_lead_bytes;
    return std::min({std::size_t{options.sack_block_count}, options.sack_blocks.size(),
                     room / sack_block_bytes});
}

}  // namespace

TcpOptions parse_tcp_options(Bytes list) {
    TcpOptions options;
    if (list.size() == padded_timestamps_bytes && load_be32(list, 0) == timestamps_lead) {
        options.timestamps = load_timestamps(list, 4);
        return options;
    }
    std::size_t at = 0;
    while (at < list.size() && list[at] != kind_end) {
        if (list[at] == kind_no_operation) {
            ++at;
            continue;
        }
        const std::size_t left = list.size() - at;
        if (left < 2 || list[at + 1] < 2 || list[at + 1] > left) {
            options.malformed = true;
            break;
        }
        parse_option(list.subspan(at, list[at + 1]), options);
        at += list[at + 1];
    }
    return options;
}

std::size_t tcp_options_size(const TcpOptions& options) {
    const std::size_t size = size_without_sack(options);
    const std::size_t blocks = sack_blocks_that_fit(options, size);
    return blocks == 0 ? size : size + padded_sack_lead_bytes + blocks * sack_block_bytes;
}

std::size_t write_tcp_options(const TcpOptions& options, MutableBytes to) {
    constexpr std::uint8_t nop = kind_no_operation;
    std::size_t at = 0;
    const auto put = [&](std::uint32_t word) {
        store_be32(to, at, word);
        at += 4;
    };
    if (options.mss) {
        put(std::uint32_t{kind_mss} << 24 | std::uint32_t{mss_bytes} << 16 | *options.mss);
    }
    if (options.timestamps) {
        put(options.sack_permitted ? four_bytes(kind_sack_permitted, sack_permitted_bytes,
                                                kind_timestamps, timestamps_bytes)
                                   : timestamps_lead);
        put(options.timestamps->value);
        put(options.timestamps->echo);
    } else if (options.sack_permitted) {
        put(four_bytes(nop, nop, kind_sack_permitted, sack_permitted_bytes));
    }
    if (options.window_scale) {
        put(four_bytes(nop, kind_window_scale, window_scale_bytes, *options.window_scale));
    }
    if (options.fast_open) {
        const std::size_t padded = padded_fast_open_bytes(options);
        const MutableBytes option = to.subspan(at, padded);
        const TcpFastOpen& cookie = *options.fast_open;
        const std::size_t length =
            std::min<std::size_t>(cookie.size, TcpFastOpen::max_cookie_bytes);
        std::fill(option.begin(), option.end(), nop);
        option[0] = kind_fast_open;
        option[1] = static_cast<std::uint8_t>(2 + length);
        std::copy_n(cookie.bytes.begin(), length, option.begin() + 2);
        at += padded;
    }
    const std::size_t blocks = sack_blocks_that_fit(options, at);
    if (blocks > 0) {
        put(four_bytes(nop, nop, kind_sack,
                       static_cast<std::uint8_t>(2 + blocks * sack_block_bytes)));
        for (std::size_t i = 0; i < blocks; ++i) {
            put(options.sack_blocks[i].left);
            put(options.sack_blocks[i].right);
        }
    }
    return at;
}

}  // namespace berth::wire
