// One host of a cable world: a stack, and a program that sends some bytes, reads some and closes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "drivers/world/world.hpp"
#include "link/link_device.hpp"
#include "sim/wire_watch.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"

namespace berth::sim {

struct Program {
    bool listens = false;
    Endpoint server;
    std::size_t bytes_to_send = 0;
    std::size_t bytes_to_read = 0;
    std::uint64_t content_seed = 0;
    // A slow reader takes this much at a time, this often; zero: everything at once.
    std::size_t read_chunk_bytes = 0;
    Duration read_interval{};
};

class TransferHost final : public drivers::WorldNode {
  public:
    TransferHost(const StackConfig& config, link::LinkDevice& device, Ipv4Prefix address,
                 const Program& program);

    void run(Time now) override;
    Time next_deadline() const override;

    // All sent, all read, the peer's end seen; the socket has been closed then.
    bool is_done() const { return done_; }
    // Why the transfer failed; empty while it has not.
    const std::string& failure() const { return failure_; }
    Stack& stack() { return stack_; }
    const WireWatch& watch() const { return watch_; }
    std::uint64_t frames_received() const { return counted_.received; }

  private:
    // The device, with a count of what was handed up: each must have one fate.
    class Counted final : public link::LinkDevice {
      public:
        explicit Counted(link::LinkDevice& below) : below_(below) {}
        const link::LinkProperties& properties() const override { return below_.properties(); }
        std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override {
            const std::size_t count = below_.receive(pool, burst, now);
            received += count;
            return count;
        }
        std::size_t send(std::span<const link::OutFrame> burst, Time now) override {
            return below_.send(burst, now);
        }
        Time next_arrival() const override { return below_.next_arrival(); }
        std::uint64_t received = 0;

      private:
        link::LinkDevice& below_;
    };

    bool step(Time now);
    bool establish();
    bool send_some();
    bool read_some(Time now);
    void fail(const std::string& what);

    Counted counted_;
    WireWatch watch_;
    Program program_;
    Stack stack_;
    std::unique_ptr<socket::Socket> listener_;
    std::unique_ptr<socket::Socket> socket_;
    bool connected_ = false;
    bool sent_end_ = false;
    bool read_end_ = false;
    bool done_ = false;
    std::size_t sent_ = 0;
    std::size_t read_ = 0;
    Time next_read_{};
    std::string failure_;
};

}  // namespace berth::sim
