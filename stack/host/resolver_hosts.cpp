#include "host/resolver_hosts.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "drivers/unique_fd.hpp"
#include "services/dhcp_lease.hpp"

namespace berth::host {

namespace {

constexpr std::string_view blanks = " \t\r\v\f";

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view without_last_dot(std::string_view name) {
    if (!name.empty() && name.back() == '.') name.remove_suffix(1);
    return name;
}

bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view next_word(std::string_view& line) {
    line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
    const std::string_view word = line.substr(0, line.find_first_of(blanks));
    line.remove_prefix(word.size());
    return word;
}

// visit(address, names): for each line with an IPv4 address, until it gives false.
template <class Visitor>
void for_each_line(std::string_view text, Visitor visit) {
    text = text.substr(0, limit_hosts_bytes);
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        line = line.substr(0, line.find('#'));
        const auto address = parse_ipv4_address(next_word(line));
        if (address && !visit(*address, line)) return;
    }
}

}  // namespace

bool is_host_name(std::string_view name) {
    name = without_last_dot(name);
    if (!services::is_domain_name(name)) return false;
    const std::size_t dot = name.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
    return last.find_first_not_of("0123456789") != std::string_view::npos;
}

HostsEntry find_in_hosts(std::string_view text, std::string_view name) {
    HostsEntry found;
    name = without_last_dot(name);
    for_each_line(text, [&](Ipv4Address address, std::string_view names) {
        const std::string_view first = next_word(names);
        bool meant = !first.empty() && same_name(without_last_dot(first), name);
        for (std::string_view alias = next_word(names); !meant && !alias.empty();
             alias = next_word(names))
            meant = same_name(without_last_dot(alias), name);
        if (!meant) return true;
        if (found.addresses.empty()) found.canonical_name = first;
        const auto& all = found.addresses;
        if (std::find(all.begin(), all.end(), address) == all.end())
            found.addresses.push_back(address);
        return found.addresses.size() < limit_addresses_per_name;
    });
    return found;
}

std::string name_in_hosts(std::string_view text, Ipv4Address address) {
    std::string found;
    for_each_line(text, [&](Ipv4Address each, std::string_view names) {
        if (each == address) found = next_word(names);
        return found.empty();
    });
    return is_host_name(found) ? found : std::string{};
}

std::string read_hosts_file(const std::string& path) {
    std::string text;
    if (path.empty()) return text;
    // Not blocking, so that a pipe of that name holds nobody up.
    const drivers::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) return text;
    char piece[4096];
    while (text.size() < limit_hosts_bytes) {
        const ssize_t got = ::read(file.get(), piece, sizeof piece);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        text.append(piece, static_cast<std::size_t>(got));
    }
    return text;
}

}  // namespace berth::host
