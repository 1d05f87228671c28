// Numbers with units as a user writes them in a link's options. Integer arithmetic only, so that
// the same text gives the same link everywhere; nullopt for everything that is not exactly of the
// form.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace berth::drivers {

// "0" … as many digits as fit.
std::optional<std::uint64_t> parse_count(std::string_view text);
// A probability in parts per million: "1%", "0.25%", "250ppm", "0".
std::optional<std::uint32_t> parse_parts_per_million(std::string_view text);
// "20ms", "1.5s", "300us", "50ns", "0"; at most one day.
std::optional<Duration> parse_duration(std::string_view text);
// Bits per second: "10mbit", "1.5gbit", "64kbit", "9600bit"; at least 1, at most 1000 Gbit/s.
std::optional<std::uint64_t> parse_bit_rate(std::string_view text);

}  // namespace berth::drivers
