#include "stack.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <variant>

namespace berth {

// A frame's way through the first two steps of the journey: parsed, or with a fate already; hashed.
struct Stack::Arrival {
    link::Frame* frame = nullptr;
    std::optional<Fate> fate;  // it ended in a lower layer
    bool to_link_group = false;
    std::optional<wire::Ipv4View> packet;
    ip::Disposition disposition = ip::Disposition::local;
    std::optional<wire::TcpView> segment;
    demux::ConnectionTable::Hash hash = 0;
};

Stack::Stack(const StackConfig& config)
    : random_(config.seed),
      now_(config.start),
      loopback_device_(pool_),
      ip_(interfaces_, link::LinkContext{pool_, drops_, observer_}, config.ip, random_.fork(1)),
      igmp_(ip_, random_.fork(5)),
      raw_(ip_, link::LinkContext{pool_, drops_, observer_}),
      icmp_(ip_, link::LinkContext{pool_, drops_, observer_}, random_.fork(2)),
      udp_(ip_, link::LinkContext{pool_, drops_, observer_}, random_.fork(3)),
      tcp_(config.tcp, ip_, link::LinkContext{pool_, drops_, observer_}, random_.fork(4),
           config.start) {
    interfaces_.set_loopback(std::make_unique<link::Interface>(
        link::Interfaces::loopback_index, "lo", loopback_device_, link::InterfaceConfig{},
        link::LinkContext{pool_, drops_, observer_}, random_.fork(99)));
    ip_.set_problem_receiver(this);
}

Stack::~Stack() = default;

link::InterfaceIndex Stack::add_interface(std::string name, link::LinkDevice& device,
                                          const link::InterfaceConfig& config) {
    const auto index = static_cast<link::InterfaceIndex>(interfaces_.size());
    interfaces_.add(std::make_unique<link::Interface>(index, std::move(name), device, config,
                                                      link::LinkContext{pool_, drops_, observer_},
                                                      random_.fork(100 + index)));
    interfaces_.at(index).set_unreachable_receiver(this);
    return index;
}

// --- up: parse, demultiplex, deliver ---

void Stack::receive(link::InterfaceIndex interface_index, std::span<link::Frame> burst, Time now) {
    now_ = now;
    std::array<Arrival, burst_frames> arrivals;
    while (!burst.empty()) {
        const std::size_t count = std::min(burst.size(), burst_frames);
        const std::span<Arrival> batch(arrivals.data(), count);
        for (std::size_t i = 0; i < count; ++i) {
            batch[i] = Arrival{};
            batch[i].frame = &burst[i];
            parse(batch[i], interface_index, now);
        }
        for (const Arrival& arrival : batch)
            if (arrival.segment) tcp_.table().prefetch_entry(arrival.hash);
        for (Arrival& arrival : batch) {
            const Bytes bytes = arrival.frame->bytes();
            if (observer_ != nullptr) observed_.assign(bytes.begin(), bytes.end());
            const Time when = arrival.frame->arrival;
            const Fate fate = arrival.fate ? *arrival.fate : deliver(arrival, interface_index, now);
            record(interface_index, when, fate);
            arrival.frame->buffer.release();  // unless somebody kept it
        }
        burst = burst.subspan(count);
    }
}

void Stack::parse(Arrival& arrival, link::InterfaceIndex interface_index, Time now) {
    auto below = interfaces_.at(interface_index).receive(*arrival.frame, now);
    if (const Fate* fate = std::get_if<Fate>(&below)) {
        arrival.fate = *fate;
        return;
    }
    const auto& received = std::get<link::ReceivedPacket>(below);
    ++traffic_.ip_received;
    arrival.to_link_group = received.to_link_group;
    const auto found = ip_.receive(received, interface_index);
    if (!found) {
        arrival.fate = Fate::dropped(found.error());
        return;
    }
    arrival.packet = found->packet;
    arrival.disposition = found->disposition;
    if (found->disposition == ip::Disposition::local) parse_segment(arrival);
}

void Stack::parse_segment(Arrival& arrival) {
    ++traffic_.ip_local;
    const wire::Ipv4View& packet = *arrival.packet;
    if (packet.protocol() != static_cast<std::uint8_t>(Protocol::tcp)) return;
    auto segment = wire::TcpView::parse(packet.payload(), packet.source(), packet.destination(),
                                        arrival.frame->checksum_vouched);
    if (!segment) {
        arrival.fate = Fate::dropped(segment.error());
        return;
    }
    arrival.segment = *segment;
    arrival.hash = tcp_.table().hash(tcp::Tcp::four_tuple_of(packet, *segment));
    tcp_.table().prefetch_bucket(arrival.hash);
}

Fate Stack::deliver(Arrival& arrival, link::InterfaceIndex interface_index, Time now) {
    if (arrival.disposition == ip::Disposition::transit)
        return ip_.forward(*arrival.frame, *arrival.packet, interface_index, arrival.to_link_group,
                           now);
    if (arrival.disposition == ip::Disposition::fragment) {
        auto result = ip_.reassemble(*arrival.frame, *arrival.packet, now);
        if (const Fate* fate = std::get_if<Fate>(&result)) return *fate;
        // The last piece takes the fate of the whole.
        arrival.packet = std::get<wire::Ipv4View>(result);
        parse_segment(arrival);
        if (arrival.fate) return *arrival.fate;
    }
    // Raw ports have their copy before a transport may take the buffer.
    return deliver_to_protocol(arrival, interface_index,
                               raw_.receive(*arrival.packet, interface_index), now);
}

namespace {

Fate delivered(const char* note) {
    Fate fate;
    fate.kind = FateKind::delivered;
    fate.note = note;
    return fate;
}

// What is no failure if a raw port has heard it.
bool is_for_nobody(const Fate& fate) {
    switch (fate.reason) {
        case DropReason::icmp_not_wanted:
        case DropReason::icmp_not_answered:
        case DropReason::icmp_unknown_type:
        case DropReason::icmp_error_ignored:
        case DropReason::icmp_error_no_match:
        case DropReason::icmp_echo_to_group:
        case DropReason::igmp_not_wanted: return true;
        default: return false;
    }
}

}  // namespace

Fate Stack::deliver_to_protocol(Arrival& arrival, link::InterfaceIndex interface_index,
                                ip::RawPorts::Heard raw, Time now) {
    if (arrival.segment)
        return tcp_.receive(*arrival.frame, *arrival.packet, *arrival.segment, arrival.hash, now);
    Fate fate = Fate::dropped(DropReason::ip_unknown_protocol);
    switch (arrival.packet->protocol()) {
        case static_cast<std::uint8_t>(Protocol::udp):
            return deliver_udp(arrival, interface_index, now);
        case static_cast<std::uint8_t>(Protocol::icmp):
            fate = deliver_icmp(arrival, interface_index, now);
            if (raw == ip::RawPorts::Heard::nobody || !is_for_nobody(fate)) return fate;
            break;
        case static_cast<std::uint8_t>(Protocol::igmp):
            fate = igmp_.receive(*arrival.packet, interface_index, now);
            if (raw == ip::RawPorts::Heard::nobody || !is_for_nobody(fate)) return fate;
            break;
        default: break;
    }
    switch (raw) {
        case ip::RawPorts::Heard::somebody: return delivered("raw");
        case ip::RawPorts::Heard::queue_full: return Fate::dropped(DropReason::raw_queue_full);
        case ip::RawPorts::Heard::nobody: break;
    }
    icmp_.send_error(wire::IcmpType::destination_unreachable, wire::icmp_code::protocol_unreachable,
                     *arrival.packet, arrival.to_link_group, now);
    return fate;
}

Fate Stack::deliver_udp(Arrival& arrival, link::InterfaceIndex interface_index, Time now) {
    const Fate fate = udp_.receive(*arrival.frame, *arrival.packet, interface_index);
    if (fate.kind == FateKind::delivered) ++traffic_.udp_delivered;
    if (fate.reason == DropReason::udp_no_socket)
        icmp_.send_error(wire::IcmpType::destination_unreachable, wire::icmp_code::port_unreachable,
                         *arrival.packet, arrival.to_link_group, now);
    return fate;
}

Fate Stack::deliver_icmp(Arrival& arrival, link::InterfaceIndex interface_index, Time now) {
    ++traffic_.icmp_received;
    const auto result = icmp_.receive(*arrival.frame, *arrival.packet, interface_index, now);
    if (const Fate* fate = std::get_if<Fate>(&result)) return *fate;
    return tell_sockets(std::get<ip::ErrorReport>(result), now);
}

// RFC 1122 §3.2.2: an error goes to the transport whose packet it quotes; raw ports hear it as
// well.
Fate Stack::tell_sockets(const ip::ErrorReport& report, Time now) {
    Fate fate = Fate::dropped(DropReason::icmp_error_no_match);
    const bool is_tcp = report.protocol == static_cast<std::uint8_t>(Protocol::tcp);
    const bool is_udp = report.protocol == static_cast<std::uint8_t>(Protocol::udp);
    if (is_tcp) {
        fate = tcp_.on_icmp_error(report, now);
    } else if (is_udp) {
        fate = udp_.on_icmp_error(report, now);
    } else if (icmp_.ping_ports().on_icmp_error(report)) {
        fate = delivered("icmp error");
    }
    if (raw_.on_icmp_error(report) && fate.reason == DropReason::icmp_error_no_match)
        fate = delivered("icmp error");
    // RFC 1191 §3, and RFC 5927 §7.2: only about what one of us may have sent. TCP and UDP have
    // looked closer.
    if (report.is_fragmentation_needed() && !is_tcp && !is_udp && fate.kind != FateKind::dropped) {
        const Ipv4Address destination = report.four_tuple.remote.address;
        if (const auto path = ip_.route(destination, report.four_tuple.local.address))
            ip_.path_mtus().lower(destination, static_cast<std::uint16_t>(report.rest & 0xffffU),
                                  report.quoted_total_length, path->mtu, now);
    }
    return fate;
}

void Stack::record(link::InterfaceIndex interface_index, Time when, const Fate& fate) {
    if (fate.kind == FateKind::dropped) {
        ++interfaces_.at(interface_index).counters().dropped_in;
        drops_.add(fate.reason);
    }
    if (observer_ != nullptr)
        observer_->on_packet(interface_index, Direction::in, when, observed_, fate);
}

// --- down: pulled ---

std::size_t Stack::transmit(link::InterfaceIndex interface_index, Time now, std::size_t budget) {
    now_ = now;
    link::Interface& interface = interfaces_.at(interface_index);
    std::size_t sent = interface.transmit_queue(now, budget);
    if (!interface.has_queued()) {  // else the device is full, or the budget is spent: answers go
                                    // first
        sent += tcp_.transmit(interface_index, now, budget - sent);
        // A segment whose neighbour is unknown has left an ARP request in the queue.
        sent += interface.transmit_queue(now, budget - sent);
    }
    udp_.wake_blocked();
    icmp_.ping_ports().wake_blocked();
    raw_.wake_blocked();
    return sent;
}

bool Stack::has_output(link::InterfaceIndex interface_index) const {
    return interfaces_.at(interface_index).has_queued() || tcp_.has_output(interface_index);
}

void Stack::on_problem(const ip::Problem& problem, const wire::Ipv4View& offending,
                       bool to_link_group, Time now) {
    icmp_.send_error(problem.type, problem.code, offending, to_link_group, now, problem.rest);
}

// A packet waited in vain for its neighbour: whoever sent it should know.
void Stack::on_unreachable(Bytes packet) {
    const auto ours = wire::Ipv4View::parse(packet);
    if (!ours) return;
    if (!ip_.is_own(ours->source())) {  // RFC 1812 §4.3.3.1: a router says so
        icmp_.send_error(wire::IcmpType::destination_unreachable, wire::icmp_code::host_unreachable,
                         *ours, false, now_);
        return;
    }
    ip_.redirects().forget(ours->destination());
    const auto quoted = icmp::QuotedPacket::parse(packet);
    if (!quoted || !quoted->is_first_fragment()) return;
    const ip::ErrorReport report = icmp::report_of(
        {wire::IcmpType::destination_unreachable, wire::icmp_code::host_unreachable, 0}, {},
        *quoted);
    if (report.protocol == static_cast<std::uint8_t>(Protocol::tcp)) {
        tcp_.on_unreachable(report.four_tuple);
    } else {
        static_cast<void>(tell_sockets(report, now_));
    }
}

// --- time ---

void Stack::advance(Time now) {
    now_ = now;
    for (const auto& interface : interfaces_)
        interface->advance(now);
    ip_.advance(now);
    igmp_.advance(now);
    tcp_.advance(now);
}

Time Stack::next_deadline() const {
    if (has_output(link::Interfaces::loopback_index)) return now_;
    Time next = earlier(tcp_.next_deadline(), ip_.next_deadline());
    next = earlier(next, igmp_.next_deadline());
    for (const auto& interface : interfaces_)
        next = earlier(next, interface->next_deadline());
    return next;
}

bool Stack::run_loopback(Time now) {
    constexpr link::InterfaceIndex lo = link::Interfaces::loopback_index;
    std::array<link::Frame, burst_frames> burst;
    std::size_t moved = 0;
    while (moved < loopback_budget_frames && has_output(lo)) {
        if (transmit(lo, now, burst_frames) == 0) break;
        while (const std::size_t arrived = loopback_device_.receive(pool_, burst, now)) {
            receive(lo, std::span(burst).first(arrived), now);
            moved += arrived;
        }
    }
    return moved > 0;
}

bool Stack::poll(Time now, std::size_t burst_limit) {
    std::array<link::Frame, burst_frames> burst;
    bool did_anything = false;
    advance(now);
    for (std::size_t round = 0; round < burst_limit; ++round) {
        std::size_t moved = run_loopback(now) ? 1 : 0;
        for (link::InterfaceIndex index = 0; index < interfaces_.size(); ++index) {
            link::LinkDevice& device = interfaces_.at(index).device();
            const std::size_t arrived = device.receive(pool_, burst, now);
            if (arrived > 0) receive(index, std::span(burst).first(arrived), now);
            moved += arrived + transmit(index, now, 4 * burst_frames);
        }
        if (moved == 0) break;
        did_anything = true;
    }
    return did_anything;
}

}  // namespace berth
