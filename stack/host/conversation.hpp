// The other side of a measurement: who is told its lines, and who says when it is to end.
#pragma once

#include <functional>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace berth::host {

struct Conversation {
    // One line, without its end. False: nobody listens any more.
    std::function<bool(const std::string& line)> tell;
    // True once the measurement is to end; called often, perhaps with the core lock held.
    std::function<bool()> is_over;
    // Readable once it is to end, for waits that can look at nothing else; -1: there is none.
    int stop_descriptor = -1;

    // An event: a line of JSON with the schema in front.
    void report(const char* event, nlohmann::ordered_json fields) const;
};

}  // namespace berth::host
