#include "drivers/link_url.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "drivers/text.hpp"
#include "drivers/units.hpp"

namespace berth::drivers {
namespace {

using Kinds = unsigned;  // a set of LinkUrlKind

constexpr Kinds only(LinkUrlKind kind) {
    return 1U << static_cast<unsigned>(kind);
}
constexpr Kinds every_kind = ~0U;

struct KindRule {
    LinkUrlKind kind;
    std::string_view name;
    std::string_view name_expected;  // empty: the link may go without a name
};

constexpr std::array<KindRule, 5> kind_rules{{
    {LinkUrlKind::tap, "tap", "an interface's name, as in tap:tap0"},
    {LinkUrlKind::pcap, "pcap", "an interface's name, as in pcap:eth1"},
    {LinkUrlKind::pcapfile, "pcapfile", "a capture file, as in pcapfile:in.pcap"},
    {LinkUrlKind::unix_socket, "unix", "a socket's path, as in unix:/tmp/hub,listen"},
    {LinkUrlKind::cable, "cable", ""},
}};

template <class T>
bool assign(T& field, std::optional<T> value) {
    if (value) field = *value;
    return value.has_value();
}

bool set_mtu(LinkOptions& options, std::string_view text) {
    const auto value = parse_count(text);
    if (!value || *value < LinkUrl::least_mtu || *value > LinkUrl::greatest_mtu) return false;
    options.mtu = static_cast<std::uint16_t>(*value);
    return true;
}

bool set_vlan(LinkOptions& options, std::string_view text) {
    const auto value = parse_count(text);
    if (!value || *value < wire::first_vlan || *value > wire::last_vlan) return false;
    options.vlan = static_cast<wire::VlanId>(*value);
    return true;
}

bool set_queue(LinkOptions& options, std::string_view text) {
    constexpr std::uint64_t most_frames = 1'000'000;
    const auto value = parse_count(text);
    if (!value || *value == 0 || *value > most_frames) return false;
    options.impairment.queue_frames = static_cast<std::size_t>(*value);
    return true;
}

bool set_flips(LinkOptions& options, std::string_view text) {
    if (text != "ipv4" && text != "frame") return false;
    options.impairment.flip_scope = text == "ipv4" ? FlipScope::ipv4_datagram : FlipScope::frame;
    return true;
}

bool set_text(std::string& field, std::string_view text) {
    field = text;
    return !field.empty();
}

struct OptionRule {
    std::string_view name;
    Kinds kinds;
    std::string_view expected;  // empty: the option is a word without a value
    bool (*set)(LinkOptions&, std::string_view);
};

constexpr std::string_view probability = "a probability such as 1%, 0.25% or 250ppm";
constexpr std::string_view duration = "a time with its unit, such as 20ms, 1.5s or 300us";

constexpr std::array<OptionRule, 16> option_rules{{
    {"mtu", every_kind & ~only(LinkUrlKind::pcap),  // a live interface has its own
     "a number of bytes from 68 to 65535", set_mtu},
    {"vlan", every_kind, "a VLAN's number from 1 to 4094", set_vlan},
    {"filter", only(LinkUrlKind::pcap), "a filter in tcpdump's language, such as arp or ip",
     [](LinkOptions& o, std::string_view text) { return set_text(o.filter, text); }},
    {"out", only(LinkUrlKind::pcapfile), "the name of a file to write",
     [](LinkOptions& o, std::string_view text) { return set_text(o.out, text); }},
    {"listen", only(LinkUrlKind::unix_socket), "",
     [](LinkOptions& o, std::string_view) { return o.listen = true; }},
    {"raw", only(LinkUrlKind::cable), "",
     [](LinkOptions& o, std::string_view) { return o.raw = true; }},
    {"loss", every_kind, probability,
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.loss_ppm, parse_parts_per_million(text));
     }},
    {"duplicate", every_kind, probability,
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.duplicate_ppm, parse_parts_per_million(text));
     }},
    {"reorder", every_kind, probability,
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.reorder_ppm, parse_parts_per_million(text));
     }},
    {"corrupt", every_kind, probability,
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.corrupt_ppm, parse_parts_per_million(text));
     }},
    {"flips", every_kind, "where corrupt flips bits: ipv4 or frame", set_flips},
    {"delay", every_kind, duration,
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.delay, parse_duration(text));
     }},
    {"jitter", every_kind, duration,
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.jitter, parse_duration(text));
     }},
    {"rate", every_kind, "bits per second such as 10mbit, 1.5gbit or 64kbit",
     [](LinkOptions& o, std::string_view text) {
         return assign(o.impairment.rate_bits_per_second, parse_bit_rate(text));
     }},
    {"queue", every_kind, "a number of frames from 1 to 1000000", set_queue},
    {"seed", every_kind, "a whole number of at most 15 digits",
     [](LinkOptions& o, std::string_view text) {
         o.seed = parse_count(text);
         return o.seed.has_value();
     }},
}};

// Cuts at single commas; a doubled one is a comma of the text (as QEMU has it).
std::vector<std::string> split_at_commas(std::string_view text) {
    std::vector<std::string> parts(1);
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (text[at] != ',') {
            parts.back().push_back(text[at]);
        } else if (at + 1 < text.size() && text[at + 1] == ',') {
            parts.back().push_back(',');
            ++at;
        } else {
            parts.emplace_back();
        }
    }
    return parts;
}

std::string kind_list() {
    std::vector<std::string> names;
    for (const KindRule& rule : kind_rules)
        names.push_back(concat({rule.name, ":"}));
    return list_of(names);
}

std::string option_list(LinkUrlKind kind) {
    std::vector<std::string_view> names;
    for (const OptionRule& rule : option_rules) {
        if ((rule.kinds & only(kind)) != 0) names.push_back(rule.name);
    }
    return list_of(names);
}

// Sets one "name" or "name=value"; the error, or an empty string.
std::string apply_option(LinkUrl& url, std::string_view option, std::vector<std::string>& seen) {
    const std::size_t equals = option.find('=');
    const bool has_value = equals != std::string_view::npos;
    const std::string_view name = option.substr(0, equals);
    const std::string_view value = has_value ? option.substr(equals + 1) : std::string_view{};

    const auto rule = std::find_if(option_rules.begin(), option_rules.end(), [&](const auto& r) {
        return r.name == name && (r.kinds & only(url.kind)) != 0;
    });
    if (rule == option_rules.end()) {
        return concat({"unknown option '", name, "' of a ", name_of(url.kind),
                       ": link; its options are ", option_list(url.kind)});
    }
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
        return concat({"option '", name, "' is given twice"});
    }
    seen.emplace_back(name);
    if (rule->expected.empty()) {
        if (has_value) return concat({"option '", name, "' takes no value; write just ,", name});
        rule->set(url.options, {});
        return {};
    }
    if (!has_value) {
        return concat({"option '", name, "' needs a value: ", rule->expected});
    }
    if (!rule->set(url.options, value)) {
        return concat(
            {"bad value '", value, "' of option '", name, "': expected ", rule->expected});
    }
    return {};
}

}  // namespace

std::string_view name_of(LinkUrlKind kind) {
    return kind_rules[static_cast<std::size_t>(kind)].name;
}

Result<LinkUrl, std::string> LinkUrl::parse(std::string_view text) {
    if (text.size() > longest_text || text.find('\0') != std::string_view::npos) {
        return Failure<std::string>{"the link is too long or contains a zero byte"};
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) {
        return Failure{concat({"'", text, "' is not a link; a link is written kind:name, as in ",
                               "tap:tap0, and the kinds are ", kind_list()})};
    }
    const std::string_view kind = text.substr(0, colon);
    const auto rule = std::find_if(kind_rules.begin(), kind_rules.end(),
                                   [&](const KindRule& r) { return r.name == kind; });
    if (rule == kind_rules.end()) {
        return Failure{concat(
            {"unknown kind of link '", kind, ":' in '", text, "'; the kinds are ", kind_list()})};
    }

    std::vector<std::string> parts = split_at_commas(text.substr(colon + 1));
    LinkUrl url;
    url.kind = rule->kind;
    url.name = std::move(parts.front());
    if (url.name.empty() && !rule->name_expected.empty()) {
        return Failure{concat({"link '", text, "' needs ", rule->name_expected})};
    }
    std::vector<std::string> seen;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        const std::string error = apply_option(url, parts[i], seen);
        if (!error.empty()) return Failure{concat({"link '", text, "': ", error})};
    }
    if (url.options.raw && url.options.vlan != 0) {
        return Failure{concat({"link '", text, "': a raw link has no Ethernet header to bear a ",
                               "VLAN's tag; leave out raw or vlan"})};
    }
    return url;
}

}  // namespace berth::drivers
