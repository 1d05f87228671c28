// Measurements from a host: ping and traceroute, on behalf of the program that made the host or of
// a client of its control socket. Both ask with one line and get lines of JSON back:
//
//     ping {"to":"192.0.2.1","count":3}
//     traceroute {"to":"198.51.100.7","first":1,"last":30}
//
//     {"schema":1,"event":"begin",…}
//     {"schema":1,"event":"reply",…} …
//     {"schema":1,"event":"end",…}        or {"schema":1,"error":"a sentence"}
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/result.hpp"
#include "host/conversation.hpp"
#include "host/core.hpp"

namespace berth::host {

bool is_measurement(std::string_view request);

// Runs it to its end; the last line is "end" or an error. Lock not held, threads mode only.
void measure(Core& core, std::string_view request, const Conversation& conversation);

// The fields of a request, checked. The first wrong one is kept as a sentence.
class RequestFields {
  public:
    explicit RequestFields(std::string_view text);

    std::int64_t number(const char* key, std::int64_t least, std::int64_t greatest,
                        std::int64_t otherwise);
    bool flag(const char* key) { return number(key, 0, 1, 0) != 0; }
    std::string text(const char* key);
    const std::string& problem() const { return problem_; }
    void wrong(const char* key, std::string_view why);

  private:
    nlohmann::json fields_;
    std::string problem_;
};

// An address, or a name that the host looks up. The error is a sentence.
Result<Ipv4Address, std::string> find_destination(Core& core, const std::string& text,
                                                  int stop_descriptor);

}  // namespace berth::host
