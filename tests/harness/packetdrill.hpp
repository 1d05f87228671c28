// Scripts in packetdrill's language, run against a whole stack in virtual time: the same events,
// times and option syntax, so that what was written for Linux can be tried here.
//
//     0    socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
//     +0   bind(3, ..., ...) = 0
//     +0   listen(3, 1) = 0
//     +0   < S 0:0(0) win 32792 <mss 1000,sackOK,nop,nop,nop,wscale 7>
//     +0   > S. 0:0(0) ack 1 <...>
//     +.1  < . 1:1(0) ack 1 win 257
//     +0   accept(3, ..., ...) = 4
//
// What is understood stands in tests/README.md. Not: %{ ... }% and shell commands other than
// sysctl.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "wire/tcp.hpp"

namespace berth::harness::packetdrill {

// When an event happens: at a moment, or so long after the one before.
struct When {
    Duration time{};
    bool relative = true;
    bool any = false;         // "*": whenever it comes
    Duration slack{};         // "+0~+.2": up to so much later
    Duration blocking_for{};  // "+0...0.2": a call that returns so much later
};

// The options of a segment in their order, without no-operations.
struct OptionItem {
    std::uint8_t kind = 0;
    std::uint32_t value = 0;  // MSS, shift, TSval
    std::uint32_t echo = 0;   // TSecr
    std::vector<wire::TcpSackBlock> blocks;
    std::vector<std::uint8_t> bytes;  // a Fast Open cookie
    bool operator==(const OptionItem&) const = default;
};

struct Packet {
    bool inbound = false;
    wire::TcpFlags flags;
    std::uint32_t seq = 0;
    std::uint32_t length = 0;
    std::uint32_t ack = 0;
    std::optional<std::uint16_t> window;
    std::optional<std::uint16_t> urgent;
    std::optional<std::uint8_t> ecn;  // of the IP header: "[ect0]", "[ce]", "[noecn]"
    bool any_options = false;         // "<...>"
    std::vector<OptionItem> options;
};

struct IcmpError {
    std::uint8_t type = 3;
    std::uint8_t code = 0;
    std::uint16_t mtu = 0;
    std::uint32_t seq = 0;  // of the segment that it quotes
    std::uint32_t length = 0;
};

struct Call {
    std::string name;
    std::vector<std::string> arguments;
    std::int64_t result = 0;
    std::string error;  // "EAGAIN" where the result is -1
};

struct Event {
    int line = 0;
    std::string text;
    When when;
    std::variant<Packet, IcmpError, Call> what;
};

struct Sysctl {
    int line = 0;
    std::string name;
    std::int64_t value = 0;
};

struct Program {
    std::vector<Sysctl> sysctls;
    std::vector<Event> events;
    Duration tolerance = milliseconds(4);
};

struct Mistake {
    int line = 0;
    std::string what;
};

Result<Program, Mistake> parse(std::string_view text);

// Runs it; nothing, or what went wrong: the line, what was expected, the story so far.
std::optional<std::string> run(const Program& program);
// Both, of a file.
std::optional<std::string> run_file(const std::string& path);

}  // namespace berth::harness::packetdrill
