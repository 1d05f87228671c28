#include "host/path_trace.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "base/bytes.hpp"
#include "drivers/text.hpp"
#include "host/measuring_socket.hpp"
#include "host/resolver.hpp"
#include "wire/icmp.hpp"
#include "wire/udp.hpp"

namespace berth::host {

namespace {

using drivers::concat;
using Json = nlohmann::ordered_json;

constexpr std::uint16_t ip_header_bytes = 20;
constexpr std::uint16_t transport_header_bytes = 8;  // of UDP and of ICMP
static_assert(wire::icmp_header_bytes == transport_header_bytes);
static_assert(wire::udp_header_bytes == transport_header_bytes);
constexpr std::uint16_t least_packet_bytes = ip_header_bytes + transport_header_bytes;
// RFC 791 §3.2: every link takes so much; what claims less is a lie.
constexpr std::uint16_t least_mtu = 68;
// Smaller and smaller links that one TTL may discover.
constexpr int limit_mtu_steps = 16;

constexpr auto unreachable_type =
    static_cast<std::uint8_t>(wire::IcmpType::destination_unreachable);

struct Probe {
    std::uint32_t number = 0;
    Time sent{};
    bool answered = false;
    Ipv4Address from;
    Duration time{};
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    std::uint32_t info = 0;

    bool needs_fragmentation() const {
        return answered && type == unreachable_type &&
               code == wire::icmp_code::fragmentation_needed;
    }
    // Nothing lies beyond who says this.
    bool is_last() const {
        const bool replied = type == static_cast<std::uint8_t>(wire::IcmpType::echo_reply);
        return answered && (replied || (type == unreachable_type && !needs_fragmentation()));
    }
};

class PathTrace {
  public:
    PathTrace(Core& core, const TracePlan& plan, const Conversation& conversation)
        : plan_(plan),
          conversation_(conversation),
          socket_(core, plan.icmp ? socket::Type::ping : socket::Type::datagram,
                  conversation.is_over) {}

    std::string run();

  private:
    std::string prepare();
    std::vector<Probe> try_hop(std::uint8_t ttl);
    std::vector<Probe> send_probes(std::uint8_t ttl);
    std::optional<Probe> send_probe();
    void collect(std::vector<Probe>& probes);
    Probe* probe_of(std::vector<Probe>& probes, const Heard& what) const;
    void note(Probe& probe, const Heard& what) const;
    void tell(std::uint8_t ttl, const std::vector<Probe>& probes);
    const std::string& name_of(Ipv4Address address);
    bool lower_mtu(std::uint8_t ttl, const std::vector<Probe>& probes);
    Port port_of(std::uint32_t number) const;

    const TracePlan& plan_;
    const Conversation& conversation_;
    MeasuringSocket socket_;
    Ipv4Address source_;
    std::uint16_t packet_bytes_ = 0;
    std::uint32_t sent_ = 0;
    std::errc send_error_{};
    std::map<Ipv4Address, std::string> names_;  // empty: it has none
};

std::string PathTrace::prepare() {
    Core& core = socket_.core();
    packet_bytes_ = plan_.packet_bytes;
    if (socket_.error() != std::errc{})
        return concat({"cannot make a socket that hears errors: ",
                       drivers::errno_text(static_cast<int>(socket_.error()))});
    {
        const CoreGuard guard(core.lock());
        const auto path = core.stack().ip().route(plan_.destination);
        if (!path)
            return concat({"no route leads to ", to_string(plan_.destination),
                           "; give the host a gateway or a route"});
        source_ = path->source;
        // The link's, not what is known of the path: that is to be found out.
        if (plan_.find_mtu)
            packet_bytes_ = core.stack().ip().interface_at(path->interface_index).mtu();
    }
    if (!plan_.find_mtu) return {};
    const std::errc error = socket_.set(socket::Option::mtu_discover,
                                        static_cast<std::int64_t>(socket::MtuDiscover::probe));
    if (error == std::errc{}) return {};
    return concat({"cannot forbid fragmentation: ", drivers::errno_text(static_cast<int>(error))});
}

std::string PathTrace::run() {
    if (std::string problem = prepare(); !problem.empty()) return problem;
    conversation_.report("begin", {{"destination", to_string(plan_.destination)},
                                   {"source", to_string(source_)},
                                   {"packet_bytes", packet_bytes_},
                                   {"last", plan_.last}});
    if (plan_.find_mtu) conversation_.report("mtu", {{"hop", plan_.first}, {"mtu", packet_bytes_}});
    bool reached = false;
    for (int ttl = plan_.first; ttl <= plan_.last && !reached && !socket_.is_over(); ++ttl) {
        const auto probes = try_hop(static_cast<std::uint8_t>(ttl));
        if (send_error_ != std::errc{})
            return concat({"cannot send to ", to_string(plan_.destination), ": ",
                           drivers::errno_text(static_cast<int>(send_error_))});
        if (socket_.is_over()) break;
        tell(static_cast<std::uint8_t>(ttl), probes);
        reached = std::any_of(probes.begin(), probes.end(),
                              [](const Probe& probe) { return probe.is_last(); });
    }
    conversation_.report("end", {{"reached", reached}});
    return {};
}

std::vector<Probe> PathTrace::try_hop(std::uint8_t ttl) {
    for (int step = 0;; ++step) {
        auto probes = send_probes(ttl);
        collect(probes);
        if (!plan_.find_mtu || step == limit_mtu_steps || !lower_mtu(ttl, probes)) return probes;
    }
}

std::vector<Probe> PathTrace::send_probes(std::uint8_t ttl) {
    std::vector<Probe> probes;
    socket_.set(socket::Option::ttl, ttl);
    for (int i = 0; i < plan_.probes; ++i) {
        const auto probe = send_probe();
        if (!probe) break;
        probes.push_back(*probe);
    }
    return probes;
}

// Nothing: send_error_ says why.
std::optional<Probe> PathTrace::send_probe() {
    std::vector<std::uint8_t> message(packet_bytes_ - ip_header_bytes -
                                      (plan_.icmp ? 0u : transport_header_bytes));
    Probe probe;
    probe.number = sent_++;
    for (std::size_t i = 0; i < message.size(); ++i)
        message[i] = static_cast<std::uint8_t>('@' + i % 64);
    if (plan_.icmp) {
        std::fill_n(message.begin(), transport_header_bytes, std::uint8_t{0});
        message[0] = static_cast<std::uint8_t>(wire::IcmpType::echo_request);
        store_be16(message, 6, static_cast<std::uint16_t>(probe.number + 1));
    }
    const Endpoint to{plan_.destination, plan_.icmp ? Port{0} : port_of(probe.number)};
    const std::errc error = socket_.send(message, to, probe.sent);
    // A pending error is that of an earlier probe, and says nothing of this one: once more.
    const std::errc again = error == std::errc{} ? error : socket_.send(message, to, probe.sent);
    const bool lost = again == std::errc::operation_would_block || again == std::errc::message_size;
    if (again == std::errc{} || lost) return probe;
    send_error_ = again;
    return std::nullopt;
}

Port PathTrace::port_of(std::uint32_t number) const {
    const std::uint32_t room = 65'536u - plan_.port;
    return static_cast<Port>(plan_.port + number % room);
}

void PathTrace::collect(std::vector<Probe>& probes) {
    const Time deadline = socket_.now() + plan_.timeout;
    const auto waits = [](const Probe& probe) { return !probe.answered; };
    while (std::any_of(probes.begin(), probes.end(), waits)) {
        const auto what = socket_.hear(deadline);
        if (!what) return;
        if (Probe* probe = probe_of(probes, *what); probe != nullptr && !probe->answered)
            note(*probe, *what);
    }
}

Probe* PathTrace::probe_of(std::vector<Probe>& probes, const Heard& what) const {
    const Bytes icmp(what.error ? what.error->payload : what.bytes);
    if (plan_.icmp && icmp.size() < transport_header_bytes) return nullptr;
    if (!plan_.icmp && !what.error) return nullptr;  // whoever answers a probe at its port
    for (Probe& probe : probes) {
        const bool is_it = plan_.icmp
                               ? load_be16(icmp, 6) == static_cast<std::uint16_t>(probe.number + 1)
                               : what.error->destination.port == port_of(probe.number);
        if (is_it) return &probe;
    }
    return nullptr;
}

void PathTrace::note(Probe& probe, const Heard& what) const {
    probe.answered = true;
    probe.time = what.when - probe.sent;
    if (!what.error) {
        probe.from = what.received.source.address;
        probe.type = static_cast<std::uint8_t>(wire::IcmpType::echo_reply);
        return;
    }
    const ip::QueuedError& error = *what.error;
    probe.from = error.reporter.is_unspecified() ? source_ : error.reporter;
    probe.type = error.type;
    probe.code = error.code;
    probe.info = error.info;
    if (error.from_icmp) return;
    probe.type = unreachable_type;
    probe.code = error.error == std::errc::message_size ? wire::icmp_code::fragmentation_needed
                                                        : wire::icmp_code::host_unreachable;
}

// True: the path takes less than was thought, and the hop is worth another try.
bool PathTrace::lower_mtu(std::uint8_t ttl, const std::vector<Probe>& probes) {
    for (const Probe& probe : probes) {
        if (!probe.needs_fragmentation() || probe.info >= packet_bytes_ || probe.info < least_mtu)
            continue;
        packet_bytes_ = static_cast<std::uint16_t>(probe.info);
        conversation_.report(
            "mtu", {{"hop", ttl}, {"mtu", packet_bytes_}, {"from", to_string(probe.from)}});
        return true;
    }
    return false;
}

const std::string& PathTrace::name_of(Ipv4Address address) {
    const auto [found, is_new] = names_.try_emplace(address);
    if (is_new && plan_.names)
        found->second = resolve_address(socket_.core().shared_from_this(), address,
                                        conversation_.stop_descriptor)
                            .name;
    return found->second;
}

void PathTrace::tell(std::uint8_t ttl, const std::vector<Probe>& probes) {
    for (std::size_t i = 0; i < probes.size(); ++i) {
        const Probe& probe = probes[i];
        Json fields{{"hop", ttl}, {"probe", i}};
        if (probe.answered)
            fields.update({{"from", to_string(probe.from)},
                           {"name", name_of(probe.from)},
                           {"time_ns", probe.time.ns},
                           {"type", probe.type},
                           {"code", probe.code},
                           {"info", probe.info}});
        conversation_.report("probe", std::move(fields));
    }
}

}  // namespace

TracePlan trace_plan(RequestFields& fields, Ipv4Address destination) {
    TracePlan plan;
    plan.destination = destination;
    plan.first = static_cast<std::uint8_t>(fields.number("first", 1, 255, 1));
    plan.last = static_cast<std::uint8_t>(fields.number("last", plan.first, 255, 30));
    plan.find_mtu = fields.flag("mtu");
    plan.probes = static_cast<std::uint8_t>(
        fields.number("probes", 1, limit_probes_per_hop, plan.find_mtu ? 1 : 3));
    plan.timeout = milliseconds(fields.number("timeout_ms", 1, 60'000, 3000));
    plan.port = static_cast<Port>(fields.number("port", 1, 65'535, 33'434));
    plan.icmp = fields.flag("icmp");
    plan.names = fields.flag("names");
    plan.packet_bytes =
        static_cast<std::uint16_t>(fields.number("packet_bytes", least_packet_bytes, 65'535, 60));
    return plan;
}

std::string trace_path(Core& core, const TracePlan& plan, const Conversation& conversation) {
    return PathTrace(core, plan, conversation).run();
}

}  // namespace berth::host
