// Watches every packet of one host and says what no TCP may ever do, whatever its peers say:
//
//   - data beyond the window that the peer offered, or a segment above its MSS;
//   - a sequence number never reached, a SYN or FIN in two places, data after the FIN;
//   - an acknowledgment that goes back, a right edge of the offered window that goes back;
//   - in-order text inside the promised window that was refused for want of memory;
//   - an acknowledgment that is owed for longer than RFC 9293 §3.8.6.3 allows.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/fate.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::sim {

class WireWatch : public FateObserver {
  public:
    explicit WireWatch(bool ethernet) : link_header_bytes_(ethernet ? 14 : 0) {}

    void on_packet(std::uint32_t interface_index, Direction direction, Time when, Bytes frame,
                   const Fate& fate) override;
    // Time has come this far and whatever was to be said has been said.
    void check_debts(Time now);
    // Nothing is owed for now: the link takes nothing.
    void forgive_debts();

    std::uint64_t packets_in() const { return packets_in_; }  // fates told of arrivals
    std::uint64_t packets_out() const { return packets_out_; }
    std::uint64_t resets_out() const { return resets_out_; }
    std::uint64_t digest() const { return digest_; }  // of every byte in either direction
    // What went wrong first; empty when nothing did.
    const std::string& complaint() const { return complaint_; }

    bool digests = true;

  protected:
    // Text that leaves: `position` counts the bytes of the stream from zero.
    virtual void on_text_sent(const FourTuple&, std::uint32_t /*position*/, Bytes) {}
    void complain(const std::string& what);

  private:
    // What one side of a connection has been allowed and has promised, in its own numbers.
    struct Conversation {
        bool syn_out = false;
        bool syn_in = false;
        // Several SYNs were answered anew before one was completed (SYN cookies): nobody outside
        // can tell which of the answers counts.
        bool ambiguous = false;
        // Nothing was kept of the SYN (a cookie): what was agreed on is what the ACK proves.
        bool cookie = false;
        std::uint32_t timestamp_sent = 0;
        bool completed = false;  // something other than a SYN has come
        std::uint8_t own_shift = 0;
        std::uint8_t peer_shift = 0;
        bool both_scale = false;
        bool own_scale = false;
        bool has_promise = false;
        bool has_allowance = false;
        bool has_ack = false;
        bool fin_sent = false;
        bool promised_by_syn = false;  // unscaled: what is scaled may fall short of it by a unit
        std::uint16_t peer_mss = 536;  // RFC 9293 §3.7.1 MUST-15
        std::uint32_t iss = 0;
        std::uint32_t highest = 0;        // the end of what was sent
        std::uint32_t fin = 0;            // the sequence number of our FIN
        std::uint32_t acknowledged = 0;   // the ACK sent last
        std::uint32_t promised_edge = 0;  // ours: ACK + window, the furthest
        std::uint32_t allowed_edge = 0;   // the peer's
        Time owes_since = Time::never();
    };

    void watch_out(const FourTuple& four_tuple, const wire::TcpView& segment,
                   std::size_t header_bytes);
    void watch_syn_out(Conversation& conversation, const wire::TcpView& segment);
    void watch_text_out(const FourTuple& four_tuple, Conversation& conversation,
                        const wire::TcpView& segment, std::size_t option_bytes);
    void watch_sequence_out(Conversation& conversation, const wire::TcpView& segment);
    void watch_ack_out(Conversation& conversation, const wire::TcpView& segment);
    void watch_in(const FourTuple& four_tuple, const wire::TcpView& segment, const Fate& fate,
                  Time when);
    static void complete(Conversation& conversation, const wire::TcpView& segment);
    static void watch_syn_in(Conversation& conversation, const wire::TcpView& segment,
                             const Fate& fate);

    std::size_t link_header_bytes_;
    std::uint64_t packets_in_ = 0;
    std::uint64_t packets_out_ = 0;
    std::uint64_t resets_out_ = 0;
    std::uint64_t digest_ = 14695981039346656037ULL;
    std::map<FourTuple, Conversation> conversations_;
    FourTuple current_;  // whose packet is being looked at
    std::string complaint_;
};

}  // namespace berth::sim
