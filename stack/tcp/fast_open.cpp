#include "tcp/fast_open.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"

namespace berth::tcp {

wire::TcpFastOpen FastOpenKeys::cookie_of(Ipv4Address local, Ipv4Address client,
                                          std::int64_t number) const {
    std::array<std::uint8_t, 16> bytes{};
    store_be32(bytes, 0, local.value);
    store_be32(bytes, 4, client.value);
    store_be32(bytes, 8, static_cast<std::uint32_t>(number >> 32));
    store_be32(bytes, 12, static_cast<std::uint32_t>(number));
    const std::uint64_t hash = siphash_2_4(secret_, bytes);
    wire::TcpFastOpen cookie;
    cookie.size = cookie_bytes;
    store_be32(cookie.bytes, 0, static_cast<std::uint32_t>(hash >> 32));
    store_be32(cookie.bytes, 4, static_cast<std::uint32_t>(hash));
    return cookie;
}

wire::TcpFastOpen FastOpenKeys::cookie_for(Ipv4Address local, Ipv4Address client, Time now) const {
    return cookie_of(local, client, now.ns / period.ns);
}

bool FastOpenKeys::is_valid(const wire::TcpFastOpen& cookie, Ipv4Address local, Ipv4Address client,
                            Time now) const {
    const std::int64_t number = now.ns / period.ns;
    return cookie == cookie_of(local, client, number) ||
           cookie == cookie_of(local, client, number - 1);
}

std::optional<FastOpenCache::Server> FastOpenCache::find(Ipv4Address address, Time now) const {
    const auto found = entries_.find(address);
    if (found == entries_.end()) return Server{};
    if (now < found->second.paused_until) return std::nullopt;
    return found->second.server;
}

FastOpenCache::Entry& FastOpenCache::entry_of(Ipv4Address address, Time now) {
    const auto found = entries_.find(address);
    if (found != entries_.end()) {
        by_age_.erase({found->second.heard, address});
    } else if (entries_.size() == limit_entries) {
        entries_.erase(by_age_.begin()->second);
        by_age_.erase(by_age_.begin());
    }
    Entry& entry = entries_[address];
    entry.heard = now;
    by_age_.emplace(now, address);
    return entry;
}

void FastOpenCache::learn(Ipv4Address address, const wire::TcpFastOpen& cookie, std::uint16_t mss,
                          Time now) {
    entry_of(address, now).server = {cookie, mss};
}

void FastOpenCache::on_success(Ipv4Address address) {
    const auto found = entries_.find(address);
    if (found != entries_.end()) found->second.losses = 0;
}

void FastOpenCache::on_loss(Ipv4Address address, Time now) {
    Entry& entry = entry_of(address, now);
    const std::int64_t times = std::int64_t{1} << std::min(entry.losses, most_doublings);
    entry.paused_until = now + times * first_pause;
    ++entry.losses;
}

}  // namespace berth::tcp
