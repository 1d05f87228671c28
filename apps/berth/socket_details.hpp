// What `ss -i -m -e -o` shows of a socket beside its row, in ss's words.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace berth::app {

struct DetailChoice {
    bool info = false;      // -i
    bool memory = false;    // -m
    bool extended = false;  // -e
    bool timers = false;    // -o

    bool any() const { return info || memory || extended || timers; }
};

struct DetailText {
    std::string beside;  // on the row's own line
    std::string below;   // on a line of its own
};

// `row`: one of the sockets of the host's answer to "ss details".
DetailText detail_text(const nlohmann::ordered_json& row, const DetailChoice& choice);

// As ss writes times: "1min59sec", "1.200ms" (a second and 200 ms), "200ms".
std::string ss_time(long long milliseconds);

}  // namespace berth::app
