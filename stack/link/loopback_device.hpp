// The device under the loopback interface (RFC 1122 §3.2.1.3 (g)): what is sent is received.
#pragma once

#include <deque>

#include "link/link_device.hpp"

namespace berth::link {

class LoopbackDevice final : public LinkDevice {
  public:
    // Packets on their way; beyond it send() takes no more.
    static constexpr std::size_t limit_packets = 256;
    static constexpr std::uint16_t mtu = 65'535;

    explicit LoopbackDevice(BufferPool& pool) : pool_(pool) {
        properties_.kind = LinkKind::raw_ip;
        properties_.mtu = mtu;
        properties_.checksum_offload = true;
    }

    const LinkProperties& properties() const override { return properties_; }

    std::size_t receive(BufferPool&, std::span<Frame> burst, Time) override {
        std::size_t count = 0;
        while (count < burst.size() && !packets_.empty()) {
            burst[count++] = std::move(packets_.front());
            packets_.pop_front();
        }
        return count;
    }

    std::size_t send(std::span<const OutFrame> burst, Time now) override {
        std::size_t count = 0;
        for (const OutFrame& out : burst) {
            if (packets_.size() == limit_packets) break;
            Frame frame;
            frame.buffer = pool_.take(out.size());
            frame.length = static_cast<std::uint32_t>(out.copy_to(frame.buffer.bytes()));
            frame.arrival = now;
            frame.checksum_vouched = true;  // it never left the memory it was written to
            packets_.push_back(std::move(frame));
            ++count;
        }
        return count;
    }

    Time next_arrival() const override { return packets_.empty() ? Time::never() : Time{}; }

  private:
    BufferPool& pool_;
    LinkProperties properties_;
    std::deque<Frame> packets_;
};

}  // namespace berth::link
