// Text that is compared with a file checked in.
#pragma once

#include <string>

#include "harness/where.hpp"

namespace berth::harness {

// `path` counts from the root of the sources. BERTH_UPDATE_SNAPSHOTS=1 writes the file instead.
void expect_snapshot(const std::string& path, const std::string& text, Where where = {});

}  // namespace berth::harness
