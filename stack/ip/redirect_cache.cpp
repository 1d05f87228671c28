#include "ip/redirect_cache.hpp"

#include <algorithm>

namespace berth::ip {

namespace {

bool is_before(const RedirectCache::Entry& entry, Ipv4Address destination) {
    return entry.destination < destination;
}

}  // namespace

const RedirectCache::Entry* RedirectCache::find(Ipv4Address destination) const {
    if (entries_.empty()) return nullptr;
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), destination, is_before);
    return at != entries_.end() && at->destination == destination ? &*at : nullptr;
}

void RedirectCache::learn(Ipv4Address destination, Ipv4Address gateway,
                          link::InterfaceIndex interface_index, Time now) {
    forget(destination);
    if (entries_.size() == limit_entries) {
        entries_.erase(
            std::min_element(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.expires < b.expires; }));
    }
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), destination, is_before);
    entries_.insert(at, {destination, gateway, interface_index, now + lifetime});
    find_next_expiry();
}

void RedirectCache::forget(Ipv4Address destination) {
    const auto at = std::lower_bound(entries_.begin(), entries_.end(), destination, is_before);
    if (at == entries_.end() || at->destination != destination) return;
    entries_.erase(at);
    find_next_expiry();
}

void RedirectCache::advance(Time now) {
    if (now < next_expiry_) return;
    entries_.erase(std::remove_if(entries_.begin(), entries_.end(),
                                  [now](const Entry& entry) { return entry.expires <= now; }),
                   entries_.end());
    find_next_expiry();
}

void RedirectCache::find_next_expiry() {
    next_expiry_ = Time::never();
    for (const Entry& entry : entries_)
        next_expiry_ = earlier(next_expiry_, entry.expires);
}

}  // namespace berth::ip
