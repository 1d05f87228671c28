// A TCP segment as a script writes it, and as it was heard on the link.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fate.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "wire/tcp.hpp"

namespace berth::harness {

struct Timestamps {
    std::uint32_t val = 0;
    std::uint32_t ecr = 0;
};

// Sequence numbers are relative to the initial one of the side that they number: a SYN has 0, the
// first byte of data 1, as in tcpdump and packetdrill. A field left out takes its correct value:
// what a correct peer would say (peer.sends), or what a correct stack must say (stack.sends).
// Fields that have no single correct value (window, PSH, options) are then not compared.
struct Segment {
    std::optional<std::uint32_t> seq = {};
    std::size_t length = 0;  // bytes of payload
    std::optional<std::uint32_t> ack = {};
    std::optional<std::uint16_t> win = {};  // as on the wire, unscaled
    bool syn = false;
    bool fin = false;
    bool rst = false;
    std::optional<bool> psh = {};
    std::optional<std::uint16_t> urg = {};  // the urgent pointer, and the flag with it
    bool no_ack = false;                    // without the ACK flag
    std::optional<std::uint16_t> mss = {};
    std::optional<std::uint8_t> wscale = {};
    std::optional<bool> sack_ok = {};
    std::optional<Timestamps> ts = {};
    bool no_ts = false;                         // without timestamps even though they were agreed
    std::vector<wire::TcpSackBlock> sack = {};  // relative, too
    std::optional<std::string> text =
        {};  // the payload, instead of the pattern; `length` is its size
    std::vector<std::uint8_t> raw_options =
        {};  // bytes after the header, instead of the options above
    bool bad_checksum = false;
    std::optional<bool> ece = {};
    std::optional<bool> cwr = {};
    std::optional<wire::TcpFastOpen> fast_open = {};  // without bytes: the request for a cookie
    bool no_fast_open = false;                        // the stack's has no such option
};

// A packet that the stack sent. `header` and `payload` are TCP's, where the protocol is TCP.
struct Heard {
    Time when{};
    Protocol protocol = Protocol::tcp;
    FourTuple four_tuple;  // local is the stack; without ports where the protocol is not TCP
    wire::TcpHeader header;
    std::vector<std::uint8_t> payload;
    std::uint8_t ttl = 0;
    std::uint8_t dscp = 0;
    bool dont_fragment = false;
    std::vector<std::uint8_t> packet;  // from the IP header on
    Fate fate;
};

// How a side's numbers are shown: subtracted from what is on the wire.
struct NumberBase {
    std::uint32_t sender = 0;
    std::uint32_t receiver = 0;
};

// "Flags [P.], seq 1:101, ack 1, win 512, options [nop,nop,TS val 5 ecr 4], length 100"
std::string to_text(const wire::TcpHeader& header, std::size_t payload_bytes,
                    const NumberBase& base);

}  // namespace berth::harness
