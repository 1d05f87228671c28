// The interface's part in RFC 5227: it sends what the claims want sent, tells them of conflicts,
// and its listener of what became of them.
#include <algorithm>

#include "link/interface.hpp"

namespace berth::link {

using Action = AddressClaim::Action;

AddressClaim* Interface::find_claim(Ipv4Address address) {
    const auto found = std::find_if(claims_.begin(), claims_.end(), [&](const AddressClaim& claim) {
        return claim.address().address == address;
    });
    return found == claims_.end() ? nullptr : &*found;
}

void Interface::drop_claim(Ipv4Address address) {
    std::erase_if(claims_,
                  [&](const AddressClaim& claim) { return claim.address().address == address; });
}

bool Interface::is_tentative(Ipv4Address address) const {
    return std::any_of(claims_.begin(), claims_.end(), [&](const AddressClaim& claim) {
        return claim.is_tentative() && claim.address().address == address;
    });
}

bool Interface::claim(Ipv4Prefix address, ConflictPolicy policy, Time now) {
    AddressClaim* known = find_claim(address.address);
    if (known != nullptr) known->set_policy(policy);
    if (known != nullptr && known->is_tentative()) return true;  // under way
    if (has_address(address.address) || !is_ethernet()) {
        announce(address.address, now);
        known = find_claim(address.address);
        if (known != nullptr) known->set_policy(policy);
        if (address_events_ != nullptr) address_events_->on_claimed(index_, address);
        return true;
    }
    drop_claim(address.address);
    if (claims_.size() == claim_limit) return false;
    // §2.1.1: who has met that many conflicts tries no more than one address a minute.
    Time start = now;
    if (conflicts_ >= AddressClaim::most_conflicts)
        start = std::max(start, last_probing_ + AddressClaim::rate_limit_interval);
    last_probing_ = start;
    claims_.push_back(AddressClaim::probe_for(address, policy, start, random_));
    return true;
}

void Interface::announce(Ipv4Address own, Time now) {
    if (!is_ethernet()) return;
    const auto found = std::find_if(addresses_.begin(), addresses_.end(),
                                    [&](const Ipv4Prefix& each) { return each.address == own; });
    if (found == addresses_.end()) return;
    AddressClaim* claim = find_claim(own);
    if (claim == nullptr) {
        if (claims_.size() == claim_limit) return;
        claims_.push_back(AddressClaim::of_own(*found, ConflictPolicy::keep));
        claim = &claims_.back();
    }
    claim->announce(now);
}

Time Interface::next_deadline() const {
    Time next = neighbours_.next_deadline();
    for (const AddressClaim& claim : claims_)
        next = earlier(next, claim.deadline());
    return next;
}

void Interface::advance(Time now) {
    neighbours_.advance(now);
    // The listener may add and remove addresses, and with them claims: begin anew after each.
    const auto next_due = [&] {
        return std::find_if(claims_.begin(), claims_.end(),
                            [&](const AddressClaim& claim) { return claim.deadline() <= now; });
    };
    for (auto due = next_due(); due != claims_.end(); due = next_due()) {
        const Ipv4Prefix address = due->address();
        const Action action = due->on_deadline(now, random_);
        if (action == Action::probe) {
            send_claim_arp(action, address.address, "arp probe", now);
            continue;
        }
        if (action == Action::claim_and_announce) {
            conflicts_ = 0;
            if (address_events_ != nullptr) address_events_->on_claimed(index_, address);
            if (find_claim(address.address) == nullptr) continue;  // not wanted any more
        }
        send_claim_arp(action, address.address, "arp announcement", now);
    }
}

// §2.1.1 and §2.3: a request for the address itself, of all; a probe has no sender address.
void Interface::send_claim_arp(Action action, Ipv4Address address, const char* note, Time now) {
    const Ipv4Address sender = action == Action::probe ? Ipv4Address{} : address;
    const wire::ArpPacket arp{wire::ArpOperation::request, mac_, sender, MacAddress{}, address};
    send_arp(arp, MacAddress::broadcast(), note, now);
}

bool Interface::is_own_station(MacAddress mac) const {
    return mac == mac_ || (address_events_ != nullptr && address_events_->is_own_station(mac));
}

// §2.1.1: while an address is probed for, whoever speaks from it has it, and whoever else probes
// for it is about to.
const AddressClaim* Interface::contested_claim(const wire::ArpPacket& arp) const {
    const bool is_probe =
        arp.operation == wire::ArpOperation::request && arp.sender_ip.is_unspecified();
    const Ipv4Address address = is_probe ? arp.target_ip : arp.sender_ip;
    if (is_own_station(arp.sender_mac)) return nullptr;
    const auto found = std::find_if(claims_.begin(), claims_.end(), [&](const AddressClaim& claim) {
        return claim.is_tentative() && claim.address().address == address;
    });
    return found == claims_.end() ? nullptr : &*found;
}

Fate Interface::receive_tentative(Ipv4Address contested, const wire::ArpPacket& arp, Time) {
    drop_claim(contested);
    if (conflicts_ < AddressClaim::most_conflicts) ++conflicts_;
    if (address_events_ != nullptr)
        address_events_->on_conflict(index_, contested, arp.sender_mac, true);
    return Fate::consumed("arp conflict: another station has the address probed for");
}

// §2.4: somebody speaks from an address of ours.
Fate Interface::receive_own_address(const wire::ArpPacket& arp, Time now) {
    const Ipv4Address address = arp.sender_ip;
    if (is_own_station(arp.sender_mac)) return Fate::dropped(DropReason::arp_not_for_us);
    AddressClaim* claim = find_claim(address);
    if (claim == nullptr && claims_.size() < claim_limit) {
        claims_.push_back(AddressClaim::of_own({address, 32}, ConflictPolicy::keep));
        claim = &claims_.back();
    }
    const Action action = claim == nullptr ? Action::none : claim->on_conflict(now);
    if (action == Action::announce) send_claim_arp(action, address, "arp defence", now);
    const bool lost = action == Action::lose;
    if (lost) remove_address(address);
    if (address_events_ != nullptr)
        address_events_->on_conflict(index_, address, arp.sender_mac, lost);
    return Fate::dropped(DropReason::arp_own_address);
}

}  // namespace berth::link
