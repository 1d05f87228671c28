#include "apps/berth/socket_table.hpp"

#include <CLI/CLI.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "apps/berth/command.hpp"
#include "apps/berth/service_names.hpp"
#include "apps/berth/terminal_text.hpp"
#include "berth/address.hpp"

namespace berth::app {
namespace {

using json = nlohmann::ordered_json;

struct Row {
    SocketEntry entry;
    Endpoint local, remote;
    json object;

    auto order() const { return std::tuple(!entry.is_listening(), entry.protocol, local, remote); }
};

std::string port_text(Port port, const std::string& protocol, bool numeric) {
    if (port == 0) return "*";
    // Of a ping socket it is the identifier; of a raw one the IP protocol. Neither is a port.
    const bool is_port = protocol == "tcp" || protocol == "udp";
    std::string name;
    if (!numeric && is_port) name = service_name(port, protocol);
    if (!numeric && protocol == "raw") name = protocol_name(port);
    return name.empty() ? std::to_string(port) : escaped_line(name);
}

Endpoint endpoint_of(const json& object) {
    const auto address = parse_ipv4_address(object.at("address").get<std::string>());
    if (!address) throw Failure("the host's answer holds an address that is none");
    return {*address, object.at("port").get<Port>()};
}

Row row_of(const json& object, bool numeric) {
    Row row;
    row.object = object;
    SocketEntry& entry = row.entry;
    entry.protocol = escaped_line(object.at("protocol").get<std::string>());
    entry.state = escaped_line(object.at("state").get<std::string>());
    entry.receive_queue = object.at("recv_q").get<std::uint64_t>();
    entry.send_queue = object.at("send_q").get<std::uint64_t>();
    row.local = endpoint_of(object.at("local"));
    row.remote = endpoint_of(object.at("remote"));
    entry.local_address = to_string(row.local.address);
    entry.local_port = port_text(row.local.port, entry.protocol, numeric);
    entry.remote_address = to_string(row.remote.address);
    entry.remote_port = port_text(row.remote.port, entry.protocol, numeric);
    return row;
}

}  // namespace

void SocketTableArguments::add_to(CLI::App& command) {
    command.add_flag("-t,--tcp", tcp, "Only TCP");
    command.add_flag("-u,--udp", udp, "Only UDP");
    command.add_flag("-w,--raw", raw, "Only raw and ping sockets");
    auto* every = command.add_flag("-a,--all", all, "All sockets, listening or not (the default)");
    command.add_flag("-l,--listening", listening, "Only sockets that wait for others")
        ->excludes(every);
    command.add_flag("-n,--numeric", numeric, "Port numbers instead of service names");
    query.add_to(command);
}

std::vector<SocketEntry> socket_table(const SocketTableArguments& arguments, bool& printed_json) {
    std::vector<Row> rows;
    json document;
    const char* request = arguments.details.any() ? "ss details" : "ss";
    for (const auto& object : ask_rows(arguments.query, request, document)) {
        Row row = row_of(object, arguments.numeric);
        row.entry.details = detail_text(object, arguments.details);
        if (!arguments.wants(row.entry.protocol)) continue;
        if (arguments.listening && !row.entry.is_listening()) continue;
        rows.push_back(std::move(row));
    }
    std::sort(rows.begin(), rows.end(),
              [](const Row& a, const Row& b) { return a.order() < b.order(); });
    printed_json = arguments.query.json;
    std::vector<SocketEntry> entries;
    json& objects = document["sockets"] = json::array();
    for (auto& row : rows) {
        objects.push_back(std::move(row.object));
        entries.push_back(std::move(row.entry));
    }
    if (printed_json) fmt::print("{}\n", json_text(document));
    return entries;
}

}  // namespace berth::app
