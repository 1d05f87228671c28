#include "harness/story.hpp"

#include <algorithm>
#include <cstdint>

namespace berth::harness {
namespace {

std::string padded(std::string text, std::size_t width, char fill) {
    return text.size() >= width ? text : std::string(width - text.size(), fill) + text;
}

}  // namespace

std::string seconds_text(Duration duration) {
    const std::int64_t us = duration.microseconds();
    return std::to_string(us / 1'000'000) + "." + padded(std::to_string(us % 1'000'000), 6, '0');
}

void Story::tell(Duration since_start, const std::string& what) {
    lines_.push_back(padded(std::to_string(lines_.size() + 1), 4, ' ') + "  " +
                     padded(seconds_text(since_start), 11, ' ') + "  " + what);
}

void Story::append(const std::string& what) {
    if (!lines_.empty()) lines_.back() += what;
}

std::string Story::text() const {
    std::string text;
    const std::size_t first = lines_.size() - std::min(lines_.size(), lines_shown);
    if (first != 0) text += "  (" + std::to_string(first) + " earlier lines left out)\n";
    for (std::size_t i = first; i < lines_.size(); ++i)
        text += lines_[i] + "\n";
    return text;
}

}  // namespace berth::harness
