#include "host/resolver_dns.hpp"

// Versions from 1.34 on would have other functions used, which older ones do not have.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "berth/socket.h"
#include "host/make_socket.hpp"
#include "host/resolver_hosts.hpp"

namespace berth::host {

namespace {

// A server gets so long to answer; twice that in the second round over all servers, and so on.
constexpr int first_timeout_ms = 2000;
constexpr int limit_rounds = 3;
// RFC 9715: what fits a datagram everywhere without fragments.
constexpr int datagram_bytes = 1232;
constexpr std::size_t limit_servers = 8;

// c-ares' socket calls, on the host that `context` names. Everything that it opens is non-blocking.
ares_socket_t open_socket(int domain, int type, int, void* context) {
    const auto& core = *static_cast<const std::shared_ptr<Core>*>(context);
    return make_socket(core, domain, type | SOCK_NONBLOCK, 0);
}
int close_socket(ares_socket_t fd, void*) {
    return berth_close(fd);
}
int connect_socket(ares_socket_t fd, const sockaddr* address, ares_socklen_t length, void*) {
    return berth_connect(fd, address, length);
}
ares_ssize_t receive_from(ares_socket_t fd, void* data, std::size_t size, int flags,
                          sockaddr* source, ares_socklen_t* length, void*) {
    return berth_recvfrom(fd, data, size, flags, source, length);
}
ares_ssize_t send_parts(ares_socket_t fd, const iovec* parts, int count, void*) {
    return berth_writev(fd, parts, count);
}

constexpr ares_socket_functions socket_functions{open_socket, close_socket, connect_socket,
                                                 receive_from, send_parts};

LookupError error_of(int status) {
    switch (status) {
        case ARES_SUCCESS: return LookupError::none;
        case ARES_ENOTFOUND: return LookupError::not_found;
        case ARES_ENODATA: return LookupError::no_address;
        case ARES_EBADNAME: return LookupError::bad_name;
        // Versions differ in which of these they give when every server fails.
        case ARES_ETIMEOUT:
        case ARES_ECONNREFUSED:
        case ARES_ESERVFAIL:
        case ARES_EREFUSED:
        case ARES_ENOTIMP: return LookupError::no_answer;
        case ARES_ENOMEM: return LookupError::no_memory;
        case ARES_ECANCELLED:
        case ARES_EDESTRUCTION: return LookupError::stopped;
        default: return LookupError::failed;
    }
}

bool is_library_ready() {
    static const int status = ares_library_init(ARES_LIB_INIT_ALL);
    return status == ARES_SUCCESS;
}

// One lookup's channel: everything that c-ares would otherwise read from the system is set.
class Channel {
  public:
    Channel(const std::shared_ptr<Core>& core, const Core::NameConfig& config) : core_(core) {
        if (!is_library_ready()) return;
        std::vector<in_addr> servers;
        for (const Ipv4Address server : config.servers)
            if (servers.size() < limit_servers) servers.push_back({htonl(server.value)});
        std::vector<std::string> search = config.search;
        std::vector<char*> domains;
        for (std::string& domain : search)
            domains.push_back(domain.data());
        std::array<char, 2> only_dns{'b', '\0'};

        ares_options options{};
        options.flags = ARES_FLAG_EDNS;
        options.timeout = first_timeout_ms;
        options.tries = limit_rounds;
        options.ndots = 1;
        options.servers = servers.data();
        options.nservers = static_cast<int>(servers.size());
        options.domains = domains.data();
        options.ndomains = static_cast<int>(domains.size());
        options.lookups = only_dns.data();
        options.ednspsz = datagram_bytes;
        constexpr int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                              ARES_OPT_NDOTS | ARES_OPT_SERVERS | ARES_OPT_DOMAINS |
                              ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST | ARES_OPT_EDNSPSZ |
                              ARES_OPT_NOROTATE;
        if (ares_init_options(&channel_, &options, given) != ARES_SUCCESS) {
            channel_ = nullptr;
            return;
        }
        ares_set_socket_functions(channel_, &socket_functions, &core_);
    }
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;
    ~Channel() {
        if (channel_ != nullptr) ares_destroy(channel_);
    }

    explicit operator bool() const { return channel_ != nullptr; }
    ares_channel get() const { return channel_; }

    // Lets c-ares work until `done`.
    void run(const bool& done, int stop_descriptor);

  private:
    struct Watched {
        std::array<pollfd, ARES_GETSOCK_MAXNUM + 1> fds{};
        std::size_t count = 0;
    };
    Watched watched() const;
    int patience_ms() const;

    std::shared_ptr<Core> core_;
    ares_channel channel_ = nullptr;
};

Channel::Watched Channel::watched() const {
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const auto bits = static_cast<unsigned>(
        ares_getsock(channel_, sockets.data(), static_cast<int>(sockets.size())));
    Watched all;
    for (unsigned i = 0; i < sockets.size(); ++i) {
        short events = 0;
        if (ARES_GETSOCK_READABLE(bits, i)) events = POLLIN;
        if (ARES_GETSOCK_WRITABLE(bits, i)) events = static_cast<short>(events | POLLOUT);
        if (events != 0) all.fds[all.count++] = {sockets[i], events, 0};
    }
    return all;
}

int Channel::patience_ms() const {
    timeval most{first_timeout_ms / 1000, 0};
    timeval room{};
    const timeval* left = ares_timeout(channel_, &most, &room);
    if (left == nullptr) return first_timeout_ms;
    return static_cast<int>(left->tv_sec * 1000 + (left->tv_usec + 999) / 1000);
}

void Channel::run(const bool& done, int stop_descriptor) {
    while (!done) {
        Watched all = watched();
        const std::size_t sockets = all.count;
        if (stop_descriptor >= 0) all.fds[all.count++] = {stop_descriptor, POLLIN, 0};
        const int ready = berth_poll(all.fds.data(), all.count, patience_ms());
        // An interrupted wait goes on, as the system's getaddrinfo does, unless the host ends.
        const bool over = core_->is_shut() || (ready < 0 && errno != EINTR) ||
                          (stop_descriptor >= 0 && ready > 0 && all.fds[sockets].revents != 0);
        if (over) {
            ares_cancel(channel_);
            return;
        }
        for (std::size_t i = 0; ready > 0 && i < sockets; ++i) {
            const pollfd& each = all.fds[i];
            const bool readable = (each.revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL)) != 0;
            const bool writable =
                (each.revents & (POLLOUT | POLLERR | POLLHUP)) != 0 && (each.events & POLLOUT) != 0;
            if (readable || writable)
                ares_process_fd(channel_, readable ? each.fd : ARES_SOCKET_BAD,
                                writable ? each.fd : ARES_SOCKET_BAD);
        }
        ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
    }
}

struct NameAnswer {
    NameLookup lookup;
    bool done = false;
};

extern "C" void take_addresses(void* context, int status, int, ares_addrinfo* found) {
    auto& answer = *static_cast<NameAnswer*>(context);
    answer.done = true;
    answer.lookup.error = error_of(status);
    if (found == nullptr) return;
    for (const auto* node = found->nodes; node != nullptr; node = node->ai_next) {
        if (node->ai_family != AF_INET ||
            answer.lookup.addresses.size() == limit_addresses_per_name)
            continue;
        sockaddr_in in{};
        std::memcpy(&in, node->ai_addr, sizeof in);
        answer.lookup.addresses.emplace_back(ntohl(in.sin_addr.s_addr));
    }
    // The last CNAME's target, else the name as it was found.
    if (found->name != nullptr) answer.lookup.canonical_name = found->name;
    for (const auto* cname = found->cnames; cname != nullptr; cname = cname->next)
        if (cname->name != nullptr) answer.lookup.canonical_name = cname->name;
    ares_freeaddrinfo(found);
}

struct AddressAnswer {
    AddressLookup lookup;
    bool done = false;
};

extern "C" void take_name(void* context, int status, int, hostent* found) {
    auto& answer = *static_cast<AddressAnswer*>(context);
    answer.done = true;
    answer.lookup.error = error_of(status);
    if (found != nullptr && found->h_name != nullptr) answer.lookup.name = found->h_name;
}

}  // namespace

NameLookup ask_for_addresses(const std::shared_ptr<Core>& core, const Core::NameConfig& config,
                             const std::string& name, int stop_descriptor) {
    NameAnswer answer;
    {
        Channel channel(core, config);
        if (!channel) return {LookupError::no_memory, {}, {}};
        ares_addrinfo_hints hints{};
        // Sorting would ask the system for routes to the addresses.
        hints.ai_flags = ARES_AI_CANONNAME | ARES_AI_NOSORT;
        hints.ai_family = AF_INET;
        ares_getaddrinfo(channel.get(), name.c_str(), nullptr, &hints, take_addresses, &answer);
        channel.run(answer.done, stop_descriptor);
    }
    NameLookup& lookup = answer.lookup;
    if (lookup.error == LookupError::none && lookup.addresses.empty())
        lookup.error = LookupError::no_address;
    // What a server calls the name goes to terminals and programs.
    if (!is_host_name(lookup.canonical_name)) lookup.canonical_name = name;
    return lookup;
}

AddressLookup ask_for_name(const std::shared_ptr<Core>& core, const Core::NameConfig& config,
                           Ipv4Address address, int stop_descriptor) {
    AddressAnswer answer;
    {
        Channel channel(core, config);
        if (!channel) return {LookupError::no_memory, {}};
        const std::uint32_t network_order = htonl(address.value);
        ares_gethostbyaddr(channel.get(), &network_order, sizeof network_order, AF_INET, take_name,
                           &answer);
        channel.run(answer.done, stop_descriptor);
    }
    if (answer.lookup.error == LookupError::none && !is_host_name(answer.lookup.name))
        return {LookupError::not_found, {}};
    return answer.lookup;
}

}  // namespace berth::host
