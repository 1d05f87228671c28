#include "ip/path_mtu_cache.hpp"

#include <algorithm>
#include <array>

namespace berth::ip {

std::uint16_t next_plateau_below(std::uint16_t packet_bytes) {
    constexpr std::array<std::uint16_t, 10> plateaus{32000, 17914, 8166, 4352, 2002,
                                                     1492,  1006,  508,  296,  68};
    const auto found = std::find_if(plateaus.begin(), plateaus.end(),
                                    [&](std::uint16_t plateau) { return plateau < packet_bytes; });
    return found == plateaus.end() ? plateaus.back() : *found;
}

std::optional<std::uint16_t> PathMtuCache::find(Ipv4Address destination) const {
    if (entries_.empty()) return std::nullopt;
    const auto found = entries_.find(destination);
    if (found == entries_.end()) return std::nullopt;
    return found->second.mtu;
}

bool PathMtuCache::is_locked(Ipv4Address destination) const {
    if (entries_.empty()) return false;
    const auto found = entries_.find(destination);
    return found != entries_.end() && found->second.is_locked;
}

bool PathMtuCache::lower(Ipv4Address destination, std::uint16_t next_hop_mtu,
                         std::uint16_t packet_bytes, std::uint16_t current, Time now) {
    // RFC 1191 §5: an older router leaves the field zero; then the table of §7.1 has a guess.
    const std::uint16_t claimed =
        next_hop_mtu == 0 ? next_plateau_below(packet_bytes) : next_hop_mtu;
    // A packet that fits the link that it is said not to fit: somebody's mistake or attack (RFC
    // 5927 §7.2).
    if (claimed >= packet_bytes) return false;
    const auto found = entries_.find(destination);
    const bool is_known = found != entries_.end();
    const std::uint16_t before = is_known ? std::min(current, found->second.mtu) : current;
    const bool was_locked = is_known && found->second.is_locked;
    if (claimed > before) return false;
    const std::uint16_t mtu = std::min(before, std::max(claimed, min_mtu));
    const bool is_locked = was_locked || claimed < min_mtu;
    const bool changed = mtu < before || is_locked != was_locked;
    if (!is_known && !changed) return false;
    put({destination, mtu, is_locked, now + lifetime});
    if (changed) ++generation_;
    return changed;
}

void PathMtuCache::put(const Entry& entry) {
    forget(entry.destination);
    if (entries_.size() == limit_entries) {
        forget(by_age_.begin()->second);
        ++generation_;
    }
    entries_.emplace(entry.destination, entry);
    by_age_.emplace(entry.expires, entry.destination);
}

void PathMtuCache::forget(Ipv4Address destination) {
    const auto found = entries_.find(destination);
    if (found == entries_.end()) return;
    by_age_.erase({found->second.expires, destination});
    entries_.erase(found);
}

void PathMtuCache::advance(Time now) {
    while (!by_age_.empty() && by_age_.begin()->first <= now) {
        forget(by_age_.begin()->second);
        ++generation_;
    }
}

Time PathMtuCache::next_deadline() const {
    return by_age_.empty() ? Time::never() : by_age_.begin()->first;
}

std::vector<PathMtuCache::Entry> PathMtuCache::entries() const {
    std::vector<Entry> result;
    result.reserve(entries_.size());
    for (const auto& [destination, entry] : entries_)
        result.push_back(entry);
    return result;
}

}  // namespace berth::ip
