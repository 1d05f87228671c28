// Every packet of a host in a capture file, each with a comment that names its fate.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/drop_reason.hpp"
#include "base/fate.hpp"
#include "drivers/pcapng.hpp"

namespace berth::drivers {

class CaptureObserver final : public FateObserver {
  public:
    struct Interface {
        std::string name;
        link::LinkKind kind = link::LinkKind::ethernet;
    };

    // `interfaces` in the order in which the stack numbers them. `epoch_offset_ns` is what the
    // stack's time 0 is in nanoseconds since 1970.
    CaptureObserver(PcapngWriter writer, const std::vector<Interface>& interfaces,
                    std::int64_t epoch_offset_ns);
    ~CaptureObserver() override;
    CaptureObserver(const CaptureObserver&) = delete;
    CaptureObserver& operator=(const CaptureObserver&) = delete;

    // An interface that was added to the stack later; the next index.
    void add_interface(const Interface& added);

    // A packet of an interface that was never announced is not written, but counted. The loopback
    // interface announces itself with its first packet.
    void on_packet(std::uint32_t interface_index, Direction direction, Time when, Bytes frame,
                   const Fate& fate) override;

    // Writes each interface's statistics. Also done by the destructor, once in all.
    void finish();

    std::uint64_t not_written() const { return not_written_; }
    const std::string& error() const { return writer_.error(); }

  private:
    struct Totals {
        std::uint32_t interface_index = 0;  // the stack's
        std::uint64_t received = 0;
        DropCounters drops;
    };

    void announce(const Interface& added, std::uint32_t interface_index);

    PcapngWriter writer_;
    std::int64_t epoch_offset_ns_;
    std::vector<Totals> totals_;   // in the order of the file's interfaces
    std::uint32_t announced_ = 0;  // by add_interface()
    Time last_{};
    std::uint64_t not_written_ = 0;
    bool finished_ = false;
};

}  // namespace berth::drivers
