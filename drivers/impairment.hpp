// Bad luck as a decorator: any link, made worse in both directions.
//
// Frames out are impaired before the link below gets them, frames in after it gave them. The two
// directions draw from separate streams of the same seed. Frames under way leave when receive() is
// called at or after next_arrival(), so whoever drives the device minds that deadline as always.
#pragma once

#include <array>
#include <memory>

#include "drivers/impaired_lane.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

class ImpairedLink final : public link::LinkDevice {
  public:
    ImpairedLink(std::unique_ptr<link::LinkDevice> below, const ImpairmentOptions& options,
                 const Seed& seed);

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    // Takes every frame; one that finds the queue full is lost and counted.
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    int descriptor() const override { return below_->descriptor(); }
    bool wants_write_wakeup() const override { return blocked_ && below_->wants_write_wakeup(); }
    Time next_arrival() const override;
    std::string_view error() const override { return below_->error(); }
    bool at_end() const override { return in_.size() == 0 && below_->at_end(); }

    const ImpairmentCounters& inward() const { return in_.counters(); }
    const ImpairmentCounters& outward() const { return out_.counters(); }
    link::LinkDevice& below() { return *below_; }

  private:
    // Frames read from below in one go, and how many goes there are in one receive(): a flood below
    // must not keep the caller in here.
    static constexpr std::size_t read_burst = 32;
    static constexpr std::size_t read_rounds = 8;

    void push_out(Time now);
    bool pull_in(BufferPool& pool, Time now);
    std::size_t take_due(BufferPool& pool, std::span<link::Frame> burst, Time now);

    std::unique_ptr<link::LinkDevice> below_;
    link::LinkProperties properties_;
    ImpairedLane in_;
    ImpairedLane out_;
    std::array<link::Frame, read_burst> arrived_;
    bool blocked_ = false;  // the link below refused a frame that is due
};

}  // namespace berth::drivers
