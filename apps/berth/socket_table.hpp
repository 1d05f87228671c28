// The socket table of a running host: asked for, filtered, and its columns' text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/berth/running_host.hpp"
#include "apps/berth/socket_details.hpp"

namespace CLI {
class App;
}

namespace berth::app {

struct SocketEntry {
    std::string protocol;  // "tcp", "udp", "raw", "icmp"
    std::string state;     // as ss writes it: "ESTAB"
    std::uint64_t receive_queue = 0;
    std::uint64_t send_queue = 0;
    std::string local_address, local_port;
    std::string remote_address, remote_port;  // port "*": none
    DetailText details;                       // what `details` below asks for

    bool is_listening() const { return state == "LISTEN" || state == "UNCONN"; }
};

// The options that ss and netstat share.
struct SocketTableArguments {
    QueryArguments query;
    bool tcp = false;
    bool udp = false;
    bool raw = false;  // raw and ping sockets
    bool all = false;
    bool listening = false;
    bool numeric = false;
    DetailChoice details;  // of ss only

    void add_to(CLI::App& command);
    // How many kinds are asked for; none means all.
    int kinds() const { return int{tcp} + int{udp} + int{raw}; }
    bool wants(const std::string& protocol) const {
        if (kinds() == 0) return true;
        if (protocol == "tcp") return tcp;
        return protocol == "udp" ? udp : raw;
    }
};

// Prints the JSON and gives nothing where --json was asked for; else the entries, sorted: listeners
// first, then by local and remote endpoint, so that what shares a local endpoint stands together.
std::vector<SocketEntry> socket_table(const SocketTableArguments& arguments, bool& printed_json);

}  // namespace berth::app
