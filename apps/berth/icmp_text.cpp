#include "apps/berth/icmp_text.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "wire/icmp.hpp"

namespace berth::app {
namespace {

using wire::IcmpType;

struct UnreachableText {
    std::string_view sentence;
    std::string_view mark;
};

// By code (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1).
constexpr std::array<UnreachableText, 16> unreachable_texts{{
    {"Destination Net Unreachable", "!N"},
    {"Destination Host Unreachable", "!H"},
    {"Destination Protocol Unreachable", "!P"},
    {"Destination Port Unreachable", ""},
    {"Frag needed and DF set", "!F"},
    {"Source Route Failed", "!S"},
    {"Destination Net Unknown", "!U"},
    {"Destination Host Unknown", "!W"},
    {"Source Host Isolated", "!I"},
    {"Destination Net Prohibited", "!A"},
    {"Destination Host Prohibited", "!Z"},
    {"Destination Net Unreachable for Type of Service", "!Q"},
    {"Destination Host Unreachable for Type of Service", "!T"},
    {"Packet filtered", "!X"},
    {"Precedence Violation", "!V"},
    {"Precedence Cutoff", "!C"},
}};

bool is(unsigned type, IcmpType wanted) {
    return type == static_cast<unsigned>(wanted);
}

std::string unreachable_text(unsigned code, std::uint64_t mtu) {
    if (code >= unreachable_texts.size())
        return fmt::format("Dest Unreachable, Bad Code: {}", code);
    if (code == wire::icmp_code::fragmentation_needed)
        return fmt::format("{} (mtu = {})", unreachable_texts[code].sentence, mtu);
    return std::string(unreachable_texts[code].sentence);
}

}  // namespace

std::string ping_error_text(unsigned type, unsigned code, std::uint64_t info) {
    if (is(type, IcmpType::destination_unreachable)) return unreachable_text(code, info);
    if (is(type, IcmpType::time_exceeded))
        return code == wire::icmp_code::ttl_exceeded ? "Time to live exceeded"
                                                     : "Frag reassembly time exceeded";
    if (is(type, IcmpType::parameter_problem))
        return fmt::format("Parameter problem: pointer = {}", info);
    if (is(type, IcmpType::source_quench)) return "Source Quench";
    if (is(type, IcmpType::redirect)) return "Redirect";
    return fmt::format("Bad ICMP type: {}", type);
}

std::string trace_mark(unsigned type, unsigned code, std::uint64_t info) {
    if (is(type, IcmpType::parameter_problem)) return "!P";
    if (!is(type, IcmpType::destination_unreachable)) return {};
    if (code >= unreachable_texts.size()) return fmt::format("!<{}>", code);
    if (code == wire::icmp_code::fragmentation_needed) return fmt::format("!F-{}", info);
    return std::string(unreachable_texts[code].mark);
}

}  // namespace berth::app
