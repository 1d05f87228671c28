// ICMP of a host (RFC 792, RFC 1122 §3.2.2): echo, errors sent, errors received, redirects.
#pragma once

#include <cstdint>
#include <variant>

#include "base/fate.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "icmp/error_limiter.hpp"
#include "icmp/ping_ports.hpp"
#include "icmp/quoted_packet.hpp"
#include "ip/error_report.hpp"
#include "ip/ipv4.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"

namespace berth::icmp {

class Icmp {
  public:
    Icmp(ip::Ipv4& ip, link::LinkContext context, Random random);

    // Ingress: the message's fate, or a report for whoever sent the packet that an error is about.
    // An echo reply that a ping port wants takes the frame's buffer along.
    std::variant<Fate, ip::ErrorReport> receive(link::Frame& frame, const wire::Ipv4View& packet,
                                                link::InterfaceIndex interface_index, Time now);

    // Sends an error about `offending`, quoting as much of it as RFC 1812 §4.3.2.3 allows (576
    // bytes in all); never about ICMP errors, broadcasts, non-first fragments or bad sources (RFC
    // 1122 §3.2.2), and within two token buckets: its receiver's and one for all. `rest` is the
    // message's second word: an MTU, a gateway, or a pointer in its first octet
    // (wire::icmp_pointer). From the address that the packet was for if that is ours; about a
    // packet in transit, from the interface that leads back (RFC 1812 §4.3.2.4).
    void send_error(wire::IcmpType type, std::uint8_t code, const wire::Ipv4View& offending,
                    bool to_link_group, Time now, std::uint32_t rest = 0);

    PingPorts& ping_ports() { return ping_ports_; }
    const PingPorts& ping_ports() const { return ping_ports_; }

    // Echo requests answered, at most: in any second, and at once after a pause. More than any
    // honest ping asks for; beyond it icmp_echo_limit.
    static constexpr std::uint32_t echo_replies_per_second = 100'000;
    static constexpr std::uint32_t echo_burst = 5'000;

    struct Counters {
        std::uint64_t errors_sent = 0;
        // Not sent, because …
        std::uint64_t about_error = 0;     // it would have been about an ICMP error
        std::uint64_t about_group = 0;     // … a broadcast or multicast, of IP or of the link
        std::uint64_t about_fragment = 0;  // … a fragment other than the first
        std::uint64_t to_bad_source = 0;   // it would have gone to no single host
        std::uint64_t peer_limit = 0;      // that host has had its share
        std::uint64_t total_limit = 0;     // all have
        std::uint64_t unsendable = 0;      // there is no way back, or no room in the queue
        std::uint64_t echo_replies = 0;
    };
    const Counters& counters() const { return counters_; }

    std::uint64_t errors_sent() const { return counters_.errors_sent; }
    // Not sent because of the rules or the token buckets.
    std::uint64_t errors_suppressed() const {
        return counters_.about_error + counters_.about_group + counters_.about_fragment +
               counters_.to_bad_source + counters_.peer_limit + counters_.total_limit;
    }
    std::uint64_t echo_replies() const { return counters_.echo_replies; }

  private:
    Fate answer_echo(const wire::Ipv4View& packet, const wire::IcmpView& request, Time now);
    Fate receive_redirect(const wire::Ipv4View& packet, const wire::IcmpView& redirect,
                          link::InterfaceIndex interface_index, Time now);
    Result<QuotedPacket, DropReason> quote_of_ours(const wire::Ipv4View& packet,
                                                   const wire::IcmpView& error) const;
    std::variant<Fate, ip::ErrorReport> receive_error(const wire::Ipv4View& packet,
                                                      const wire::IcmpView& error) const;
    std::uint64_t* reason_against(const wire::Ipv4View& offending, bool to_link_group);
    std::uint64_t* limit_reached(Ipv4Address peer, Time now);

    ip::Ipv4& ip_;
    PingPorts ping_ports_;
    ErrorLimiter limiter_;
    TokenBucket echo_;
    Counters counters_;
};

}  // namespace berth::icmp
