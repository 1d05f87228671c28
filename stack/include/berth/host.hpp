// Hosts, for C++: a berth stack with links, addresses and routes.
//
//     auto host = berth::Host::create({.name = "lab"});
//     if (!host) die(host.error());
//     (*host)->add_link("tap:tap0");
//     (*host)->add_address(0, *berth::parse_ipv4_prefix("192.0.2.2/24"));
//     berth::TcpListener listener(**host, {{}, 7});
//
// Thread-safe. The two modes (threads, embedded) are those of berth/host.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "berth/address.hpp"

namespace berth {

struct HostOptions {
    bool threads = true;                  // false: embedded, no thread and no clock of its own
    std::string name{};                   // control socket and captures; empty: no control socket
    std::optional<std::uint64_t> seed{};  // empty: from the operating system
    std::int64_t start_ns = 0;            // embedded mode: the time of the first call
    std::vector<std::string> sysctls{};   // "net.ipv4.tcp_syn_retries=10" …
    bool forward = false;                 // be a router between the links as well
    std::string
        capture_file{};  // pcapng with every packet's fate; "-" is standard output; empty: none
    // Asked for names in this order, before those that DHCP brings; the system's own settings are
    // never looked at.
    std::vector<Ipv4Address> dns_servers{};
    std::string hosts_file = "/etc/hosts";  // looked into before any server; empty: none
};

enum class CallbackLinkKind : std::uint8_t { ethernet, raw_ip };

struct SocketRow {
    std::string protocol;  // "tcp", "udp"
    std::string state;     // "LISTEN", "ESTAB" … as ss writes them
    std::uint64_t receive_queue = 0;
    std::uint64_t send_queue = 0;
    Endpoint local;
    Endpoint remote;
};

// What DHCP has got for an interface.
struct DhcpRow {
    int interface_index = 0;
    std::string state;  // "INIT", "BOUND" … as RFC 2131 writes them
    std::optional<Ipv4Prefix> address{};
    std::optional<Ipv4Address> server{};
    std::vector<Ipv4Address> dns_servers{};
    std::string domain{};
    // Seconds from now until the lease is renewed (T1), extended by any server (T2), and over;
    // unset: there is no lease, or it has no end.
    std::optional<std::int64_t> renew_s{}, rebind_s{}, expires_s{};
};

// A name's addresses (A records, through CNAMEs), in the order of the answer.
struct ResolvedName {
    std::string canonical_name;
    std::vector<Ipv4Address> addresses;
};

struct DropRow {
    std::string name, layer, clause, sentence;
    std::uint64_t count = 0;
};

struct RouteRow {
    Ipv4Prefix destination;                // 0.0.0.0/0: the default route
    std::optional<Ipv4Address> gateway{};  // unset: the destination is on the link
    int interface_index = 0;
    std::string link;                     // its name, without options
    std::optional<Ipv4Address> source{};  // of the link's own network: the address on it
    std::uint32_t metric = 0;
};

struct NeighbourRow {
    Ipv4Address address;
    int interface_index = 0;
    std::string link;
    std::optional<MacAddress> mac{};             // unset: not known
    std::string state;                           // "REACHABLE", "STALE" … as ip(8) writes them
    std::size_t pending_packets = 0;             // that wait for its address
    std::int64_t used_ns = 0;                    // since a packet was last sent there
    std::optional<std::int64_t> confirmed_ns{};  // since it last answered; unset: never
    std::uint32_t probes = 0;                    // requests since then
};

// An error is one whole sentence, without a program's name in front.
template <class T>
class Maybe {
  public:
    Maybe(T value) : value_(std::move(value)) {}
    static Maybe failed(std::string why) {
        Maybe m;
        m.error_ = std::move(why);
        return m;
    }
    explicit operator bool() const { return value_.has_value(); }
    T& operator*() { return *value_; }
    T* operator->() { return &*value_; }
    const std::string& error() const { return error_; }

  private:
    Maybe() = default;
    std::optional<T> value_;
    std::string error_;
};

class Host {
  public:
    static Maybe<std::unique_ptr<Host>> create(HostOptions options = {});
    ~Host();  // closes every connection that is left without waiting (RST) and ends the threads

    // All links before the first socket. Returns the interface's index.
    // `peer_address`: for a TAP that berth creates, the kernel side's address.
    Maybe<int> add_link(std::string_view url, std::optional<MacAddress> mac = {},
                        std::optional<Ipv4Prefix> peer_address = {});
    // Called while the host is locked: it may call other hosts, not this one.
    using Output =
        std::function<bool(std::span<const std::uint8_t> packet, std::int64_t emission_ns)>;
    Maybe<int> add_callback_link(CallbackLinkKind kind, std::uint16_t mtu, Output output,
                                 std::optional<MacAddress> mac = {});
    Maybe<int> add_address(int interface_index, Ipv4Prefix address);
    // The interface gets its address, routes, DNS servers and MTU by DHCP, from now on. It needs an
    // Ethernet link. The lease is renewed as long as the host lives, and given back by release_dhcp
    // or, on a host with threads, by the destructor.
    Maybe<int> add_address_dhcp(int interface_index);
    // Blocks (threads mode) until each interface that asks for its address has it, or `timeout_ms`
    // is over; true when none is left without.
    bool wait_for_dhcp(int timeout_ms);
    std::vector<DhcpRow> dhcp() const;
    // Gives all leases back and asks for none any more. drain() waits until that has been sent.
    void release_dhcp();
    // Looks a name up: an address as it is, then the hosts file, then the DNS servers. Blocks; an
    // embedded host has no DNS. A descriptor of the kernel's that becomes readable ends the wait.
    Maybe<ResolvedName> resolve(std::string_view name, int stop_descriptor = -1);

    // Without a gateway the destination is on the interface's link; without an interface the
    // gateway's decides.
    Maybe<int> add_route(Ipv4Prefix destination, std::optional<Ipv4Address> gateway,
                         std::optional<int> interface_index = {}, std::uint32_t metric = 0);

    // A packet for a callback link. Embedded mode: it arrives at `now_ns` and is dealt with at
    // once; what it causes leaves with the next step. Threads mode: it is queued and arrives now.
    // False: not taken.
    bool input(int interface_index, std::span<const std::uint8_t> packet, std::int64_t now_ns);
    // Embedded mode: goes from deadline to deadline up to `now_ns`. Packets leave only in here. A
    // packet that is refused is offered again by the next step.
    void step(std::int64_t now_ns);
    // When step() has something to do next; INT64_MAX: never.
    std::int64_t next_deadline_ns() const;

    // A descriptor of the C API on this host: type is SOCK_STREAM or SOCK_DGRAM, perhaps with
    // SOCK_NONBLOCK. -1 and errno.
    int socket(int type);

    std::vector<SocketRow> sockets() const;
    std::vector<DropRow> drops() const;  // those that counted, most first
    std::vector<RouteRow> routes() const;
    std::vector<NeighbourRow> neighbours() const;
    // A measurement, as berth/control.hpp's measure_on_host: here. Threads mode; returns when it is
    // done. `is_over` is called often, perhaps while the host is locked; a descriptor of the
    // kernel's that becomes readable then ends the waits for names.
    void measure(std::string_view request, const std::function<bool(const std::string&)>& tell,
                 const std::function<bool()>& is_over, int stop_descriptor = -1);
    // Not empty: a link is gone; the host still answers calls, but nothing moves there.
    std::string link_error() const;
    // What is missing before the link can be used ("ip address add …"); empty: nothing.
    std::string setup_hint() const;
    // Blocks (threads mode) until no connection is closing any more or `timeout_ms` is over; true
    // when none is left.
    bool drain(int timeout_ms);

    class Impl;
    Impl& impl() { return *impl_; }

  private:
    explicit Host(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace berth
