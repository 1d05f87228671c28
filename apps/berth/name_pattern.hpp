// Names chosen by wildcards, as a shell chooses files: *, ? and [a-z].
#pragma once

#include <string>
#include <vector>

namespace berth::app {

// True if there is no pattern, or one of them matches the whole name.
bool is_wanted(const std::string& name, const std::vector<std::string>& patterns);

}  // namespace berth::app
