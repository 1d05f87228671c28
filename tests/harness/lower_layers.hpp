// The layers under TCP, wired as the stack wires them, so that each can be tested without the
// stack.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/buffer.hpp"
#include "base/drop_reason.hpp"
#include "base/fate.hpp"
#include "base/random.hpp"
#include "harness/fake_device.hpp"
#include "icmp/icmp.hpp"
#include "ip/ipv4.hpp"
#include "link/interfaces.hpp"
#include "link/loopback_device.hpp"
#include "udp/udp.hpp"
#include "wire/ethernet.hpp"

namespace berth::harness {

// A fate as the observer was told it.
struct ToldFate {
    std::uint32_t interface_index = 0;
    Direction direction = Direction::in;
    std::vector<std::uint8_t> frame;
    Fate fate;
};

class RecordingObserver final : public FateObserver {
  public:
    std::vector<ToldFate> told;
    void on_packet(std::uint32_t interface_index, Direction direction, Time, Bytes frame,
                   const Fate& fate) override {
        told.push_back({interface_index, direction, {frame.begin(), frame.end()}, fate});
    }
};

class LowerLayers {
  public:
    BufferPool pool;
    DropCounters drops;
    FateObserver* observer = nullptr;
    std::vector<std::unique_ptr<FakeDevice>> devices;
    link::Interfaces interfaces;
    link::LinkContext context{pool, drops, observer};
    Random random{Seed::from(1)};
    ip::Config ip_config{};
    link::LoopbackDevice loopback{pool};
    ip::Ipv4 ip{interfaces, context, ip_config, random.fork(1)};
    icmp::Icmp icmp{ip, context, random.fork(2)};
    udp::Udp udp{ip, context, random.fork(3)};
    Time now{};

    explicit LowerLayers(const ip::Config& config = {}) : ip_config(config) {
        interfaces.set_loopback(
            std::make_unique<link::Interface>(link::Interfaces::loopback_index, "lo", loopback,
                                              link::InterfaceConfig{}, context, random.fork(99)));
    }
    LowerLayers(const LowerLayers&) = delete;
    LowerLayers& operator=(const LowerLayers&) = delete;

    link::InterfaceIndex add_interface(link::LinkKind kind, std::uint16_t mtu = 1500,
                                       MacAddress mac = {},
                                       const link::InterfaceConfig& config = {}) {
        const auto index = static_cast<link::InterfaceIndex>(interfaces.size());
        devices.push_back(std::make_unique<FakeDevice>(kind, mtu, mac));
        interfaces.add(std::make_unique<link::Interface>(index, "if" + std::to_string(index),
                                                         *devices.back(), config, context,
                                                         random.fork(100 + index)));
        return index;
    }
    FakeDevice& device(link::InterfaceIndex index = 0) { return *devices[index]; }
    link::Interface& interface(link::InterfaceIndex index = 0) { return interfaces.at(index); }

    // One frame in, up to the layer where it ends.
    Fate feed(Bytes frame_bytes, link::InterfaceIndex index = 0) {
        link::Frame frame = link::Frame::copy_of(frame_bytes, pool, now);
        return feed(frame, index);
    }
    Fate feed(link::Frame& frame, link::InterfaceIndex index = 0) {
        const auto found = interface(index).receive(frame, now);
        if (const Fate* fate = std::get_if<Fate>(&found)) return *fate;
        const auto& received = std::get<link::ReceivedPacket>(found);
        const auto arrived = ip.receive(received, index);
        if (!arrived) return Fate::dropped(arrived.error());
        if (arrived->disposition == ip::Disposition::transit)
            return ip.forward(frame, arrived->packet, index, received.to_link_group, now);
        if (arrived->disposition == ip::Disposition::local)
            return feed_transport(frame, arrived->packet, received.to_link_group, index);
        const auto result = ip.reassemble(frame, arrived->packet, now);
        if (const Fate* fate = std::get_if<Fate>(&result)) return *fate;
        return feed_transport(frame, std::get<wire::Ipv4View>(result), received.to_link_group,
                              index);
    }

    // What goes out now; returns how many frames went.
    std::size_t transmit(link::InterfaceIndex index = 0, std::size_t budget = 1000) {
        const std::size_t sent = interface(index).transmit_queue(now, budget);
        udp.wake_blocked();
        return sent;
    }
    // Lets time pass to each deadline on the way, and sends what comes of it.
    void advance_to(Time then) {
        for (auto& each : interfaces) {
            while (each->next_deadline() <= then) {
                now = std::max(now, each->next_deadline());
                each->advance(now);
                transmit(each->index());
            }
        }
        now = then;
    }

  private:
    Fate feed_transport(link::Frame& frame, const wire::Ipv4View& packet, bool to_link_group,
                        link::InterfaceIndex index) {
        if (packet.protocol() == static_cast<std::uint8_t>(Protocol::icmp)) {
            const auto result = icmp.receive(frame, packet, index, now);
            if (const Fate* fate = std::get_if<Fate>(&result)) return *fate;
            const auto& report = std::get<ip::ErrorReport>(result);
            if (report.protocol == static_cast<std::uint8_t>(Protocol::udp))
                return udp.on_icmp_error(report, now);
            return Fate::dropped(DropReason::icmp_error_no_match);
        }
        const auto unreachable = wire::IcmpType::destination_unreachable;
        if (packet.protocol() != static_cast<std::uint8_t>(Protocol::udp)) {
            icmp.send_error(unreachable, wire::icmp_code::protocol_unreachable, packet,
                            to_link_group, now);
            return Fate::dropped(DropReason::ip_unknown_protocol);
        }
        const Fate fate = udp.receive(frame, packet, index);
        if (fate.kind == FateKind::dropped && fate.reason == DropReason::udp_no_socket) {
            icmp.send_error(unreachable, wire::icmp_code::port_unreachable, packet, to_link_group,
                            now);
        }
        return fate;
    }
};

// An Ethernet frame around bytes.
inline std::vector<std::uint8_t> ethernet_frame(MacAddress destination, MacAddress source,
                                                std::uint16_t type, Bytes payload) {
    std::vector<std::uint8_t> frame(wire::ethernet_header_bytes);
    wire::write({destination, source, wire::EtherType{type}}, frame);
    frame.insert(frame.end(), payload.begin(), payload.end());
    return frame;
}

}  // namespace berth::harness
