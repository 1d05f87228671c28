#include "host/sysctl.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "drivers/text.hpp"

namespace berth::host {

namespace {

using drivers::concat;
using Values = std::array<long long, 3>;

// One tunable: what it may be, where it goes, where it is read. `numbers` is 3 for those that Linux
// writes as "least default greatest" (tcp_rmem, tcp_wmem).
struct Row {
    SysctlText text;
    void (*set)(HostConfig&, const Values&);
    Values (*get)(const HostConfig&);
};

// The part of the configuration that a member belongs to.
template <class Config, class Field>
auto& part_of(Config& config, Field tcp::Config::*) {
    return config.tcp;
}
template <class Config, class Field>
auto& part_of(Config& config, Field ip::Config::*) {
    return config.ip;
}
template <class Config, class Field>
auto& part_of(Config& config, Field ip::Reassembly::Limits::*) {
    return config.ip.reassembly;
}

template <auto Member>
constexpr Row number(SysctlText text) {
    return {text,
            [](HostConfig& config, const Values& values) {
                auto& field = part_of(config, Member).*Member;
                field = static_cast<std::remove_reference_t<decltype(field)>>(values[0]);
            },
            [](const HostConfig& config) {
                return Values{static_cast<long long>(part_of(config, Member).*Member)};
            }};
}
template <auto Member, long long UnitNs>
constexpr Row duration(SysctlText text) {
    return {text,
            [](HostConfig& config, const Values& values) {
                part_of(config, Member).*Member = nanoseconds(values[0] * UnitNs);
            },
            [](const HostConfig& config) {
                return Values{(part_of(config, Member).*Member).ns / UnitNs};
            }};
}
template <auto Member>
constexpr Row milliseconds_of(SysctlText text) {
    return duration<Member, 1'000'000>(text);
}
template <auto Member>
constexpr Row seconds_of(SysctlText text) {
    return duration<Member, 1'000'000'000>(text);
}

// A buffer by berth's own name: where tuning begins. Where it may end moves along.
template <auto Begin, auto End>
constexpr Row buffer(SysctlText text) {
    return {text,
            [](HostConfig& config, const Values& values) {
                const auto bytes = static_cast<std::uint32_t>(values[0]);
                config.tcp.*Begin = bytes;
                config.tcp.*End = std::max(config.tcp.*End, bytes);
            },
            [](const HostConfig& config) { return Values{config.tcp.*Begin}; }};
}
// A buffer as Linux has it. The least, which Linux keeps free of memory pressure, is a constant
// here: below two full segments nothing works, and one host knows no pressure of others.
constexpr long long least_buffer_bytes = 4096;
template <auto Begin, auto End>
constexpr Row buffer_range(SysctlText text) {
    text.numbers = 3;
    return {text,
            [](HostConfig& config, const Values& values) {
                config.tcp.*Begin = static_cast<std::uint32_t>(values[1]);
                config.tcp.*End = static_cast<std::uint32_t>(values[2]);
            },
            [](const HostConfig& config) {
                return Values{least_buffer_bytes, config.tcp.*Begin, config.tcp.*End};
            }};
}

constexpr long long kilobyte = 1024;
constexpr long long million = 1'000'000;
constexpr long long largest_buffer = 1024 * 1024 * kilobyte;

using T = tcp::Config;
using I = ip::Config;
using R = ip::Reassembly::Limits;

// The bounds keep a connection alive that is: retries as Linux limits them, buffers that hold at
// least two full segments of an Ethernet and no more than RFC 7323's largest window.
// clang-format off
constexpr Row rows[] = {
    number<&T::syn_retries>({"net.ipv4.tcp_syn_retries", "retries", 1, 127}),
    number<&T::synack_retries>({"net.ipv4.tcp_synack_retries", "retries", 0, 127}),
    number<&T::retries1>({"net.ipv4.tcp_retries1", "retries", 1, 127}),
    number<&T::data_retries>({"net.ipv4.tcp_retries2", "retries", 1, 127}),
    number<&T::orphan_retries>({"net.ipv4.tcp_orphan_retries", "retries", 1, 127}),
    seconds_of<&T::keep_idle>({"net.ipv4.tcp_keepalive_time", "seconds", 1, 32'767}),
    seconds_of<&T::keep_interval>({"net.ipv4.tcp_keepalive_intvl", "seconds", 1, 32'767}),
    number<&T::keep_probes>({"net.ipv4.tcp_keepalive_probes", "probes", 1, 127}),
    seconds_of<&T::fin_wait_2>({"net.ipv4.tcp_fin_timeout", "seconds", 1, 3600}),
    buffer_range<&T::receive_buffer_bytes, &T::receive_buffer_max_bytes>({"net.ipv4.tcp_rmem", "bytes", least_buffer_bytes, largest_buffer}),
    buffer_range<&T::send_buffer_bytes, &T::send_buffer_max_bytes>({"net.ipv4.tcp_wmem", "bytes", least_buffer_bytes, largest_buffer}),
    number<&T::moderate_receive_buffer>({"net.ipv4.tcp_moderate_rcvbuf", "0 or 1", 0, 1}),
    number<&T::notsent_low_water>({"net.ipv4.tcp_notsent_lowat", "bytes", 1, 0xffff'ffff}),
    number<&T::window_scaling>({"net.ipv4.tcp_window_scaling", "0 or 1", 0, 1}),
    number<&T::timestamps>({"net.ipv4.tcp_timestamps", "0 or 1", 0, 1}),
    number<&T::sack>({"net.ipv4.tcp_sack", "0 or 1", 0, 1}),
    number<&T::dsack>({"net.ipv4.tcp_dsack", "0 or 1", 0, 1}),
    number<&T::ecn>({"net.ipv4.tcp_ecn", "0 never, 1 asked for and granted, 2 granted", 0, 2}),
    number<&T::fast_open>({"net.ipv4.tcp_fastopen", "bits: 1 client, 2 server", 0, 3}),
    number<&T::slow_start_after_idle>({"net.ipv4.tcp_slow_start_after_idle", "0 or 1", 0, 1}),
    number<&T::mtu_probing>({"net.ipv4.tcp_mtu_probing", "0 or 1", 0, 1}),
    number<&T::syn_cookies>({"net.ipv4.tcp_syncookies", "0 never, 1 when full, 2 always", 0, 2}),
    number<&T::abort_on_overflow>({"net.ipv4.tcp_abort_on_overflow", "0 or 1", 0, 1}),
    number<&T::rfc1337>({"net.ipv4.tcp_rfc1337", "0 or 1", 0, 1}),
    number<&T::time_wait_reuse>({"net.ipv4.tcp_tw_reuse", "0 never, 1 after a second, 2 loopback only", 0, 2}),
    milliseconds_of<&T::challenge_interval>({"net.ipv4.tcp_invalid_ratelimit", "milliseconds", 0, 60'000}),
    number<&T::challenge_acks_per_second>({"net.ipv4.tcp_challenge_ack_limit", "per second", 1, million}),
    number<&T::max_orphans>({"net.ipv4.tcp_max_orphans", "connections", 0, million}),
    number<&T::max_half_open>({"net.ipv4.tcp_max_syn_backlog", "connections", 1, million}),
    number<&T::max_time_wait>({"net.ipv4.tcp_max_tw_buckets", "connections", 0, 4 * million}),
    number<&T::max_backlog>({"net.core.somaxconn", "connections", 1, 65'535}),
    number<&I::forward>({"net.ipv4.ip_forward", "0 or 1", 0, 1}),
    number<&I::ttl>({"net.ipv4.ip_default_ttl", "hops", 1, 255}),
    number<&I::accept_redirects>({"net.ipv4.conf.all.accept_redirects", "0 or 1", 0, 1}),
    number<&I::accept_source_route>({"net.ipv4.conf.all.accept_source_route", "0 or 1", 0, 1}),
    number<&R::high_bytes>({"net.ipv4.ipfrag_high_thresh", "bytes", 64 * kilobyte, largest_buffer}),
    number<&R::low_bytes>({"net.ipv4.ipfrag_low_thresh", "bytes", 0, largest_buffer}),
    seconds_of<&R::timeout>({"net.ipv4.ipfrag_time", "seconds", 1, 120}),
    milliseconds_of<&T::rto_min>({"berth.tcp_rto_min_ms", "milliseconds", 1, 120'000}),
    milliseconds_of<&T::rto_initial>({"berth.tcp_rto_initial_ms", "milliseconds", 1, 120'000}),
    milliseconds_of<&T::rto_max>({"berth.tcp_rto_max_ms", "milliseconds", 1'000, 3'600'000}),
    milliseconds_of<&T::delayed_ack>({"berth.tcp_delayed_ack_ms", "milliseconds", 0, 500}),
    number<&T::delayed_ack_segments>({"berth.tcp_delayed_ack_segments", "full segments", 1, 8}),
    number<&T::quick_ack_segments>({"berth.tcp_quick_ack_segments", "segments", 0, 255}),
    number<&T::initial_window_segments>({"berth.tcp_initial_window_segments", "segments", 1, 64}),
    seconds_of<&T::msl>({"berth.tcp_msl_seconds", "seconds", 1, 240}),
    number<&T::blind_attack_checks>({"berth.tcp_blind_attack_checks", "0 or 1", 0, 1}),
    number<&T::max_connections>({"berth.tcp_max_connections", "connections", 1, 16 * million}),
    buffer<&T::send_buffer_bytes, &T::send_buffer_max_bytes>({"berth.tcp_send_buffer_bytes", "bytes", least_buffer_bytes, largest_buffer}),
    buffer<&T::receive_buffer_bytes, &T::receive_buffer_max_bytes>({"berth.tcp_receive_buffer_bytes", "bytes", least_buffer_bytes, largest_buffer}),
};
// clang-format on

constexpr auto texts = [] {
    std::array<SysctlText, std::size(rows)> all{};
    for (std::size_t i = 0; i < std::size(rows); ++i)
        all[i] = rows[i].text;
    return all;
}();

std::string known_names() {
    std::array<std::string_view, texts.size()> names;
    for (std::size_t i = 0; i < texts.size(); ++i)
        names[i] = texts[i].name;
    return drivers::list_of(names);
}

// As many numbers as the row has, apart by spaces or tabs as in /proc/sys, each inside its bounds
// and none below the one before.
bool parse_values(const SysctlText& row, std::string_view text, Values& values) {
    constexpr std::string_view blank = " \t";
    for (std::size_t i = 0; i < row.numbers; ++i) {
        const std::size_t begin = i == 0 ? 0 : std::min(text.find_first_not_of(blank), text.size());
        text.remove_prefix(begin);
        const auto [end, error] =
            std::from_chars(text.data(), text.data() + text.size(), values[i]);
        if (error != std::errc{} || values[i] < row.least || values[i] > row.greatest) return false;
        if (i > 0 && (begin == 0 || values[i] < values[i - 1])) return false;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    }
    return text.empty();
}

std::string what_it_takes(const SysctlText& row) {
    const std::string bounds = concat(
        {std::to_string(row.least), " to ", std::to_string(row.greatest), " (", row.unit, ")"});
    if (row.numbers == 1) return concat({"it is a number from ", bounds});
    return concat(
        {"it is three numbers (least, default, greatest), none below the one before, from ",
         bounds});
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

std::vector<SysctlValue> sysctl_values(const HostConfig& config) {
    std::vector<SysctlValue> values;
    for (const Row& row : rows) {
        const Values numbers = row.get(config);
        std::string text = std::to_string(numbers[0]);
        for (std::size_t i = 1; i < row.text.numbers; ++i)
            text += concat({" ", std::to_string(numbers[i])});
        values.push_back({row.text.name, std::move(text)});
    }
    return values;
}

std::string apply_sysctl(std::string_view assignment, HostConfig& config) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string_view::npos) {
        return concat({"sysctl '", assignment, "' has no value; write name=value"});
    }
    const std::string_view name = assignment.substr(0, equals);
    const std::string_view text = assignment.substr(equals + 1);
    for (const Row& row : rows) {
        if (row.text.name != name) continue;
        Values values{};
        if (!parse_values(row.text, text, values))
            return concat({"sysctl ", name, " cannot be '", text, "'; ", what_it_takes(row.text)});
        row.set(config, values);
        return contradiction(name, config);
    }
    return concat({"there is no sysctl '", name, "'; there are ", known_names()});
}

}  // namespace berth::host
