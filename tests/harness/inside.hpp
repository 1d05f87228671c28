// The connection behind a script's conversation, for what no socket call reaches.
#pragma once

#include "harness/peer.hpp"
#include "harness/script.hpp"
#include "tcp/tcp.hpp"

namespace berth::harness {

inline tcp::Connection& connection_of(Script& script, const Peer& peer) {
    return static_cast<tcp::Connection&>(*script.core().tcp().table().find(peer.four_tuple()));
}

template <class Change>
void change_options(Script& script, const Peer& peer, Change&& change) {
    tcp::Connection& connection = connection_of(script, peer);
    tcp::Options options = connection.options();
    change(options);
    connection.set_options(options);
    script.settle({});
}

}  // namespace berth::harness
