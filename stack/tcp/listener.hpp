// The passive socket: it alone hears a SYN that matches no four-tuple. Connections born from it are
// objects of their own; the listener stays.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "base/time.hpp"
#include "demux/listener_table.hpp"
#include "tcp/options.hpp"

namespace berth::tcp {

class Connection;
class Listener;

// Told that accept() would give something. Called from inside the stack: note it and return.
class ListenerUser {
  public:
    virtual ~ListenerUser() = default;
    virtual void on_acceptable(Listener& listener) = 0;
};

class Listener : public demux::LocalBinding {
  public:
    Listener(Endpoint endpoint, std::size_t backlog_limit, const Options& chosen, ListenerUser* who)
        : demux::LocalBinding{endpoint}, backlog(backlog_limit), user(who), options(chosen) {}

    // As Linux: one more than the backlog may wait, so that a backlog of zero is of use.
    bool is_full() const { return accept_queue.size() > backlog; }
    // Half-open records of one listener: as many as may wait for accept(), but never so few that
    // a handful of clients at once would be taken for a flood (Linux has the same floor).
    static constexpr std::size_t least_half_open = 8;
    std::size_t half_open_limit() const { return std::max(backlog, least_half_open); }

    demux::Sharing sharing{};
    std::size_t backlog;  // established connections that may wait for accept()
    ListenerUser* user;
    std::deque<Connection*> accept_queue;
    std::size_t half_open = 0;  // records that will come here
    std::size_t young = 0;      // those of them whose SYN,ACK has not timed out yet
    Time cookies_until{};       // ACKs may hold a SYN cookie until then (syn_cookies.hpp)
    // RFC 7413 §5.1: connections that a cookie made and no ACK has proven, and until when those
    // that a RST ended count as well. Both together stay below options.fast_open_queue.
    std::size_t unproven = 0;
    std::vector<Time> slots_held;
    Options options;  // of the connections born here
};

}  // namespace berth::tcp
