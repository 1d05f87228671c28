// Watches every packet of one host and says what no TCP may ever do.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/fate.hpp"
#include "wire/tcp.hpp"

namespace berth::sim {

class WireWatch final : public FateObserver {
  public:
    explicit WireWatch(bool ethernet) : link_header_bytes_(ethernet ? 14 : 0) {}

    void on_packet(std::uint32_t interface_index, Direction direction, Time when, Bytes frame,
                   const Fate& fate) override;

    std::uint64_t packets_in() const { return packets_in_; }  // fates told of arrivals
    std::uint64_t packets_out() const { return packets_out_; }
    std::uint64_t digest() const { return digest_; }  // of every byte in either direction
    // What went wrong first; empty when nothing did.
    const std::string& complaint() const { return complaint_; }

  private:
    // What one side of a connection has been allowed and has promised, in its own numbers.
    struct Conversation {
        bool syn_out = false;
        bool syn_in = false;
        std::uint8_t own_shift = 0;
        std::uint8_t peer_shift = 0;
        bool both_scale = false;
        bool own_scale = false;
        bool has_promise = false;
        std::uint32_t promised_edge = 0;  // ours: ACK + window, the furthest
        bool has_allowance = false;
        std::uint32_t allowed_edge = 0;  // the peer's
    };

    void watch_out(Conversation& conversation, const wire::TcpView& segment);
    static void watch_in(Conversation& conversation, const wire::TcpView& segment);
    void complain(const std::string& what);

    std::size_t link_header_bytes_;
    std::uint64_t packets_in_ = 0;
    std::uint64_t packets_out_ = 0;
    std::uint64_t digest_ = 14695981039346656037ULL;
    std::map<FourTuple, Conversation> conversations_;
    std::string complaint_;
};

}  // namespace berth::sim
