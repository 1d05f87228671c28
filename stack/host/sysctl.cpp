#include "host/sysctl.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "drivers/text.hpp"

namespace berth::host {

namespace {

using drivers::concat;
using Setter = void (*)(HostConfig&, long long);

// The part of the configuration that a member belongs to.
template <class Field>
tcp::Config& part_of(HostConfig& config, Field tcp::Config::*) {
    return config.tcp;
}
template <class Field>
ip::Config& part_of(HostConfig& config, Field ip::Config::*) {
    return config.ip;
}
template <class Field>
ip::Reassembly::Limits& part_of(HostConfig& config, Field ip::Reassembly::Limits::*) {
    return config.ip.reassembly;
}

template <auto Member>
void set_number(HostConfig& config, long long value) {
    auto& field = part_of(config, Member).*Member;
    field = static_cast<std::remove_reference_t<decltype(field)>>(value);
}
template <auto Member>
void set_milliseconds(HostConfig& config, long long value) {
    part_of(config, Member).*Member = milliseconds(value);
}
template <auto Member>
void set_seconds(HostConfig& config, long long value) {
    part_of(config, Member).*Member = seconds(value);
}

constexpr long long kilobyte = 1024;
constexpr long long million = 1'000'000;

// The bounds keep a connection alive that is: retries as Linux limits them, buffers that hold at
// least two full segments of an Ethernet and no more than RFC 7323's largest window.
// clang-format off
constexpr std::array<SysctlText, 27> texts{{
    {"net.ipv4.tcp_syn_retries",      "retries",      1, 127},
    {"net.ipv4.tcp_synack_retries",   "retries",      0, 127},
    {"net.ipv4.tcp_retries2",         "retries",      1, 127},
    {"net.ipv4.tcp_orphan_retries",   "retries",      1, 127},
    {"net.ipv4.tcp_fin_timeout",      "seconds",      1, 3600},
    {"net.ipv4.tcp_window_scaling",   "0 or 1",       0, 1},
    {"net.ipv4.tcp_timestamps",       "0 or 1",       0, 1},
    {"net.ipv4.tcp_mtu_probing",      "0 or 1",       0, 1},
    {"net.ipv4.tcp_max_orphans",      "connections",  0, million},
    {"net.ipv4.tcp_max_syn_backlog",  "connections",  1, million},
    {"net.ipv4.tcp_max_tw_buckets",   "connections",  0, 4 * million},
    {"net.ipv4.tcp_challenge_ack_limit", "per second", 1, million},
    {"net.core.somaxconn",            "connections",  1, 65'535},
    {"net.ipv4.ip_forward",           "0 or 1",       0, 1},
    {"net.ipv4.ip_default_ttl",       "hops",         1, 255},
    {"net.ipv4.conf.all.accept_redirects",    "0 or 1", 0, 1},
    {"net.ipv4.conf.all.accept_source_route", "0 or 1", 0, 1},
    {"net.ipv4.ipfrag_high_thresh",   "bytes",        64 * kilobyte, 1024 * 1024 * kilobyte},
    {"net.ipv4.ipfrag_low_thresh",    "bytes",        0, 1024 * 1024 * kilobyte},
    {"net.ipv4.ipfrag_time",          "seconds",      1, 120},
    {"berth.tcp_rto_min_ms",          "milliseconds", 1, 120'000},
    {"berth.tcp_rto_initial_ms",      "milliseconds", 1, 120'000},
    {"berth.tcp_rto_max_ms",          "milliseconds", 1'000, 3'600'000},
    {"berth.tcp_delayed_ack_ms",      "milliseconds", 0, 500},
    {"berth.tcp_msl_seconds",         "seconds",      1, 240},
    {"berth.tcp_send_buffer_bytes",   "bytes",        4 * kilobyte, 1024 * 1024 * kilobyte},
    {"berth.tcp_receive_buffer_bytes", "bytes",       4 * kilobyte, 1024 * 1024 * kilobyte},
}};
constexpr std::array<Setter, texts.size()> setters{
    set_number<&tcp::Config::syn_retries>,
    set_number<&tcp::Config::synack_retries>,
    set_number<&tcp::Config::data_retries>,
    set_number<&tcp::Config::orphan_retries>,
    set_seconds<&tcp::Config::fin_wait_2>,
    set_number<&tcp::Config::window_scaling>,
    set_number<&tcp::Config::timestamps>,
    set_number<&tcp::Config::mtu_probing>,
    set_number<&tcp::Config::max_orphans>,
    set_number<&tcp::Config::max_half_open>,
    set_number<&tcp::Config::max_time_wait>,
    set_number<&tcp::Config::challenge_acks_per_second>,
    set_number<&tcp::Config::max_backlog>,
    set_number<&ip::Config::forward>,
    set_number<&ip::Config::ttl>,
    set_number<&ip::Config::accept_redirects>,
    set_number<&ip::Config::accept_source_route>,
    set_number<&ip::Reassembly::Limits::high_bytes>,
    set_number<&ip::Reassembly::Limits::low_bytes>,
    set_seconds<&ip::Reassembly::Limits::timeout>,
    set_milliseconds<&tcp::Config::rto_min>,
    set_milliseconds<&tcp::Config::rto_initial>,
    set_milliseconds<&tcp::Config::rto_max>,
    set_milliseconds<&tcp::Config::delayed_ack>,
    set_seconds<&tcp::Config::msl>,
    set_number<&tcp::Config::send_buffer_bytes>,
    set_number<&tcp::Config::receive_buffer_bytes>,
};
// clang-format on

std::string known_names() {
    std::array<std::string_view, texts.size()> names;
    for (std::size_t i = 0; i < texts.size(); ++i)
        names[i] = texts[i].name;
    return drivers::list_of(names);
}

// What two values say against each other; empty: nothing.
std::string contradiction(std::string_view name, const HostConfig& config) {
    if (config.tcp.rto_min > config.tcp.rto_max)
        return concat({"sysctl ", name,
                       " would put the smallest RTO above the largest; raise "
                       "berth.tcp_rto_max_ms first"});
    return {};
}

}  // namespace

std::span<const SysctlText> sysctl_texts() {
    return texts;
}

std::string apply_sysctl(std::string_view assignment, HostConfig& config) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string_view::npos) {
        return concat({"sysctl '", assignment, "' has no value; write name=value"});
    }
    const std::string_view name = assignment.substr(0, equals);
    const std::string_view text = assignment.substr(equals + 1);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i].name != name) continue;
        long long value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool number = error == std::errc{} && end == text.data() + text.size();
        if (!number || value < texts[i].least || value > texts[i].greatest) {
            return concat({"sysctl ", name, " cannot be '", text, "'; it is a number from ",
                           std::to_string(texts[i].least), " to ",
                           std::to_string(texts[i].greatest), " (", texts[i].unit, ")"});
        }
        setters[i](config, value);
        return contradiction(name, config);
    }
    return concat({"there is no sysctl '", name, "'; there are ", known_names()});
}

}  // namespace berth::host
