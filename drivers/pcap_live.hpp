// A live interface through libpcap, in plain form: frames are heard and injected beside the kernel.
//
// The interface goes into promiscuous mode, for the stack has a station address of its own. The
// kernel still sees every frame too; berth's addresses must not be the kernel's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "link/link_device.hpp"

struct pcap;

namespace berth::drivers {

struct PcapLiveCounters {
    std::uint64_t own_echoes = 0;       // frames of our own that were heard again and passed over
    std::uint64_t inject_failures = 0;  // frames that the kernel would not send
    std::uint64_t kernel_received = 0;  // by the capture's filter
    std::uint64_t kernel_dropped = 0;   // because we did not read in time
    std::uint64_t interface_dropped = 0;
};

class PcapLiveLink final : public link::LinkDevice {
  public:
    // `filter` in pcap-filter(7)'s language; empty: everything.
    static Result<std::unique_ptr<PcapLiveLink>, std::string> open(
        const std::string& interface_name, const std::string& filter);
    ~PcapLiveLink() override;

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    int descriptor() const override { return descriptor_; }
    bool wants_write_wakeup() const override { return true; }
    std::string_view error() const override { return error_; }

    PcapLiveCounters counters();

  private:
    struct PcapCloser {
        void operator()(pcap* p) const;
    };
    PcapLiveLink() = default;

    std::string activate();
    std::string set_filter(const std::string& filter);
    bool is_own_echo(Bytes frame) const;
    bool inject(const link::OutFrame& frame);

    link::LinkProperties properties_;
    std::string name_;
    std::unique_ptr<pcap, PcapCloser> pcap_;
    int descriptor_ = -1;
    bool hears_itself_ = false;  // the system could not be told to leave out what we send
    MacAddress own_mac_{};       // the source of what we send, once we have
    std::vector<std::uint8_t> whole_;
    PcapLiveCounters counters_;
    std::string error_;
};

}  // namespace berth::drivers
