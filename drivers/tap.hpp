// A TAP device of the Linux kernel: Ethernet frames between the kernel's network and a stack.
//
// A persistent TAP that exists is attached to; one that berth creates goes away with it. The
// kernel's side of a new TAP is down and has no address: `peer_address` gives it one, or
// setup_hint() says which `ip` commands are missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "drivers/interface_control.hpp"
#include "drivers/unique_fd.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

struct TapOptions {
    std::optional<Ipv4Prefix>
        peer_address;                  // of the kernel's side, which is then brought up as well
    std::optional<std::uint16_t> mtu;  // also set on the kernel's side of a TAP that berth creates
};

class TapLink final : public link::LinkDevice {
  public:
    // The error is one line that says what happened, to what, and what to do.
    static Result<std::unique_ptr<TapLink>, std::string> open(const std::string& name,
                                                              const TapOptions& options);

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    int descriptor() const override { return fd_.get(); }
    bool wants_write_wakeup() const override { return true; }
    std::string_view error() const override { return error_; }

    // The MTU of the kernel's side, now.
    std::uint16_t peer_mtu() const;
    bool created() const { return created_; }  // it did not exist before and goes away with this
    // Frames that the kernel would not take: mostly because its side is down.
    std::uint64_t rejected() const { return rejected_; }

    // The `ip` commands, one per line, that the kernel's side still needs before packets flow;
    // empty when it has an address and is up. `own` is the stack's address: the suggested one is
    // near it.
    std::string setup_hint(std::optional<Ipv4Prefix> own) const;

  private:
    TapLink(std::string name, UniqueFd fd, bool created);

    std::string attach_problem(const TapOptions& options);
    bool read_one(BufferPool& pool, link::Frame& frame, Time now);
    // Whether the frame is out of the caller's hands.
    bool write_one(const link::OutFrame& frame);
    void fail(int error);

    std::string name_;
    InterfaceControl interface_;
    UniqueFd fd_;
    bool created_;
    link::LinkProperties properties_;
    std::vector<std::uint8_t> overflow_;  // the rest of a frame that is longer than a small block
    Buffer spare_;                        // taken for a read that brought nothing
    std::uint64_t rejected_ = 0;
    std::string error_;
};

}  // namespace berth::drivers
