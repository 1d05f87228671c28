#include "fuzz/tcp/mutation.hpp"

#include <algorithm>
#include <array>

#include "harness/packets.hpp"
#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::fuzz {

namespace {

constexpr std::size_t ip_bytes = wire::ipv4_header_bytes;
constexpr std::size_t at_seq = ip_bytes + 4;
constexpr std::size_t at_ack = ip_bytes + 8;
constexpr std::size_t at_offset = ip_bytes + 12;
constexpr std::size_t at_flags = ip_bytes + 13;
constexpr std::size_t at_window = ip_bytes + 14;
constexpr std::size_t at_checksum = ip_bytes + 16;
constexpr std::size_t at_urgent = ip_bytes + 18;
constexpr std::size_t at_options = ip_bytes + 20;
constexpr std::size_t largest_packet = 1500;

std::size_t text_begin(const Packet& packet) {
    return std::clamp<std::size_t>(ip_bytes + std::size_t{4} * (packet[at_offset] >> 4), at_options,
                                   packet.size());
}

std::ptrdiff_t distance(std::size_t n) {
    return static_cast<std::ptrdiff_t>(n);
}

std::uint16_t some_window(Input& input) {
    const std::uint8_t choice = input.byte();
    switch (choice % 5) {
        case 0: return 0;
        case 1: return choice / 5;
        case 2: return 0xffff;
        case 3: return input.word();
        default: return static_cast<std::uint16_t>(std::uint32_t{choice} << 6);
    }
}

// Replaces the options by others: known and unknown kinds, right and wrong lengths.
void exchange_options(Packet& packet, Input& input) {
    static constexpr std::uint8_t kinds[] = {0, 1, 2, 3, 4, 5, 8, 28, 30, 34, 254};
    static constexpr std::uint8_t lengths[] = {1, 1, 4, 3, 2, 10, 10, 4, 4, 6, 8};
    std::vector<std::uint8_t> options;
    for (std::uint32_t count = input.below(6); count > 0 && options.size() < 40; --count) {
        const std::uint8_t choice = input.byte();
        const std::size_t which = choice % std::size(kinds);
        options.push_back(kinds[which]);
        if (kinds[which] <= 1) continue;
        const std::uint8_t length = choice >= 0xe0 ? input.byte() : lengths[which];
        options.push_back(length);
        for (std::size_t i = 2; i < length && options.size() < 40; ++i)
            options.push_back(input.byte());
    }
    options.resize(std::min<std::size_t>(40, (options.size() + 3) / 4 * 4));
    packet.erase(packet.begin() + distance(at_options),
                 packet.begin() + distance(text_begin(packet)));
    packet.insert(packet.begin() + distance(at_options), options.begin(), options.end());
    packet[at_offset] = static_cast<std::uint8_t>((5 + options.size() / 4) << 4);
}

// RFC 7323's timestamps, wherever they stand: TSval or TSecr moves.
void shift_timestamps(Packet& packet, Input& input) {
    const std::size_t end = text_begin(packet);
    const bool echo = (input.byte() & 1) != 0;
    const std::uint32_t by =
        (input.byte() & 1) != 0 ? input.long_word() : static_cast<std::uint32_t>(input.near());
    for (std::size_t at = at_options; at + 10 <= end; ++at) {
        if (packet[at] != 8 || packet[at + 1] != 10) continue;
        const std::size_t where = at + (echo ? 6 : 2);
        store_be32(packet, where, load_be32(packet, where) + by);
        return;
    }
}

void change_text(Packet& packet, Input& input) {
    const std::size_t begin = text_begin(packet);
    const std::size_t size = packet.size() - begin;
    const std::size_t amount = input.byte();
    switch (input.below(5)) {
        case 0: packet.resize(packet.size() - std::min(size, amount)); return;
        case 1: {  // its beginning is missing
            const std::size_t cut = std::min(size, amount);
            packet.erase(packet.begin() + distance(begin), packet.begin() + distance(begin + cut));
            store_be32(packet, at_seq, load_be32(packet, at_seq) + static_cast<std::uint32_t>(cut));
            return;
        }
        case 2: packet.resize(std::min(largest_packet, packet.size() + amount), 0xa5); return;
        case 3: {  // other bytes in front, over what was there before
            const std::size_t more = std::min(amount, largest_packet - packet.size());
            packet.insert(packet.begin() + distance(begin), more, 0x5a);
            store_be32(packet, at_seq,
                       load_be32(packet, at_seq) - static_cast<std::uint32_t>(more));
            return;
        }
        default:
            for (std::size_t i = begin; i < packet.size(); ++i)
                packet[i] = static_cast<std::uint8_t>(packet[i] ^ (amount | 1));
    }
}

}  // namespace

Numbers Numbers::of(const tcp::Connection& connection) {
    const auto& snd = connection.sender().snd();
    const auto& receiver = connection.receiver();
    return {true,
            snd.iss.value,
            snd.una.value,
            snd.nxt.value,
            snd.max_wnd,
            receiver.rcv().irs.value,
            receiver.rcv().nxt.value,
            receiver.wnd()};
}

std::uint32_t Numbers::some_seq(Input& input, std::uint32_t otherwise) const {
    const std::uint8_t choice = input.byte();
    const auto beside = static_cast<std::uint32_t>(input.near());
    switch (known ? choice % 8 : 7) {
        case 0: return rcv_nxt + beside;
        case 1: return rcv_nxt + rcv_wnd + beside;
        case 2: return rcv_nxt + rcv_wnd / 2 + beside;
        case 3: return irs + beside;
        case 4: return rcv_nxt - rcv_wnd + beside;
        case 5: return rcv_nxt + 0x8000'0000 + beside;
        case 6: return input.long_word();
        default: return otherwise + beside;
    }
}

std::uint32_t Numbers::some_ack(Input& input, std::uint32_t otherwise) const {
    const std::uint8_t choice = input.byte();
    const auto beside = static_cast<std::uint32_t>(input.near());
    switch (known ? choice % 8 : 7) {
        case 0: return una + beside;
        case 1: return nxt + beside;
        case 2: return una - max_wnd + beside;
        case 3: return iss + beside;
        case 4: return nxt + max_wnd + beside;
        case 5: return una + 0x8000'0000 + beside;
        case 6: return input.long_word();
        default: return otherwise + beside;
    }
}

void mend_checksums(Packet& packet) {
    const MutableBytes bytes(packet);
    store_be16(bytes, 2, static_cast<std::uint16_t>(packet.size()));
    store_be16(bytes, 10, 0);
    store_be16(bytes, 10, wire::checksum_of(bytes.first(ip_bytes)));
    store_be16(bytes, at_checksum, 0);
    wire::Checksum checksum;
    checksum.add_pseudo_header(Ipv4Address(load_be32(bytes, 12)), Ipv4Address(load_be32(bytes, 16)),
                               static_cast<std::uint8_t>(Protocol::tcp),
                               static_cast<std::uint16_t>(packet.size() - ip_bytes));
    checksum.add(bytes.subspan(ip_bytes));
    store_be16(bytes, at_checksum, checksum.finish());
}

void mutate(Packet& packet, Input& input, const Numbers& receiver) {
    if (packet.size() < at_options) return;
    const std::uint8_t choice = input.byte();
    switch (choice % 16) {
        case 0:
        case 1:
            packet[at_flags] = static_cast<std::uint8_t>(packet[at_flags] ^ input.byte());
            break;
        case 2:
            packet[at_flags] = static_cast<std::uint8_t>(packet[at_flags] ^ (1U << input.below(6)));
            break;
        case 3:
        case 4:
            store_be32(packet, at_seq, receiver.some_seq(input, load_be32(packet, at_seq)));
            break;
        case 5:
        case 6:
            store_be32(packet, at_ack, receiver.some_ack(input, load_be32(packet, at_ack)));
            break;
        case 7: store_be16(packet, at_window, some_window(input)); break;
        case 8:
            packet[at_flags] = static_cast<std::uint8_t>(packet[at_flags] | 0x20);
            store_be16(packet, at_urgent, (choice & 16) != 0 ? input.word() : input.byte());
            break;
        case 9:
        case 10: change_text(packet, input); break;
        case 11: exchange_options(packet, input); break;
        case 12: shift_timestamps(packet, input); break;
        case 13:
            if (const std::size_t end = text_begin(packet); end > at_options)
                packet[at_options + input.byte() % (end - at_options)] = input.byte();
            break;
        case 14: packet[at_offset] = input.byte(); break;
        default:
            // Two at once: a number and the flags.
            store_be32(packet, at_seq, receiver.some_seq(input, load_be32(packet, at_seq)));
            packet[at_flags] = input.byte();
    }
    mend_checksums(packet);
    if (choice == 0xff) packet[at_checksum] ^= 1;
}

Packet forge(const FourTuple& receiver, Input& input, const Numbers& numbers) {
    wire::TcpHeader header;
    header.source_port = receiver.remote.port;
    header.destination_port = receiver.local.port;
    header.flags = wire::TcpFlags::from_byte(input.byte());
    header.seq = numbers.some_seq(input, numbers.rcv_nxt);
    header.ack = numbers.some_ack(input, numbers.nxt);
    header.window = some_window(input);
    const std::uint8_t more = input.byte();
    if ((more & 0x80) != 0) header.options.timestamps = wire::TcpTimestamps{input.long_word(), 0};
    if ((more & 0x40) != 0) header.options.mss = input.word();
    if ((more & 0x20) != 0) header.options.window_scale = input.byte();
    if (header.flags.urg) header.urgent_pointer = input.byte();
    const std::vector<std::uint8_t> text(std::size_t{more & 0x1fU} * 47, 0xee);
    return harness::tcp_packet(header, receiver.remote.address, receiver.local.address, text);
}

Packet complain_about(const Packet& quoted, Input& input, const Numbers& sender) {
    Packet quote(quoted.begin(),
                 quoted.begin() + distance(std::min<std::size_t>(quoted.size(), ip_bytes + 8)));
    if (quote.size() < ip_bytes + 8) quote.resize(ip_bytes + 8);
    const std::uint8_t choice = input.byte();
    // The quoted number is one of what the sender of the quote has sent.
    if ((choice & 0x40) != 0)
        store_be32(quote, at_seq, sender.some_ack(input, load_be32(quote, at_seq)));
    if ((choice & 0x80) != 0) store_be16(quote, 2, input.word());
    static constexpr wire::IcmpType types[] = {
        wire::IcmpType::destination_unreachable, wire::IcmpType::destination_unreachable,
        wire::IcmpType::source_quench, wire::IcmpType::time_exceeded,
        wire::IcmpType::parameter_problem};
    wire::IcmpHeader header;
    header.type = types[choice % std::size(types)];
    header.code = static_cast<std::uint8_t>(input.below(16));
    header.rest = input.word();
    const Ipv4Address router(192, 0, 2, 77);
    return harness::icmp_packet(router, Ipv4Address(load_be32(quote, 12)), header, quote);
}

}  // namespace berth::fuzz
