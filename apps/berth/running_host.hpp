// A question to a running host over its control socket.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace CLI {
class App;
}

namespace berth::app {

// --host NAME|PATH and --json, of every command that asks.
struct QueryArguments {
    std::string host;
    bool json = false;

    void add_to(CLI::App& command);
};

// The host's path or name: what --host says, else the only one that runs. UsageError lists them
// where there are several; Failure: there is none.
std::string chosen_host(const QueryArguments& arguments);

// The whole answer. Failure says why nothing came.
nlohmann::ordered_json ask(const QueryArguments& arguments, const std::string& request);

// The rows of the answer, an array of objects, and the whole document.
nlohmann::ordered_json ask_rows(const QueryArguments& arguments, const std::string& request,
                                nlohmann::ordered_json& document);

// An answer as --json prints it: schema 1, and safe on a terminal (plain ASCII, no control
// character).
std::string json_text(const nlohmann::ordered_json& answer);

}  // namespace berth::app
