#include "host/interface_names.hpp"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "berth/socket.h"
#include "host/call.hpp"
#include "host/process.hpp"

namespace berth::host {

namespace {

constexpr link::InterfaceIndex loopback_index = link::Interfaces::loopback_index;
constexpr Ipv4Address loopback_address{127, 0, 0, 1};

// "tap:tap0,loss=1%" is also "tap:tap0" and "tap0".
bool is_called(std::string_view whole, std::string_view name) {
    if (name == whole) return true;
    const std::string_view plain = whole.substr(0, whole.find(','));
    if (name == plain) return true;
    const std::size_t colon = plain.find(':');
    return colon != std::string_view::npos && name == plain.substr(colon + 1);
}

}  // namespace

std::optional<link::InterfaceIndex> interface_numbered(const Stack& stack, unsigned number) {
    if (number == number_of(loopback_index)) return loopback_index;
    const unsigned first = number_of(0);
    if (number < first || number - first >= stack.interface_count()) return std::nullopt;
    return number - first;
}

std::optional<link::InterfaceIndex> interface_named(const Stack& stack, std::string_view name) {
    if (name.empty()) return std::nullopt;
    for (link::InterfaceIndex index = 0; index < stack.interface_count(); ++index)
        if (is_called(stack.interface_at(index).name(), name)) return index;
    if (name == stack.interface_at(loopback_index).name()) return loopback_index;
    return std::nullopt;
}

std::optional<link::InterfaceIndex> interface_with(const Stack& stack, Ipv4Address address) {
    if (address.is_loopback()) return loopback_index;
    for (link::InterfaceIndex index = 0; index < stack.interface_count(); ++index)
        if (stack.interface_at(index).has_address(address)) return index;
    return std::nullopt;
}

Ipv4Address address_on(const Stack& stack, link::InterfaceIndex index, Ipv4Address peer) {
    if (link::Interfaces::is_loopback(index)) return loopback_address;
    const auto addresses = stack.interface_at(index).addresses();
    for (const Ipv4Prefix& own : addresses)
        if (own.contains(peer)) return own.address;
    return addresses.empty() ? Ipv4Address{} : addresses.front().address;
}

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

unsigned berth_if_nametoindex(const char* name) {
    const std::shared_ptr<Core> core = Process::current().default_host();
    if (core && name != nullptr) {
        const CoreGuard guard(core->lock());
        if (const auto index = interface_named(core->stack(), name)) return number_of(*index);
    }
    errno = ENODEV;
    return 0;
}

char* berth_if_indextoname(unsigned number, char* name, size_t size) {
    const std::shared_ptr<Core> core = Process::current().default_host();
    errno = ENXIO;
    if (!core || name == nullptr) return nullptr;
    const CoreGuard guard(core->lock());
    const auto index = interface_numbered(core->stack(), number);
    if (!index) return nullptr;
    const std::string& whole = core->stack().interface_at(*index).name();
    if (whole.size() >= size) {
        errno = ERANGE;
        return nullptr;
    }
    std::memcpy(name, whole.c_str(), whole.size() + 1);
    return name;
}

int berth_port_range(unsigned short port) {
    switch (berth::port_range(port)) {
        case PortRange::well_known: return BERTH_PORT_WELL_KNOWN;
        case PortRange::registered: return BERTH_PORT_REGISTERED;
        case PortRange::dynamic: break;
    }
    return BERTH_PORT_DYNAMIC;
}

}  // extern "C"
