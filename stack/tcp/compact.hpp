// Values that a connection keeps in fewer bytes than their own types have: there may be millions of
// it, and most of them idle.
#pragma once

#include <cstdint>
#include <system_error>

#include "base/time.hpp"

namespace berth::tcp {

// An errno value; all of those that TCP gives are below 256.
class CompactError {
  public:
    CompactError() = default;
    CompactError& operator=(std::errc error) {
        value_ = static_cast<std::uint8_t>(error);
        return *this;
    }
    operator std::errc() const { return static_cast<std::errc>(value_); }

  private:
    std::uint8_t value_ = 0;
};

// A moment to the second, rounded down, for what is compared with days; it wraps in 136 years.
class CompactTime {
  public:
    CompactTime() = default;
    CompactTime& operator=(Time time) {
        seconds_ = static_cast<std::uint32_t>(time.ns / 1'000'000'000);
        return *this;
    }
    operator Time() const { return Time{} + seconds(seconds_); }

  private:
    std::uint32_t seconds_ = 0;
};

}  // namespace berth::tcp
