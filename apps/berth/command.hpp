// The tool's subcommands and how they end.
//
// A subcommand registers itself with the command line and leaves its exit code behind when it ran.
// Errors are exceptions up to main(), which prints one line and chooses the code: 0 done, 1 a
// runtime error or a negative answer, 2 wrong usage.
#pragma once

#include <stdexcept>
#include <string>

namespace CLI {
class App;
}

namespace berth::app {

inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;

// The user asked for something that cannot be: one sentence that says what to write instead.
class UsageError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What was asked for is sound, but did not work.
class Failure : public std::runtime_error {
  public:
    explicit Failure(const std::string& what, int code = exit_failed)
        : std::runtime_error(what), code_(code) {}
    int code() const { return code_; }

  private:
    int code_;
};

void register_serve(CLI::App& tool, int& exit_code);
void register_nc(CLI::App& tool, int& exit_code);
void register_ss(CLI::App& tool, int& exit_code);
void register_netstat(CLI::App& tool, int& exit_code);
void register_nstat(CLI::App& tool, int& exit_code);
void register_drops(CLI::App& tool, int& exit_code);
void register_sysctl(CLI::App& tool, int& exit_code);
void register_neigh(CLI::App& tool, int& exit_code);
void register_route(CLI::App& tool, int& exit_code);
void register_ping(CLI::App& tool, int& exit_code);
void register_traceroute(CLI::App& tool, int& exit_code);

}  // namespace berth::app
