#include "apps/berth/name_pattern.hpp"

#include <fnmatch.h>

#include <algorithm>

namespace berth::app {

bool is_wanted(const std::string& name, const std::vector<std::string>& patterns) {
    return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&](const auto& each) {
               return ::fnmatch(each.c_str(), name.c_str(), 0) == 0;
           });
}

}  // namespace berth::app
