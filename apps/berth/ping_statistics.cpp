#include "apps/berth/ping_statistics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace berth::app {

void PingStatistics::count_reply(const nlohmann::ordered_json& event) {
    const double ms = static_cast<double>(event.at("time_ns").get<std::int64_t>()) / 1e6;
    // As iputils: the times of duplicates count, their number does not.
    const bool first = received_ + duplicates_ == 0;
    least_ms_ = first ? ms : std::min(least_ms_, ms);
    greatest_ms_ = std::max(greatest_ms_, ms);
    sum_ms_ += ms;
    square_sum_ms_ += ms * ms;
    ++(event.at("duplicate").get<bool>() ? duplicates_ : received_);
}

void PingStatistics::count(const nlohmann::ordered_json& event) {
    const auto kind = event.at("event").get<std::string>();
    if (kind == "reply") count_reply(event);
    if (kind == "error" || kind == "local_error") ++errors_;
    if (kind != "end") return;
    sent_ = event.at("sent").get<std::uint64_t>();
    elapsed_ms_ = event.at("elapsed_ns").get<std::int64_t>() / 1'000'000;
    pipe_ = event.at("pipe").get<std::uint64_t>();
}

double PingStatistics::loss_percent() const {
    if (sent_ == 0) return 0;
    const auto lost = sent_ - std::min(received_, sent_);
    return 100.0 * static_cast<double>(lost) / static_cast<double>(sent_);
}

double PingStatistics::average_ms() const {
    const auto answers = static_cast<double>(received_ + duplicates_);
    return answers > 0 ? sum_ms_ / answers : 0;
}

double PingStatistics::deviation_ms() const {
    const auto answers = static_cast<double>(received_ + duplicates_);
    if (answers == 0) return 0;
    const double average = average_ms();
    return std::sqrt(std::max(0.0, square_sum_ms_ / answers - average * average));
}

std::string PingStatistics::text(const std::string& destination) const {
    std::string text = fmt::format("\n--- {} ping statistics ---\n", destination);
    text += fmt::format("{} packets transmitted, {} received", sent_, received_);
    if (duplicates_ > 0) text += fmt::format(", +{} duplicates", duplicates_);
    if (errors_ > 0) text += fmt::format(", +{} errors", errors_);
    text += fmt::format(", {:g}% packet loss, time {}ms\n", loss_percent(), elapsed_ms_);
    if (received_ > 0)
        text += fmt::format("rtt min/avg/max/mdev = {:.3f}/{:.3f}/{:.3f}/{:.3f} ms", least_ms_,
                            average_ms(), greatest_ms_, deviation_ms());
    if (pipe_ > 1) text += fmt::format("{}pipe {}", received_ > 0 ? ", " : "", pipe_);
    if (received_ > 0 || pipe_ > 1) text += '\n';
    return text;
}

nlohmann::ordered_json PingStatistics::json() const {
    nlohmann::ordered_json rtt;
    if (received_ > 0)
        rtt = {{"min", least_ms_},
               {"avg", average_ms()},
               {"max", greatest_ms_},
               {"mdev", deviation_ms()}};
    return {{"schema", 1},
            {"event", "statistics"},
            {"transmitted", sent_},
            {"received", received_},
            {"duplicates", duplicates_},
            {"errors", errors_},
            {"loss_percent", loss_percent()},
            {"elapsed_ms", elapsed_ms_},
            {"rtt_ms", rtt}};
}

std::string round_trip_text(std::int64_t time_ns) {
    const double ms = static_cast<double>(time_ns) / 1e6;
    // The bounds are those from which rounding would give another digit.
    if (ms >= 99.95) return fmt::format("{:.0f}", ms);
    if (ms >= 9.995) return fmt::format("{:.1f}", ms);
    return ms >= 0.9995 ? fmt::format("{:.2f}", ms) : fmt::format("{:.3f}", ms);
}

}  // namespace berth::app
