#include "apps/berth/services/http_request.hpp"

#include <algorithm>
#include <charconv>

namespace berth::app {
namespace {

constexpr std::string_view line_ends = "\r\n";

bool is_token_character(char c) {
    const bool alphanumeric =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return alphanumeric || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// A line without its end; a lone LF ends one as well (RFC 9112 §2.2), which suits a person at nc.
std::string_view take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    return line;
}

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, value);
    if (text.empty() || result.ec != std::errc{} || result.ptr != end) return std::nullopt;
    return value;
}

// A range that we do not understand is ignored, and the whole thing sent (RFC 9110 §14.2).
std::optional<ByteRange> parse_range(std::string_view value) {
    constexpr std::string_view unit = "bytes=";
    if (!value.starts_with(unit)) return std::nullopt;
    value.remove_prefix(unit.size());
    const auto dash = value.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto first_text = trimmed(value.substr(0, dash));
    const auto last_text = trimmed(value.substr(dash + 1));
    const ByteRange range{number(first_text), number(last_text)};
    const bool sound = (first_text.empty() || range.first) && (last_text.empty() || range.last) &&
                       (range.first || range.last);
    if (!sound || (range.first && range.last && *range.first > *range.last)) return std::nullopt;
    return range;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char small = lower(c);
    return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

// Broken escapes and NUL are refused: a file's name cannot hold one, and what follows would be
// lost.
std::optional<std::string> percent_decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (i + 2 >= text.size()) return std::nullopt;
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(static_cast<unsigned char>(high * 16 + low));
            i += 2;
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}

// origin-form, or absolute-form as a proxy would send it (RFC 9112 §3.2.2).
std::optional<std::string> path_of(std::string_view target) {
    if (target.size() >= 7 && equals_ignoring_case(target.substr(0, 7), "http://")) {
        target.remove_prefix(7);
        const auto slash = target.find_first_of("/?");
        target = slash == std::string_view::npos ? std::string_view("/") : target.substr(slash);
        if (target.front() == '?') return "/";
    }
    if (!target.starts_with('/')) return std::nullopt;
    return percent_decoded(target.substr(0, target.find_first_of("?#")));
}

// What the header fields said.
struct Fields {
    int hosts = 0;
    bool close = false;
    bool keep_alive = false;
    bool has_body = false;
    bool conditional_range = false;
    std::optional<ByteRange> range{};
};

// False: the value breaks its grammar in a way that would make the rest ambiguous.
bool take_field(Fields& fields, std::string_view name, std::string_view value) {
    if (equals_ignoring_case(name, "host")) ++fields.hosts;
    if (equals_ignoring_case(name, "range")) fields.range = parse_range(value);
    if (equals_ignoring_case(name, "if-range")) fields.conditional_range = true;
    if (equals_ignoring_case(name, "transfer-encoding")) fields.has_body = true;
    if (equals_ignoring_case(name, "content-length")) {
        const auto length = number(value);
        if (!length) return false;
        if (*length > 0) fields.has_body = true;
    }
    if (equals_ignoring_case(name, "connection")) {
        while (!value.empty()) {
            const auto comma = value.find(',');
            const auto option = trimmed(value.substr(0, comma));
            if (equals_ignoring_case(option, "close")) fields.close = true;
            if (equals_ignoring_case(option, "keep-alive")) fields.keep_alive = true;
            value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        }
    }
    return true;
}

// False: not header fields. A folded line (RFC 9112 §5.2) and space before the colon (§5.1) are
// refused.
bool parse_fields(std::string_view rest, Fields& fields) {
    while (true) {
        const std::string_view line = take_line(rest);
        if (line.empty()) return true;
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) return false;
        const auto value = trimmed(line.substr(colon + 1));
        const bool has_control = std::any_of(value.begin(), value.end(), [](char c) {
            return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
        });
        if (has_control || !take_field(fields, line.substr(0, colon), value)) return false;
    }
}

}  // namespace

std::optional<std::size_t> request_head_size(std::string_view input) {
    std::size_t start = 0;
    while (start < input.size() && line_ends.find(input[start]) != std::string_view::npos)
        ++start;
    for (auto at = input.find('\n', start); at != std::string_view::npos;
         at = input.find('\n', at + 1)) {
        std::size_t next = at + 1;
        if (next < input.size() && input[next] == '\r') ++next;
        if (next < input.size() && input[next] == '\n') return next + 1;
    }
    return std::nullopt;
}

std::variant<HttpRequest, HttpRefusal> parse_request(std::string_view head) {
    head.remove_prefix(std::min(head.find_first_not_of(line_ends), head.size()));
    const std::string_view line = take_line(head);
    const auto first_space = line.find(' ');
    const auto last_space = line.rfind(' ');
    if (first_space == std::string_view::npos || first_space == last_space) return HttpRefusal{400};
    const auto method = line.substr(0, first_space);
    const auto target = line.substr(first_space + 1, last_space - first_space - 1);
    const auto version = line.substr(last_space + 1);
    if (!is_token(method) || target.find(' ') != std::string_view::npos) return HttpRefusal{400};
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                            number(version.substr(5, 1)) && version[6] == '.' &&
                            number(version.substr(7));
    if (!is_version) return HttpRefusal{400};
    if (version[5] != '1') return HttpRefusal{505};

    Fields fields;
    if (!parse_fields(head, fields)) return HttpRefusal{400};
    const bool version_1_0 = version[7] == '0';
    // RFC 9112 §3.2: exactly one Host, from HTTP/1.1 on.
    if (fields.hosts > 1 || (fields.hosts == 0 && !version_1_0)) return HttpRefusal{400};
    if (method != "GET" && method != "HEAD") return HttpRefusal{405};
    const auto path = path_of(target);
    if (!path) return HttpRefusal{400};

    HttpRequest request;
    request.is_head = method == "HEAD";
    request.path = *path;
    // A body means nothing to GET and HEAD. It is not read, so no request can follow it.
    request.keep_alive = !fields.close && !fields.has_body && (!version_1_0 || fields.keep_alive);
    if (!fields.conditional_range && !request.is_head) request.range = fields.range;
    return request;
}

}  // namespace berth::app
