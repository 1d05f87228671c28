// The other host of a script: says what the script says, and keeps the numbers that a correct TCP
// would, so that a line need only name what matters.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "harness/script.hpp"
#include "wire/icmp.hpp"

namespace berth::harness {

// The parts of a sequence space that were seen, and how far they reach from zero without a gap.
class SeenRanges {
  public:
    void add(std::uint32_t begin, std::uint32_t end);
    std::uint32_t contiguous() const { return contiguous_; }
    std::uint32_t highest() const { return highest_; }

  private:
    std::map<std::uint32_t, std::uint32_t> ranges_;
    std::uint32_t contiguous_ = 0;
    std::uint32_t highest_ = 0;
};

class Peer {
  public:
    static constexpr Endpoint default_endpoint{Ipv4Address(192, 0, 2, 1), 40000};

    explicit Peer(Script& script, Endpoint endpoint = default_endpoint, std::string name = "peer");
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    // May be chosen anew at any time before they matter.
    std::uint32_t isn = 0x2000'0000;  // the initial sequence number
    std::uint16_t window = 65535;     // what `win` is when left out
    Endpoint endpoint;
    // Where the stack's end is; where it chose the port itself, known once its SYN was heard.
    Endpoint stack_endpoint;

    void sends(const Segment& segment, Where where = {});
    // An ICMP error about the latest segment of the stack (quoting header + 8 bytes of transport).
    void sends_icmp(wire::IcmpType type, std::uint8_t code, std::uint32_t rest = 0,
                    Where where = {});
    // An ICMP error that quotes the segment of that (relative) sequence number.
    void sends_icmp_about(std::uint32_t seq, wire::IcmpType type, std::uint8_t code,
                          std::uint32_t rest = 0, Where where = {});
    // A new incarnation: forgets everything about the conversation.
    void starts_over(std::uint32_t new_isn);

    FourTuple four_tuple() const { return {stack_endpoint, endpoint}; }

    // --- for the harness ---

    // The stack sent this; nobody has received it yet. Tells the story and checks what always
    // holds.
    void overhear(const Heard& heard, Where where);
    // Compares with the line that expects it; `received`: the network did not lose it.
    bool matches(const Segment& expected, const Heard& heard, bool received, Where where);
    // Receives a segment that no line names; only its contents are compared.
    void takes(const Heard& heard, Where where);

    std::uint32_t stack_isn() const { return stack_isn_; }
    std::uint32_t received_up_to() const { return heard_.contiguous(); }
    std::uint32_t sent_up_to() const { return sent_.highest(); }
    std::uint32_t sent_contiguously() const { return sent_.contiguous(); }
    std::uint32_t named_up_to() const { return named_up_to_; }
    // The window that the stack offered last, in bytes, and its right edge.
    std::uint32_t stack_window() const { return stack_window_; }
    std::uint32_t stack_right_edge() const { return stack_right_edge_; }

  private:
    wire::TcpHeader header_of(const Segment& segment) const;
    std::vector<std::uint8_t> payload_of(const Segment& segment, std::uint32_t seq) const;
    void receive(const Heard& heard, bool received);
    void put_icmp(Bytes quoted_packet, wire::IcmpHeader header, Where where);
    void note_own_options(const wire::TcpHeader& header);
    std::string difference(const Segment& expected, const Heard& heard) const;
    std::string option_difference(const Segment& expected, const wire::TcpHeader& header) const;
    std::string payload_difference(const Segment& expected, const Heard& heard) const;
    std::uint8_t shift(std::optional<std::uint8_t> own) const;
    bool timestamps_agreed() const { return offered_timestamps_ && stack_offered_timestamps_; }
    std::uint32_t timestamp_now() const;

    Script& script_;
    std::string name_;
    bool spoke_ = false;
    SeenRanges sent_;
    SeenRanges heard_;
    bool stack_isn_known_ = false;
    std::uint32_t stack_isn_ = 0;
    std::uint32_t named_up_to_ = 0;   // the end of what the stack sent and the script has named
    std::uint32_t offered_edge_ = 0;  // the furthest that we allowed the stack to send
    std::uint32_t stack_window_ = 0;
    std::uint32_t stack_right_edge_ = 0;  // the furthest that the stack allowed us to send
    std::optional<std::uint8_t> own_shift_;
    std::optional<std::uint8_t> stack_shift_;
    bool offered_timestamps_ = false;
    bool stack_offered_timestamps_ = false;
    std::uint32_t latest_stack_timestamp_ = 0;
    std::map<std::uint32_t, std::vector<std::uint8_t>>
        stack_packets_;  // by relative sequence number
    std::vector<std::uint8_t> latest_stack_packet_;
};

}  // namespace berth::harness
