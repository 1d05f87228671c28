#include "apps/berth/service_names.hpp"

#include <arpa/inet.h>
#include <netdb.h>

#include "apps/berth/services/service_spec.hpp"

namespace berth::app {

std::string service_name(Port port, const std::string& protocol) {
    if (port_range(port) == PortRange::dynamic) return {};
    if (const auto* service = ::getservbyport(htons(port), protocol.c_str()); service != nullptr)
        return service->s_name;
    for (const auto& info : known_services)
        if (info.port == port) return std::string(info.name);
    return {};
}

std::optional<Port> service_port(const std::string& name, const std::string& protocol) {
    if (const auto* service = ::getservbyname(name.c_str(), protocol.c_str()); service != nullptr)
        return ntohs(static_cast<std::uint16_t>(service->s_port));
    for (const auto& info : known_services)
        if (info.name == name) return info.port;
    return std::nullopt;
}

std::string protocol_name(unsigned number) {
    const auto* protocol = ::getprotobynumber(static_cast<int>(number));
    return protocol != nullptr ? protocol->p_name : std::string();
}

}  // namespace berth::app
