#include "host/control_reports.hpp"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/counter_reports.hpp"
#include "host/network_reports.hpp"
#include "host/routes.hpp"
#include "socket/sockets.hpp"

namespace berth::host {

namespace {

using Json = nlohmann::ordered_json;

constexpr int schema = 1;

Json endpoint_json(const Endpoint& endpoint) {
    return {{"address", to_string(endpoint.address)}, {"port", endpoint.port}};
}

Json socket_json(const SocketRow& row) {
    return {{"protocol", row.protocol},          {"state", row.state},
            {"recv_q", row.receive_queue},       {"send_q", row.send_queue},
            {"local", endpoint_json(row.local)}, {"remote", endpoint_json(row.remote)}};
}

SocketRow public_row(const socket::Row& row) {
    return {std::string(row.netid),
            std::string(row.state),
            row.receive_queue,
            row.send_queue,
            row.local,
            row.remote};
}

Json sockets_json(Core& core) {
    Json rows = Json::array();
    for (const SocketRow& row : socket_rows(core))
        rows.push_back(socket_json(row));
    return rows;
}

Json tcp_info_json(const tcp::Info& info) {
    return {{"congestion", info.congestion},
            {"timestamps", info.timestamps},
            {"sack", info.sack},
            {"window_scaling", info.window_scaling},
            {"ecn", info.ecn},
            {"snd_wscale", info.snd_wscale},
            {"rcv_wscale", info.rcv_wscale},
            {"mss", info.snd_mss},
            {"rcv_mss", info.rcv_mss},
            {"advmss", info.advmss},
            {"pmtu", info.pmtu},
            {"snd_wnd", info.snd_wnd},
            {"rcv_wnd", info.rcv_wnd},
            {"rto_us", info.rto.microseconds()},
            {"ato_us", info.ato.microseconds()},
            {"rtt_us", info.rtt.microseconds()},
            {"rttvar_us", info.rttvar.microseconds()},
            {"rcv_rtt_us", info.rcv_rtt.microseconds()},
            {"last_data_sent_us", info.last_data_sent.microseconds()},
            {"cwnd_bytes", info.cwnd},
            {"ssthresh_bytes", info.ssthresh_is_infinite ? Json() : Json(info.ssthresh)},
            {"in_recovery", info.in_recovery},
            {"in_loss", info.in_loss},
            {"flight_bytes", info.flight},
            {"notsent_bytes", info.notsent_bytes},
            {"backoff", info.backoff},
            {"unanswered", info.unanswered},
            {"is_probing", info.is_probing},
            {"retransmissions", info.retransmissions},
            {"bytes_acked", info.bytes_acked},
            {"bytes_received", info.bytes_received},
            {"segs_in", info.segs_in},
            {"segs_out", info.segs_out}};
}

std::string_view name_of(tcp::TimerInfo::Kind kind) {
    switch (kind) {
        case tcp::TimerInfo::Kind::none: break;
        case tcp::TimerInfo::Kind::on: return "on";
        case tcp::TimerInfo::Kind::keepalive: return "keepalive";
        case tcp::TimerInfo::Kind::time_wait: return "timewait";
        case tcp::TimerInfo::Kind::persist: return "persist";
    }
    return "off";
}

// What `ss -imeo` shows beside the row itself.
void add_details(const Core& core, const socket::Row::Details& details, Json& row) {
    const tcp::Info& info = details.info;
    row["timer"] = {{"name", name_of(info.timer.kind)},
                    {"left_us", info.timer.left.microseconds()},
                    {"tries", info.timer.tries}};
    if (!details.is_connection) return;
    row["tcp_info"] = tcp_info_json(info);
    row["memory"] = {{"receive", info.receive_memory},
                     {"receive_buffer", info.receive_buffer},
                     {"send", info.send_memory},
                     {"send_buffer", info.send_buffer}};
    row["path"] = {{"link", link_name(core, details.interface_index)},
                   {"next_hop", to_string(details.next_hop)}};
}

Json detailed_sockets_json(Core& core) {
    const CoreGuard guard(core.lock());
    Json rows = Json::array();
    for (const socket::Row& row : socket::detailed_rows(core.stack(), core.now())) {
        rows.push_back(socket_json(public_row(row)));
        if (row.details) add_details(core, *row.details, rows.back());
    }
    return rows;
}

Json drops_json(Core& core) {
    Json rows = Json::array();
    for (const DropRow& row : drop_rows(core)) {
        rows.push_back({{"name", row.name},
                        {"layer", row.layer},
                        {"clause", row.clause},
                        {"sentence", row.sentence},
                        {"count", row.count}});
    }
    return rows;
}

std::vector<DhcpRow> dhcp_rows_locked(Core& core) {
    const Time now = core.now();
    const auto seconds_until = [&](Time when) -> std::optional<std::int64_t> {
        if (when.is_never()) return std::nullopt;
        return (when - now).seconds();
    };
    std::vector<DhcpRow> rows;
    for (std::size_t i = 0; i < core.links().size(); ++i) {
        const auto* status = core.dhcp().status(static_cast<link::InterfaceIndex>(i));
        if (status == nullptr) continue;
        DhcpRow row;
        row.interface_index = static_cast<int>(i);
        row.state = services::name_of(status->state);
        if (status->lease) {
            row.address = status->lease->address;
            row.server = status->lease->server;
            row.dns_servers = status->lease->dns_servers;
            row.domain = status->lease->domain;
            row.renew_s = seconds_until(status->renew_at);
            row.rebind_s = seconds_until(status->rebind_at);
            row.expires_s = seconds_until(status->expires_at);
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

// Called with the core lock held.
Json dhcp_json(Core& core) {
    Json rows = Json::array();
    for (const DhcpRow& row : dhcp_rows_locked(core)) {
        Json servers = Json::array();
        for (const Ipv4Address server : row.dns_servers)
            servers.push_back(to_string(server));
        const auto seconds = [](const std::optional<std::int64_t>& value) {
            return value ? Json(*value) : Json(nullptr);
        };
        rows.push_back({{"interface", row.interface_index},
                        {"state", row.state},
                        {"address", row.address ? to_string(*row.address) : ""},
                        {"server", row.server ? to_string(*row.server) : ""},
                        {"dns_servers", servers},
                        {"domain", row.domain},
                        {"renew_s", seconds(row.renew_s)},
                        {"rebind_s", seconds(row.rebind_s)},
                        {"expires_s", seconds(row.expires_s)}});
    }
    return rows;
}

Json interfaces_json(Core& core) {
    Json rows = Json::array();
    for (std::size_t i = 0; i < core.stack().interface_count(); ++i) {
        const link::Interface& interface =
            core.stack().interface_at(static_cast<link::InterfaceIndex>(i));
        Json addresses = Json::array();
        for (const Ipv4Prefix& address : interface.addresses())
            addresses.push_back(to_string(address));
        const bool ethernet = core.links()[i].device->properties().kind == link::LinkKind::ethernet;
        const link::InterfaceCounters& counters = interface.counters();
        rows.push_back({{"index", i},
                        {"link", interface.name()},
                        {"kind", ethernet ? "ethernet" : "raw_ip"},
                        {"mac", ethernet ? to_string(interface.mac()) : ""},
                        {"mtu", interface.mtu()},
                        {"addresses", addresses},
                        {"frames_in", counters.frames_in},
                        {"bytes_in", counters.bytes_in},
                        {"frames_out", counters.frames_out},
                        {"bytes_out", counters.bytes_out},
                        {"dropped_in", counters.dropped_in},
                        {"dropped_out", counters.dropped_out}});
    }
    return rows;
}

}  // namespace

std::vector<SocketRow> socket_rows(Core& core) {
    const auto snapshot = [&core] {
        const CoreGuard guard(core.lock());
        return socket::rows(core.stack());
    }();
    std::vector<SocketRow> rows;
    rows.reserve(snapshot.size());
    for (const socket::Row& row : snapshot)
        rows.push_back(public_row(row));
    return rows;
}

std::vector<DropRow> drop_rows(Core& core) {
    const DropCounters counters = [&core] {
        const CoreGuard guard(core.lock());
        return core.stack().drops();
    }();
    std::vector<DropRow> rows;
    for (std::size_t i = 1; i < drop_reason_count; ++i) {
        const auto reason = static_cast<DropReason>(i);
        if (counters[reason] == 0) continue;
        const DropReasonText& text = text_of(reason);
        rows.push_back({std::string(text.name), std::string(text.layer), std::string(text.clause),
                        std::string(text.sentence), counters[reason]});
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const DropRow& a, const DropRow& b) { return a.count > b.count; });
    return rows;
}

std::vector<DhcpRow> dhcp_rows(Core& core) {
    const CoreGuard guard(core.lock());
    return dhcp_rows_locked(core);
}

std::string answer_control(Core& core, const std::string& name, std::string_view request) {
    Json answer{{"schema", schema}};
    if (request == "ss") {
        answer["host"] = name;
        answer["sockets"] = sockets_json(core);
    } else if (request == "ss details") {
        answer["host"] = name;
        answer["sockets"] = detailed_sockets_json(core);
    } else if (request == "drops") {
        answer["host"] = name;
        answer["drops"] = drops_json(core);
    } else if (request == "info") {
        const CoreGuard guard(core.lock());
        answer["host"] = name;
        answer["pid"] = ::getpid();
        answer["interfaces"] = interfaces_json(core);
        answer["dhcp"] = dhcp_json(core);
        answer["ip"] = ip_json(core);
        answer["link_error"] = core.link_error();
    } else if (answer["host"] = name;
               !answer_network(core, request, answer) && !answer_numbers(core, request, answer)) {
        answer["error"] =
            "unknown request; there are ss, nstat, drops, info, sysctl, neigh, route, ping and "
            "traceroute";
    }
    return answer.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace berth::host
