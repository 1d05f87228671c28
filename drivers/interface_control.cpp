#include "drivers/interface_control.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

ifreq request_for(const std::string& name) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1));
    return request;
}

int control(const UniqueFd& socket, unsigned long what, ifreq& request) {
    return ::ioctl(socket.get(), what, &request) == 0 ? 0 : errno;
}

void store(Ipv4Address address, sockaddr& where) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_addr.s_addr = htonl(address.value);
    std::memcpy(&where, &in, sizeof in);
}

Ipv4Address load(const sockaddr& where) {
    sockaddr_in in{};
    std::memcpy(&in, &where, sizeof in);
    return Ipv4Address(ntohl(in.sin_addr.s_addr));
}

}  // namespace

bool InterfaceControl::is_name(std::string_view name) {
    if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        return c > ' ' && c < '\x7f' && c != '/' && c != ':' && c != '%';
    });
}

InterfaceControl::InterfaceControl(std::string name)
    : name_(std::move(name)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

bool InterfaceControl::exists() const {
    ifreq request = request_for(name_);
    return control(socket_, SIOCGIFINDEX, request) == 0;
}

bool InterfaceControl::is_up() const {
    ifreq request = request_for(name_);
    return control(socket_, SIOCGIFFLAGS, request) == 0 && (request.ifr_flags & IFF_UP) != 0;
}

bool InterfaceControl::is_bridge_port() const {
    struct stat found {};
    return ::stat(concat({"/sys/class/net/", name_, "/brport"}).c_str(), &found) == 0;
}

std::optional<std::uint16_t> InterfaceControl::mtu() const {
    ifreq request = request_for(name_);
    if (control(socket_, SIOCGIFMTU, request) != 0) return std::nullopt;
    return static_cast<std::uint16_t>(std::clamp(request.ifr_mtu, 68, 65'535));
}

std::optional<Ipv4Prefix> InterfaceControl::address() const {
    ifreq request = request_for(name_);
    if (control(socket_, SIOCGIFADDR, request) != 0) return std::nullopt;
    Ipv4Prefix prefix{load(request.ifr_addr), 32};
    request = request_for(name_);
    if (control(socket_, SIOCGIFNETMASK, request) != 0) return std::nullopt;
    prefix.length = static_cast<std::uint8_t>(std::countl_one(load(request.ifr_netmask).value));
    return prefix;
}

int InterfaceControl::set_mtu(std::uint16_t mtu) const {
    ifreq request = request_for(name_);
    request.ifr_mtu = mtu;
    return control(socket_, SIOCSIFMTU, request);
}

int InterfaceControl::set_address(const Ipv4Prefix& address) const {
    ifreq request = request_for(name_);
    store(address.address, request.ifr_addr);
    if (const int error = control(socket_, SIOCSIFADDR, request); error != 0) return error;
    // The kernel has just assumed the mask of the address's old class.
    request = request_for(name_);
    store(Ipv4Address(address.mask()), request.ifr_netmask);
    if (const int error = control(socket_, SIOCSIFNETMASK, request); error != 0) return error;
    if (!address.has_broadcast()) return 0;
    request = request_for(name_);
    store(address.broadcast(), request.ifr_broadaddr);
    return control(socket_, SIOCSIFBRDADDR, request);
}

int InterfaceControl::set_up() const {
    ifreq request = request_for(name_);
    if (const int error = control(socket_, SIOCGIFFLAGS, request); error != 0) return error;
    request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
    return control(socket_, SIOCSIFFLAGS, request);
}

}  // namespace berth::drivers
