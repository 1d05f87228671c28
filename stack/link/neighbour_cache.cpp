#include "link/neighbour_cache.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace berth::link {

NeighbourCache::Answer NeighbourCache::look_up(Ipv4Address address, Time now) {
    Entry* entry = find(address);
    if (entry == nullptr) return {};
    entry->used = true;
    entry->last_used = now;
    switch (entry->state) {
        case NeighbourState::incomplete: return {};
        case NeighbourState::failed:
            return {now < entry->until ? Knowledge::unreachable : Knowledge::unknown, {}};
        case NeighbourState::reachable:
            if (now < entry->until) break;
            [[fallthrough]];
        case NeighbourState::stale:
            // RFC 4861 §7.3.3: traffic may bring its own proof in the next seconds; ask only then.
            set_state(*entry, NeighbourState::delay);
            arm(*entry, now + delay_before_probe);
            break;
        case NeighbourState::delay:
        case NeighbourState::probe: break;
    }
    return {Knowledge::known, entry->mac};
}

bool NeighbourCache::is_failed(Ipv4Address address, Time now) const {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return false;
    const Entry& entry = found->second;
    // `until` is the end of the short hold that began when it failed.
    return entry.state == NeighbourState::failed && now < entry.until + distrust_time - failed_hold;
}

DropReason NeighbourCache::hold(Ipv4Address address, OwnedPacket packet, Time now) {
    Entry* entry = find(address);
    if (entry == nullptr) entry = create(address, NeighbourState::incomplete, now);
    if (entry == nullptr || !make_pending_room(*entry, now)) {
        events_.on_discarded(std::move(packet), DropReason::neighbour_pending_overflow, now);
        return DropReason::neighbour_pending_overflow;
    }
    entry->used = true;
    entry->last_used = now;
    entry->pending.push_back(std::move(packet));
    ++pending_packets_;
    if (entry->state == NeighbourState::failed) {
        set_state(*entry, NeighbourState::incomplete);
        entry->tries = 0;
    }
    if (entry->tries == 0) solicit(address, *entry, now);
    return DropReason::none;
}

void NeighbourCache::heard_request(Ipv4Address sender, MacAddress mac, Time now) {
    Entry* entry = find(sender);
    if (entry == nullptr) entry = create(sender, NeighbourState::stale, now);
    if (entry == nullptr) return;
    const bool settled =
        entry->state != NeighbourState::incomplete && entry->state != NeighbourState::failed;
    if (settled && entry->mac == mac) return;
    // They can reach us; that we can reach them is not shown yet (RFC 4861 §7.2.3): stale.
    learn(*entry, mac, NeighbourState::stale, now);
}

bool NeighbourCache::heard_answer(Ipv4Address sender, MacAddress mac, Time now) {
    Entry* entry = find(sender);
    if (entry == nullptr || entry->tries == 0) return false;
    if (entry->state != NeighbourState::incomplete && entry->state != NeighbourState::probe)
        return false;
    learn(*entry, mac, NeighbourState::reachable, now);
    return true;
}

bool NeighbourCache::heard_claim(Ipv4Address sender, MacAddress mac, Time now) {
    Entry* entry = find(sender);
    if (entry == nullptr || entry->mac == mac) return false;
    if (entry->state == NeighbourState::incomplete || entry->state == NeighbourState::failed)
        return false;
    // Perhaps the neighbour has a new adapter, perhaps somebody lies. Ask everybody: whoever holds
    // the address now answers, and a liar gains no more than on any first request.
    if (entry->state != NeighbourState::probe) {
        set_state(*entry, NeighbourState::probe);
        entry->tries = 0;
    }
    entry->ask_all = true;
    if (entry->tries == 0) solicit(sender, *entry, now);
    return true;
}

void NeighbourCache::advance(Time now) {
    if (now < next_deadline_) return;
    for (auto& [address, entry] : entries_) {
        if (entry.deadline <= now) on_deadline(address, entry, now);
    }
    next_deadline_ = Time::never();
    for (const auto& [address, entry] : entries_)
        next_deadline_ = earlier(next_deadline_, entry.deadline);
}

void NeighbourCache::on_deadline(Ipv4Address address, Entry& entry, Time now) {
    entry.deadline = Time::never();
    if (entry.state == NeighbourState::delay) {
        set_state(entry, NeighbourState::probe);
        entry.tries = 0;
        entry.ask_all = false;  // RFC 1122 §2.3.2.1 (2): a unicast poll
    }
    if (entry.tries < request_tries) {
        solicit(address, entry, now);
    } else {
        fail(entry, now);
    }
}

// One request, or a deadline for it when the last one is less than a second old.
void NeighbourCache::solicit(Ipv4Address address, Entry& entry, Time now) {
    if (entry.asked_just_now(now)) {
        arm(entry, entry.last_request + request_interval);
        return;
    }
    ++entry.tries;
    entry.asked = true;
    entry.last_request = now;
    arm(entry, now + request_interval);
    events_.on_solicit(address, entry.ask_all ? MacAddress::broadcast() : entry.mac, now);
}

void NeighbourCache::learn(Entry& entry, MacAddress mac, NeighbourState state, Time now) {
    set_state(entry, state);
    entry.mac = mac;
    entry.tries = 0;
    entry.until = now + reachable_time;
    entry.deadline = Time::never();
    while (!entry.pending.empty()) {
        OwnedPacket packet = std::move(entry.pending.front());
        entry.pending.pop_front();
        --pending_packets_;
        events_.on_resolved(std::move(packet), now);
    }
}

void NeighbourCache::fail(Entry& entry, Time now) {
    set_state(entry, NeighbourState::failed);
    entry.mac = {};
    entry.tries = 0;
    entry.ask_all = true;
    entry.until = now + failed_hold;
    while (!entry.pending.empty())
        discard_oldest(entry, DropReason::neighbour_unreachable, now);
}

NeighbourCache::Entry* NeighbourCache::find(Ipv4Address address) {
    if (last_entry_ != nullptr && last_address_ == address) return last_entry_;
    const auto found = entries_.find(address);
    if (found == entries_.end()) return nullptr;
    last_address_ = address;
    last_entry_ = &found->second;
    return last_entry_;
}

NeighbourCache::Entry* NeighbourCache::create(Ipv4Address address, NeighbourState state, Time now) {
    const bool incomplete = state == NeighbourState::incomplete;
    if (incomplete && incomplete_ >= incomplete_limit && !make_room(true, now)) return nullptr;
    if (entries_.size() >= entry_limit && !make_room(false, now)) return nullptr;
    Entry& entry = entries_[address];
    entry.state = state;
    entry.last_used = now;
    if (incomplete) ++incomplete_;
    return &entry;
}

bool NeighbourCache::make_room(bool among_incomplete, Time now) {
    const auto rank = [](const Entry& entry) {
        const int kind = entry.state == NeighbourState::failed ? 0 : entry.used ? 2 : 1;
        return std::make_tuple(kind, entry.last_used);
    };
    auto victim = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
        const bool incomplete = it->second.state == NeighbourState::incomplete;
        if (among_incomplete && !incomplete) continue;
        // Forgetting it would forget that its second is not over.
        if (incomplete && it->second.asked_just_now(now)) continue;
        if (victim == entries_.end() || rank(it->second) < rank(victim->second)) victim = it;
    }
    if (victim == entries_.end()) return false;
    while (!victim->second.pending.empty()) {
        discard_oldest(victim->second, DropReason::neighbour_pending_overflow, now);
    }
    if (victim->second.state == NeighbourState::incomplete) --incomplete_;
    if (last_entry_ == &victim->second) last_entry_ = nullptr;
    entries_.erase(victim);
    return true;
}

bool NeighbourCache::make_pending_room(Entry& entry, Time now) {
    if (entry.pending.size() >= pending_limit_per_neighbour) {
        discard_oldest(entry, DropReason::neighbour_pending_overflow, now);
    }
    if (pending_packets_ < pending_limit) return true;
    const auto longest =
        std::max_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
            return a.second.pending.size() < b.second.pending.size();
        });
    if (longest == entries_.end() || longest->second.pending.empty()) return false;
    discard_oldest(longest->second, DropReason::neighbour_pending_overflow, now);
    return true;
}

void NeighbourCache::discard_oldest(Entry& entry, DropReason reason, Time now) {
    OwnedPacket packet = std::move(entry.pending.front());
    entry.pending.pop_front();
    --pending_packets_;
    events_.on_discarded(std::move(packet), reason, now);
}

void NeighbourCache::set_state(Entry& entry, NeighbourState state) {
    if (entry.state == NeighbourState::incomplete) --incomplete_;
    if (state == NeighbourState::incomplete) ++incomplete_;
    entry.state = state;
}

void NeighbourCache::arm(Entry& entry, Time deadline) {
    entry.deadline = deadline;
    next_deadline_ = earlier(next_deadline_, deadline);
}

}  // namespace berth::link
