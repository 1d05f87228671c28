#include "link/neighbour_cache.hpp"

#include <algorithm>
#include <utility>

namespace berth::link {
namespace {

using Class = NeighbourTable::Class;

NeighbourLimits within_bounds(NeighbourLimits limits) {
    const auto clamp = [](std::size_t& value, std::size_t most) {
        value = std::clamp<std::size_t>(value, 1, most);
    };
    clamp(limits.entries, NeighbourLimits::most);
    clamp(limits.incomplete, limits.entries);
    clamp(limits.pending_per_neighbour, NeighbourLimits::most_per_neighbour);
    clamp(limits.pending, NeighbourLimits::most);
    limits.reachable_time = std::max(limits.reachable_time, Duration{});
    return limits;
}

}  // namespace

NeighbourCache::NeighbourCache(NeighbourEvents& events, const NeighbourLimits& limits,
                               const SipHashKey& key)
    : events_(events), limits_(within_bounds(limits)), table_(key, limits_.pending_per_neighbour) {}

NeighbourCache::Answer NeighbourCache::look_up(Ipv4Address address, Time now) {
    Entry* entry = find(address);
    if (entry == nullptr) return {};
    entry->last_used = now;
    // Incomplete ones stand in the order of their requests.
    if (entry->state == NeighbourState::incomplete) return {};
    if (!entry->used || now - entry->listed >= recency_granularity) {
        entry->used = true;
        table_.touch(*entry, now);
    }
    switch (entry->state) {
        case NeighbourState::incomplete: break;
        case NeighbourState::failed:
            return {now < entry->until ? Knowledge::unreachable : Knowledge::unknown, {}};
        case NeighbourState::reachable:
            if (now < entry->until) break;
            [[fallthrough]];
        case NeighbourState::stale:
            // RFC 4861 §7.3.3: traffic may bring its own proof in the next seconds; ask only then.
            set_state(*entry, NeighbourState::delay, now);
            arm(*entry, now + delay_before_probe);
            break;
        case NeighbourState::delay:
        case NeighbourState::probe:
        case NeighbourState::permanent: break;
    }
    return {Knowledge::known, entry->mac};
}

bool NeighbourCache::is_failed(Ipv4Address address, Time now) const {
    const Entry* entry = table_.find(address);
    // `until` is the end of the short hold that began when it failed.
    return entry != nullptr && entry->state == NeighbourState::failed &&
           now < entry->until + distrust_time - failed_hold;
}

DropReason NeighbourCache::hold(Ipv4Address address, OwnedPacket packet, Time now) {
    Entry* entry = find(address);
    if (entry == nullptr) {
        entry = create(address, NeighbourState::incomplete, now);
    } else if (entry->state == NeighbourState::failed) {
        if (make_incomplete_room(now)) {
            set_state(*entry, NeighbourState::incomplete, now);
            entry->tries = 0;
        } else {
            entry = nullptr;
        }
    }
    if (entry == nullptr || !make_pending_room(*entry, now)) {
        events_.on_discarded(std::move(packet), DropReason::neighbour_pending_overflow, now);
        return DropReason::neighbour_pending_overflow;
    }
    entry->used = true;
    entry->last_used = now;
    entry->pending.push_back(std::move(packet));
    ++pending_packets_;
    table_.count_waiting(*entry);
    if (entry->tries == 0) solicit(*entry, now);
    return DropReason::none;
}

void NeighbourCache::heard_request(Ipv4Address sender, MacAddress mac, Time now) {
    Entry* entry = find(sender);
    if (entry == nullptr) entry = create(sender, NeighbourState::stale, now);
    if (entry == nullptr || entry->state == NeighbourState::permanent) return;
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
    if (entry->state == NeighbourState::incomplete || entry->state == NeighbourState::failed ||
        entry->state == NeighbourState::permanent)
        return false;
    // Perhaps the neighbour has a new adapter, perhaps somebody lies. Ask everybody: whoever holds
    // the address now answers, and a liar gains no more than on any first request.
    if (entry->state != NeighbourState::probe) {
        set_state(*entry, NeighbourState::probe, now);
        entry->tries = 0;
    }
    entry->ask_all = true;
    if (entry->tries == 0) solicit(*entry, now);
    return true;
}

bool NeighbourCache::add_permanent(Ipv4Address address, MacAddress mac, Time now) {
    if (mac.is_zero() || mac.is_group() || address.is_unspecified() || address.is_multicast() ||
        address.is_limited_broadcast())
        return false;
    Entry* entry = find(address);
    if (entry == nullptr) entry = create(address, NeighbourState::permanent, now);
    if (entry == nullptr) return false;
    learn(*entry, mac, NeighbourState::permanent, now);
    return true;
}

bool NeighbourCache::remove(Ipv4Address address, Time now) {
    Entry* entry = find(address);
    if (entry == nullptr) return false;
    forget(*entry, DropReason::neighbour_unreachable, now);
    return true;
}

void NeighbourCache::flush(Time now) {
    for (const Class which : {Class::failed, Class::never_used, Class::used, Class::incomplete}) {
        while (Entry* entry = table_.oldest(which))
            forget(*entry, DropReason::neighbour_unreachable, now);
    }
}

NeighbourCache::Neighbour NeighbourCache::row_of(const Entry& entry, Time now) {
    return {entry.address,        entry.mac,
            state_at(entry, now), entry.pending.size(),
            entry.last_used,      entry.learned ? entry.last_learned : Time::never(),
            entry.tries};
}

void NeighbourCache::advance(Time now) {
    while (next_deadline() <= now) {
        Entry* entry = find(deadlines_.begin()->second);
        arm(*entry, Time::never());
        on_deadline(*entry, now);
    }
}

void NeighbourCache::on_deadline(Entry& entry, Time now) {
    if (entry.state == NeighbourState::delay) {
        set_state(entry, NeighbourState::probe, now);
        entry.tries = 0;
        entry.ask_all = false;  // RFC 1122 §2.3.2.1 (2): a unicast poll
    }
    if (entry.tries < request_tries) {
        solicit(entry, now);
    } else {
        fail(entry, now);
    }
}

// One request, or a deadline for it when the last one is less than a second old.
void NeighbourCache::solicit(Entry& entry, Time now) {
    if (asked_just_now(entry, now)) {
        arm(entry, entry.last_request + request_interval);
        return;
    }
    ++entry.tries;
    entry.asked = true;
    entry.last_request = now;
    table_.touch(entry, now);
    arm(entry, now + request_interval);
    events_.on_solicit(entry.address, entry.ask_all ? MacAddress::broadcast() : entry.mac, now);
}

void NeighbourCache::learn(Entry& entry, MacAddress mac, NeighbourState state, Time now) {
    set_state(entry, state, now);
    entry.mac = mac;
    entry.tries = 0;
    entry.until = now + limits_.reachable_time;
    entry.learned = true;
    entry.last_learned = now;
    arm(entry, Time::never());
    pending_packets_ -= entry.pending.size();
    std::vector<OwnedPacket> released = std::exchange(entry.pending, {});
    table_.count_waiting(entry);
    for (OwnedPacket& packet : released)
        events_.on_resolved(std::move(packet), now);
}

void NeighbourCache::fail(Entry& entry, Time now) {
    set_state(entry, NeighbourState::failed, now);
    entry.mac = {};
    entry.tries = 0;
    entry.ask_all = true;
    entry.until = now + failed_hold;
    while (!entry.pending.empty())
        discard_oldest(entry, DropReason::neighbour_unreachable, now);
}

NeighbourCache::Entry* NeighbourCache::find(Ipv4Address address) {
    if (last_entry_ != nullptr && last_address_ == address) return last_entry_;
    Entry* entry = table_.find(address);
    if (entry == nullptr) return nullptr;
    last_address_ = address;
    last_entry_ = entry;
    return entry;
}

NeighbourCache::Entry* NeighbourCache::create(Ipv4Address address, NeighbourState state, Time now) {
    if (state == NeighbourState::incomplete && !make_incomplete_room(now)) return nullptr;
    if (table_.size() >= limits_.entries && !make_room(now)) return nullptr;
    return &table_.insert(address, state, now);
}

bool NeighbourCache::make_room(Time now) {
    return evict(Class::failed, now) || evict(Class::never_used, now) || evict(Class::used, now) ||
           evict(Class::incomplete, now);
}

bool NeighbourCache::make_incomplete_room(Time now) {
    return table_.count(Class::incomplete) < limits_.incomplete || evict(Class::incomplete, now);
}

bool NeighbourCache::evict(Class which, Time now) {
    Entry* victim = table_.oldest(which);
    // Forgetting one asked just now would forget that its second is not over.
    if (victim == nullptr || asked_just_now(*victim, now)) return false;
    forget(*victim, DropReason::neighbour_pending_overflow, now);
    return true;
}

void NeighbourCache::forget(Entry& entry, DropReason reason, Time now) {
    while (!entry.pending.empty())
        discard_oldest(entry, reason, now);
    arm(entry, Time::never());
    if (last_entry_ == &entry) last_entry_ = nullptr;
    table_.erase(entry);
}

bool NeighbourCache::make_pending_room(Entry& entry, Time now) {
    if (entry.pending.size() >= limits_.pending_per_neighbour)
        discard_oldest(entry, DropReason::neighbour_pending_overflow, now);
    if (pending_packets_ < limits_.pending) return true;
    Entry* longest = table_.longest_waiting();
    if (longest == nullptr) return false;
    discard_oldest(*longest, DropReason::neighbour_pending_overflow, now);
    return true;
}

void NeighbourCache::discard_oldest(Entry& entry, DropReason reason, Time now) {
    OwnedPacket packet = std::move(entry.pending.front());
    entry.pending.erase(entry.pending.begin());
    --pending_packets_;
    table_.count_waiting(entry);
    events_.on_discarded(std::move(packet), reason, now);
}

void NeighbourCache::set_state(Entry& entry, NeighbourState state, Time now) {
    entry.state = state;
    table_.reclassify(entry, now);
}

void NeighbourCache::arm(Entry& entry, Time deadline) {
    if (!entry.deadline.is_never()) deadlines_.erase({entry.deadline, entry.address});
    entry.deadline = deadline;
    if (!deadline.is_never()) deadlines_.insert({deadline, entry.address});
}

}  // namespace berth::link
