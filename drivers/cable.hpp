// A cable in memory: two ends, each a LinkDevice, in whatever time the caller lives in.
//
// A frame sent at one end arrives at the other after its serialisation time (if a rate is set) and
// the latency. Both ends belong to one thread; they may be destroyed in any order, and the end that
// remains then sends into nothing and comes to its end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "drivers/frame_queue.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

enum class WhenFull : std::uint8_t {
    drop,    // the frame is lost and counted, as in a router's queue
    refuse,  // send() takes no more, as a network card's ring does
};

struct CableOptions {
    static constexpr std::size_t default_queue_frames = 4096;

    link::LinkKind kind = link::LinkKind::ethernet;
    std::uint16_t mtu = 1500;                         // bytes of an IP packet
    Duration latency{};                               // of each frame, one way
    std::uint64_t rate_bits_per_second = 0;           // each way; 0: without limit
    std::size_t queue_frames = default_queue_frames;  // under way, each way
    WhenFull when_full = WhenFull::drop;
};

class CableEnd final : public link::LinkDevice {
  public:
    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    Time next_arrival() const override { return in_->queue.next(); }
    bool at_end() const override { return in_->abandoned && in_->queue.empty(); }

    ~CableEnd() override;

    // Frames from this end that found the queue full.
    std::uint64_t dropped() const { return out_->dropped; }

  private:
    friend struct Cable;
    // One way of the cable. Both ends hold it.
    struct Way {
        explicit Way(std::size_t queue_frames) : queue(queue_frames) {}
        FrameQueue queue;
        Time busy_until{
            std::numeric_limits<std::int64_t>::min()};  // the last bit sent has left by then
        std::uint64_t dropped = 0;
        bool abandoned = false;  // the end that sends into it is gone
        bool unread = false;     // the end that takes from it is gone
    };
    CableEnd(const CableOptions& options, std::shared_ptr<Way> in, std::shared_ptr<Way> out);

    CableOptions options_;
    link::LinkProperties properties_;
    std::shared_ptr<Way> in_;
    std::shared_ptr<Way> out_;
};

struct Cable {
    std::unique_ptr<CableEnd> a;
    std::unique_ptr<CableEnd> b;

    static Cable make(const CableOptions& options = {});
};

// Cables by name, for links that are opened one end at a time: the first to ask for a name gets one
// end of a new cable, the second gets the other, a third gets nothing.
class CableBox {
  public:
    std::unique_ptr<CableEnd> take_end(const std::string& name, const CableOptions& options);

  private:
    std::map<std::string, std::unique_ptr<CableEnd>> waiting_;  // null: both ends are taken
};

}  // namespace berth::drivers
