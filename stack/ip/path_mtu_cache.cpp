#include "ip/path_mtu_cache.hpp"

namespace berth::ip {

std::optional<std::uint16_t> PathMtuCache::find(Ipv4Address) const {
    return std::nullopt;
}
bool PathMtuCache::lower(Ipv4Address, std::uint16_t, std::uint16_t, std::uint16_t, Time) {
    return false;
}
void PathMtuCache::advance(Time) {}
Time PathMtuCache::next_deadline() const {
    return Time::never();
}
std::size_t PathMtuCache::size() const {
    return 0;
}

}  // namespace berth::ip
