// Ethernet, VLAN tags, ARP and address claims, fed with any frames while time passes, packets go
// out and the operator interferes. Whatever comes: each frame has one fate, the bounds hold, what
// is sent bears the right tag and tells the truth, no neighbour is asked twice in a second, no
// address is defended twice in ten, and every buffer comes back.
//
// The input is a list of records: operation, length (one byte), bytes. See Operation.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/lower_layers.hpp"
#include "wire/arp.hpp"

namespace {

using namespace berth;
using Octets = std::vector<std::uint8_t>;
using Place = std::pair<link::InterfaceIndex, Ipv4Address>;

constexpr link::InterfaceIndex interface_count = 2;
constexpr wire::VlanId vlan_of_second = 10;
constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr std::size_t max_records = 300;

// The low four bits of a record's first byte; the fifth says which interface.
enum Operation : std::uint8_t {
    op_frame,      // as it is
    op_arp,        // a valid one: operation, sender's MAC, sender, target, VLAN; a byte each
    op_advance,    // by as many units of 4 ms as the first two bytes say
    op_send,       // a packet to the address that the first byte picks, or the first four say
    op_claim,      // address, policy
    op_announce,   // address
    op_remove,     // address
    op_permanent,  // neighbour, MAC
    op_forget,     // neighbour; none: all
    op_refuse,     // the device takes as many frames as the first byte says, from now on
    op_count
};

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_arp: it does not hold that %s\n", what);
    std::abort();
}

// A few addresses, so that records meet: some of them ours or claimed, some bad for a sender.
Ipv4Address pick_address(std::uint8_t byte) {
    switch (byte >> 4) {
        case 0xf: return {};
        case 0xe: return {192, 0, 2, 255};
        case 0xd: return {203, 0, 113, byte};
        case 0xc: return {224, 0, 0, 1};
        default: return {192, 0, 2, static_cast<std::uint8_t>(byte & 0x3f)};
    }
}

MacAddress pick_mac(std::uint8_t byte) {
    if (byte == 0xff) return MacAddress::broadcast();
    return {{2, 0, 0, 0, 0, static_cast<std::uint8_t>(byte & 0x0f)}};
}

class Fuzz : private link::AddressEvents {
  public:
    Fuzz() {
        link::InterfaceConfig config;
        // Small enough that a short input meets every bound.
        config.neighbours.entries = 8;
        config.neighbours.incomplete = 3;
        config.neighbours.pending_per_neighbour = 2;
        config.neighbours.pending = 5;
        host_.add_interface(link::LinkKind::ethernet, 1500, our_mac, config);
        config = {};
        config.vlan = vlan_of_second;
        host_.add_interface(link::LinkKind::ethernet, 1500, our_mac, config);
        for (link::InterfaceIndex index = 0; index < interface_count; ++index) {
            host_.interface(index).set_address_events(this);
            host_.ip.add_address(index, {own(index), 24});
        }
        host_.interface(0).claim({{192, 0, 2, 5}, 24}, link::ConflictPolicy::defend, host_.now);
    }

    void run(std::uint8_t head, Octets bytes) {
        const auto operation = static_cast<Operation>((head & 0x0fU) % op_count);
        const link::InterfaceIndex index = head >> 4 & 1U;
        bytes.resize(std::max<std::size_t>(bytes.size(), 5));
        link::Interface& interface = host_.interface(index);
        const Ipv4Address address = pick_address(bytes[0]);
        switch (operation) {
            case op_frame: feed(bytes, index); break;
            case op_arp: feed(arp_frame(bytes), index); break;
            case op_advance: advance(milliseconds(4) * load_be16(bytes, 0)); break;
            case op_send: send(bytes, interface); break;
            case op_claim:
                interface.claim({address, 24}, static_cast<link::ConflictPolicy>(bytes[1] % 3),
                                host_.now);
                break;
            case op_announce: interface.announce(address, host_.now); break;
            case op_remove:
                host_.ip.remove_address(index, {address, 24});
                defended_.erase({index, address});
                break;
            case op_permanent:
                interface.add_permanent_neighbour(address, pick_mac(bytes[1]), host_.now);
                break;
            case op_forget:
                asked_.clear();  // with the entry its second is forgotten
                if (address.is_unspecified()) interface.flush_neighbours(host_.now);
                interface.remove_neighbour(address, host_.now);
                break;
            default:
                host_.device(index).room = bytes[0];
                was_refused_ = true;
                break;
        }
        transmit();
        look_at_bounds();
    }

    void finish() {
        for (const auto& device : host_.devices)
            device->room = harness::FakeDevice::without_limit;
        was_refused_ = true;  // what was held back goes now, late
        transmit();
        advance(seconds(3600));
        for (link::InterfaceIndex index = 0; index < interface_count; ++index) {
            check(!host_.interface(index).has_queued(), "the queue drains");
            check(host_.interface(index).next_deadline().is_never(),
                  "an idle interface has nothing due");
            check(host_.interface(index).neighbours().pending_packets() == 0,
                  "nobody waits for ever");
        }
        check(host_.pool.outstanding() == 0, "every buffer comes back");
    }

  private:
    static Ipv4Address own(link::InterfaceIndex index) {
        return {192, 0, 2, static_cast<std::uint8_t>(2 + index)};
    }
    static Octets arp_frame(Bytes bytes) {
        Octets packet(wire::arp_packet_bytes);
        const auto operation =
            (bytes[0] & 1) != 0 ? wire::ArpOperation::reply : wire::ArpOperation::request;
        wire::write(wire::ArpPacket{operation, pick_mac(bytes[1]), pick_address(bytes[2]), our_mac,
                                    pick_address(bytes[3])},
                    packet);
        const wire::VlanId vlan = (bytes[4] & 1) != 0 ? vlan_of_second : 0;
        Octets frame(wire::ethernet_header_size(vlan));
        const MacAddress to = (bytes[0] & 2) != 0 ? our_mac : MacAddress::broadcast();
        wire::write(wire::EthernetHeader{to, pick_mac(bytes[1]), wire::EtherType::arp, vlan},
                    frame);
        frame.insert(frame.end(), packet.begin(), packet.end());
        return frame;
    }

    void feed(const Octets& bytes, link::InterfaceIndex index) {
        const Fate fate = host_.feed(bytes, index);
        check((fate.kind == FateKind::dropped) == (fate.reason != DropReason::none),
              "a drop has a reason, nothing else has");
        check(fate.kind != FateKind::sent, "an arrived frame has the fate of one");
    }

    void send(Bytes bytes, link::Interface& interface) {
        link::OwnedPacket packet;
        packet.buffer = host_.pool.take(64);
        packet.offset = link::Interface::link_header_room;
        packet.length = 20;
        std::fill(packet.bytes().begin(), packet.bytes().end(), std::uint8_t{0});
        packet.next_hop = bytes[4] == 0 ? pick_address(bytes[0]) : Ipv4Address(load_be32(bytes, 0));
        if ((bytes[1] & 1) == 0) {
            interface.enqueue(std::move(packet), host_.now);
            return;
        }
        link::OutFrame frame;
        frame.add_slice(std::as_const(packet).bytes());
        if (interface.address_frame(frame, packet.next_hop, host_.now) ==
            link::Interface::Resolution::ready)
            look_at_frame(frame.header(), interface.index(), host_.now);
    }

    // To each deadline on the way, in the order of time.
    void advance(Duration how_long) {
        const Time then = host_.now + how_long;
        for (;;) {
            const Time next =
                earlier(host_.interface(0).next_deadline(), host_.interface(1).next_deadline());
            if (next > then) break;
            host_.now = std::max(host_.now, next);
            for (link::InterfaceIndex index = 0; index < interface_count; ++index) {
                host_.interface(index).advance(host_.now);
                check(host_.interface(index).next_deadline() > host_.now, "what is due is done");
            }
            transmit();
        }
        host_.now = then;
    }

    void transmit() {
        for (link::InterfaceIndex index = 0; index < interface_count; ++index) {
            host_.transmit(index, 100'000);
            while (!host_.device(index).sent.empty()) {
                const harness::SentFrame frame = host_.device(index).take();
                look_at_frame(frame.bytes, index, frame.when);
                if (std::string_view(frame.fate.note).substr(0, 3) == "arp")
                    look_at_arp(frame, index);
            }
        }
    }
    static void look_at_frame(Bytes frame, link::InterfaceIndex index, Time) {
        const auto ethernet = wire::EthernetView::parse(frame);
        check(ethernet.has_value() && ethernet->source() == our_mac, "a sent frame is ours");
        check(ethernet->vlan() == (index == 0 ? 0 : vlan_of_second), "it bears the link's tag");
        check(!ethernet->destination().is_zero(), "it goes to somebody");
    }
    void look_at_arp(const harness::SentFrame& frame, link::InterfaceIndex index) {
        const auto ethernet = wire::EthernetView::parse(frame.bytes);
        const auto arp = wire::parse_arp(ethernet->payload());
        check(arp.has_value() && arp->sender_mac == our_mac, "ARP tells the truth about our MAC");
        const std::string_view note = frame.fate.note;
        if (was_refused_) return;  // it may have waited while things changed
        if (note == "arp probe") {
            check(arp->sender_ip.is_unspecified(), "a probe has no sender");
            return;
        }
        check(!host_.interface(index).is_tentative(arp->sender_ip),
              "nothing is said from an address that is being probed for");
        if (note == "arp request") {
            check(!arp->target_ip.is_multicast() && !arp->target_ip.is_limited_broadcast(),
                  "no group is resolved");
            const auto [at, is_new] = asked_.try_emplace({index, arp->target_ip}, frame.when);
            check(is_new || frame.when - at->second >= seconds(1),
                  "nobody is asked twice in a second");
            at->second = frame.when;
        }
        if (note == "arp defence") {
            const auto [at, is_new] = defended_.try_emplace({index, arp->sender_ip}, frame.when);
            check(is_new || frame.when - at->second >= seconds(10),
                  "nothing is defended twice in ten seconds");
            at->second = frame.when;
        }
    }

    void look_at_bounds() {
        for (link::InterfaceIndex index = 0; index < interface_count; ++index) {
            const link::Interface& interface = host_.interface(index);
            const link::NeighbourCache& neighbours = interface.neighbours();
            const link::NeighbourLimits& limits = neighbours.limits();
            check(neighbours.size() <= limits.entries, "neighbours are bounded");
            check(neighbours.pending_packets() <= limits.pending, "waiting packets are bounded");
            std::size_t seen = 0;
            std::size_t incomplete = 0;
            std::size_t pending = 0;
            Ipv4Address last;
            neighbours.for_each(host_.now, [&](const link::NeighbourCache::Neighbour& each) {
                check(seen == 0 || last < each.address, "neighbours come in order, each once");
                last = each.address;
                ++seen;
                incomplete += each.state == link::NeighbourState::incomplete ? 1U : 0U;
                pending += each.pending_packets;
                check(each.pending_packets <= limits.pending_per_neighbour,
                      "packets for one neighbour are bounded");
                check(!each.mac.is_group(), "no neighbour is a group");
                check(each.probes <= link::NeighbourCache::request_tries, "requests are bounded");
            });
            check(seen == neighbours.size() && pending == neighbours.pending_packets(),
                  "the sums are right");
            check(incomplete <= limits.incomplete, "unanswered neighbours are bounded");
            check(interface.claims().size() <= link::Interface::claim_limit, "claims are bounded");
        }
    }

    void on_claimed(link::InterfaceIndex index, Ipv4Prefix address) override {
        host_.ip.add_address(index, address);
    }
    void on_conflict(link::InterfaceIndex index, Ipv4Address address, MacAddress other,
                     bool lost) override {
        check(other != our_mac, "we do not conflict with ourselves");
        if (!lost) return;
        check(!host_.interface(index).has_address(address), "what is lost is not ours");
        host_.ip.remove_address(index, {address, 24});
        defended_.erase({index, address});
    }

    harness::LowerLayers host_;
    std::map<Place, Time> asked_;
    std::map<Place, Time> defended_;
    bool was_refused_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input(data, size);
    Fuzz fuzz;
    for (std::size_t record = 0; record < max_records && input.size() >= 2; ++record) {
        const std::uint8_t head = input[0];
        const std::size_t length = std::min<std::size_t>(input[1], input.size() - 2);
        const Bytes bytes = input.subspan(2, length);
        fuzz.run(head, Octets(bytes.begin(), bytes.end()));
        input = input.subspan(2 + length);
    }
    fuzz.finish();
    return 0;
}
