#include "host/ip_options.hpp"

#include <linux/icmp.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "host/interface_names.hpp"

namespace berth::host {

namespace {

constexpr int raw_level = IPPROTO_RAW;  // SOL_RAW

template <class T>
std::optional<T> value_of(const void* value, socklen_t length) {
    if (length < sizeof(T)) return std::nullopt;
    T copy{};
    std::memcpy(&copy, value, sizeof copy);
    return copy;
}

int give(const void* value, std::size_t size, void* to, socklen_t* length) {
    size = std::min<std::size_t>(*length, size);
    std::memcpy(to, value, size);
    *length = static_cast<socklen_t>(size);
    return 0;
}

Ipv4Address address_from(in_addr address) {
    return Ipv4Address(ntohl(address.s_addr));
}

// An interface as a request names it: by number, else by address, else not at all.
struct NamedInterface {
    std::optional<link::InterfaceIndex> index;
    bool exists = true;
};
NamedInterface named(const Stack& stack, int number, in_addr address) {
    if (number != 0) {
        const auto index = interface_numbered(stack, static_cast<unsigned>(number));
        return {index, index.has_value()};
    }
    if (address.s_addr == htonl(INADDR_ANY)) return {};
    const auto index = interface_with(stack, address_from(address));
    return {index, index.has_value()};
}

enum class Change { join, leave };

int change(Call& call, Change what, in_addr group, const NamedInterface& by, in_addr source = {}) {
    if (!by.exists) return fail(ENODEV);
    const socket::Membership membership{address_from(group), by.index, address_from(source)};
    return done(call.run([&](socket::Socket& socket) {
        return what == Change::join ? socket.join(membership) : socket.leave(membership);
    }));
}

// ip_mreqn, or the shorter ip_mreq of old.
int change_membership(Call& call, Change what, const void* value, socklen_t length) {
    const Stack& stack = call.core().stack();
    if (const auto request = value_of<ip_mreqn>(value, length)) {
        return change(call, what, request->imr_multiaddr,
                      named(stack, request->imr_ifindex, request->imr_address));
    }
    const auto request = value_of<ip_mreq>(value, length);
    if (!request) return fail(EINVAL);
    return change(call, what, request->imr_multiaddr, named(stack, 0, request->imr_interface));
}

int change_source(Call& call, Change what, const void* value, socklen_t length) {
    const auto request = value_of<ip_mreq_source>(value, length);
    if (!request || length != sizeof *request) return fail(EINVAL);
    if (request->imr_sourceaddr.s_addr == htonl(INADDR_ANY)) return fail(EINVAL);
    return change(call, what, request->imr_multiaddr,
                  named(call.core().stack(), 0, request->imr_interface), request->imr_sourceaddr);
}

// The address in a sockaddr_storage of RFC 3678's protocol-independent requests.
std::optional<in_addr> address_in(const sockaddr_storage& storage) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    if (in.sin_family != AF_INET) return std::nullopt;
    return in.sin_addr;
}

int change_group(Call& call, Change what, const void* value, socklen_t length) {
    const auto request = value_of<group_req>(value, length);
    if (!request) return fail(EINVAL);
    const auto group = address_in(request->gr_group);
    if (!group) return fail(EINVAL);
    return change(call, what, *group,
                  named(call.core().stack(), static_cast<int>(request->gr_interface), {}));
}

int change_group_source(Call& call, Change what, const void* value, socklen_t length) {
    const auto request = value_of<group_source_req>(value, length);
    if (!request) return fail(EINVAL);
    const auto group = address_in(request->gsr_group);
    const auto source = address_in(request->gsr_source);
    if (!group || !source || source->s_addr == htonl(INADDR_ANY)) return fail(EINVAL);
    return change(call, what, *group,
                  named(call.core().stack(), static_cast<int>(request->gsr_interface), {}),
                  *source);
}

int set_index(Call& call, socket::Option option, std::optional<link::InterfaceIndex> index) {
    const std::int64_t value = index ? std::int64_t{*index} : -1;
    return done(call.run([&](socket::Socket& socket) { return socket.set_option(option, value); }));
}

// in_addr, ip_mreq or ip_mreqn (ip(7)).
int set_multicast_interface(Call& call, const void* value, socklen_t length) {
    int number = 0;
    in_addr address{};
    if (const auto request = value_of<ip_mreqn>(value, length)) {
        number = request->imr_ifindex;
        address = request->imr_address;
    } else if (const auto shorter = value_of<ip_mreq>(value, length)) {
        address = shorter->imr_interface;
    } else if (const auto alone = value_of<in_addr>(value, length)) {
        address = *alone;
    } else {
        return fail(EINVAL);
    }
    const NamedInterface by = named(call.core().stack(), number, address);
    if (!by.exists) return fail(EADDRNOTAVAIL);
    return set_index(call, socket::Option::multicast_interface, by.index);
}

int get_multicast_interface(Call& call, void* value, socklen_t* length) {
    const auto index = call.socket().get_option(socket::Option::multicast_interface);
    if (!index) return fail(index.error());
    in_addr address{htonl(INADDR_ANY)};
    if (*index >= 0) {
        const auto by = static_cast<link::InterfaceIndex>(*index);
        address.s_addr = htonl(address_on(call.core().stack(), by).value);
    }
    return give(&address, sizeof address, value, length);
}

// ip(7): the routers by which a stream's segments go (RFC 791's loose or strict source route).
int set_ip_options(Call& call, const void* value, socklen_t length) {
    const Bytes options(static_cast<const std::uint8_t*>(value), length);
    return done(call.run([&](socket::Socket& socket) { return socket.set_ip_options(options); }));
}

int get_ip_options(Call& call, void* value, socklen_t* length) {
    std::array<std::uint8_t, ip::SourceRoute::max_bytes> options{};
    const auto size = call.socket().ip_options(options);
    if (!size) return fail(size.error());
    return give(options.data(), *size, value, length);
}

// socket(7): a name, perhaps without its NUL; an empty one unbinds.
int set_device(Call& call, const void* value, socklen_t length) {
    std::string_view name(static_cast<const char*>(value), length);
    name = name.substr(0, name.find('\0'));
    if (name.empty()) return set_index(call, socket::Option::bind_interface, std::nullopt);
    const auto index = interface_named(call.core().stack(), name);
    if (!index) return fail(ENODEV);
    return set_index(call, socket::Option::bind_interface, index);
}

int get_device(Call& call, void* value, socklen_t* length) {
    const auto index = call.socket().get_option(socket::Option::bind_interface);
    if (!index) return fail(index.error());
    if (*index < 0) {
        *length = 0;
        return 0;
    }
    const std::string& name =
        call.core().stack().interface_at(static_cast<link::InterfaceIndex>(*index)).name();
    if (*length < name.size() + 1) return fail(EINVAL);
    return give(name.c_str(), name.size() + 1, value, length);
}

// raw(7): a bit for each ICMP type that is not wanted.
int set_icmp_filter(Call& call, const void* value, socklen_t length) {
    const auto filter = value_of<icmp_filter>(value, length);
    if (!filter) return fail(EINVAL);
    return done(call.run([&](socket::Socket& socket) {
        return socket.set_option(socket::Option::icmp_filter, std::int64_t{filter->data});
    }));
}

int get_icmp_filter(Call& call, void* value, socklen_t* length) {
    const auto bits = call.socket().get_option(socket::Option::icmp_filter);
    if (!bits) return fail(bits.error());
    icmp_filter filter{};
    filter.data = static_cast<__u32>(*bits);
    return give(&filter, sizeof filter, value, length);
}

using Setter = int (*)(Call&, const void*, socklen_t);

Setter setter_of(int level, int name) {
    if (level == SOL_SOCKET) return name == SO_BINDTODEVICE ? set_device : nullptr;
    if (level == raw_level) return name == ICMP_FILTER ? set_icmp_filter : nullptr;
    if (level != IPPROTO_IP) return nullptr;
    using Value = const void*;
    switch (name) {
        case IP_OPTIONS: return set_ip_options;
        case IP_MULTICAST_IF: return set_multicast_interface;
        case IP_ADD_MEMBERSHIP:
            return [](Call& c, Value v, socklen_t n) {
                return change_membership(c, Change::join, v, n);
            };
        case IP_DROP_MEMBERSHIP:
            return [](Call& c, Value v, socklen_t n) {
                return change_membership(c, Change::leave, v, n);
            };
        case IP_ADD_SOURCE_MEMBERSHIP:
            return
                [](Call& c, Value v, socklen_t n) { return change_source(c, Change::join, v, n); };
        case IP_DROP_SOURCE_MEMBERSHIP:
            return
                [](Call& c, Value v, socklen_t n) { return change_source(c, Change::leave, v, n); };
        case MCAST_JOIN_GROUP:
            return
                [](Call& c, Value v, socklen_t n) { return change_group(c, Change::join, v, n); };
        case MCAST_LEAVE_GROUP:
            return
                [](Call& c, Value v, socklen_t n) { return change_group(c, Change::leave, v, n); };
        case MCAST_JOIN_SOURCE_GROUP:
            return [](Call& c, Value v, socklen_t n) {
                return change_group_source(c, Change::join, v, n);
            };
        case MCAST_LEAVE_SOURCE_GROUP:
            return [](Call& c, Value v, socklen_t n) {
                return change_group_source(c, Change::leave, v, n);
            };
        default: return nullptr;
    }
}

}  // namespace

std::optional<int> set_structured_option(Call& call, int level, int name, const void* value,
                                         socklen_t length) {
    const Setter setter = setter_of(level, name);
    if (setter == nullptr) return std::nullopt;
    if (value == nullptr && length > 0) return fail(EFAULT);
    if (level == IPPROTO_IP && name == IP_OPTIONS) return setter(call, value, length);
    // Groups, and how they are reached, mean nothing to a stream (ip(7)).
    if (level == IPPROTO_IP && call.socket().type() == socket::Type::stream)
        return fail(ENOPROTOOPT);
    return setter(call, value, length);
}

std::optional<int> get_structured_option(Call& call, int level, int name, void* value,
                                         socklen_t* length) {
    if (level == SOL_SOCKET && name == SO_BINDTODEVICE) return get_device(call, value, length);
    if (level == raw_level && name == ICMP_FILTER) return get_icmp_filter(call, value, length);
    if (level == IPPROTO_IP && name == IP_MULTICAST_IF)
        return get_multicast_interface(call, value, length);
    if (level == IPPROTO_IP && name == IP_OPTIONS) return get_ip_options(call, value, length);
    return std::nullopt;
}

}  // namespace berth::host
