#include "host/counter_reports.hpp"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>

#include "host/host_config.hpp"
#include "host/sysctl.hpp"

namespace berth::host {

namespace {

using Json = nlohmann::ordered_json;
using Rows = std::vector<CounterRow>;

std::uint64_t sum_of(const DropCounters& drops, std::initializer_list<DropReason> reasons) {
    std::uint64_t sum = 0;
    for (const DropReason reason : reasons)
        sum += drops[reason];
    return sum;
}

// RFC 4293 §5, ipSystemStatsTable. As in Linux, what could not be reassembled is no header error.
void add_ip(const Stack& stack, Rows& rows) {
    using enum DropReason;
    const DropCounters& drops = stack.drops();
    const ip::Ipv4::Counters& ip = stack.ip().counters();
    const std::uint64_t unknown = drops[ip_unknown_protocol];
    rows.insert(
        rows.end(),
        {{"Ip", "Forwarding", stack.ip().config().forward ? 1U : 2U, true},
         {"Ip", "DefaultTTL", stack.ip().config().ttl, true},
         {"Ip", "InReceives", stack.traffic().ip_received},
         {"Ip", "InHdrErrors",
          sum_of(drops, {ip_bad_version, ip_bad_header_length, ip_bad_checksum, ip_bad_option,
                         ip_ttl_exceeded})},
         {"Ip", "InAddrErrors",
          sum_of(drops, {ip_not_for_us, ip_bad_source, ip_own_source, ip_loopback_from_link})},
         {"Ip", "ForwDatagrams", ip.forwarded},
         {"Ip", "InUnknownProtos", unknown},
         {"Ip", "InDelivers", stack.traffic().ip_local - unknown},
         {"Ip", "OutNoRoutes", drops[ip_no_route]},
         {"Ip", "ReasmTimeout", drops[ip_fragment_timeout]},
         {"Ip", "ReasmOKs", ip.reassembled},
         {"Ip", "FragOKs", ip.fragmented},
         {"Ip", "FragFails", sum_of(drops, {ip_too_big, ip_fragmentation_needed})},
         {"Ip", "FragCreates", ip.fragments_created},
         {"IpExt", "InTruncatedPkts", sum_of(drops, {ip_truncated, ip_bad_total_length})}});
}

// RFC 4293 §5, icmpStatsTable; the limits as Linux names them.
void add_icmp(const Stack& stack, Rows& rows) {
    using enum DropReason;
    const DropCounters& drops = stack.drops();
    const icmp::Icmp::Counters& icmp = stack.icmp().counters();
    rows.insert(rows.end(),
                {{"Icmp", "InMsgs", stack.traffic().icmp_received},
                 {"Icmp", "InErrors", sum_of(drops, {icmp_truncated, icmp_bad_checksum})},
                 {"Icmp", "InCsumErrors", drops[icmp_bad_checksum]},
                 {"Icmp", "OutErrors", icmp.unsendable},
                 {"Icmp", "OutRateLimitGlobal", icmp.total_limit},
                 {"Icmp", "OutRateLimitHost", icmp.peer_limit},
                 {"Icmp", "OutEchoReps", icmp.echo_replies}});
}

// RFC 4022 §5, tcp group. Segments that no parser let through never met tcp::Tcp, which counts the
// others; tcpInSegs means both.
void add_tcp(const Stack& stack, Rows& rows) {
    using enum DropReason;
    const tcp::Tcp& tcp = stack.tcp();
    const tcp::Config& config = tcp.config();
    constexpr std::uint64_t rto_rfc2988 = 5;  // tcpRtoAlgorithm; RFC 6298 is RFC 2988 revised
    const std::uint64_t bad =
        sum_of(stack.drops(), {tcp_truncated, tcp_bad_offset, tcp_bad_checksum});
    std::uint64_t established = 0;
    tcp.table().for_each([&](const demux::Entry& entry) {
        if (entry.kind != demux::EntryKind::connection) return;
        const tcp::State state = static_cast<const tcp::Connection&>(entry).state();
        established += state == tcp::State::established || state == tcp::State::close_wait;
    });
    const auto milliseconds_of = [](Duration duration) {
        return static_cast<std::uint64_t>(duration.milliseconds());
    };
    rows.insert(rows.end(), {{"Tcp", "RtoAlgorithm", rto_rfc2988, true},
                             {"Tcp", "RtoMin", milliseconds_of(config.rto_min), true},
                             {"Tcp", "RtoMax", milliseconds_of(config.rto_max), true},
                             {"Tcp", "MaxConn", config.max_connections, true},
                             {"Tcp", "CurrEstab", established, true},
                             {"Tcp", "InErrs", bad},
                             {"Tcp", "InCsumErrors", stack.drops()[tcp_bad_checksum]}});
    for (std::size_t i = 0; i < tcp::counter_count; ++i) {
        const auto what = static_cast<tcp::Count>(i);
        const tcp::CounterInfo& info = tcp::counter_infos[i];
        rows.push_back({info.group, info.name,
                        tcp.counters()[what] + (what == tcp::Count::in_segs ? bad : 0)});
    }
}

// RFC 4113 §3. As in Linux, a full queue is an error in (it is not for want of a socket).
void add_udp(const Stack& stack, Rows& rows) {
    using enum DropReason;
    const DropCounters& drops = stack.drops();
    rows.insert(rows.end(), {{"Udp", "InDatagrams", stack.traffic().udp_delivered},
                             {"Udp", "NoPorts", drops[udp_no_socket]},
                             {"Udp", "InErrors",
                              sum_of(drops, {udp_truncated, udp_bad_length, udp_bad_checksum,
                                             udp_port_zero, udp_queue_full})},
                             {"Udp", "OutDatagrams", stack.udp().sent()},
                             {"Udp", "RcvbufErrors", drops[udp_queue_full]},
                             {"Udp", "InCsumErrors", drops[udp_bad_checksum]}});
}

// All links together (without the loopback interface), and every drop.
void add_links(const Stack& stack, Rows& rows) {
    link::InterfaceCounters sum;
    for (std::size_t i = 0; i < stack.interface_count(); ++i) {
        const auto& one = stack.interface_at(static_cast<link::InterfaceIndex>(i)).counters();
        sum.frames_in += one.frames_in;
        sum.bytes_in += one.bytes_in;
        sum.frames_out += one.frames_out;
        sum.bytes_out += one.bytes_out;
    }
    rows.insert(rows.end(), {{"Link", "InFrames", sum.frames_in},
                             {"Link", "InOctets", sum.bytes_in},
                             {"Link", "OutFrames", sum.frames_out},
                             {"Link", "OutOctets", sum.bytes_out},
                             {"Berth", "Drops", stack.drops().total()}});
}

Json counters_json(const Rows& rows) {
    Json counters = Json::array();
    for (const CounterRow& row : rows) {
        counters.push_back({{"name", std::string(row.group) + std::string(row.name)},
                            {"group", row.group},
                            {"value", row.value},
                            {"gauge", row.is_gauge}});
    }
    return counters;
}

Json sysctls_json(const HostConfig& config) {
    Json sysctls = Json::array();
    const auto texts = sysctl_texts();
    const auto values = sysctl_values(config);
    for (std::size_t i = 0; i < values.size(); ++i) {
        sysctls.push_back(
            {{"name", values[i].name}, {"value", values[i].value}, {"unit", texts[i].unit}});
    }
    return sysctls;
}

}  // namespace

Rows counter_rows(const Stack& stack) {
    Rows rows;
    add_ip(stack, rows);
    add_icmp(stack, rows);
    add_tcp(stack, rows);
    add_udp(stack, rows);
    add_links(stack, rows);
    // Each group in one piece, whoever counted.
    Rows sorted;
    for (const std::string_view group :
         {"Ip", "IpExt", "Icmp", "Tcp", "TcpExt", "Udp", "Link", "Berth"})
        for (const CounterRow& row : rows)
            if (row.group == group) sorted.push_back(row);
    return sorted;
}

bool answer_numbers(Core& core, std::string_view request, Json& answer) {
    const CoreGuard guard(core.lock());
    const Stack& stack = core.stack();
    if (request == "nstat")
        answer["counters"] = counters_json(counter_rows(stack));
    else if (request == "sysctl")
        answer["sysctls"] = sysctls_json({stack.tcp().config(), stack.ip().config()});
    else
        return false;
    return true;
}

}  // namespace berth::host
