// A stranger's first program: a host of its own, a link that is a function, a listening socket.
#include <berth/host.hpp>
#include <berth/net.hpp>
#include <cstdio>

int main() {
    auto host = berth::Host::create({.threads = false, .seed = 1});
    if (!host) return std::puts(host.error().c_str()), 1;
    auto link = (*host)->add_callback_link(berth::CallbackLinkKind::raw_ip, 1500,
                                           [](auto, auto) { return true; });
    if (!link || !(*host)->add_address(*link, *berth::parse_ipv4_prefix("192.0.2.2/24"))) return 1;
    berth::TcpListener listener(**host, {{}, 7});
    std::printf("listening on port %u\n", unsigned{listener.local().port});
    return listener && listener.local().port == 7 ? 0 : 1;
}
