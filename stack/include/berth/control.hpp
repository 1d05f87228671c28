// Asking running hosts: what `berth ss`, `berth nstat` and others use.
//
// A host made with a name listens at a control socket, NAME.sock in a folder that only its user may
// enter: $XDG_RUNTIME_DIR/berth, or /tmp/berth-UID where that is not set. Requests are one line,
// answers one JSON document with "schema": 1:
//
//   ss     {"schema":1,"host":…,"sockets":[{"protocol","state","recv_q","send_q",
//           "local":{"address","port"},"remote":{"address","port"}}]}
//   ss details   the same, and for what TCP holds "timer":{"name","left_us","tries"}; for its
//          connections "tcp_info":{…}, "memory":{"receive","receive_buffer","send","send_buffer"}
//          (bytes) and "path":{"link","next_hop"}
//   nstat  {"schema":1,"host":…,"counters":[{"name","group","value","gauge"}]}
//   sysctl {"schema":1,"host":…,"sysctls":[{"name","value","unit"}]}
//   drops  {"schema":1,"host":…,"drops":[{"name","layer","clause","sentence","count"}]}
//   info   {"schema":1,"host":…,"pid":…,"interfaces":[…],"link_error":…}
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "berth/host.hpp"

namespace berth {

struct RunningHost {
    std::string name;
    std::string path;  // of its control socket
};

// The hosts of this user that answer, by name. Sockets that nobody listens at any more are removed.
Maybe<std::vector<RunningHost>> running_hosts();

// Asks one host, named or given by the path of its control socket (a word with a slash), and waits
// for at most `timeout_ms`. The answer is the JSON text; a host that refuses the request is an
// error.
Maybe<std::string> ask_host(std::string_view name_or_path, std::string_view request,
                            int timeout_ms = 5000);

// A measurement of a host, asked for with "ping {…}" or "traceroute {…}": `tell` gets each line of
// the answer, a JSON object, as it comes (also the one that holds an "error"). `is_over` is looked
// at ten times a second: once it is true the measurement is told to end, and its last lines come.
// Empty, or a sentence: the host cannot be asked, or went away.
using TellLine = std::function<bool(const std::string& line)>;
using IsOver = std::function<bool()>;
std::string measure_on_host(std::string_view name_or_path, std::string_view request,
                            const TellLine& tell, const IsOver& is_over);

}  // namespace berth
