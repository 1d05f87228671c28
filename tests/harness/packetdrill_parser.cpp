// packetdrill's language, line by line.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

#include "harness/packetdrill.hpp"

namespace berth::harness::packetdrill {
namespace {

// What a malformed line throws; parse() turns it into a Mistake.
struct Malformed {
    std::string what;
};

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())))
        text.remove_prefix(1);
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())))
        text.remove_suffix(1);
    return text;
}

// Reads a line from the left.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(trimmed(text)) {}

    bool at_end() const { return rest_.empty(); }
    std::string_view rest() const { return rest_; }
    bool looking_at(std::string_view what) const { return rest_.substr(0, what.size()) == what; }
    bool take(std::string_view what) {
        if (!looking_at(what)) return false;
        rest_ = trimmed(rest_.substr(what.size()));
        return true;
    }
    void expect(std::string_view what) {
        if (!take(what))
            throw Malformed{"'" + std::string(what) + "' expected before '" + std::string(rest_) +
                            "'"};
    }
    std::string_view until_any(std::string_view ends) {
        const std::size_t size = std::min(rest_.find_first_of(ends), rest_.size());
        const std::string_view found = rest_.substr(0, size);
        rest_ = trimmed(rest_.substr(size));
        return found;
    }
    std::string_view word() { return until_any(" \t"); }
    template <class Number>
    Number number(int base = 10) {
        if (base == 10 && looking_at("0x")) {
            rest_.remove_prefix(2);
            base = 16;
        }
        Number value{};
        const auto [end, error] =
            std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
        if (error != std::errc{})
            throw Malformed{"a number expected before '" + std::string(rest_) + "'"};
        rest_ = trimmed(rest_.substr(static_cast<std::size_t>(end - rest_.data())));
        return value;
    }
    // "1", "0.2", ".1": seconds.
    Duration seconds_and_fraction() {
        std::int64_t ns = 0;
        std::size_t at = 0;
        while (at < rest_.size() && std::isdigit(static_cast<unsigned char>(rest_[at])))
            ns = ns * 10 + (rest_[at++] - '0');
        ns *= 1'000'000'000;
        // Not the first of three dots, which begin a blocking call's second time.
        if (at < rest_.size() && rest_[at] == '.' && rest_.substr(at, 3) != "...") {
            std::int64_t unit = 100'000'000;
            for (++at; at < rest_.size() && std::isdigit(static_cast<unsigned char>(rest_[at]));
                 ++at, unit /= 10)
                ns += unit * (rest_[at] - '0');
        }
        if (at == 0) throw Malformed{"a time expected before '" + std::string(rest_) + "'"};
        rest_.remove_prefix(at);
        return Duration{ns};
    }
    void skip_blanks() { rest_ = trimmed(rest_); }

  private:
    std::string_view rest_;
};

When read_time(Reader& in) {
    When when;
    if (in.take("*")) {
        when.any = true;
        return when;
    }
    when.relative = in.take("+");
    when.time = in.seconds_and_fraction();
    if (in.take("~")) {
        const bool later = in.take("+");
        const Duration end = in.seconds_and_fraction();
        when.slack = later ? end : end - when.time;
    } else if (in.take("...")) {
        const Duration end = in.seconds_and_fraction();
        // Both count from the same moment: "+0...0.2" and "0.1...0.3".
        when.blocking_for = end - when.time;
    }
    in.skip_blanks();
    return when;
}

wire::TcpFlags flags_of(std::string_view letters) {
    wire::TcpFlags flags;
    for (const char letter : letters) {
        switch (letter) {
            case 'S': flags.syn = true; break;
            case 'F': flags.fin = true; break;
            case 'R': flags.rst = true; break;
            case 'P': flags.psh = true; break;
            case '.': flags.ack = true; break;
            case 'U': flags.urg = true; break;
            case 'E': flags.ece = true; break;
            case 'W': flags.cwr = true; break;
            case '-': break;
            default: throw Malformed{std::string("no such flag: ") + letter};
        }
    }
    return flags;
}

std::vector<std::uint8_t> hex_bytes(std::string_view digits) {
    if (digits.size() % 2 != 0) throw Malformed{"half a byte"};
    std::vector<std::uint8_t> bytes;
    for (std::size_t i = 0; i < digits.size(); i += 2)
        bytes.push_back(Reader(digits.substr(i, 2)).number<std::uint8_t>(16));
    return bytes;
}

OptionItem read_option(std::string_view text) {
    Reader in(text);
    OptionItem item;
    const std::string_view name = in.word();
    if (name == "mss") {
        item.kind = 2;
        item.value = in.number<std::uint32_t>();
    } else if (name == "wscale") {
        item.kind = 3;
        item.value = in.number<std::uint32_t>();
    } else if (name == "sackOK") {
        item.kind = 4;
    } else if (name == "sack") {
        item.kind = 5;
        while (!in.at_end()) {
            const auto left = in.number<std::uint32_t>();
            in.expect(":");
            item.blocks.push_back({left, in.number<std::uint32_t>()});
        }
    } else if (name == "TS") {
        item.kind = 8;
        in.expect("val");
        item.value = in.number<std::uint32_t>();
        in.expect("ecr");
        item.echo = in.number<std::uint32_t>();
    } else if (name == "FO") {
        item.kind = 34;
        if (!in.at_end()) item.bytes = hex_bytes(in.word());
    } else if (name == "eol") {
        item.kind = 0;
    } else {
        throw Malformed{"no such option: " + std::string(text)};
    }
    return item;
}

void read_options(Reader& in, Packet& packet) {
    if (!in.take("<")) return;
    if (in.take("...")) {
        packet.any_options = true;
        in.expect(">");
        return;
    }
    while (!in.take(">")) {
        if (in.at_end()) throw Malformed{"the options have no end"};
        const std::string_view one = trimmed(in.until_any(",>"));
        in.take(",");
        if (one != "nop" && one != "NOP") packet.options.push_back(read_option(one));
    }
}

Packet read_packet(Reader& in, bool inbound) {
    Packet packet;
    packet.inbound = inbound;
    if (in.take("[")) {
        static const std::map<std::string_view, std::uint8_t> marks = {
            {"noecn", 0}, {"ect1", 1}, {"ect0", 2}, {"ce", 3}, {"ect01", 2}};
        const auto mark = marks.find(trimmed(in.until_any("]")));
        if (mark == marks.end()) throw Malformed{"no such ECN mark"};
        packet.ecn = mark->second;
        in.expect("]");
    }
    packet.flags = flags_of(in.word());
    packet.seq = in.number<std::uint32_t>();
    in.expect(":");
    const auto end = in.number<std::uint32_t>();
    in.expect("(");
    packet.length = in.number<std::uint32_t>();
    in.expect(")");
    if (end != packet.seq + packet.length) throw Malformed{"the range is not the length"};
    if (in.take("ack")) packet.ack = in.number<std::uint32_t>();
    if (in.take("win")) packet.window = in.number<std::uint16_t>();
    if (in.take("urg")) packet.urgent = in.number<std::uint16_t>();
    read_options(in, packet);
    if (!in.at_end()) throw Malformed{"not understood: '" + std::string(in.rest()) + "'"};
    return packet;
}

IcmpError read_icmp(Reader& in) {
    static const std::map<std::string_view, std::uint8_t> codes = {
        {"net_unreachable", 0},  {"host_unreachable", 1}, {"protocol_unreachable", 2},
        {"port_unreachable", 3}, {"frag_needed", 4},      {"source_route_failed", 5}};
    IcmpError error;
    in.expect("unreachable");
    const auto code = codes.find(in.word());
    if (code == codes.end()) throw Malformed{"no such ICMP code"};
    error.code = code->second;
    if (in.take("mtu")) error.mtu = in.number<std::uint16_t>();
    in.expect("[");
    error.seq = in.number<std::uint32_t>();
    in.expect(":");
    static_cast<void>(in.number<std::uint32_t>());
    in.expect("(");
    error.length = in.number<std::uint32_t>();
    in.expect(")");
    in.expect("]");
    return error;
}

// The arguments, at the commas that are in no brackets.
std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    int depth = 0;
    std::string part;
    for (const char each : text) {
        if (each == '[' || each == '{' || each == '(') ++depth;
        if (each == ']' || each == '}' || each == ')') --depth;
        if (each == ',' && depth == 0) {
            parts.emplace_back(trimmed(part));
            part.clear();
        } else {
            part += each;
        }
    }
    if (!trimmed(part).empty()) parts.emplace_back(trimmed(part));
    return parts;
}

Call read_call(Reader& in) {
    Call call;
    const std::string_view text = in.rest();
    const std::size_t open = text.find('(');
    const std::size_t equals = text.rfind(") =");
    if (open == std::string_view::npos || equals == std::string_view::npos || equals < open)
        throw Malformed{"neither a packet nor a call: '" + std::string(text) + "'"};
    call.name = trimmed(text.substr(0, open));
    call.arguments = split(text.substr(open + 1, equals - open - 1));
    Reader result(text.substr(equals + 3));
    call.result = result.number<std::int64_t>();
    if (call.result == -1) call.error = result.word();
    return call;
}

std::string without_comments(std::string_view line) {
    const std::size_t slashes = line.find("//");
    line = line.substr(0, slashes);
    if (!trimmed(line).empty() && trimmed(line).front() == '#') line = {};
    return std::string(trimmed(line));
}

// `sysctl -q net.ipv4.tcp_sack=0; sysctl ...`
void read_commands(std::string_view text, int line, Program& program) {
    Reader in(text);
    while (!in.at_end()) {
        if (in.take(";")) continue;
        if (!in.take("sysctl"))
            throw Malformed{"only sysctl is run, not '" + std::string(text) + "'"};
        while (in.take("-q") || in.take("-w")) {
        }
        Sysctl sysctl;
        sysctl.line = line;
        sysctl.name = trimmed(in.until_any("="));
        in.expect("=");
        in.take("\"");
        sysctl.value = in.number<std::int64_t>();
        in.take("\"");
        in.take(";");
        program.sysctls.push_back(sysctl);
    }
}

void read_line(const std::string& text, int line, Program& program) {
    Reader in(text);
    if (in.take("--")) {
        if (in.take("tolerance_usecs="))
            program.tolerance = microseconds(in.number<std::int64_t>());
        return;  // the others are about packetdrill's own network
    }
    if (in.take("`")) return read_commands(in.until_any("`"), line, program);
    if (in.looking_at("%{")) throw Malformed{"%{ ... }% is not understood"};
    Event event;
    event.line = line;
    event.text = text;
    event.when = read_time(in);
    if (in.take("`")) throw Malformed{"a command between the events is not understood"};
    if (in.take("<")) {
        if (in.take("icmp"))
            event.what = read_icmp(in);
        else
            event.what = read_packet(in, true);
    } else if (in.take(">")) {
        event.what = read_packet(in, false);
    } else {
        event.what = read_call(in);
    }
    program.events.push_back(std::move(event));
}

}  // namespace

Result<Program, Mistake> parse(std::string_view text) {
    Program program;
    int number = 0;
    std::string pending;  // a line that ends with a backslash, or a command over several lines
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string line = without_comments(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        ++number;
        pending += line;
        const bool open_command = std::count(pending.begin(), pending.end(), '`') % 2 != 0;
        if (!pending.empty() && pending.back() == '\\')
            pending.back() = ' ';
        else if (open_command)
            pending += ';';
        if (open_command || (!line.empty() && line.back() == '\\')) continue;
        if (pending.empty()) continue;
        try {
            read_line(pending, number, program);
        } catch (const Malformed& malformed) {
            return Failure{Mistake{number, malformed.what}};
        }
        pending.clear();
    }
    if (!pending.empty()) return Failure{Mistake{number, "the last line goes on"}};
    return program;
}

}  // namespace berth::harness::packetdrill
