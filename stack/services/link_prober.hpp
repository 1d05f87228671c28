// Address conflict detection (RFC 5227) between the interfaces, who speak ARP, and the DHCP
// clients, who need to know (RFC 2131 §4.4.1). What an interface says is kept until deliver(): it
// speaks from inside itself, where nobody may send.
#pragma once

#include <cstdint>
#include <vector>

#include "link/interface.hpp"
#include "services/dhcp.hpp"
#include "stack.hpp"

namespace berth::services {

class LinkProber final : public AddressProber, private link::AddressEvents {
  public:
    explicit LinkProber(Stack& stack) : stack_(stack) {}

    // Hears what becomes of the interface's addresses from now on.
    void watch(link::InterfaceIndex interface_index) {
        stack_.interface_at(interface_index).set_address_events(this);
    }
    void probe(link::InterfaceIndex interface_index, const Ipv4Prefix& address, Time now) override;

    bool has_news() const { return !news_.empty(); }
    // Tells the clients. True when there was anything to tell.
    bool deliver(DhcpClients& clients, Time now);

  private:
    struct News {
        link::InterfaceIndex interface_index = 0;
        bool free = false;  // else somebody else has it
    };
    void on_claimed(link::InterfaceIndex index, Ipv4Prefix address) override;
    void on_conflict(link::InterfaceIndex index, Ipv4Address address, MacAddress other,
                     bool lost) override;
    bool is_own_station(MacAddress mac) const override;

    Stack& stack_;
    std::vector<News> news_;  // at most a few for each interface: each ends a probe or a lease
};

}  // namespace berth::services
