#include "apps/berth/socket_details.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <utility>

#include "apps/berth/terminal_text.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

std::string text(const json& object, const char* key) {
    return escaped_line(object.at(key).get<std::string>());
}
std::uint64_t number(const json& object, const char* key) {
    return object.at(key).get<std::uint64_t>();
}
bool flag(const json& object, const char* key) {
    return object.at(key).get<bool>();
}
// Microseconds as ss prints milliseconds: no more digits than there are.
std::string milliseconds_text(const json& object, const char* key) {
    return fmt::format("{:g}", static_cast<double>(number(object, key)) / 1000);
}

std::string timer_text(const json& timer) {
    const std::string name = text(timer, "name");
    if (name == "off") return "";
    return fmt::format(" timer:({},{},{})", name,
                       ss_time(static_cast<long long>(number(timer, "left_us") / 1000)),
                       number(timer, "tries"));
}

// r: received and not read; t: with the device; f: forward-allocated; w: to be sent; o: options;
// bl: backlog; d: drops. What berth has no such thing of is 0.
std::string memory_text(const json& memory) {
    return fmt::format(" skmem:(r{},rb{},t0,tb{},f0,w{},o0,bl0,d0)", number(memory, "receive"),
                       number(memory, "receive_buffer"), number(memory, "send_buffer"),
                       number(memory, "send"));
}

void add_handshake(std::string& line, const json& info) {
    for (const auto& [key, word] :
         {std::pair{"timestamps", "ts"}, {"sack", "sack"}, {"ecn", "ecn"}})
        if (flag(info, key)) line += fmt::format(" {}", word);
    line += " " + text(info, "congestion");
    if (flag(info, "window_scaling"))
        line +=
            fmt::format(" wscale:{},{}", number(info, "snd_wscale"), number(info, "rcv_wscale"));
}

void add_times(std::string& line, const json& info) {
    line += " rto:" + milliseconds_text(info, "rto_us");
    if (const auto backoff = number(info, "backoff")) line += fmt::format(" backoff:{}", backoff);
    if (number(info, "rtt_us") != 0)
        line += fmt::format(" rtt:{}/{}", milliseconds_text(info, "rtt_us"),
                            milliseconds_text(info, "rttvar_us"));
    line += " ato:" + milliseconds_text(info, "ato_us");
}

// ss counts windows in whole segments; what is under way, in segments begun.
void add_windows(std::string& line, const json& info) {
    const std::uint64_t mss = std::max<std::uint64_t>(number(info, "mss"), 1);
    const auto whole = [mss](std::uint64_t bytes) {
        return std::max<std::uint64_t>(bytes / mss, 1);
    };
    const auto segments = [mss](std::uint64_t bytes) { return (bytes + mss - 1) / mss; };
    line += fmt::format(" cwnd:{}", whole(number(info, "cwnd_bytes")));
    if (!info.at("ssthresh_bytes").is_null())
        line += fmt::format(" ssthresh:{}", whole(number(info, "ssthresh_bytes")));
    for (const char* key : {"bytes_acked", "bytes_received", "segs_out", "segs_in"})
        if (const auto value = number(info, key)) line += fmt::format(" {}:{}", key, value);
    if (const auto ago = number(info, "last_data_sent_us"))
        line += fmt::format(" lastsnd:{}", ago / 1000);
    if (const auto flight = number(info, "flight_bytes"))
        line += fmt::format(" unacked:{}", segments(flight));
    if (const auto again = number(info, "retransmissions"))
        line += fmt::format(" retrans:{}/{}", number(info, "unanswered"), again);
    if (number(info, "rcv_rtt_us") != 0)
        line += " rcv_rtt:" + milliseconds_text(info, "rcv_rtt_us");
    if (const auto waiting = number(info, "notsent_bytes"))
        line += fmt::format(" notsent:{}", waiting);
    line += fmt::format(" snd_wnd:{} rcv_wnd:{}", number(info, "snd_wnd"), number(info, "rcv_wnd"));
}

std::string info_text(const json& info) {
    std::string line;
    add_handshake(line, info);
    add_times(line, info);
    line += fmt::format(" mss:{} pmtu:{} rcvmss:{} advmss:{}", number(info, "mss"),
                        number(info, "pmtu"), number(info, "rcv_mss"), number(info, "advmss"));
    add_windows(line, info);
    return line;
}

}  // namespace

std::string ss_time(long long milliseconds) {
    long long seconds = milliseconds / 1000;
    const long long minutes = seconds / 60;
    seconds %= 60;
    milliseconds %= 1000;
    std::string result;
    if (minutes > 0) {
        result += fmt::format("{}min", minutes);
        milliseconds = 0;
        if (minutes > 9) seconds = 0;
    }
    if (seconds > 0) {
        if (seconds > 9) milliseconds = 0;
        result += fmt::format("{}{}", seconds, milliseconds > 0 ? "." : "sec");
    }
    if (milliseconds > 0 || result.empty()) result += fmt::format("{:03}ms", milliseconds);
    return result;
}

DetailText detail_text(const json& row, const DetailChoice& choice) {
    DetailText result;
    if (choice.timers && row.contains("timer")) result.beside += timer_text(row["timer"]);
    if (choice.extended && row.contains("path"))
        result.beside +=
            fmt::format(" dev:{} via:{}", text(row["path"], "link"), text(row["path"], "next_hop"));
    if (choice.memory && row.contains("memory")) result.below += memory_text(row["memory"]);
    if (choice.info && row.contains("tcp_info")) result.below += info_text(row["tcp_info"]);
    return result;
}

}  // namespace berth::app
