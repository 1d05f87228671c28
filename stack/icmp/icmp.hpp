// ICMP of a host (RFC 792, RFC 1122 §3.2.2): echo, errors sent, errors received.
#pragma once

#include <cstdint>
#include <variant>

#include "base/fate.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "icmp/error_limiter.hpp"
#include "ip/error_report.hpp"
#include "ip/ipv4.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"

namespace berth::icmp {

using ip::ErrorReport;

class Icmp {
  public:
    Icmp(ip::Ipv4& ip, link::LinkContext context, Random random);

    // Ingress: the message's fate, or a report for a transport.
    std::variant<Fate, ErrorReport> receive(const wire::Ipv4View& packet, Time now);

    // Sends an error about `offending`, quoting as much of it as RFC 1812 §4.3.2.3 allows (576
    // bytes in all); never about ICMP errors, broadcasts, non-first fragments or bad sources (RFC
    // 1122 §3.2.2), and within a token bucket. `rest` is the message's second word: an MTU, or a
    // pointer in its first octet.
    void send_error(wire::IcmpType type, std::uint8_t code, const wire::Ipv4View& offending,
                    bool to_link_group, Time now, std::uint32_t rest = 0);

    // At most: errors in any second, and at once after a pause.
    static constexpr std::uint32_t errors_per_second = 1000;
    static constexpr std::uint32_t error_burst = 50;

    std::uint64_t errors_sent() const { return errors_sent_; }
    // Not sent because of the rules or the token bucket.
    std::uint64_t errors_suppressed() const { return errors_suppressed_; }
    std::uint64_t echo_replies() const { return echo_replies_; }

  private:
    Fate answer_echo(const wire::Ipv4View& packet, const wire::IcmpView& request, Time now);
    std::variant<Fate, ErrorReport> receive_error(const wire::Ipv4View& packet,
                                                  const wire::IcmpView& error) const;
    bool may_be_about(const wire::Ipv4View& offending) const;

    ip::Ipv4& ip_;
    ErrorLimiter limiter_;
    std::uint64_t errors_sent_ = 0;
    std::uint64_t errors_suppressed_ = 0;
    std::uint64_t echo_replies_ = 0;
};

}  // namespace berth::icmp
