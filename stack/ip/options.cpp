#include "ip/options.hpp"

#include "wire/ipv4.hpp"
#include "wire/ipv4_options.hpp"

namespace berth::ip {

namespace {

constexpr std::size_t pointer_at = 2;
constexpr std::size_t address_bytes = 4;
constexpr std::size_t timestamp_bytes = 4;
constexpr std::uint32_t not_universal_time = 0x8000'0000U;

enum class TimestampFlag : std::uint8_t { time_only = 0, with_address = 1, prespecified = 3 };

// The pointer counts from the option's first byte, from one. True: it did or there was no room.
bool enter_route(MutableBytes option, Ipv4Address own) {
    if (option.size() < 3 || option[pointer_at] < 4) return false;
    const std::size_t at = option[pointer_at] - std::size_t{1};
    if (at >= option.size()) return true;                  // full
    if (at + address_bytes > option.size()) return false;  // RFC 791: an error
    store_be32(option, at, own.value);
    option[pointer_at] = static_cast<std::uint8_t>(option[pointer_at] + address_bytes);
    return true;
}

// The high four bits of the fourth byte count the stations that found no room.
bool count_overflow(MutableBytes option) {
    if ((option[3] & 0xf0U) == 0xf0U) return false;
    option[3] = static_cast<std::uint8_t>(option[3] + 0x10U);
    return true;
}

bool enter_time(MutableBytes option, Ipv4Address own, Time now) {
    if (option.size() < 4 || option[pointer_at] < 5) return false;
    const auto flag = TimestampFlag{static_cast<std::uint8_t>(option[3] & 0x0fU)};
    const std::size_t at = option[pointer_at] - std::size_t{1};
    const std::size_t entry =
        flag == TimestampFlag::time_only ? timestamp_bytes : address_bytes + timestamp_bytes;
    if (at >= option.size()) return flag == TimestampFlag::prespecified || count_overflow(option);
    if (at + entry > option.size()) return false;
    const std::uint32_t milliseconds =
        static_cast<std::uint32_t>(now.ns / 1'000'000) | not_universal_time;
    if (flag == TimestampFlag::prespecified && load_be32(option, at) != own.value) return true;
    if (flag == TimestampFlag::with_address) store_be32(option, at, own.value);
    store_be32(option, at + entry - timestamp_bytes, milliseconds);
    option[pointer_at] = static_cast<std::uint8_t>(option[pointer_at] + entry);
    return true;
}

}  // namespace

std::optional<std::uint8_t> record_passage(MutableBytes packet, Ipv4Address own, Time now) {
    const std::size_t header_bytes = std::size_t{4} * (packet[0] & 0x0fU);
    const Bytes options(packet.data() + wire::ipv4_header_bytes,
                        header_bytes - wire::ipv4_header_bytes);
    std::optional<std::uint8_t> fault;
    wire::walk_options(options, [&](Bytes found) {
        const auto offset = static_cast<std::size_t>(found.data() - packet.data());
        const MutableBytes option = packet.subspan(offset, found.size());
        const bool good = option[0] == wire::ipv4_option::record_route ? enter_route(option, own)
                          : option[0] == wire::ipv4_option::timestamp ? enter_time(option, own, now)
                                                                      : true;
        if (!good && !fault) fault = static_cast<std::uint8_t>(offset + pointer_at);
    });
    return fault;
}

}  // namespace berth::ip
