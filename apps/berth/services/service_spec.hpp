// What `berth serve` was asked to serve: NAME[=[ADDR:]PORT[:DIR]].
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "berth/address.hpp"

namespace berth::app {

enum class ServiceKind : std::uint8_t { echo, discard, daytime, chargen, time, http };

struct ServiceInfo {
    ServiceKind kind;
    std::string_view name;
    Port port;     // RFC 6335's assignment
    bool has_udp;  // besides TCP
    std::string_view reference;
};

// RFC 864 has a UDP chargen as well. It is left out: it answers one byte with hundreds, to whoever
// the request claims to come from.
inline constexpr std::array<ServiceInfo, 6> known_services{{
    {ServiceKind::echo, "echo", 7, true, "RFC 862"},
    {ServiceKind::discard, "discard", 9, true, "RFC 863"},
    {ServiceKind::daytime, "daytime", 13, true, "RFC 867"},
    {ServiceKind::chargen, "chargen", 19, false, "RFC 864"},
    {ServiceKind::time, "time", 37, true, "RFC 868"},
    {ServiceKind::http, "http", 80, false, "RFC 9110, RFC 9112"},
}};

const ServiceInfo& info_of(ServiceKind kind);

struct ServiceSpec {
    ServiceKind kind = ServiceKind::echo;
    Endpoint local{};         // an unspecified address: all of the host's
    std::string directory{};  // http: what it serves; empty: a built-in page

    const ServiceInfo& info() const { return info_of(kind); }
};

// Throws UsageError.
ServiceSpec parse_service(std::string_view text);
std::vector<ServiceSpec> all_services();

// Throws UsageError where two of them want the same port of the same address, or one wants an
// address that is not among the host's.
void check_services(const std::vector<ServiceSpec>& services,
                    const std::vector<Ipv4Address>& addresses);

}  // namespace berth::app
