// Everything under TCP, fed with any frames: link, ARP, IPv4, ICMP and UDP, on an Ethernet and on a
// raw-IP link. Whatever comes in ends in one fate; what goes out is well formed and never what the
// RFCs forbid; the bounds hold; every buffer comes back.
//
// The input is a list of records: operation, length (two bytes), bytes. See Operation.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "harness/lower_layers.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/udp.hpp"

namespace {

using namespace berth;
using Octets = std::vector<std::uint8_t>;

constexpr link::InterfaceIndex ethernet_index = 0;
constexpr link::InterfaceIndex raw_index = 1;
constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address raw_ip{198, 51, 100, 2};
constexpr std::size_t max_records = 200;

// The low four bits of a record's first byte.
enum Operation : std::uint8_t {
    op_ethernet,         // a frame as it is
    op_ethernet_mended,  // with its checksums put right, or few would get past them
    op_raw,
    op_raw_mended,
    op_advance,  // by as many units of 4 ms as the first two bytes say
    op_refuse,   // the devices take as many frames as the first byte says, from now on
    op_send,     // the rest from the port named by the first byte, to the endpoint in the next six
    op_connect,  // the port named by the first byte, to the endpoint in the next six
    op_disconnect,
    op_read,   // all that the port has
    op_group,  // the port named by the first byte joins, or leaves, the group in the next four, on
               // the interface in the next; more bytes: only what the source in them sends
    op_options,  // the port named by the first byte has the options that the next two say
    op_count
};

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_datagrams: it does not hold that %s\n", what);
    std::abort();
}

// Puts the IPv4 header checksum right, then that of UDP or ICMP, as far as the lengths allow.
void mend(MutableBytes packet) {
    if (packet.size() < 20) return;
    const std::size_t header = std::size_t{4} * (packet[0] & 0x0fU);
    const std::size_t total = std::min<std::size_t>(load_be16(packet, 2), packet.size());
    if (header < 20 || header > total) return;
    store_be16(packet, 10, 0);
    store_be16(packet, 10, wire::checksum_of(packet.first(header)));
    const MutableBytes transport = packet.subspan(header, total - header);
    if (packet[9] == 1 && transport.size() >= 4) {
        store_be16(transport, 2, 0);
        store_be16(transport, 2, wire::checksum_of(transport));
    }
    if (packet[9] == 17 && transport.size() >= 8) store_be16(transport, 6, 0);
}

class Fuzz {
  public:
    Fuzz() {
        host_.add_interface(link::LinkKind::ethernet, 1500, our_mac);
        host_.add_interface(link::LinkKind::raw_ip, 1500);
        host_.ip.add_address(ethernet_index, {our_ip, 24});
        host_.ip.add_address(raw_index, {raw_ip, 24});
        host_.ip.routes().add({{{}, 0}, {192, 0, 2, 1}, ethernet_index, 0});
        for (const Endpoint local : {Endpoint{our_ip, 7}, Endpoint{{}, 7}, Endpoint{raw_ip, 9},
                                     Endpoint{}, Endpoint{{}, 7}}) {
            udp::UdpPort& port = host_.udp.open(nullptr);
            port.inbox.limit_bytes = 16 * 1024;
            port.reuse_address = true;
            check(host_.udp.bind(port, local) == std::errc{}, "a port can be bound");
            ports_.push_back(&port);
        }
    }

    void run(Operation operation, Octets bytes) {
        switch (operation) {
            case op_ethernet: feed(bytes, ethernet_index); break;
            case op_ethernet_mended:
                if (bytes.size() > 14) mend(MutableBytes(bytes).subspan(14));
                feed(bytes, ethernet_index);
                break;
            case op_raw: feed(bytes, raw_index); break;
            case op_raw_mended:
                mend(bytes);
                feed(bytes, raw_index);
                break;
            case op_advance:
                if (bytes.size() >= 2)
                    host_.advance_to(host_.now + milliseconds(4) * load_be16(bytes, 0));
                break;
            case op_refuse:
                for (const auto& device : host_.devices)
                    device->room = bytes.empty() ? 0 : bytes[0];
                break;
            default: run_on_port(operation, bytes); break;
        }
        host_.transmit(ethernet_index);
        host_.transmit(raw_index);
        run_loopback();
        look_at_sent();
        look_at_bounds();
    }

    void finish() {
        for (udp::UdpPort* port : ports_)
            host_.udp.close(*port, host_.now);
        run_loopback();
        for (const auto& device : host_.devices)
            device->room = harness::FakeDevice::without_limit;
        // Unanswered neighbours are given up, and all queues drain.
        host_.advance_to(host_.now + seconds(60));
        for (link::InterfaceIndex index : {ethernet_index, raw_index}) {
            host_.transmit(index, 100'000);
            check(!host_.interface(index).has_queued(), "the queue drains");
        }
        look_at_sent();
        check(host_.pool.outstanding() == 0, "every buffer comes back");
        check(host_.interface(ethernet_index).next_deadline().is_never(),
              "an idle host has nothing due");
    }

  private:
    void feed(const Octets& bytes, link::InterfaceIndex index) {
        const Fate fate = host_.feed(bytes, index);
        check((fate.kind == FateKind::dropped) == (fate.reason != DropReason::none),
              "a drop has a reason, nothing else has");
        check(fate.kind != FateKind::sent && fate.kind != FateKind::forwarded,
              "an arrived frame has the fate of one");
    }

    // What the host says to itself arrives, and perhaps causes more.
    void run_loopback() {
        constexpr link::InterfaceIndex lo = link::Interfaces::loopback_index;
        std::array<link::Frame, 16> burst;
        while (true) {
            host_.interfaces.loopback().transmit_queue(host_.now, burst.size());
            const std::size_t arrived = host_.loopback.receive(host_.pool, burst, host_.now);
            if (arrived == 0) return;
            for (link::Frame& frame : std::span(burst).first(arrived)) {
                static_cast<void>(host_.feed(frame, lo));
                frame.buffer.release();
            }
        }
    }

    void change_groups(udp::UdpPort& port, Bytes bytes) {
        const Ipv4Address group(load_be32(bytes, 1));
        const link::InterfaceIndex by = bytes[5];
        const Ipv4Address source =
            bytes.size() >= 10 ? Ipv4Address(load_be32(bytes, 6)) : Ipv4Address{};
        if ((bytes[0] & 0x40) == 0) {
            const std::errc error = port.groups.join(host_.ip, group, by, source, host_.now);
            check(error != std::errc{} || group.is_multicast(), "only groups are joined");
        } else {
            port.groups.leave(host_.ip, group, by, source, host_.now);
        }
    }

    static void change_options(udp::UdpPort& port, std::uint16_t bits) {
        port.receive_errors = (bits & 1) != 0;
        port.multicast_loop = (bits & 2) != 0;
        port.multicast_all = (bits & 4) != 0;
        port.mtu_discover = static_cast<ip::MtuDiscover>((bits >> 3) & 3);
        port.multicast_ttl = static_cast<std::uint8_t>((bits >> 5) & 3);
        port.bind_interface.reset();
        if ((bits & 0x80) != 0) port.bind_interface = (bits >> 8) & 1;
        port.multicast_interface.reset();
        if ((bits & 0x200) != 0) port.multicast_interface = (bits >> 10) & 1;
    }

    void run_on_port(Operation operation, Bytes bytes) {
        if (bytes.empty()) return;
        udp::UdpPort& port = *ports_[bytes[0] % ports_.size()];
        port.broadcast_allowed = (bytes[0] & 0x80) != 0;
        if (operation == op_read) {
            while (port.inbox.pop()) {
            }
            port.inbox.take_error();
            std::size_t errors = 0;
            while (port.inbox.pop_error())
                ++errors;
            check(errors <= ip::DatagramQueue::limit_errors, "the queue of errors is bounded");
            check(port.inbox.charged_bytes() == 0 && port.inbox.queued_bytes() == 0,
                  "an empty queue costs nothing");
        } else if (operation == op_disconnect) {
            host_.udp.disconnect(port);
        } else if (operation == op_group) {
            if (bytes.size() >= 6) change_groups(port, bytes);
        } else if (operation == op_options) {
            if (bytes.size() >= 3) change_options(port, load_be16(bytes, 1));
        } else if (bytes.size() >= 7) {
            const Endpoint remote{Ipv4Address(load_be32(bytes, 1)), load_be16(bytes, 5)};
            const std::vector<Bytes> parts{bytes.subspan(7)};
            if (operation == op_connect) host_.udp.connect(port, remote);
            if (operation == op_send) host_.udp.send(port, parts, remote, host_.now);
        }
    }

    void look_at_sent() {
        while (!host_.device(ethernet_index).sent.empty())
            look_at_frame(host_.device(ethernet_index).take().bytes);
        while (!host_.device(raw_index).sent.empty())
            look_at_packet(host_.device(raw_index).take().bytes);
    }
    static void look_at_frame(Bytes frame) {
        const auto ethernet = wire::EthernetView::parse(frame);
        check(ethernet.has_value() && ethernet->source() == our_mac, "a sent frame is ours");
        if (ethernet->type() != wire::EtherType::arp) return look_at_packet(ethernet->payload());
        const auto arp = wire::parse_arp(ethernet->payload());
        check(arp.has_value() && arp->sender_mac == our_mac && arp->sender_ip == our_ip,
              "ARP tells the truth about us");
        check(!arp->target_ip.is_multicast() && arp->target_ip != Ipv4Address(192, 0, 2, 255),
              "no group is resolved");
    }
    static void look_at_packet(Bytes bytes) {
        const auto packet = wire::Ipv4View::parse(bytes);
        check(packet.has_value() && packet->packet().size() == bytes.size(),
              "a sent packet is well formed");
        check(packet->source() == our_ip || packet->source() == raw_ip,
              "a sent packet comes from us");
        if (packet->is_fragment() || packet->protocol() == 2) return;
        if (packet->protocol() == 17) {
            check(wire::UdpView::parse(packet->payload(), packet->source(), packet->destination(),
                                       false)
                      .has_value(),
                  "a sent datagram is well formed");
            return;
        }
        const auto message = wire::IcmpView::parse(packet->payload());
        check(message.has_value(), "a sent ICMP message is well formed");
        const Ipv4Address to = packet->destination();
        check(!to.is_multicast() && !to.is_limited_broadcast() && !to.is_loopback() &&
                  !to.is_this_network() && to != Ipv4Address(192, 0, 2, 255) &&
                  to != Ipv4Address(198, 51, 100, 255),
              "ICMP goes to single hosts only");
        if (message->type() == wire::IcmpType::echo_reply) return;
        check(packet->packet().size() <= 576, "an ICMP error is short");
        const Bytes quote = message->payload();
        const std::size_t header = std::size_t{4} * (quote[0] & 0x0fU);
        check(quote[9] != 1 || !wire::is_icmp_error(wire::IcmpType{quote[header]}),
              "no error is about an error");
    }

    void look_at_bounds() {
        const link::NeighbourCache& neighbours = host_.interface(ethernet_index).neighbours();
        check(neighbours.size() <= link::NeighbourCache::entry_limit, "neighbours are bounded");
        check(neighbours.pending_packets() <= link::NeighbourCache::pending_limit,
              "waiting packets are bounded");
        for (const udp::UdpPort* port : ports_) {
            check(port->inbox.charged_bytes() <=
                      port->inbox.limit_bytes + BufferPool::large_block_bytes,
                  "a queue is bounded");
        }
    }

    harness::LowerLayers host_;
    std::vector<udp::UdpPort*> ports_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input(data, size);
    Fuzz fuzz;
    for (std::size_t record = 0; record < max_records && input.size() >= 3; ++record) {
        const auto operation = static_cast<Operation>((input[0] & 0x0fU) % op_count);
        const std::size_t length = std::min<std::size_t>(load_be16(input, 1), input.size() - 3);
        const Bytes bytes = input.subspan(3, length);
        fuzz.run(operation, Octets(bytes.begin(), bytes.end()));
        input = input.subspan(3 + length);
    }
    fuzz.finish();
    return 0;
}
