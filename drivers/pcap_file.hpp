// A capture file as a link: frames in from it, own frames out to another, in virtual time.
//
// Reads pcap and pcapng of Ethernet, raw IP, or Linux's cooked form (whose header is cut off, so
// that raw IP remains). Time on this link is the capture's: the first frame arrives at 0, each
// later one as long after it as its stamp says, to the nanosecond. A stamp that goes back arrives
// together with the frame before it. Own frames are stamped on the same axis.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "link/link_device.hpp"

struct pcap;
struct pcap_dumper;

namespace berth::drivers {

class PcapFileLink final : public link::LinkDevice {
  public:
    // `in` may be "-", the standard input. `out` is a pcap file to make, "-" for the standard
    // output, or empty: own frames then go nowhere. No file says what MTU its link had: without one
    // it is taken to be Ethernet's 1500.
    static Result<std::unique_ptr<PcapFileLink>, std::string> open(
        const std::string& in, const std::string& out, std::optional<std::uint16_t> mtu = {});
    ~PcapFileLink() override;

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    Time next_arrival() const override { return next_.empty() ? Time::never() : next_arrival_; }
    // A file that ends in the middle of a frame, or a full disk, is an error; the frames before it
    // have arrived.
    std::string_view error() const override { return next_.empty() ? error_ : std::string_view{}; }
    bool at_end() const override { return next_.empty(); }

    // When the first frame was captured: what 0 on this link means, in nanoseconds since 1970.
    std::int64_t first_stamp_ns() const { return first_stamp_ns_; }
    // Frames of a cooked capture that are not IPv4, frames without bytes, and frames larger than
    // any.
    std::uint64_t skipped() const { return skipped_; }
    // Frames of which the capture holds only the beginning; they arrive as they are.
    std::uint64_t cut_short() const { return cut_short_; }

  private:
    struct PcapCloser {
        void operator()(pcap* p) const;
    };
    struct DumperCloser {
        void operator()(pcap_dumper* d) const;
    };

    PcapFileLink() = default;

    bool set_link_type(int link_type);
    std::string open_output(const std::string& in, const std::string& out);
    void read_ahead();

    link::LinkProperties properties_;
    std::string in_name_;
    std::string out_name_;
    std::unique_ptr<pcap, PcapCloser> in_;
    std::unique_ptr<pcap, PcapCloser> out_form_;  // what the output file's header says
    std::unique_ptr<pcap_dumper, DumperCloser> out_;
    std::size_t cooked_header_bytes_ = 0;  // 0: not a cooked capture
    std::size_t cooked_protocol_offset_ = 0;
    bool have_first_ = false;
    std::int64_t first_stamp_ns_ = 0;
    std::vector<std::uint8_t> next_;  // the frame read ahead; empty at the end
    Time next_arrival_{};
    std::vector<std::uint8_t> whole_;
    std::uint64_t skipped_ = 0;
    std::uint64_t cut_short_ = 0;
    std::string error_;
};

}  // namespace berth::drivers
