// The stack: the one place where the layers are wired together.
//
// Single-threaded and deterministic: the same calls with the same times and the same seed give the
// same packets. A host drives it like this:
//
//     n = device.receive(stack.buffers(), burst, now);
//     stack.receive(interface, burst.first(n), now);
//     stack.advance(now);                      // what was due
//     stack.transmit(interface, now, budget);  // what there is to say
//     wait until the device is readable or stack.next_deadline()
//
// `poll` does all of that once for every interface.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/buffer.hpp"
#include "base/drop_reason.hpp"
#include "base/fate.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "icmp/icmp.hpp"
#include "ip/igmp.hpp"
#include "ip/ipv4.hpp"
#include "ip/raw_ports.hpp"
#include "link/interfaces.hpp"
#include "link/loopback_device.hpp"
#include "tcp/config.hpp"
#include "tcp/tcp.hpp"
#include "udp/udp.hpp"

namespace berth {

struct StackConfig {
    Seed seed{};
    Time start{};  // the time of the first call
    ip::Config ip{};
    tcp::Config tcp{};
};

class Stack : private link::UnreachableReceiver, private ip::ProblemReceiver {
  public:
    explicit Stack(const StackConfig& config);
    ~Stack() override;
    Stack(const Stack&) = delete;
    Stack& operator=(const Stack&) = delete;

    // The device is the caller's and outlives the stack. At most link::Interfaces::limit.
    link::InterfaceIndex add_interface(std::string name, link::LinkDevice& device,
                                       const link::InterfaceConfig& config = {});
    void add_address(link::InterfaceIndex interface_index, Ipv4Prefix address) {
        ip_.add_address(interface_index, address);
    }
    void remove_address(link::InterfaceIndex interface_index, Ipv4Prefix address) {
        ip_.remove_address(interface_index, address);
    }
    bool add_route(const ip::Route& route) { return ip_.routes().add(route); }

    // Packets in: a burst of one interface. Every frame ends in exactly one fate.
    void receive(link::InterfaceIndex interface_index, std::span<link::Frame> burst, Time now);
    // Packets out: at most `budget` frames of one interface; returns how many the device accepted.
    std::size_t transmit(link::InterfaceIndex interface_index, Time now, std::size_t budget);
    // Lets what two sockets of this host say to one another arrive: the loopback interface's
    // transmit and receive, until it is silent or loopback_budget_frames have passed. True when
    // anything moved. poll() does it.
    bool run_loopback(Time now);
    static constexpr std::size_t loopback_budget_frames = 1024;
    // Lets everything happen that was due by `now`. Time never goes back.
    void advance(Time now);
    // When advance() next has something to do: exact or early, never late. Time{} or past: at once.
    Time next_deadline() const;
    // True when transmit() would have something for that interface.
    bool has_output(link::InterfaceIndex interface_index) const;

    // Receives from every device, advances, transmits, until nothing more happens at `now` or
    // `burst_limit` bursts were received. Returns true when it did anything.
    bool poll(Time now, std::size_t burst_limit = 16);

    static constexpr std::size_t burst_frames = 64;

    Time now() const { return now_; }
    BufferPool& buffers() { return pool_; }
    // Without the loopback interface, whose index is link::Interfaces::loopback_index.
    std::size_t interface_count() const { return interfaces_.size(); }
    link::Interface& interface_at(link::InterfaceIndex index) { return interfaces_.at(index); }
    const link::Interface& interface_at(link::InterfaceIndex index) const {
        return interfaces_.at(index);
    }
    ip::Ipv4& ip() { return ip_; }
    const ip::Ipv4& ip() const { return ip_; }
    icmp::Icmp& icmp() { return icmp_; }
    const icmp::Icmp& icmp() const { return icmp_; }
    const ip::Igmp& igmp() const { return igmp_; }
    ip::RawPorts& raw() { return raw_; }
    const ip::RawPorts& raw() const { return raw_; }
    udp::Udp& udp() { return udp_; }
    const udp::Udp& udp() const { return udp_; }
    tcp::Tcp& tcp() { return tcp_; }
    const tcp::Tcp& tcp() const { return tcp_; }

    const DropCounters& drops() const { return drops_; }
    // What came in, counted where the layers meet (RFC 4293 and 4113 name them).
    struct Traffic {
        std::uint64_t ip_received = 0;    // packets from a link or from ourselves, bad ones as well
        std::uint64_t ip_local = 0;       // whole ones for this host, whatever their protocol
        std::uint64_t icmp_received = 0;  // messages, bad ones as well
        std::uint64_t udp_delivered = 0;  // datagrams that reached a socket
    };
    const Traffic& traffic() const { return traffic_; }
    // Hears every packet's fate from now on; nullptr: nobody (and nothing is spent on it).
    void set_observer(FateObserver* observer) { observer_ = observer; }

  private:
    struct Arrival;  // one frame of a burst, parsed

    void on_unreachable(Bytes packet) override;
    void on_problem(const ip::Problem& problem, const wire::Ipv4View& offending, bool to_link_group,
                    Time now) override;
    void parse(Arrival& arrival, link::InterfaceIndex interface_index, Time now);
    void parse_segment(Arrival& arrival);
    Fate deliver(Arrival& arrival, link::InterfaceIndex interface_index, Time now);
    Fate deliver_to_protocol(Arrival& arrival, link::InterfaceIndex interface_index,
                             ip::RawPorts::Heard raw, Time now);
    Fate deliver_icmp(Arrival& arrival, link::InterfaceIndex interface_index, Time now);
    Fate tell_sockets(const ip::ErrorReport& report, Time now);
    Fate deliver_udp(Arrival& arrival, link::InterfaceIndex interface_index, Time now);
    void record(link::InterfaceIndex interface_index, Time when, const Fate& fate);

    Random random_;
    Time now_;
    BufferPool pool_;
    DropCounters drops_;
    Traffic traffic_;
    FateObserver* observer_ = nullptr;
    link::LoopbackDevice loopback_device_;
    link::Interfaces interfaces_;
    ip::Ipv4 ip_;
    ip::Igmp igmp_;
    ip::RawPorts raw_;
    icmp::Icmp icmp_;
    udp::Udp udp_;
    tcp::Tcp tcp_;
    std::vector<std::uint8_t>
        observed_;  // the frame in hand, copied before somebody keeps its buffer
};

}  // namespace berth
