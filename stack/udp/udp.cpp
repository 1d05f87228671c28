// The ports: opened, bound, connected, closed. Datagrams are in udp_datagrams.cpp.
#include "udp/udp.hpp"

#include <algorithm>
#include <utility>

namespace berth::udp {

namespace {

SipHashKey key_from(Random random) {
    return {random.next_u64(), random.next_u64()};
}

}  // namespace

Udp::Udp(ip::Ipv4& ip, link::LinkContext context, Random random)
    : ip_(ip),
      context_(context),
      connected_(key_from(random.fork(1))),
      bound_(key_from(random.fork(2))),
      ephemeral_(random.fork(3)) {}

UdpPort& Udp::open(Receiver* user) {
    ports_.push_back(std::unique_ptr<UdpPort>(new UdpPort(user)));
    ports_.back()->slot_ = ports_.size() - 1;
    return *ports_.back();
}

void Udp::close(UdpPort& port, Time now) {
    if (port.connected_) connected_.erase(port);
    if (port.bound_) detach(port);
    if (port.blocked_) blocked_.erase(std::find(blocked_.begin(), blocked_.end(), &port));
    port.groups.leave_all(ip_, now);
    const std::size_t slot = port.slot_;
    std::swap(ports_[slot], ports_.back());
    ports_[slot]->slot_ = slot;
    ports_.pop_back();
}

// A port may be bound to a group or broadcast address, to hear nothing else (as on Linux).
std::errc Udp::bind(UdpPort& port, Endpoint local) {
    if (port.bound_) return std::errc::invalid_argument;
    if (!local.address.is_unspecified() && !ip_.is_own(local.address) &&
        !ip_.is_group(local.address))
        return std::errc::address_not_available;
    if (local.port == 0) {
        const std::optional<Port> chosen = choose_port(local.address, {});
        if (!chosen) return std::errc::address_in_use;
        local.port = *chosen;
    }
    return bind_to(port, local) ? std::errc{} : std::errc::address_in_use;
}

std::errc Udp::connect(UdpPort& port, Endpoint remote) {
    if (const std::errc error = check_remote(port, remote); error != std::errc{}) return error;
    // An address that an earlier connect chose is chosen anew.
    const bool address_free =
        !port.bound_ || port.address_chosen_ || port.local.address.is_unspecified();
    const auto path =
        path_for(port, remote.address, address_free ? Ipv4Address{} : source_of(port), {});
    if (!path) return std::errc::network_unreachable;

    const bool was_connected = port.connected_;
    const bool was_bound = port.bound_;
    const FourTuple before{port.local, port.four_tuple.remote};
    if (was_connected) connected_.erase(port);
    port.connected_ = false;

    bool has_local = was_bound && (!address_free || move_to(port, path->source));
    if (!was_bound) {
        const std::optional<Port> chosen = choose_port(path->source, remote);
        has_local = chosen && bind_to(port, {path->source, *chosen});
        port.port_chosen_ = has_local;
    }
    const bool address_chosen_before = std::exchange(port.address_chosen_, address_free);
    port.four_tuple = {port.local, remote};
    if (has_local && connected_.insert(port)) {
        port.connected_ = true;
        return {};
    }
    port.address_chosen_ = address_chosen_before;
    if (was_bound) {
        move_to(port, before.local.address);
        port.four_tuple = before;
        port.connected_ = was_connected && connected_.insert(port);
    } else if (port.bound_) {
        unbind(port);
    }
    return std::errc::address_in_use;
}

void Udp::disconnect(UdpPort& port) {
    if (!port.connected_) return;
    connected_.erase(port);
    port.connected_ = false;
    port.four_tuple = {};
    if (port.port_chosen_) {
        unbind(port);
    } else if (port.address_chosen_) {
        // If another has taken the wildcard meanwhile, it stays at the address.
        move_to(port, {});
    }
    port.address_chosen_ = false;
}

// What POSIX asks of a destination, apart from its route.
std::errc Udp::check_remote(const UdpPort& port, Endpoint remote) const {
    if (remote.port == 0) return std::errc::invalid_argument;
    if (remote.address.is_unspecified()) return std::errc::network_unreachable;
    if (ip_.is_broadcast(remote.address) && !port.broadcast_allowed)
        return std::errc::permission_denied;
    return {};
}

// Several ports may have one endpoint if all of them agreed to (SO_REUSEADDR), or if each hears
// another interface only.
bool Udp::may_share(const UdpPort& port, Endpoint local) const {
    std::size_t sharers = 0;
    for (const UdpPort* each = sharers_of(local); each != nullptr; each = each->next_sharer_) {
        const bool agreed = port.reuse_address && each->reuse_address;
        const bool apart = port.bind_interface && each->bind_interface &&
                           *port.bind_interface != *each->bind_interface;
        if (!agreed && !apart) return false;
        ++sharers;
    }
    return sharers < limit_sharers;
}

bool Udp::bind_to(UdpPort& port, Endpoint local) {
    if (!may_share(port, local)) return false;
    port.local = local;
    attach(port);
    return true;
}

// Binds to another address, same port; false, and all as before, if that is taken.
bool Udp::move_to(UdpPort& port, Ipv4Address address) {
    if (port.local.address == address) return true;
    if (!may_share(port, {address, port.local.port})) return false;
    detach(port);
    port.local.address = address;
    attach(port);
    return true;
}

void Udp::unbind(UdpPort& port) {
    detach(port);
    port.port_chosen_ = false;
    port.address_chosen_ = false;
    port.local = {};
}

// The table holds the last bound of those that share an endpoint; each leads to the one before it.
void Udp::attach(UdpPort& port) {
    port.next_sharer_ = sharers_of(port.local);
    if (port.next_sharer_ != nullptr) bound_.erase(*port.next_sharer_);
    bound_.insert(port);
    port.bound_ = true;
}

void Udp::detach(UdpPort& port) {
    UdpPort* before = sharers_of(port.local);
    if (before == &port) {
        bound_.erase(port);
        if (port.next_sharer_ != nullptr) bound_.insert(*port.next_sharer_);
    } else {
        while (before->next_sharer_ != &port)
            before = before->next_sharer_;
        before->next_sharer_ = port.next_sharer_;
    }
    port.next_sharer_ = nullptr;
    port.bound_ = false;
}

std::optional<Port> Udp::choose_port(Ipv4Address local, Endpoint remote) {
    const auto is_free = [&](Port port) { return !bound_.port_in_use(port); };
    return remote.port == 0 ? ephemeral_.choose_any(is_free)
                            : ephemeral_.choose(local, remote, is_free);
}

}  // namespace berth::udp
