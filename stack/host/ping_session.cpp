#include "host/ping_session.hpp"

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "drivers/text.hpp"
#include "host/measuring_socket.hpp"
#include "wire/icmp.hpp"

namespace berth::host {

namespace {

using drivers::concat;
using Json = nlohmann::ordered_json;

constexpr std::size_t header_bytes = wire::icmp_header_bytes;
// How soon a request is offered again that the interface's full queue refused.
constexpr Duration retry_interval = milliseconds(1);

class PingSession {
  public:
    PingSession(Core& core, const PingPlan& plan, const Conversation& conversation)
        : plan_(plan),
          conversation_(conversation),
          socket_(core, socket::Type::ping, conversation.is_over),
          window_(window_probes) {}

    std::string run();

  private:
    // Requests that an answer can still be matched with; what is older is not waited for.
    static constexpr std::uint32_t window_probes = 4096;
    struct Probe {
        std::uint32_t number = 0;
        Time sent{};
        bool answered = false;
    };

    std::string prepare();
    bool is_finished(Time now) const;
    Time next_turn() const;
    bool may_send() const { return plan_.count == 0 || has_deadline() || sent_ < plan_.count; }
    bool has_deadline() const { return plan_.deadline.ns > 0; }
    Time last_wait() const;
    void send_next(Time now);
    void tell_local_error(std::errc error);
    void heard(const Heard& what);
    void heard_reply(const Heard& what);
    void heard_error(const Heard& what, const ip::QueuedError& error);
    Probe* probe_of(std::uint16_t sequence);

    const PingPlan& plan_;
    const Conversation& conversation_;
    MeasuringSocket socket_;
    std::vector<Probe> window_;
    std::vector<std::uint8_t> message_;
    Ipv4Address source_;
    std::uint16_t path_mtu_ = 0;
    Time started_{}, next_send_{}, last_sent_{}, last_event_{};
    Duration longest_{};
    std::uint32_t sent_ = 0;
    std::uint64_t received_ = 0, errors_ = 0;
    std::uint32_t pipe_ = 0;
};

std::string PingSession::prepare() {
    Core& core = socket_.core();
    {
        const CoreGuard guard(core.lock());
        const auto path = core.stack().ip().route(plan_.destination);
        if (!path)
            return concat({"no route leads to ", to_string(plan_.destination),
                           "; give the host a gateway or a route"});
        if (core.stack().ip().is_broadcast(plan_.destination) && !plan_.broadcast)
            return concat({to_string(plan_.destination),
                           " is a broadcast address; say that you mean it (-b)"});
        source_ = path->source;
        path_mtu_ = path->mtu;
    }
    std::errc error = socket_.error();
    const auto set = [&](socket::Option option, std::int64_t value) {
        if (error == std::errc{}) error = socket_.set(option, value);
    };
    if (plan_.broadcast) set(socket::Option::broadcast, 1);
    if (plan_.ttl != 0) set(socket::Option::ttl, plan_.ttl);
    if (plan_.tos != 0) set(socket::Option::tos, plan_.tos);
    if (plan_.mtu_discover)
        set(socket::Option::mtu_discover, static_cast<std::int64_t>(*plan_.mtu_discover));
    if (error != std::errc{})
        return concat(
            {"cannot make a ping socket: ", drivers::errno_text(static_cast<int>(error))});
    message_.resize(header_bytes + plan_.size);
    for (std::size_t i = 0; i < plan_.size; ++i)
        message_[header_bytes + i] = plan_.pattern.empty()
                                         ? static_cast<std::uint8_t>(i)
                                         : plan_.pattern[i % plan_.pattern.size()];
    return {};
}

std::string PingSession::run() {
    if (std::string problem = prepare(); !problem.empty()) return problem;
    conversation_.report("begin", {{"destination", to_string(plan_.destination)},
                                   {"source", to_string(source_)},
                                   {"size", plan_.size}});
    started_ = next_send_ = last_event_ = socket_.now();
    for (Time now = started_; !is_finished(now); now = socket_.now()) {
        if (may_send() && now >= next_send_) send_next(now);
        if (const auto what = socket_.hear(next_turn())) heard(*what);
    }
    conversation_.report(
        "end", {{"sent", sent_}, {"elapsed_ns", (last_event_ - started_).ns}, {"pipe", pipe_}});
    return {};
}

// Until when the last answers are waited for: two of the longest round trips, if any answer came.
Time PingSession::last_wait() const {
    const Duration wait = received_ > 0 ? std::max(2 * longest_, plan_.interval) : plan_.timeout;
    return last_sent_ + wait;
}

bool PingSession::is_finished(Time now) const {
    if (socket_.is_over()) return true;
    if (plan_.count > 0 && has_deadline() && received_ >= plan_.count) return true;
    if (has_deadline()) return now >= started_ + plan_.deadline || (plan_.count > 0 && errors_ > 0);
    if (may_send()) return false;
    return received_ + errors_ >= plan_.count || now >= last_wait();
}

Time PingSession::next_turn() const {
    Time turn = may_send() ? next_send_ : last_wait();
    if (has_deadline()) turn = earlier(turn, started_ + plan_.deadline);
    return turn;
}

void PingSession::send_next(Time now) {
    const auto sequence = static_cast<std::uint16_t>(sent_ + 1);
    message_[0] = static_cast<std::uint8_t>(wire::IcmpType::echo_request);
    store_be16(message_, 6, sequence);  // the socket puts the identifier and the checksum in
    Time sent_at{};
    const std::errc error = socket_.send(message_, {plan_.destination, 0}, sent_at);
    if (error == std::errc::operation_would_block) {
        next_send_ = now + retry_interval;
        return;
    }
    ++sent_;
    window_[sent_ % window_probes] = {sent_, sent_at, false};
    last_sent_ = last_event_ = sent_at;
    // Steady, but without a burst after a standstill.
    next_send_ = std::max(next_send_ + plan_.interval, now);
    if (error != std::errc{}) tell_local_error(error);
}

void PingSession::tell_local_error(std::errc error) {
    ++errors_;
    // What the error queue says of it as well, and better.
    std::uint32_t mtu = path_mtu_;
    while (const auto what = socket_.hear(Time{}))
        if (what->error && !what->error->from_icmp && what->error->info != 0)
            mtu = what->error->info;
        else
            heard(*what);
    conversation_.report("local_error", {{"sequence", static_cast<std::uint16_t>(sent_)},
                                         {"errno", static_cast<int>(error)},
                                         {"mtu", mtu}});
}

PingSession::Probe* PingSession::probe_of(std::uint16_t sequence) {
    const auto behind = static_cast<std::uint16_t>(static_cast<std::uint16_t>(sent_) - sequence);
    if (behind >= sent_ || behind >= window_probes) return nullptr;
    return &window_[(sent_ - behind) % window_probes];
}

void PingSession::heard(const Heard& what) {
    if (what.error)
        heard_error(what, *what.error);
    else
        heard_reply(what);
}

void PingSession::heard_reply(const Heard& what) {
    const Bytes bytes(what.bytes);
    if (bytes.size() < header_bytes ||
        bytes[0] != static_cast<std::uint8_t>(wire::IcmpType::echo_reply))
        return;
    const std::uint16_t sequence = load_be16(bytes, 6);
    Probe* probe = probe_of(sequence);
    if (probe == nullptr) return;
    last_event_ = what.when;
    const Duration time = what.when - probe->sent;
    Json fields{{"from", to_string(what.received.source.address)},
                {"sequence", sequence},
                {"bytes", bytes.size()},
                {"ttl", what.received.ttl},
                {"time_ns", time.ns},
                {"duplicate", probe->answered}};
    const std::size_t compared = std::min(bytes.size(), message_.size());
    const auto difference = std::mismatch(bytes.begin() + header_bytes,
                                          bytes.begin() + static_cast<std::ptrdiff_t>(compared),
                                          message_.begin() + header_bytes);
    if (difference.first != bytes.begin() + static_cast<std::ptrdiff_t>(compared))
        fields["wrong_byte"] =
            difference.first - bytes.begin() - static_cast<std::ptrdiff_t>(header_bytes);
    if (!probe->answered) {
        ++received_;
        longest_ = std::max(longest_, time);
        pipe_ = std::max(pipe_, sent_ - probe->number + 1);
    }
    probe->answered = true;
    conversation_.report("reply", std::move(fields));
}

void PingSession::heard_error(const Heard& what, const ip::QueuedError& error) {
    last_event_ = what.when;
    // The quote begins with the request's own ICMP header.
    const Bytes quote(error.payload);
    const bool quoted = quote.size() >= header_bytes &&
                        quote[0] == static_cast<std::uint8_t>(wire::IcmpType::echo_request);
    const auto sequence = quoted ? load_be16(quote, 6) : static_cast<std::uint16_t>(sent_);
    Probe* probe = probe_of(sequence);
    if (probe == nullptr) return;
    if (!probe->answered) ++errors_;
    probe->answered = true;
    if (!error.from_icmp && error.error == std::errc::message_size) {
        conversation_.report("local_error", {{"sequence", sequence},
                                             {"errno", static_cast<int>(error.error)},
                                             {"mtu", error.info}});
        return;
    }
    const Ipv4Address from = error.reporter.is_unspecified() ? source_ : error.reporter;
    const bool unreachable = !error.from_icmp && error.type == 0;
    conversation_.report(
        "error", {{"from", to_string(from)},
                  {"sequence", sequence},
                  {"type", unreachable ? static_cast<int>(wire::IcmpType::destination_unreachable)
                                       : int{error.type}},
                  {"code", unreachable ? int{wire::icmp_code::host_unreachable} : int{error.code}},
                  {"info", error.info}});
}

std::optional<socket::MtuDiscover> mtu_discover_of(RequestFields& fields) {
    const std::string word = fields.text("mtu_discover");
    if (word.empty()) return std::nullopt;
    if (word == "do") return socket::MtuDiscover::always;
    if (word == "want") return socket::MtuDiscover::want;
    if (word == "dont") return socket::MtuDiscover::never;
    if (word == "probe") return socket::MtuDiscover::probe;
    fields.wrong("mtu_discover", "is one of do, want, dont and probe");
    return std::nullopt;
}

int digit_of(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

// Pairs of hexadecimal digits; an odd last one is a byte of its own, as in iputils.
std::vector<std::uint8_t> pattern_of(RequestFields& fields) {
    const std::string text = fields.text("pattern");
    std::vector<std::uint8_t> pattern;
    for (std::size_t at = 0; at < text.size(); at += 2) {
        const int high = digit_of(text[at]);
        const int low = at + 1 < text.size() ? digit_of(text[at + 1]) : 0;
        const int value = at + 1 < text.size() ? high * 16 + low : high;
        if (high < 0 || low < 0 || pattern.size() == limit_pattern_bytes) {
            fields.wrong("pattern", "is up to 32 hexadecimal digits");
            return {};
        }
        pattern.push_back(static_cast<std::uint8_t>(value));
    }
    return pattern;
}

}  // namespace

PingPlan ping_plan(RequestFields& fields, Ipv4Address destination) {
    constexpr std::int64_t day_ms = 86'400'000;
    PingPlan plan;
    plan.destination = destination;
    plan.count = static_cast<std::uint32_t>(fields.number("count", 0, INT32_MAX, 0));
    plan.interval = milliseconds(
        fields.number("interval_ms", least_ping_interval.milliseconds(), day_ms, 1000));
    plan.timeout = milliseconds(fields.number("timeout_ms", 1, day_ms, 10'000));
    plan.deadline = milliseconds(fields.number("deadline_ms", 0, day_ms, 0));
    plan.size = static_cast<std::uint16_t>(fields.number("size", 0, greatest_ping_size, 56));
    plan.ttl = static_cast<std::uint8_t>(fields.number("ttl", 1, 255, 0));
    plan.tos = static_cast<std::uint8_t>(fields.number("tos", 0, 255, 0));
    plan.broadcast = fields.flag("broadcast");
    plan.mtu_discover = mtu_discover_of(fields);
    plan.pattern = pattern_of(fields);
    return plan;
}

std::string ping(Core& core, const PingPlan& plan, const Conversation& conversation) {
    return PingSession(core, plan, conversation).run();
}

}  // namespace berth::host
