// Names to addresses and back, on one host: an address as it is, "localhost", the hosts file, DNS.
//
// DNS is c-ares' (see stack/services/README.md for why) on sockets of the host: nothing goes over
// the system's network, and nothing is taken from the system's resolver settings. Each lookup has a
// channel of its own, so that lookups of several threads do not know of one another and each query
// leaves from a new port with a random id.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/core.hpp"

namespace berth::host {

enum class LookupError : std::uint8_t {
    none,
    not_found,   // the servers say that there is no such name
    no_address,  // there is one, but without what was asked for
    bad_name,    // no name that a host could have
    no_server,   // not in the hosts file, and no server is configured
    no_answer,   // of no server in time, or all of them fail
    failed,      // the servers answer nonsense
    embedded,    // an embedded host cannot wait for servers
    stopped,     // by the descriptor that may end the wait
    no_memory,
};
// One sentence for people.
std::string sentence_about(LookupError error, std::string_view name);

struct NameLookup {
    LookupError error = LookupError::none;
    std::string canonical_name;
    std::vector<Ipv4Address> addresses;
};
// Blocks (threads mode). A descriptor of the kernel's that becomes readable ends the wait; -1:
// none.
NameLookup resolve_name(const std::shared_ptr<Core>& core, std::string_view name,
                        int stop_descriptor = -1);

struct AddressLookup {
    LookupError error = LookupError::none;
    std::string name;
};
// The hosts file, then a PTR record.
AddressLookup resolve_address(const std::shared_ptr<Core>& core, Ipv4Address address,
                              int stop_descriptor = -1);

}  // namespace berth::host
