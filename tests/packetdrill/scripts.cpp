// Every script in packetdrill's language that lies beside this file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/packetdrill.hpp"

namespace berth::harness {
namespace {

std::vector<std::string> scripts() {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(
             std::filesystem::path(BERTH_SOURCE_DIR) / "tests" / "packetdrill"))
        if (entry.path().extension() == ".pkt") names.push_back(entry.path().stem().string());
    std::sort(names.begin(), names.end());
    return names;
}

class Packetdrill : public testing::TestWithParam<std::string> {};

TEST_P(Packetdrill, runs) {
    const auto path =
        std::filesystem::path(BERTH_SOURCE_DIR) / "tests" / "packetdrill" / (GetParam() + ".pkt");
    if (const auto problem = packetdrill::run_file(path.string())) ADD_FAILURE() << *problem;
}

INSTANTIATE_TEST_SUITE_P(Scripts, Packetdrill, testing::ValuesIn(scripts()),
                         [](const auto& one) { return one.param; });

// What a script that does not hold, or cannot be read, says.
std::string problem_of(const std::string& text) {
    const auto program = packetdrill::parse(text);
    if (!program) return std::to_string(program.error().line) + ": " + program.error().what;
    return packetdrill::run(*program).value_or("");
}

const std::string opening =
    "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3\n"
    "+0 bind(3, ..., ...) = 0\n"
    "+0 listen(3, 1) = 0\n"
    "+0 < S 0:0(0) win 1000 <mss 1000>\n";

TEST(PacketdrillLanguage, a_wrong_expectation_names_its_line) {
    EXPECT_EQ(problem_of(opening + "+0 > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_NE(problem_of(opening + "+0 > S. 0:0(0) ack 2 <...>\n").find("line 5"),
              std::string::npos);
    EXPECT_NE(problem_of(opening + "+0 > S. 0:0(0) ack 1 <mss 1461>\n").find("<mss 1460>"),
              std::string::npos);
    EXPECT_NE(problem_of(opening + "+0 > . 0:0(0) ack 1\n").find("a flag"), std::string::npos);
}

TEST(PacketdrillLanguage, times_are_judged_with_the_tolerance) {
    const std::string answered = opening + "+0 > S. 0:0(0) ack 1 <...>\n";
    EXPECT_EQ(problem_of(answered + "+1 > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_EQ(problem_of(answered + "+1.003 > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_EQ(problem_of(answered + "+.8~+1.2 > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_EQ(problem_of(answered + "* > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_NE(problem_of(answered + "+.9 > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_NE(problem_of(answered + "+1.1 > S. 0:0(0) ack 1 <...>\n"), "");
    EXPECT_EQ(
        problem_of("--tolerance_usecs=200000\n" + answered + "+1.1 > S. 0:0(0) ack 1 <...>\n"), "");
}

TEST(PacketdrillLanguage, a_call_is_compared_with_its_result) {
    EXPECT_EQ(problem_of(opening + "+0 accept(3, ..., ...) = -1 EAGAIN (again)\n"), "");
    EXPECT_NE(problem_of(opening + "+0 accept(3, ..., ...) = 4\n").find("EAGAIN"),
              std::string::npos);
    EXPECT_NE(problem_of("0 epoll_create(1) = 3\n"), "");
}

TEST(PacketdrillLanguage, what_is_malformed_is_told_with_its_line) {
    for (const std::string line :
         {"+0 < S 0:10(0) win 5", "+0 < Q 0:0(0)", "+0 > . 1:1(0) <mss", "+0 what is this", "x",
          "+0 %{ assert 1 }%", "+0 < S 0:0(0) <kind 5>", "`rm x`", "+0 < icmp nothing",
          "+0 < [bad] S 0:0(0)", "+0 read(3"})
        EXPECT_EQ(problem_of("// a comment\n" + line + "\n").substr(0, 3), "2: ") << line;
}

}  // namespace
}  // namespace berth::harness
