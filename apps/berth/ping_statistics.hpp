// What ping says at its end.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace berth::app {

// Counts the events of a measurement.
class PingStatistics {
  public:
    void count(const nlohmann::ordered_json& event);

    std::uint64_t received() const { return received_; }
    std::string text(const std::string& destination) const;
    nlohmann::ordered_json json() const;

  private:
    void count_reply(const nlohmann::ordered_json& event);
    double loss_percent() const;
    double average_ms() const;
    double deviation_ms() const;

    std::uint64_t sent_ = 0, received_ = 0, errors_ = 0, duplicates_ = 0, pipe_ = 0;
    std::int64_t elapsed_ms_ = 0;
    double least_ms_ = 0, greatest_ms_ = 0, sum_ms_ = 0, square_sum_ms_ = 0;
};

// A round trip with the digits that matter: "0.123", "1.23", "12.3", "123".
std::string round_trip_text(std::int64_t time_ns);

}  // namespace berth::app
