// The interface's egress; its ingress is in interface_receive.cpp.
#include "link/interface.hpp"

#include <algorithm>
#include <utility>

namespace berth::link {

namespace {

constexpr std::uint64_t neighbour_key_label = 1;

MacAddress chosen_mac(MacAddress wanted, const LinkProperties& properties, Random& random) {
    if (properties.kind != LinkKind::ethernet) return {};
    if (!wanted.is_zero()) return wanted;
    if (!properties.mac.is_zero()) return properties.mac;
    MacAddress mac;
    for (auto& octet : mac.octets)
        octet = static_cast<std::uint8_t>(random.next_u32());
    // IEEE 802 §8.2: locally administered, and one station's.
    mac.octets[0] = static_cast<std::uint8_t>((mac.octets[0] | 0x02U) & 0xfeU);
    return mac;
}

SipHashKey drawn_key(Random random) {
    return {random.next_u64(), random.next_u64()};
}

// RFC 1112 §6.4: the low 23 bits of the group go into 01-00-5E-00-00-00.
MacAddress multicast_mac(Ipv4Address group) {
    return {{0x01, 0x00, 0x5e, static_cast<std::uint8_t>(group.value >> 16 & 0x7fU),
             static_cast<std::uint8_t>(group.value >> 8), static_cast<std::uint8_t>(group.value)}};
}

}  // namespace

Interface::Interface(InterfaceIndex index, std::string name, LinkDevice& device,
                     const InterfaceConfig& config, LinkContext context, Random random)
    : index_(index),
      name_(std::move(name)),
      device_(device),
      random_(random),
      mac_(chosen_mac(config.mac, device.properties(), random_)),
      vlan_(config.vlan),
      context_(context),
      neighbours_(*this, config.neighbours, drawn_key(random_.fork(neighbour_key_label))) {}

void Interface::add_address(Ipv4Prefix address) {
    if (!has_address(address.address)) addresses_.push_back(address);
}

void Interface::remove_address(Ipv4Address address) {
    std::erase_if(addresses_, [&](const Ipv4Prefix& own) { return own.address == address; });
    drop_claim(address);
}

bool Interface::has_address(Ipv4Address address) const {
    return std::any_of(addresses_.begin(), addresses_.end(),
                       [&](const Ipv4Prefix& own) { return own.address == address; });
}

bool Interface::is_link_broadcast(Ipv4Address address) const {
    if (address.is_limited_broadcast()) return true;
    return std::any_of(addresses_.begin(), addresses_.end(), [&](const Ipv4Prefix& own) {
        return own.has_broadcast() && own.broadcast() == address;
    });
}

DropReason Interface::enqueue(OwnedPacket packet, Time now) {
    DropReason reason = DropReason::none;
    if (!device_.error().empty()) {
        reason = DropReason::interface_down;
    } else if (queue_room() == 0) {
        reason = DropReason::reply_queue_overflow;
    }
    if (reason == DropReason::none) {
        queue_.push_back(std::move(packet));
    } else {
        drop(std::move(packet), reason, now);
    }
    return reason;
}

NeighbourCache::Answer Interface::resolve(Ipv4Address next_hop, Time now) {
    if (next_hop.is_multicast()) return {NeighbourCache::Knowledge::known, multicast_mac(next_hop)};
    if (is_link_broadcast(next_hop))
        return {NeighbourCache::Knowledge::known, MacAddress::broadcast()};
    return neighbours_.look_up(next_hop, now);
}

Interface::Resolution Interface::address_frame(OutFrame& frame, Ipv4Address next_hop, Time now) {
    if (!is_ethernet()) return Resolution::ready;
    const NeighbourCache::Answer answer = resolve(next_hop, now);
    if (answer.knowledge == NeighbourCache::Knowledge::known) {
        prepend_ethernet(frame, answer.mac);
        return Resolution::ready;
    }
    if (answer.knowledge == NeighbourCache::Knowledge::unreachable) {
        drop(frame, DropReason::neighbour_unreachable, now);
        return Resolution::unreachable;
    }
    OwnedPacket copy = copy_of(frame, next_hop);
    if (!copy.buffer) {  // larger than any block: nothing that a link takes
        drop(frame, DropReason::neighbour_pending_overflow, now);
        return Resolution::dropped;
    }
    const DropReason reason = neighbours_.hold(next_hop, std::move(copy), now);
    return reason == DropReason::none ? Resolution::pending : Resolution::dropped;
}

std::size_t Interface::send(std::span<OutFrame> frames, Time now) {
    for (OutFrame& frame : frames)
        frame.emission = std::max(frame.emission, now);
    const std::size_t accepted = std::min(device_.send(frames, now), frames.size());
    for (const OutFrame& frame : frames.first(accepted)) {
        ++counters_.frames_out;
        counters_.bytes_out += frame.size();
        if (context_.observer != nullptr) tell_sent(frame, now);
    }
    return accepted;
}

std::size_t Interface::transmit_queue(Time now, std::size_t budget) {
    std::size_t sent = 0;
    while (sent < budget && !queue_.empty()) {
        const std::size_t offered = fill_burst(std::min(budget - sent, burst_frames), now);
        const std::size_t accepted = send(std::span(burst_).first(offered), now);
        queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(accepted));
        sent += accepted;
        if (accepted < offered) break;
    }
    return sent;
}

// Makes frames of the first packets in the queue; those that cannot go now leave the queue.
std::size_t Interface::fill_burst(std::size_t limit, Time now) {
    if (burst_.empty()) burst_.resize(burst_frames);
    std::size_t filled = 0;
    while (filled < limit && filled < queue_.size()) {
        if (prepare(queue_[filled], burst_[filled], now)) {
            ++filled;
        } else {
            queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(filled));
        }
    }
    return filled;
}

// False: the packet was moved away, to wait for its neighbour or to be dropped.
bool Interface::prepare(OwnedPacket& packet, OutFrame& frame, Time now) {
    NeighbourCache::Answer answer;
    const bool needs_header = is_ethernet() && !packet.is_frame;
    if (needs_header) {
        const Ipv4Address next_hop = packet.next_hop;
        answer = resolve(next_hop, now);
        if (answer.knowledge == NeighbourCache::Knowledge::unreachable) {
            drop(std::move(packet), DropReason::neighbour_unreachable, now);
            return false;
        }
        if (answer.knowledge == NeighbourCache::Knowledge::unknown) {
            OwnedPacket waiting = std::move(packet);  // hold() may append a request to the queue
            neighbours_.hold(next_hop, std::move(waiting), now);
            return false;
        }
    }
    frame.clear();
    frame.add_slice(std::as_const(packet).bytes());
    frame.fate = packet.fate;
    frame.needs_checksum = packet.needs_checksum;
    frame.checksum_start = packet.checksum_start;
    frame.checksum_offset = packet.checksum_offset;
    frame.segment_size = packet.segment_size;
    if (needs_header) prepend_ethernet(frame, answer.mac);
    return true;
}

void Interface::prepend_ethernet(OutFrame& frame, MacAddress destination) {
    const std::size_t header_bytes = link_header_bytes();
    wire::write(wire::EthernetHeader{destination, mac_, wire::EtherType::ipv4, vlan_},
                frame.prepend(header_bytes));
    if (frame.needs_checksum)
        frame.checksum_start = static_cast<std::uint16_t>(frame.checksum_start + header_bytes);
}

OwnedPacket Interface::copy_of(const OutFrame& frame, Ipv4Address next_hop) {
    OwnedPacket packet;
    packet.buffer = context_.pool.take(link_header_room + frame.size());
    if (!packet.buffer) return packet;
    packet.offset = link_header_room;
    packet.length = static_cast<std::uint32_t>(frame.size());
    frame.copy_to(packet.bytes());
    packet.next_hop = next_hop;
    packet.needs_checksum = frame.needs_checksum;
    packet.checksum_start = frame.checksum_start;
    packet.checksum_offset = frame.checksum_offset;
    packet.segment_size = frame.segment_size;
    packet.fate = frame.fate;
    return packet;
}

void Interface::on_resolved(OwnedPacket packet, Time now) {
    enqueue(std::move(packet), now);
}

void Interface::on_discarded(OwnedPacket packet, DropReason reason, Time now) {
    if (reason == DropReason::neighbour_unreachable && unreachable_receiver_ != nullptr)
        unreachable_receiver_->on_unreachable(packet.bytes());
    drop(std::move(packet), reason, now);
}

void Interface::drop(OwnedPacket packet, DropReason reason, Time now) {
    context_.drops.add(reason);
    ++counters_.dropped_out;
    if (context_.observer == nullptr) return;
    const auto header_bytes = static_cast<std::uint32_t>(link_header_bytes());
    if (is_ethernet() && !packet.is_frame && packet.offset >= header_bytes) {
        packet.offset -= header_bytes;
        packet.length += header_bytes;
        wire::write(wire::EthernetHeader{MacAddress{}, mac_, wire::EtherType::ipv4, vlan_},
                    packet.bytes());
    }
    Fate fate = packet.fate;
    fate.kind = FateKind::dropped;
    fate.reason = reason;
    context_.observer->on_packet(index_, Direction::out, now, std::as_const(packet).bytes(), fate);
}

void Interface::drop(const OutFrame& frame, DropReason reason, Time now) {
    OwnedPacket packet;
    if (context_.observer != nullptr) packet = copy_of(frame, {});
    if (packet.buffer) {
        drop(std::move(packet), reason, now);
        return;
    }
    context_.drops.add(reason);
    ++counters_.dropped_out;
}

void Interface::tell_sent(const OutFrame& frame, Time now) {
    told_bytes_.resize(frame.size());
    frame.copy_to(told_bytes_);
    context_.observer->on_packet(index_, Direction::out, now, told_bytes_, frame.fate);
}

}  // namespace berth::link
