// A link that a test holds in its hands: it keeps every frame that the stack sends, can refuse
// frames as a full device does, and gives the stack whatever the test puts into it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "link/frame.hpp"
#include "link/link_device.hpp"

namespace berth::harness {

// A frame that the stack sent.
struct SentFrame {
    std::vector<std::uint8_t> bytes;
    Time when{};
    Fate fate{};
    bool needs_checksum = false;
    std::uint16_t segment_size = 0;
};

class FakeDevice final : public link::LinkDevice {
  public:
    explicit FakeDevice(link::LinkKind kind = link::LinkKind::raw_ip, std::uint16_t mtu = 1500,
                        MacAddress mac = {}) {
        properties_.kind = kind;
        properties_.mtu = mtu;
        properties_.mac = mac;
    }

    static constexpr std::size_t without_limit = std::numeric_limits<std::size_t>::max();

    std::deque<SentFrame> sent;        // oldest first; the test takes from the front
    std::size_t room = without_limit;  // frames that send() still takes
    std::string failure;               // what error() says

    link::LinkProperties& mutable_properties() { return properties_; }

    // Offers a frame to the stack: the next receive() hands it over.
    void put(Bytes frame) { arriving_.emplace_back(frame.begin(), frame.end()); }
    std::size_t waiting() const { return arriving_.size(); }
    // The oldest frame sent, taken out; empty when there is none.
    SentFrame take() {
        if (sent.empty()) return {};
        SentFrame frame = std::move(sent.front());
        sent.pop_front();
        return frame;
    }

    const link::LinkProperties& properties() const override { return properties_; }

    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override {
        std::size_t count = 0;
        while (count < burst.size() && !arriving_.empty()) {
            burst[count++] = link::Frame::copy_of(arriving_.front(), pool, now);
            arriving_.pop_front();
        }
        return count;
    }

    std::size_t send(std::span<const link::OutFrame> burst, Time now) override {
        const std::size_t count = std::min(burst.size(), room);
        for (const link::OutFrame& frame : burst.first(count)) {
            SentFrame kept;
            kept.bytes.resize(frame.size());
            frame.copy_to(kept.bytes);
            kept.when = now;
            kept.fate = frame.fate;
            kept.needs_checksum = frame.needs_checksum;
            kept.segment_size = frame.segment_size;
            sent.push_back(std::move(kept));
        }
        if (room != without_limit) room -= count;
        return count;
    }

    Time next_arrival() const override { return arriving_.empty() ? Time::never() : Time{}; }
    std::string_view error() const override { return failure; }

  private:
    link::LinkProperties properties_;
    std::deque<std::vector<std::uint8_t>> arriving_;
};

}  // namespace berth::harness
