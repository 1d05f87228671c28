// Runs packetdrill scripts: one socket table, one remote host, one stack in virtual time.
#include <algorithm>
#include <deque>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <sstream>

#include "harness/packetdrill.hpp"
#include "harness/packetdrill_calls.hpp"
#include "harness/packets.hpp"
#include "harness/pattern.hpp"
#include "harness/script.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::harness::packetdrill {
namespace {

constexpr std::uint32_t remote_isn = 0x2000'0000;
constexpr Endpoint remote{Ipv4Address(192, 0, 2, 1), 40'000};

using socket::Socket;

// The options of a segment on the wire, in their order, without no-operations.
std::vector<OptionItem> options_of(Bytes raw, std::uint32_t acknowledged_isn) {
    std::vector<OptionItem> items;
    std::size_t at = 0;
    while (at < raw.size() && raw[at] != 0) {
        if (raw[at] == 1) {
            ++at;
            continue;
        }
        const std::size_t length = raw[at + 1];
        const Bytes option = raw.subspan(at, length);
        OptionItem item;
        item.kind = option[0];
        switch (item.kind) {
            case 2: item.value = load_be16(option, 2); break;
            case 3: item.value = option[2]; break;
            case 4: break;
            case 5:
                for (std::size_t block = 2; block + 8 <= length; block += 8)
                    item.blocks.push_back({load_be32(option, block) - acknowledged_isn,
                                           load_be32(option, block + 4) - acknowledged_isn});
                break;
            case 8:
                item.value = load_be32(option, 2);
                item.echo = load_be32(option, 6);
                break;
            default: item.bytes.assign(option.begin() + 2, option.end());
        }
        items.push_back(std::move(item));
        at += length;
    }
    return items;
}

std::string text_of(const OptionItem& item) {
    switch (item.kind) {
        case 2: return "mss " + std::to_string(item.value);
        case 3: return "wscale " + std::to_string(item.value);
        case 4: return "sackOK";
        case 5: {
            std::string text = "sack";
            for (const wire::TcpSackBlock& block : item.blocks)
                text += " " + std::to_string(block.left) + ":" + std::to_string(block.right);
            return text;
        }
        case 8: return "TS val " + std::to_string(item.value) + " ecr " + std::to_string(item.echo);
        default: return "kind " + std::to_string(item.kind);
    }
}

std::string text_of(const std::vector<OptionItem>& items) {
    std::string text = "<";
    for (const OptionItem& item : items)
        text += (text.size() > 1 ? "," : "") + text_of(item);
    return text + ">";
}

class Run {
  public:
    explicit Run(const Program& program) : program_(program) {}

    std::optional<std::string> all() {
        for (const Sysctl& sysctl : program_.sysctls)
            if (!apply(sysctl, script_.config))
                return "line " + std::to_string(sysctl.line) + ": no such sysctl: " + sysctl.name;
        script_.core();
        for (const Event& event : program_.events) {
            event_ = &event;
            one();
            if (!script_.goes_on()) return "line " + std::to_string(event.line) + ": " + event.text;
            if (!problem_.empty()) {
                return "line " + std::to_string(event.line) + ": " + event.text + "\n    " +
                       problem_ + "\nThe story so far:\n" + script_.story();
            }
        }
        return std::nullopt;
    }

  private:
    void fail(const std::string& what) {
        if (problem_.empty()) problem_ = what;
    }

    // --- time ---

    // Lets the clock run to this moment, and hears what is said on the way.
    void run_to(Duration moment) {
        drain();
        while (problem_.empty() && script_.goes_on() && script_.elapsed() < moment) {
            script_.await(moment - script_.elapsed(), {});
            drain();
        }
    }
    void drain() {
        script_.settle({});
        for (Heard& heard : script_.heard())
            heard_.push_back(std::move(heard));
        script_.heard().clear();
    }

    void one() {
        const When& when = event_->when;
        const Duration moment = when.any        ? script_.elapsed()
                                : when.relative ? last_ + when.time
                                                : when.time;
        const auto* packet = std::get_if<Packet>(&event_->what);
        if (packet != nullptr && !packet->inbound) return hear(*packet, moment);
        if (moment < script_.elapsed()) return fail("the script is past that moment already");
        run_to(moment);
        last_ = moment;
        if (packet != nullptr) return send(*packet);
        if (const auto* icmp = std::get_if<IcmpError>(&event_->what)) return send(*icmp);
        const Call& call = std::get<Call>(event_->what);
        if (when.blocking_for.ns > 0) return block(call, moment + when.blocking_for);
        check(call, calls_.make(call));
    }

    // --- calls ---

    void check(const Call& call, const Calls::Outcome& outcome) {
        if (!outcome.understood) return fail("not understood: " + outcome.error);
        script_.tell(call.name + "() = " + std::to_string(outcome.result) + " " + outcome.error);
        drain();
        if (outcome.result != call.result || outcome.error != call.error)
            fail(call.name + "() gave " + std::to_string(outcome.result) + " " + outcome.error);
    }
    // A call that would block: begun now, tried again whenever something happens, until it returns.
    void block(const Call& call, Duration end) {
        Calls::Outcome outcome = calls_.make(call);
        drain();
        if (!outcome.would_block())
            return fail(call.name + "() does not block: " + std::to_string(outcome.result) + " " +
                        outcome.error);
        blocked_.push_back({call, end, event_});
    }
    // Those that return by now.
    void unblock() {
        for (auto it = blocked_.begin(); it != blocked_.end();) {
            const Calls::Outcome outcome = calls_.make(it->call);
            if (outcome.would_block()) {
                if (script_.elapsed() > it->end + program_.tolerance)
                    return fail(it->call.name + "() of line " + std::to_string(it->event->line) +
                                " still blocks");
                ++it;
                continue;
            }
            if (script_.elapsed() + program_.tolerance < it->end)
                return fail(it->call.name + "() of line " + std::to_string(it->event->line) +
                            " returns too early");
            check(it->call, outcome);
            it = blocked_.erase(it);
        }
    }

    // --- packets ---

    void send(const Packet& packet) {
        wire::TcpHeader header;
        header.source_port = remote.port;
        header.destination_port = calls_.local().port;
        header.seq = remote_isn + packet.seq;
        header.flags = packet.flags;
        if (packet.flags.ack) header.ack = local_isn_ + packet.ack;
        header.window = packet.window.value_or(0);
        header.urgent_pointer = packet.urgent.value_or(0);
        std::vector<std::uint8_t> options;
        for (const OptionItem& item : packet.options)
            append(options, item);
        const std::uint32_t first = packet.seq + (packet.flags.syn ? 1 : 0);
        const auto text = pattern(Source::peer, std::uint64_t{first} - 1, packet.length);
        harness::Packet bytes =
            options.empty() ? tcp_packet(header, remote.address, calls_.local().address, text)
                            : tcp_packet_with_raw_options(header, remote.address,
                                                          calls_.local().address, options, text);
        if (packet.ecn) mark(bytes, *packet.ecn);
        script_.tell("remote > stack: " + to_text(header, text.size(), {remote_isn, local_isn_}));
        script_.put(bytes, {});
        drain();
        if (script_.goes_on() && script_.last_fate().kind == FateKind::dropped)
            script_.tell("      (" + fate_text(script_.last_fate()) + ")");
        unblock();
    }
    void append(std::vector<std::uint8_t>& options, const OptionItem& item) const {
        const auto be32 = [&options](std::uint32_t value) {
            for (const unsigned shift : {24U, 16U, 8U, 0U})
                options.push_back(static_cast<std::uint8_t>(value >> shift));
        };
        const auto begin = options.size();
        options.push_back(item.kind);
        if (item.kind == 0) return;
        options.push_back(0);
        switch (item.kind) {
            case 2:
                options.push_back(static_cast<std::uint8_t>(item.value >> 8U));
                options.push_back(static_cast<std::uint8_t>(item.value));
                break;
            case 3: options.push_back(static_cast<std::uint8_t>(item.value)); break;
            case 5:
                for (const wire::TcpSackBlock& block : item.blocks) {
                    be32(local_isn_ + block.left);
                    be32(local_isn_ + block.right);
                }
                break;
            case 8:
                be32(item.value);
                // What the script calls the stack's clock, as the stack calls it.
                be32(item.echo == 0 ? 0 : item.echo + clock_offset_);
                break;
            default: options.insert(options.end(), item.bytes.begin(), item.bytes.end());
        }
        options[begin + 1] = static_cast<std::uint8_t>(options.size() - begin);
    }
    static void mark(harness::Packet& packet, std::uint8_t ecn) {
        wire::Ipv4Header header = wire::Ipv4View::parse(packet)->header();
        header.ecn = ecn;
        wire::write(header, packet);
    }
    void send(const IcmpError& error) {
        const auto quoted = sent_.find(error.seq);
        if (quoted == sent_.end())
            return fail("the stack has sent no segment with seq " + std::to_string(error.seq));
        const wire::IcmpHeader header{static_cast<wire::IcmpType>(error.type), error.code,
                                      error.mtu};
        script_.put(icmp_packet(remote.address, calls_.local().address, header,
                                Bytes(quoted->second).first(wire::ipv4_header_bytes + 8)),
                    {});
        drain();
        unblock();
    }

    void hear(const Packet& expected, Duration moment) {
        const When& when = event_->when;
        const Duration latest =
            when.any ? script_.elapsed() + minutes(10) : moment + when.slack + program_.tolerance;
        drain();
        while (heard_.empty() && script_.goes_on() && problem_.empty() &&
               script_.elapsed() < latest) {
            script_.await(latest - script_.elapsed(), {});
            drain();
        }
        if (heard_.empty()) return fail("the stack has sent nothing");
        const Heard heard = std::move(heard_.front());
        heard_.pop_front();
        const Duration at = heard.when - Script::start;
        const Duration earliest = moment - program_.tolerance;
        if (!when.any && (at < earliest || latest < at))
            return fail("sent at " + seconds_text(at) + ", expected at " + seconds_text(moment));
        last_ = when.any ? at : std::max(last_, std::max(moment, at));
        compare(expected, heard);
        unblock();
    }
    void compare(const Packet& expected, const Heard& heard) {
        if (heard.protocol != Protocol::tcp) return fail("not of TCP");
        const wire::TcpHeader& header = heard.header;
        if (header.flags.syn && !local_isn_known_) {
            local_isn_ = header.seq;
            local_isn_known_ = true;
            calls_.learn_local(heard.four_tuple.local);
        }
        sent_[header.seq - local_isn_] = heard.packet;
        const std::string seen = to_text(header, heard.payload.size(), {local_isn_, remote_isn});
        script_.tell("named: " + seen);
        const auto wrong = [&](const std::string& what) {
            fail(what + " is not as expected: " + seen);
        };
        // As packetdrill: PSH is compared only where the script names it.
        wire::TcpFlags flags = header.flags;
        if (!expected.flags.psh) flags.psh = false;
        if (!(flags == expected.flags)) return wrong("a flag");
        if (header.seq - local_isn_ != expected.seq) return wrong("seq");
        if (heard.payload.size() != expected.length) return wrong("the length");
        if (header.flags.ack && header.ack - remote_isn != expected.ack) return wrong("ack");
        if (expected.window && header.window != *expected.window) return wrong("win");
        if (expected.urgent && header.urgent_pointer != *expected.urgent) return wrong("urg");
        if (expected.ecn && (heard.packet[1] & 3U) != *expected.ecn) return wrong("the ECN mark");
        const std::uint32_t first = expected.seq + (expected.flags.syn ? 1 : 0);
        if (heard.payload != pattern(Source::app, std::uint64_t{first} - 1, heard.payload.size()))
            return wrong("the text");
        if (!expected.any_options) compare_options(expected, heard);
    }
    void compare_options(const Packet& expected, const Heard& heard) {
        const std::size_t ip_bytes = std::size_t{4} * (heard.packet[0] & 0x0fU);
        const std::size_t tcp_bytes = std::size_t{4} * (heard.packet[ip_bytes + 12] >> 4U);
        std::vector<OptionItem> options =
            options_of(Bytes(heard.packet).subspan(ip_bytes + 20, tcp_bytes - 20), remote_isn);
        const std::string seen = text_of(options);
        const std::string wanted = text_of(expected.options);
        if (options.size() != expected.options.size())
            return fail("options " + seen + " instead of " + wanted);
        for (std::size_t i = 0; i < options.size(); ++i) {
            OptionItem item = options[i];
            const OptionItem& want = expected.options[i];
            if (item.kind == 8 && want.kind == 8) {
                // The script's clock of the stack starts where the first one that it names says.
                if (!clock_known_) clock_offset_ = item.value - want.value;
                clock_known_ = true;
                const auto difference =
                    static_cast<std::int32_t>(item.value - clock_offset_ - want.value);
                const auto tolerated = program_.tolerance.milliseconds() + 1;
                if (difference > tolerated || difference < -tolerated || item.echo != want.echo)
                    return fail("options " + seen + " instead of " + wanted);
                continue;
            }
            if (!(item == want)) return fail("options " + seen + " instead of " + wanted);
        }
    }

    struct Blocked {
        Call call;
        Duration end;
        const Event* event;
    };

    const Program& program_;
    Script script_;
    Calls calls_{script_, remote};
    const Event* event_ = nullptr;
    std::string problem_;
    Duration last_{};
    std::deque<Heard> heard_;
    std::vector<Blocked> blocked_;
    std::uint32_t local_isn_ = 0;
    bool local_isn_known_ = false;
    std::uint32_t clock_offset_ = 0;
    bool clock_known_ = false;
    std::map<std::uint32_t, std::vector<std::uint8_t>> sent_;
};

}  // namespace

std::optional<std::string> run(const Program& program) {
    return Run(program).all();
}

std::optional<std::string> run_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) return path + " cannot be read";
    std::stringstream text;
    text << file.rdbuf();
    const auto program = parse(text.str());
    if (!program)
        return path + ":" + std::to_string(program.error().line) + ": " + program.error().what;
    const auto problem = run(*program);
    return problem ? std::optional<std::string>(path + ": " + *problem) : std::nullopt;
}

}  // namespace berth::harness::packetdrill
