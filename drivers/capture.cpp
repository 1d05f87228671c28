#include "drivers/capture.hpp"

#include <algorithm>
#include <utility>

#include "drivers/fate_text.hpp"
#include "drivers/text.hpp"
#include "link/interfaces.hpp"

namespace berth::drivers {
namespace {

// "dropped: tcp_bad_checksum 3, udp_no_socket 1"; empty when nothing was.
std::string drops_text(const DropCounters& drops) {
    std::string text;
    for (std::size_t i = 1; i < drop_reason_count; ++i) {
        const auto reason = static_cast<DropReason>(i);
        if (drops[reason] == 0) continue;
        text.append(concat({text.empty() ? "dropped: " : ", ", text_of(reason).name, " ",
                            std::to_string(drops[reason])}));
    }
    return text;
}

}  // namespace

CaptureObserver::CaptureObserver(PcapngWriter writer, const std::vector<Interface>& interfaces,
                                 std::int64_t epoch_offset_ns)
    : writer_(std::move(writer)), epoch_offset_ns_(epoch_offset_ns) {
    for (const Interface& each : interfaces)
        add_interface(each);
}

CaptureObserver::~CaptureObserver() {
    finish();
}

void CaptureObserver::add_interface(const Interface& added) {
    announce(added, announced_++);
}

void CaptureObserver::announce(const Interface& added, std::uint32_t interface_index) {
    writer_.add_interface(added.name, added.kind);
    totals_.emplace_back();
    totals_.back().interface_index = interface_index;
}

void CaptureObserver::on_packet(std::uint32_t interface_index, Direction direction, Time when,
                                Bytes frame, const Fate& fate) {
    const auto find = [&] {
        return std::find_if(totals_.begin(), totals_.end(), [&](const Totals& each) {
            return each.interface_index == interface_index;
        });
    };
    auto found = find();
    if (found == totals_.end() && link::Interfaces::is_loopback(interface_index) && !finished_) {
        announce({"lo", link::LinkKind::raw_ip}, interface_index);
        found = find();
    }
    if (found == totals_.end() || finished_ || !writer_.error().empty()) {
        ++not_written_;
        return;
    }
    last_ = std::max(last_, when);
    Totals& totals = *found;
    const auto id = static_cast<std::uint32_t>(found - totals_.begin());
    if (direction == Direction::in) {
        ++totals.received;
        if (fate.kind == FateKind::dropped) totals.drops.add(fate.reason);
    }
    writer_.write_packet(id, direction, epoch_offset_ns_ + when.ns, frame,
                         explain_fate(fate, direction));
}

void CaptureObserver::finish() {
    if (std::exchange(finished_, true)) return;
    for (std::uint32_t i = 0; i < totals_.size(); ++i) {
        writer_.write_statistics(
            i, epoch_offset_ns_ + last_.ns,
            {totals_[i].received, totals_[i].drops.total(), drops_text(totals_[i].drops)});
    }
}

}  // namespace berth::drivers
