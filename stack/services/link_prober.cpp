#include "services/link_prober.hpp"

#include <algorithm>
#include <utility>

namespace berth::services {

void LinkProber::probe(link::InterfaceIndex interface_index, const Ipv4Prefix& address, Time now) {
    // RFC 5227 §2.4 (b): an address that a server can replace is defended once and then given up.
    const bool begun =
        stack_.interface_at(interface_index).claim(address, link::ConflictPolicy::defend, now);
    if (!begun) news_.push_back({interface_index, false});
}

bool LinkProber::deliver(DhcpClients& clients, Time now) {
    const std::vector<News> news = std::exchange(news_, {});
    for (const News& each : news) {
        if (each.free)
            clients.on_address_free(each.interface_index, now);
        else
            clients.on_address_in_use(each.interface_index, now);
    }
    return !news.empty();
}

void LinkProber::on_claimed(link::InterfaceIndex index, Ipv4Prefix) {
    news_.push_back({index, true});
}

void LinkProber::on_conflict(link::InterfaceIndex index, Ipv4Address, MacAddress, bool lost) {
    if (lost) news_.push_back({index, false});
}

bool LinkProber::is_own_station(MacAddress mac) const {
    const auto& interfaces = stack_.ip().interfaces();
    return std::any_of(interfaces.begin(), interfaces.end(),
                       [&](const auto& interface) { return interface->mac() == mac; });
}

}  // namespace berth::services
