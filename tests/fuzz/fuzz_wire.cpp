// Every parser over any bytes: nothing is read out of bounds, what parses can be written, and what
// is written parses to the same. Checksums that the damage broke are mended on the way, or nothing
// behind them would be reached.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/bytes.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"
#include "wire/udp.hpp"

namespace {

using namespace berth;
using namespace berth::wire;

// Sized exactly, so that a sanitizer sees the first byte beyond.
using Octets = std::vector<std::uint8_t>;

constexpr Ipv4Address source(192, 0, 2, 1);
constexpr Ipv4Address destination(192, 0, 2, 2);

// Keeps a value that nobody needs from being optimised away.
volatile std::uint64_t sink = 0;

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_wire: it does not hold that %s\n", what);
    std::abort();
}

void touch(Bytes bytes) {
    std::uint64_t sum = 0;
    for (const std::uint8_t byte : bytes)
        sum += byte;
    sink = sum;
}

void copy_into(Octets& to, std::size_t at, Bytes from) {
    std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(at));
}

Octets exact_copy(Bytes bytes) {
    return Octets(bytes.begin(), bytes.end());
}

void try_arp(Bytes packet) {
    const auto parsed = parse_arp(packet);
    if (!parsed)
        return check(parsed.error() != DropReason::none, "a refused ARP packet has a reason");
    Octets written(arp_packet_bytes);
    write(*parsed, written);
    check(std::equal(written.begin(), written.end(), packet.begin()),
          "ARP is written as it was read");
}

void try_icmp(Bytes bytes) {
    Octets message = exact_copy(bytes);
    if (message.size() >= icmp_header_bytes) {
        store_be16(message, 2, 0);
        store_be16(message, 2, checksum_of(message));
    }
    const auto view = IcmpView::parse(message);
    check(view.has_value() == (message.size() >= icmp_header_bytes), "mended ICMP parses");
    if (!view) return;
    touch(view->payload());
    sink = is_icmp_error(view->type()) ? 1U : 0U;
    Octets written(icmp_header_bytes);
    write(view->header(), view->payload(), written);
    check(std::equal(written.begin(), written.end(), message.begin()),
          "ICMP is written as it was read");
}

void try_udp(Bytes segment) {
    const auto strict = UdpView::parse(segment, source, destination, false);
    const auto view = UdpView::parse(segment, source, destination, true);
    check(view || !strict, "what passes with its checksum passes when it is vouched for");
    if (!view) return check(view.error() == strict.error(), "both name the same reason");
    touch(view->payload());
    Octets written(udp_header_bytes + view->payload().size());
    const Bytes payload = view->payload();
    write_udp({source, view->source_port()}, {destination, view->destination_port()}, {&payload, 1},
              written);
    copy_into(written, udp_header_bytes, payload);
    const auto again = UdpView::parse(written, source, destination, false);
    check(again.has_value(), "written UDP parses");
    check(again->source_port() == view->source_port() &&
              again->destination_port() == view->destination_port() &&
              std::equal(payload.begin(), payload.end(), again->payload().begin(),
                         again->payload().end()),
          "UDP is written as it was read");
}

// What write_tcp promises to carry of these options.
TcpOptions writable(TcpOptions options, std::size_t blocks) {
    options.malformed = false;
    options.sack_block_count = static_cast<std::uint8_t>(blocks);
    std::fill(options.sack_blocks.begin() + static_cast<std::ptrdiff_t>(blocks),
              options.sack_blocks.end(), TcpSackBlock{});
    return options;
}

void try_tcp(Bytes segment) {
    const auto strict = TcpView::parse(segment, source, destination, false);
    const auto view = TcpView::parse(segment, source, destination, true);
    check(view || !strict, "what passes with its checksum passes when it is vouched for");
    if (!view) return check(view.error() == strict.error(), "both name the same reason");
    touch(view->payload());
    TcpHeader header = view->header();
    check(header.options.sack_block_count <= header.options.sack_blocks.size(),
          "there are at most four SACK blocks");
    const std::size_t header_size = tcp_header_size(header.options);
    check(header_size >= tcp_header_bytes && header_size <= tcp_max_header_bytes &&
              header_size % 4 == 0,
          "a TCP header has 20 to 60 bytes, in fours");
    Octets written(header_size + view->payload().size());
    // In two slices, cut where the input says: odd joins as well.
    const Bytes payload = view->payload();
    const std::size_t cut = payload.empty() ? 0 : header.window % (payload.size() + 1);
    const std::array<Bytes, 2> slices = {payload.first(cut), payload.subspan(cut)};
    Octets header_bytes(header_size);
    check(write_tcp(header, source, destination, slices, header_bytes) == header_size,
          "write_tcp writes what tcp_header_size says");
    copy_into(written, 0, header_bytes);
    copy_into(written, header_size, payload);
    const auto again = TcpView::parse(written, source, destination, false);
    check(again.has_value(), "written TCP parses");
    const std::size_t blocks = again->options().sack_block_count;
    check(blocks <= header.options.sack_block_count, "no SACK block is made up");
    header.options = writable(header.options, blocks);
    check(again->header() == header, "TCP is written as it was read");
}

void try_ipv4(Bytes bytes) {
    Octets packet = exact_copy(bytes);
    if (const auto raw = Ipv4View::parse(packet)) touch(raw->payload());
    if (packet.size() >= ipv4_header_bytes) {
        const std::size_t header_size = std::size_t{4} * (packet[0] & 0x0fU);
        if (header_size >= ipv4_header_bytes && header_size <= packet.size()) {
            store_be16(packet, 10, 0);
            store_be16(packet, 10, checksum_of(Bytes(packet).first(header_size)));
        }
    }
    const auto view = Ipv4View::parse(packet);
    if (!view) {
        check(view.error() != DropReason::ip_bad_checksum, "a mended checksum is right");
        return;
    }
    touch(view->options());
    sink = view->has_source_route() ? 1U : 0U;
    const Ipv4Header header = view->header();
    check(view->header_bytes() + view->payload().size() == header.total_length,
          "header and payload are the packet");
    check(view->is_fragment() == (header.more_fragments || header.fragment_offset_bytes != 0),
          "a fragment is one that has a neighbour");
    check(view->source() == header.source && view->destination() == header.destination &&
              view->protocol() == header.protocol && view->ttl() == header.ttl &&
              view->ecn() == header.ecn,
          "the accessors agree with the header");

    Ipv4Header plain = header;  // the writer writes no options
    plain.total_length = static_cast<std::uint16_t>(ipv4_header_bytes + view->payload().size());
    Octets written(plain.total_length);
    write(plain, written);
    copy_into(written, ipv4_header_bytes, view->payload());
    const auto again = Ipv4View::parse(written);
    check(again && again->header() == plain, "IPv4 is written as it was read");

    const Octets payload = exact_copy(view->payload());
    try_icmp(payload);
    try_udp(payload);
    try_tcp(payload);
}

void try_ethernet(Bytes frame) {
    const auto view = EthernetView::parse(frame);
    if (!view)
        return check(view.error() == DropReason::ethernet_truncated, "only the short do not parse");
    touch(view->payload());
    const EthernetHeader header = view->header();
    if (view->header_bytes() == ethernet_header_size(header.vlan)) {
        Octets written(ethernet_header_size(header.vlan));
        write(header, written);
        const auto again = EthernetView::parse(written);
        check(again && again->header() == header, "Ethernet is written as it was read");
    }
    const Octets payload = exact_copy(view->payload());
    try_arp(payload);
    try_ipv4(payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets input(data, data + size);
    try_ethernet(input);
    try_arp(input);
    try_ipv4(input);
    try_icmp(input);
    try_udp(input);
    try_tcp(input);
    return 0;
}
