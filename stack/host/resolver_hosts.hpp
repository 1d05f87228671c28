// The hosts file (hosts(5)): addresses and their names, a line each. And what a host's name may be.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "berth/address.hpp"

namespace berth::host {

// What of a file is read; the rest is passed over.
inline constexpr std::size_t limit_hosts_bytes = 1024 * 1024;
// Addresses that one name leads to.
inline constexpr std::size_t limit_addresses_per_name = 64;

// RFC 1123 §2.1, and underscores, which are about; a last dot may mark the name as complete. A name
// whose last label is a number is none: it would be somebody's mistyped address.
bool is_host_name(std::string_view name);

struct HostsEntry {
    std::string canonical_name;  // the first name of the line
    std::vector<Ipv4Address> addresses;
};

// IPv4 lines only. Lines that make no sense are passed over, as others do.
HostsEntry find_in_hosts(std::string_view text, std::string_view name);
// The canonical name of an address; empty: none.
std::string name_in_hosts(std::string_view text, Ipv4Address address);

// Empty if there is no such file, or none that can be read.
std::string read_hosts_file(const std::string& path);

}  // namespace berth::host
