// Local endpoints: who may have one, and what keeps it in use (POSIX bind, SO_REUSEADDR and
// SO_REUSEPORT as on Linux).
#include "tcp/tcp.hpp"

namespace berth::tcp {

using Use = demux::LocalUsers::Use;

Result<Endpoint, std::errc> Tcp::bind(Endpoint local, demux::Sharing sharing) {
    if (!local.address.is_unspecified() && !ip_.is_own(local.address))
        return Failure{std::errc::address_not_available};
    if (local.port == 0) {
        const auto port = ephemeral_.choose_any(
            [&](Port candidate) { return !local_users_.port_in_use(candidate); });
        if (!port) return Failure{std::errc::address_in_use};
        local.port = *port;
    } else if (!local_users_.allows(local, sharing)) {
        return Failure{std::errc::address_in_use};
    }
    local_users_.add(local, Use::bound, sharing);
    return local;
}

void Tcp::unbind(Endpoint local, demux::Sharing sharing) {
    local_users_.remove(local, Use::bound, sharing);
}

void Tcp::share(Endpoint bound, demux::Sharing before, demux::Sharing after) {
    local_users_.remove(bound, Use::bound, before);
    local_users_.add(bound, Use::bound, after);
}

void Tcp::share(Listener& listener, demux::Sharing sharing) {
    local_users_.remove(listener.local, Use::listening, listener.sharing);
    listener.sharing = sharing;
    local_users_.add(listener.local, Use::listening, sharing);
}

void Tcp::share(Connection& connection, demux::Sharing sharing) {
    if (connection.sharing == sharing) return;
    if (!connection.retired_) vacate(connection);
    connection.sharing = sharing;
    if (!connection.retired_) occupy(connection);
}

void Tcp::occupy(const demux::Entry& entry) {
    local_users_.add(entry.four_tuple.local, Use::connected, entry.sharing);
}

void Tcp::vacate(const demux::Entry& entry) {
    local_users_.remove(entry.four_tuple.local, Use::connected, entry.sharing);
}

}  // namespace berth::tcp
