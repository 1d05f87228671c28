#include "apps/berth/name_lookup.hpp"

#include "apps/berth/command.hpp"

namespace berth::app {

Ipv4Address resolve_host(Host& host, const std::string& name, int stop_descriptor) {
    if (const auto address = parse_ipv4_address(name)) return *address;
    auto found = host.resolve(name, stop_descriptor);
    if (!found) throw Failure(found.error());
    return found->addresses.front();
}

}  // namespace berth::app
