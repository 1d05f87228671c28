// Asking running hosts: what `berth ss` and `berth drops` use.
//
// A host made with a name listens at a control socket, NAME.sock in a folder that only its user may
// enter: $XDG_RUNTIME_DIR/berth, or /tmp/berth-UID where that is not set. Requests are one line,
// answers one JSON document with "schema": 1:
//
//   ss     {"schema":1,"host":…,"sockets":[{"protocol","state","recv_q","send_q",
//           "local":{"address","port"},"remote":{"address","port"}}]}
//   drops  {"schema":1,"host":…,"drops":[{"name","layer","clause","sentence","count"}]}
//   info   {"schema":1,"host":…,"pid":…,"interfaces":[…],"link_error":…}
#pragma once

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

}  // namespace berth
