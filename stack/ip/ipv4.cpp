// Addresses and timers. Ingress is in ipv4_receive.cpp, transit in ipv4_forward.cpp, the choice of
// a path in ipv4_route.cpp, egress in ipv4_send.cpp.
#include "ip/ipv4.hpp"

#include <algorithm>
#include <utility>

namespace berth::ip {

namespace {

void insert_sorted(std::vector<Ipv4Address>& addresses, Ipv4Address address) {
    const auto at = std::lower_bound(addresses.begin(), addresses.end(), address);
    if (at == addresses.end() || *at != address) addresses.insert(at, address);
}

SipHashKey key_from(Random random) {
    return {random.next_u64(), random.next_u64()};
}

}  // namespace

Ipv4::Ipv4(link::Interfaces& interfaces, link::LinkContext context, const Config& config,
           Random random)
    : interfaces_(interfaces),
      context_(context),
      config_(config),
      identification_(random),
      reassembly_(context.pool, context.drops, config.reassembly, key_from(random.fork(1))) {}

void Ipv4::add_address(link::InterfaceIndex interface_index, Ipv4Prefix address) {
    interfaces_.at(interface_index).add_address(address);
    insert_sorted(own_, address.address);
    if (address.has_broadcast()) insert_sorted(broadcasts_, address.broadcast());
    // A /32 has no network beside itself.
    if (address.length < 32) routes_.add({address, {}, interface_index, 0});
}

void Ipv4::remove_address(link::InterfaceIndex interface_index, Ipv4Prefix address) {
    interfaces_.at(interface_index).remove_address(address.address);
    if (address.length < 32) routes_.remove({address, {}, interface_index, 0});
    // Another interface may have the same address, another address the same network.
    own_.clear();
    broadcasts_.clear();
    for (const auto& interface : interfaces_) {
        for (const Ipv4Prefix& own : interface->addresses()) {
            insert_sorted(own_, own.address);
            if (own.has_broadcast()) insert_sorted(broadcasts_, own.broadcast());
            if (own.length < 32) routes_.add({own, {}, interface->index(), 0});
        }
    }
}

bool Ipv4::is_own(Ipv4Address address) const {
    if (address.is_loopback()) return true;
    return std::binary_search(own_.begin(), own_.end(), address);
}

bool Ipv4::is_broadcast(Ipv4Address address) const {
    return address.is_limited_broadcast() ||
           std::binary_search(broadcasts_.begin(), broadcasts_.end(), address);
}

bool Ipv4::is_single_host(Ipv4Address address) const {
    return !address.is_this_network() && !address.is_loopback() && !address.is_reserved() &&
           !is_group(address);
}

void Ipv4::advance(Time now) {
    now_ = now;
    path_mtus_.advance(now);
    redirects_.advance(now);
    reassembly_.advance(now, problems_);
}

Time Ipv4::next_deadline() const {
    return earlier(redirects_.next_deadline(),
                   earlier(path_mtus_.next_deadline(), reassembly_.next_deadline()));
}

}  // namespace berth::ip
