// The line of the test that called, so that a failure points at the script and not at the harness.
// (std::source_location is not to be had with clang 14.)
#pragma once

namespace berth::harness {

struct Where {
    const char* file;
    int line;
    Where(const char* at_file = __builtin_FILE(), int at_line = __builtin_LINE())
        : file(at_file), line(at_line) {}
};

}  // namespace berth::harness
