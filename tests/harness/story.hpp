// What happened in a script so far: numbered lines with times, shown when it fails.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/time.hpp"

namespace berth::harness {

class Story {
  public:
    // Lines shown; of a longer story the latest.
    static constexpr std::size_t lines_shown = 60;

    void tell(Duration since_start, const std::string& what);
    // Adds to the end of the latest line.
    void append(const std::string& what);
    std::string text() const;

  private:
    std::vector<std::string> lines_;
};

// "1.250000" seconds.
std::string seconds_text(Duration duration);

}  // namespace berth::harness
