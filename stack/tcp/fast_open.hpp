// TCP Fast Open (RFC 7413): a cookie that proves that a client has its address lets the data of its
// SYN be used before the handshake is complete. Here are both ends' memories: the keys of a server,
// which remembers no client, and what a client remembers of servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/siphash.hpp"
#include "base/time.hpp"
#include "berth/address.hpp"
#include "wire/tcp.hpp"

namespace berth::tcp {

// §4.1.2: a cookie is a keyed hash of the client's address. The key changes by itself, so that a
// cookie expires: it is good in the period in which it was made and in the next one.
class FastOpenKeys {
  public:
    explicit FastOpenKeys(const SipHashKey& secret) : secret_(secret) {}

    static constexpr Duration period = seconds(24 * 3600);
    static constexpr std::size_t cookie_bytes = 8;  // as Linux and most others

    wire::TcpFastOpen cookie_for(Ipv4Address local, Ipv4Address client, Time now) const;
    bool is_valid(const wire::TcpFastOpen& cookie, Ipv4Address local, Ipv4Address client,
                  Time now) const;

  private:
    wire::TcpFastOpen cookie_of(Ipv4Address local, Ipv4Address client, std::int64_t number) const;

    SipHashKey secret_;
};

// §4.1.3: the cookie and the MSS of each server, and whether its path swallows what we send.
class FastOpenCache {
  public:
    // Servers remembered; beyond it the one that was heard of longest ago goes.
    static constexpr std::size_t limit_entries = 1024;
    // §4.1.3.1: how long a path is spared after its first loss; it doubles with each one after it,
    // up to about a day and a half (as in Linux).
    static constexpr Duration first_pause = seconds(60);
    static constexpr int most_doublings = 11;

    struct Server {
        wire::TcpFastOpen cookie;  // a request while none is known
        std::uint16_t mss = 536;
    };
    // What to put on a SYN; nothing: no option for now.
    std::optional<Server> find(Ipv4Address address, Time now) const;
    void learn(Ipv4Address address, const wire::TcpFastOpen& cookie, std::uint16_t mss, Time now);
    // A SYN with data was acknowledged: the path is good.
    void on_success(Ipv4Address address);
    // A SYN with the option was lost, and the one without was not.
    void on_loss(Ipv4Address address, Time now);
    std::size_t size() const { return entries_.size(); }

  private:
    struct Entry {
        Server server;
        Time heard{};
        Time paused_until{};
        int losses = 0;
    };
    Entry& entry_of(Ipv4Address address, Time now);

    std::map<Ipv4Address, Entry> entries_;
    std::set<std::pair<Time, Ipv4Address>> by_age_;
};

}  // namespace berth::tcp
