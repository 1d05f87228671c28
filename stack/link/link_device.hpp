// The one interface behind which every driver stands: bursts of frames in, bursts of frames out.
//
// A device belongs to one stack and is called from one thread at a time. Nothing in here waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/time.hpp"
#include "berth/address.hpp"
#include "link/frame.hpp"

namespace berth::link {

enum class LinkKind : std::uint8_t {
    ethernet,  // frames begin with an Ethernet header, without FCS; neighbours are resolved by ARP
    raw_ip,    // frames are IP packets; there are no neighbours to resolve
};

struct LinkProperties {
    LinkKind kind = LinkKind::ethernet;
    std::uint16_t mtu = 1500;  // bytes of an IP packet
    MacAddress mac{};          // our station address, Ethernet only; zero: the stack chooses one
    bool checksum_offload = false;  // send() fills in transport checksums
    std::uint32_t max_super_segment =
        0;  // bytes of payload that send() cuts by segment_size; 0: none
};

class LinkDevice {
  public:
    virtual ~LinkDevice() = default;

    virtual const LinkProperties& properties() const = 0;

    // Takes up to burst.size() frames that have arrived by `now`, each in a block of `pool`;
    // returns how many. Zero means that there is nothing (or that the link has failed: see
    // error()).
    virtual std::size_t receive(BufferPool& pool, std::span<Frame> burst, Time now) = 0;

    // Sends the frames in order; returns how many the device accepted. A refused frame and those
    // after it were not sent and may be offered again once the device is writable. The slices are
    // the caller's again when this returns.
    virtual std::size_t send(std::span<const OutFrame> burst, Time now) = 0;

    // A descriptor that is readable when receive() has something and writable when send() has room,
    // for an event loop to wait on; -1 when the device has none (memory, virtual time).
    virtual int descriptor() const { return -1; }
    // Further descriptors that announce arrivals (a switch with many peers has one readable epoll
    // descriptor instead and leaves this false).
    virtual bool wants_write_wakeup() const {
        return false;
    }  // a refused send waits for writability

    // When receive() will next have something although no descriptor says so: a frame under way on
    // a simulated link. never() when only a descriptor, or nothing, can tell.
    virtual Time next_arrival() const { return Time::never(); }

    // Not empty when the link is gone for good: one sentence that says what happened and to what.
    virtual std::string_view error() const { return {}; }
    // True when no frame will ever arrive again and none is under way (the end of a capture file).
    virtual bool at_end() const { return false; }
};

}  // namespace berth::link
