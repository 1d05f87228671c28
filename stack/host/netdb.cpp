// berth/netdb.h.
#include "berth/netdb.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/address.hpp"
#include "host/process.hpp"
#include "host/resolver.hpp"
#include "host/socket_address.hpp"

namespace berth::host {

namespace {

constexpr int known_flags = AI_PASSIVE | AI_CANONNAME | AI_NUMERICHOST | AI_NUMERICSERV |
                            AI_ADDRCONFIG | AI_V4MAPPED | AI_ALL;
constexpr int known_name_flags =
    NI_NUMERICHOST | NI_NUMERICSERV | NI_NAMEREQD | NI_DGRAM | NI_NOFQDN;

// For one line of the services database.
constexpr std::size_t service_entry_bytes = 4096;

int eai_of(LookupError error) {
    switch (error) {
        case LookupError::none: return 0;
        case LookupError::not_found:
        case LookupError::bad_name:
        case LookupError::no_address: return EAI_NONAME;
        case LookupError::no_answer:
        case LookupError::embedded: return EAI_AGAIN;
        case LookupError::no_memory: return EAI_MEMORY;
        // With no server to ask, a name that is not in the hosts file is unknown for good.
        case LookupError::no_server: return EAI_NONAME;
        case LookupError::failed: return EAI_FAIL;
        case LookupError::stopped: errno = ENETDOWN; return EAI_SYSTEM;
    }
    return EAI_FAIL;
}

// What a socket may be, as the system's getaddrinfo lists it.
struct Kind {
    int type;
    int protocol;
    const char* name;  // in the services database; nullptr: none
};
constexpr std::array<Kind, 3> kinds{
    {{SOCK_STREAM, IPPROTO_TCP, "tcp"}, {SOCK_DGRAM, IPPROTO_UDP, "udp"}, {SOCK_RAW, 0, nullptr}}};

bool is_wanted(const Kind& kind, const addrinfo& hints) {
    const bool type_fits = hints.ai_socktype == 0 || hints.ai_socktype == kind.type;
    const bool any_protocol = hints.ai_protocol == 0 || kind.type == SOCK_RAW;
    return type_fits && (any_protocol || hints.ai_protocol == kind.protocol);
}

std::optional<Port> service_port(const char* name, const char* protocol) {
    servent entry{};
    servent* found = nullptr;
    std::array<char, service_entry_bytes> room{};
    if (::getservbyname_r(name, protocol, &entry, room.data(), room.size(), &found) != 0 ||
        found == nullptr)
        return std::nullopt;
    return ntohs(static_cast<std::uint16_t>(found->s_port));
}

struct Place {
    Kind kind;
    Port port;
};

// The kinds of sockets that the caller wants and that have the service.
int places_for(const char* service, const addrinfo& hints, std::vector<Place>& places) {
    const std::string_view text = service == nullptr ? "0" : service;
    unsigned number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool numeric = error == std::errc{} && end == text.data() + text.size();
    if (numeric && number > 65'535) return EAI_SERVICE;
    if (!numeric && (hints.ai_flags & AI_NUMERICSERV) != 0) return EAI_NONAME;
    bool any_kind = false;
    for (const Kind& kind : kinds) {
        if (!is_wanted(kind, hints)) continue;
        any_kind = true;
        if (numeric) {
            places.push_back({kind, static_cast<Port>(number)});
        } else if (kind.name != nullptr) {
            if (const auto port = service_port(service, kind.name)) places.push_back({kind, *port});
        }
    }
    if (!any_kind) return EAI_SOCKTYPE;
    return places.empty() ? EAI_SERVICE : 0;
}

int addresses_for(const char* node, const addrinfo& hints, NameLookup& found) {
    if (node == nullptr) {
        const bool passive = (hints.ai_flags & AI_PASSIVE) != 0;
        found.addresses = {passive ? Ipv4Address{} : Ipv4Address(127, 0, 0, 1)};
        return 0;
    }
    if (const auto address = parse_ipv4_address(node)) {
        found.canonical_name = node;
        found.addresses = {*address};
        return 0;
    }
    if ((hints.ai_flags & AI_NUMERICHOST) != 0) return EAI_NONAME;
    const auto core = Process::current().default_host();
    if (!core) {
        errno = ENETDOWN;
        return EAI_SYSTEM;
    }
    found = resolve_name(core, node);
    return eai_of(found.error);
}

// An entry and its address in one block.
struct Block {
    addrinfo info;
    sockaddr_in address;
};

addrinfo* make_entry(const Place& place, Ipv4Address address) {
    auto* block = static_cast<Block*>(std::calloc(1, sizeof(Block)));
    if (block == nullptr) return nullptr;
    block->address.sin_family = AF_INET;
    block->address.sin_port = htons(place.port);
    block->address.sin_addr.s_addr = htonl(address.value);
    block->info.ai_family = AF_INET;
    block->info.ai_socktype = place.kind.type;
    block->info.ai_protocol = place.kind.protocol;
    block->info.ai_addrlen = sizeof block->address;
    block->info.ai_addr = reinterpret_cast<sockaddr*>(&block->address);
    return &block->info;
}

int copy_text(std::string_view text, char* to, socklen_t size) {
    if (to == nullptr || size == 0) return 0;
    if (text.size() >= size) return EAI_OVERFLOW;
    std::memcpy(to, text.data(), text.size());
    to[text.size()] = '\0';
    return 0;
}

int host_text(Ipv4Address address, int flags, std::string& text) {
    text = to_string(address);
    if ((flags & NI_NUMERICHOST) != 0) return (flags & NI_NAMEREQD) != 0 ? EAI_NONAME : 0;
    const auto core = Process::current().default_host();
    AddressLookup found{LookupError::no_server, {}};
    if (core) found = resolve_address(core, address);
    if (found.error == LookupError::none) text = found.name;
    return found.error != LookupError::none && (flags & NI_NAMEREQD) != 0 ? EAI_NONAME : 0;
}

std::string service_text(Port port, int flags) {
    servent entry{};
    servent* found = nullptr;
    std::array<char, service_entry_bytes> room{};
    const char* protocol = (flags & NI_DGRAM) != 0 ? "udp" : "tcp";
    const bool known =
        (flags & NI_NUMERICSERV) == 0 &&
        ::getservbyport_r(htons(port), protocol, &entry, room.data(), room.size(), &found) == 0 &&
        found != nullptr;
    return known ? std::string(found->s_name) : std::to_string(port);
}

}  // namespace

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

int berth_getaddrinfo(const char* node, const char* service, const addrinfo* hints,
                      addrinfo** result) {
    addrinfo wanted{};
    if (hints != nullptr) wanted = *hints;
    if (result == nullptr || (node == nullptr && service == nullptr)) return EAI_NONAME;
    const bool no_name_to_show = (wanted.ai_flags & AI_CANONNAME) != 0 && node == nullptr;
    if ((wanted.ai_flags & ~known_flags) != 0 || no_name_to_show) return EAI_BADFLAGS;
    if (wanted.ai_family != AF_UNSPEC && wanted.ai_family != AF_INET) return EAI_FAMILY;
    std::vector<Place> places;
    if (const int error = places_for(service, wanted, places)) return error;
    NameLookup found;
    if (const int error = addresses_for(node, wanted, found)) return error;

    addrinfo* first = nullptr;
    addrinfo** next = &first;
    for (const Ipv4Address address : found.addresses) {
        for (const Place& place : places) {
            *next = make_entry(place, address);
            if (*next == nullptr) {
                berth_freeaddrinfo(first);
                return EAI_MEMORY;
            }
            next = &(*next)->ai_next;
        }
    }
    if ((wanted.ai_flags & AI_CANONNAME) != 0) {
        first->ai_canonname = ::strdup(found.canonical_name.c_str());
        if (first->ai_canonname == nullptr) {
            berth_freeaddrinfo(first);
            return EAI_MEMORY;
        }
    }
    *result = first;
    return 0;
}

void berth_freeaddrinfo(addrinfo* list) {
    while (list != nullptr) {
        addrinfo* const next = list->ai_next;
        std::free(list->ai_canonname);
        std::free(list);  // the first member of its Block
        list = next;
    }
}

const char* berth_gai_strerror(int error) {
    return ::gai_strerror(error);
}

int berth_getnameinfo(const sockaddr* address, socklen_t length, char* host, socklen_t host_size,
                      char* service, socklen_t service_size, int flags) {
    if ((flags & ~known_name_flags) != 0) return EAI_BADFLAGS;
    const auto endpoint = endpoint_from(address, length);
    if (!endpoint || is_unspecified_family(address, length)) return EAI_FAMILY;
    const bool wants_host = host != nullptr && host_size > 0;
    const bool wants_service = service != nullptr && service_size > 0;
    if (!wants_host && !wants_service) return EAI_NONAME;
    std::string text;
    if (wants_host)
        if (const int error = host_text(endpoint->address, flags, text)) return error;
    if (const int error = copy_text(text, host, host_size)) return error;
    return copy_text(service_text(endpoint->port, flags), service, service_size);
}

}  // extern "C"
