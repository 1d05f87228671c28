#include "harness/snapshot.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace berth::harness {
namespace {

// The first line that differs, for a message that fits a screen.
std::string first_difference(const std::string& expected, const std::string& actual) {
    std::istringstream expected_lines(expected);
    std::istringstream actual_lines(actual);
    std::string expected_line;
    std::string actual_line;
    for (int number = 1;; ++number) {
        const bool has_expected = static_cast<bool>(std::getline(expected_lines, expected_line));
        const bool has_actual = static_cast<bool>(std::getline(actual_lines, actual_line));
        if (!has_expected && !has_actual) return "only the line ends differ";
        if (has_expected != has_actual || expected_line != actual_line) {
            return "line " + std::to_string(number) +
                   ":\n  checked in: " + (has_expected ? expected_line : "(end)") +
                   "\n  now:        " + (has_actual ? actual_line : "(end)");
        }
    }
}

}  // namespace

void expect_snapshot(const std::string& path, const std::string& text, Where where) {
    const char* root = std::getenv("BERTH_SOURCE_DIR");
    const std::string file_name = std::string(root == nullptr ? "." : root) + "/" + path;
    if (std::getenv("BERTH_UPDATE_SNAPSHOTS") != nullptr) {
        std::ofstream(file_name, std::ios::binary) << text;
        return;
    }
    std::ifstream file(file_name, std::ios::binary);
    std::ostringstream checked_in;
    checked_in << file.rdbuf();
    if (!file) {
        ADD_FAILURE_AT(where.file, where.line)
            << file_name << " cannot be read; set BERTH_SOURCE_DIR to the root of the sources";
        return;
    }
    if (checked_in.str() == text) return;
    ADD_FAILURE_AT(where.file, where.line)
        << path << " differs, " << first_difference(checked_in.str(), text)
        << "\nIf that is wanted, run with BERTH_UPDATE_SNAPSHOTS=1.";
}

}  // namespace berth::harness
