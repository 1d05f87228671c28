// What is wrong with a packet that somebody sent, and what ICMP says of it to its source. The ip
// layer finds such problems (no route, time exceeded, a missing fragment) and does not speak ICMP.
#pragma once

#include <cstdint>

#include "base/time.hpp"
#include "wire/icmp.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

struct Problem {
    wire::IcmpType type = wire::IcmpType::destination_unreachable;
    std::uint8_t code = 0;
    std::uint32_t rest = 0;  // the second word: an MTU, or a pointer in its first octet
};

// Called from inside the ip layer; may queue packets, must not change addresses or routes.
class ProblemReceiver {
  public:
    virtual ~ProblemReceiver() = default;
    virtual void on_problem(const Problem& problem, const wire::Ipv4View& offending,
                            bool to_link_group, Time now) = 0;
};

}  // namespace berth::ip
