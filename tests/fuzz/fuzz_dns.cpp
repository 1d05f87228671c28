// Of name resolution, what is berth's own: the hosts file, the check of names, and the way from a
// name to an answer without a server. Parsing of DNS messages is c-ares', which is fuzzed by its
// own project (OSS-Fuzz); here its parsers run only to see that what they give passes our check.
//
// The input: one byte that says how long the name is, the name, the rest as a hosts file and as a
// DNS answer.
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "host/resolver_hosts.hpp"

namespace {

using namespace berth;

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_dns: it does not hold that %s\n", what);
    std::abort();
}

void look_at_hosts(std::string_view text, std::string_view name) {
    const auto found = host::find_in_hosts(text, name);
    check(found.addresses.size() <= host::limit_addresses_per_name, "addresses are bounded");
    check(found.addresses.empty() == found.canonical_name.empty(),
          "a name that was found has a canonical name");
    for (const Ipv4Address address : found.addresses) {
        check(text.find(to_string(address)) != std::string_view::npos,
              "an address stands in the file");
        const std::string back = host::name_in_hosts(text, address);
        check(back.empty() || host::is_host_name(back), "a name from a file is fit to be shown");
    }
    // The same twice over, and with a line more in front, is the same.
    const std::string longer = "192.0.2.1 somebody-else.invalid\n" + std::string(text);
    const auto again = host::find_in_hosts(longer, name);
    if (name != "somebody-else.invalid" && name != "somebody-else.invalid." &&
        host::is_host_name(name) && longer.size() <= host::limit_hosts_bytes &&
        name.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos)
        check(again.addresses == found.addresses, "a line about others changes nothing");
}

void look_at_name(std::string_view name) {
    if (!host::is_host_name(name)) return;
    check(!name.empty() && name.size() <= 254, "a name's length is bounded");
    for (const char c : name)
        check(c > ' ' && c < 0x7f && c != '/' && c != ':', "a name has no odd characters");
    check(!parse_ipv4_address(name), "an address is no name");
}

void look_at_answer(const std::uint8_t* data, std::size_t size) {
    ares_addrttl addresses[8];
    int count = 8;
    hostent* found = nullptr;
    if (ares_parse_a_reply(data, static_cast<int>(size), &found, addresses, &count) ==
            ARES_SUCCESS &&
        found != nullptr) {
        if (found->h_name != nullptr) look_at_name(found->h_name);
        ares_free_hostent(found);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const bool ready = ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
    if (!ready || size == 0 || size > 60'000) return 0;
    const std::string all(data + 1, data + size);
    const std::string_view text = all;
    const std::string_view name = text.substr(0, data[0]);
    const std::string_view rest = text.substr(name.size());
    look_at_name(name);
    look_at_hosts(rest, name);
    look_at_answer(data + 1 + name.size(), rest.size());
    return 0;
}
