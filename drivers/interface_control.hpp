// The kernel's side of a network interface: its address, MTU and whether it is up, by the classic
// ioctls, so that no `ip` program is needed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "berth/address.hpp"
#include "drivers/unique_fd.hpp"

namespace berth::drivers {

class InterfaceControl {
  public:
    // Names follow the kernel's rules: 1 to 15 bytes, no '/', no space, not "." or "..". '%' and
    // ':' are refused as well, since they mean templates and aliases to it.
    static bool is_name(std::string_view name);

    // `name` is a valid name.
    explicit InterfaceControl(std::string name);

    bool exists() const;
    bool is_up() const;
    // Whether it is a port of a kernel bridge, which needs no address of its own.
    bool is_bridge_port() const;
    std::optional<std::uint16_t> mtu() const;
    std::optional<Ipv4Prefix> address() const;  // the first one

    // Each gives 0 or the errno value.
    int set_mtu(std::uint16_t mtu) const;
    int set_address(const Ipv4Prefix& address) const;
    int set_up() const;

  private:
    std::string name_;
    UniqueFd socket_;
};

}  // namespace berth::drivers
