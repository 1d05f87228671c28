// berth/host.h: the same for C.
#include "berth/host.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "berth/host.hpp"
#include "host/host_impl.hpp"
#include "host/make_socket.hpp"

struct berth_host {
    std::unique_ptr<berth::Host> host;
};

namespace berth::host {

namespace {

int refuse(std::string why) {
    set_last_error(std::move(why));
    return -1;
}

int index_of(const Maybe<int>& result, int value) {
    return result ? value : refuse(result.error());
}

template <class Parse>
auto parsed_or_error(const char* text, const char* what, Parse parse) {
    const std::string_view given = text == nullptr ? "" : text;
    auto value = parse(given);
    if (!value) set_last_error("'" + std::string(given) + "' is no " + what);
    return value;
}

// The fields that the caller's version of the structure has.
std::optional<berth_host_options> known_part(const berth_host_options* options) {
    berth_host_options known{};
    if (options == nullptr) return known;
    constexpr std::size_t least = offsetof(berth_host_options, name);
    if (options->size < least) {
        set_last_error("berth_host_options.size must be sizeof(berth_host_options)");
        return std::nullopt;
    }
    std::memcpy(&known, options, std::min(options->size, sizeof known));
    if ((known.flags & ~static_cast<unsigned>(BERTH_HOST_THREADS)) != 0) {
        set_last_error("berth_host_options.flags has a bit that this version does not know");
        return std::nullopt;
    }
    return known;
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> parts;
    while (!list.empty()) {
        const std::size_t comma = list.find(',');
        parts.emplace_back(list.substr(0, comma));
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return parts;
}

// An optional MAC. False: it is given and wrong.
bool parse_mac(const char* text, std::optional<MacAddress>& mac) {
    if (text == nullptr) return true;
    mac = parsed_or_error(text, "MAC address; write one like 02:00:00:00:00:01", parse_mac_address);
    return mac.has_value();
}

}  // namespace

}  // namespace berth::host

using namespace berth;
using namespace berth::host;

extern "C" {

berth_host* berth_host_create(const berth_host_options* options) {
    const auto given = known_part(options);
    if (!given) return nullptr;
    HostOptions wanted;
    wanted.threads = (given->flags & BERTH_HOST_THREADS) != 0;
    if (given->name != nullptr) wanted.name = given->name;
    if (given->has_seed != 0) wanted.seed = given->seed;
    wanted.start_ns = given->start_ns;
    if (given->sysctls != nullptr) wanted.sysctls = split(given->sysctls);
    if (given->dns_servers != nullptr) {
        for (const std::string& text : split(given->dns_servers)) {
            const auto server = parsed_or_error(
                text.c_str(), "DNS server; write an address like 192.0.2.53", parse_ipv4_address);
            if (!server) return nullptr;
            wanted.dns_servers.push_back(*server);
        }
    }
    if (given->hosts_file != nullptr) wanted.hosts_file = given->hosts_file;
    auto made = Host::create(std::move(wanted));
    if (!made) {
        set_last_error(made.error());
        return nullptr;
    }
    return new berth_host{std::move(*made)};
}

void berth_host_destroy(berth_host* host) {
    delete host;
}

const char* berth_host_error(void) {
    return last_error();
}

int berth_host_add_link(berth_host* host, const char* url, const char* mac_or_null) {
    std::optional<MacAddress> mac;
    if (!parse_mac(mac_or_null, mac)) return -1;
    auto index = host->host->add_link(url == nullptr ? "" : url, mac);
    return index ? *index : refuse(index.error());
}

int berth_host_add_callback_link(berth_host* host, int kind, unsigned mtu, const char* mac_or_null,
                                 berth_output output, void* context) {
    std::optional<MacAddress> mac;
    if (!parse_mac(mac_or_null, mac)) return -1;
    if (kind != BERTH_LINK_ETHERNET && kind != BERTH_LINK_RAW_IP)
        return refuse("the kind of a link is BERTH_LINK_ETHERNET or BERTH_LINK_RAW_IP");
    if (mtu > 65'535) return refuse("the MTU of a link is at most 65535 bytes");
    Host::Output function;
    if (output != nullptr) {
        function = [output, context](std::span<const std::uint8_t> packet,
                                     std::int64_t emission_ns) {
            return output(context, packet.data(), packet.size(), emission_ns) == 0;
        };
    }
    const auto link_kind =
        kind == BERTH_LINK_RAW_IP ? CallbackLinkKind::raw_ip : CallbackLinkKind::ethernet;
    auto index = host->host->add_callback_link(link_kind, static_cast<std::uint16_t>(mtu),
                                               std::move(function), mac);
    return index ? *index : refuse(index.error());
}

int berth_host_add_address(berth_host* host, int interface_index, const char* prefix) {
    const auto parsed =
        parsed_or_error(prefix, "address; write one like 192.0.2.2/24", parse_ipv4_prefix);
    if (!parsed) return -1;
    return index_of(host->host->add_address(interface_index, *parsed), interface_index);
}

int berth_host_add_dhcp(berth_host* host, int interface_index) {
    return index_of(host->host->add_address_dhcp(interface_index), interface_index);
}

int berth_host_wait_dhcp(berth_host* host, int timeout_ms) {
    if (host->host->wait_for_dhcp(timeout_ms)) return 0;
    return refuse("no DHCP server has given every interface an address");
}

int berth_host_add_route(berth_host* host, const char* prefix, const char* gateway,
                         int interface_index) {
    const auto destination =
        parsed_or_error(prefix, "network; write one like 0.0.0.0/0", parse_ipv4_prefix);
    if (!destination) return -1;
    std::optional<Ipv4Address> via;
    if (gateway != nullptr) {
        via = parsed_or_error(gateway, "gateway; write one like 192.0.2.1", parse_ipv4_address);
        if (!via) return -1;
    }
    std::optional<int> interface;
    if (interface_index >= 0) interface = interface_index;
    auto index = host->host->add_route(*destination, via, interface);
    return index ? *index : refuse(index.error());
}

int berth_host_input(berth_host* host, int interface_index, const void* packet, size_t size,
                     int64_t now_ns) {
    const std::span bytes(static_cast<const std::uint8_t*>(packet), packet == nullptr ? 0 : size);
    if (host->host->input(interface_index, bytes, now_ns)) return 0;
    return refuse(
        "the packet was not taken: it is empty or too large, the queue is full, or the "
        "interface is no callback link");
}

int berth_host_step(berth_host* host, int64_t now_ns) {
    if (host->host->impl().core->threads()) return refuse("a host with threads runs by itself");
    host->host->step(now_ns);
    return 0;
}

int64_t berth_host_next_deadline(const berth_host* host) {
    return host->host->next_deadline_ns();
}

void berth_host_use(berth_host* host) {
    Process::current().choose(host == nullptr ? nullptr : host->host->impl().core);
}

int berth_host_socket(berth_host* host, int domain, int type, int protocol) {
    return make_socket(host->host->impl().core, domain, type, protocol);
}

}  // extern "C"
