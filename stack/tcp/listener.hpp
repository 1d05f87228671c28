// The passive socket: it alone hears a SYN that matches no four-tuple. Connections born from it are
// objects of their own; the listener stays.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

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

    bool is_full() const { return accept_queue.size() >= backlog; }

    demux::Sharing sharing{};
    std::size_t backlog;  // established connections that may wait for accept()
    ListenerUser* user;
    std::deque<Connection*> accept_queue;
    std::size_t half_open = 0;  // records that will come here
    Options options;            // of the connections born here
};

}  // namespace berth::tcp
