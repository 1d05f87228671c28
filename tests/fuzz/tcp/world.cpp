#include "fuzz/tcp/world.hpp"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::fuzz {

namespace {

constexpr Ipv4Address left_address{192, 0, 2, 1};
constexpr Ipv4Address right_address{192, 0, 2, 2};
constexpr std::size_t wire_limit = 256;  // frames on their way in one direction
// No exchange at one moment, and no hour of silence, needs that many: two ends that answer each
// other without end do.
constexpr int most_rounds = 20'000;
// With so little lost and held back nobody may lose patience: the shortest is that of a SYN,ACK.
constexpr std::size_t patient_losses = 3;
constexpr Duration patient_delay = seconds(3);
constexpr Duration longest_refusal = seconds(30);

Setup setup_from(Input& input, Mode mode) {
    Setup setup;
    tcp::Config& config = setup.config;
    const std::uint8_t bits = input.byte();
    const std::uint8_t more = input.byte();
    config.timestamps = (bits & 1) == 0;
    config.window_scaling = (bits & 2) == 0;
    config.sack = (bits & 4) == 0;
    config.ecn = (bits >> 3) % 3;
    config.fast_open = (bits & 0x20) != 0 ? 3 : 0;
    config.blind_attack_checks = (bits & 0x40) == 0 || mode == Mode::blind;
    config.moderate_receive_buffer = (bits & 0x80) != 0;
    config.receive_buffer_bytes = 2048U << (more & 7);
    config.send_buffer_bytes = 2048U << ((more >> 3) & 7);
    config.receive_buffer_max_bytes = 512 * 1024;
    config.send_buffer_max_bytes = 512 * 1024;
    config.syn_cookies = (more >> 6) % 3;
    config.max_half_open = (more & 0x80) != 0 ? 2 : 32;
    config.max_connections = 64;
    static constexpr std::uint16_t mtus[] = {1500, 1500, 576, 296, 1280, 1006};
    setup.mtu = mtus[input.below(std::size(mtus))];
    return setup;
}

std::optional<FourTuple> receiver_of(const Packet& packet) {
    const auto ip = wire::Ipv4View::parse(packet);
    if (!ip || ip->payload().size() < 20) return std::nullopt;
    return FourTuple{{ip->destination(), load_be16(ip->payload(), 2)},
                     {ip->source(), load_be16(ip->payload(), 0)}};
}

bool is_reset(const Packet& packet) {
    const auto ip = wire::Ipv4View::parse(packet);
    if (!ip || ip->protocol() != static_cast<std::uint8_t>(Protocol::tcp)) return false;
    const auto segment =
        wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), false);
    return segment && segment->flags().rst;
}

// Nobody can be protected from who guesses all of it: the exact RST, and text or an ACK with both
// numbers in their windows (RFC 5961 §1.2, §5.2).
bool is_believable(const Packet& packet, const Numbers& numbers) {
    const auto ip = wire::Ipv4View::parse(packet);
    const auto segment =
        wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), false);
    const wire::TcpFlags flags = segment->flags();
    if (flags.rst) return segment->seq() == numbers.rcv_nxt;
    const std::uint32_t length = static_cast<std::uint32_t>(segment->payload().size()) +
                                 (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0);
    const std::uint32_t offset = segment->seq() - numbers.rcv_nxt;
    const bool in_window = offset < numbers.rcv_wnd || offset == 0 ||
                           (length > 0 && offset + length - 1 < numbers.rcv_wnd);
    const std::uint32_t oldest_ack = numbers.una - numbers.max_wnd;
    const bool good_ack = segment->ack() - oldest_ack <= numbers.nxt - oldest_ack;
    return in_window && good_ack;
}

}  // namespace

World::World(Mode mode, Input& input)
    : mode_(mode),
      left_(left_address, right_address, 1, setup_from(input, mode), now_),
      right_(right_address, left_address, 2, setup_from(input, mode), now_) {
    left_.compares = right_.compares = mode != Mode::hostile;
    const int backlog = 1 + static_cast<int>(input.below(4));
    left_.listen(backlog);
    right_.listen(backlog);
}

// --- the wire ---

bool World::collect(std::size_t from) {
    auto& sent = side(from).device().sent;
    auto& wire = wire_[1 - from];
    const bool any = !sent.empty();
    for (; !sent.empty(); sent.pop_front()) {
        wire.push_back(std::move(sent.front().bytes));
        if (wire.size() <= wire_limit) continue;
        wire.pop_front();
        ++lost_;
    }
    return any;
}

void World::settle() {
    left_.urgent = right_.urgent = left_.urgent || right_.urgent;
    int rounds = 0;
    for (bool worked = true; worked;) {
        worked = left_.stack().poll(now_);
        worked = right_.stack().poll(now_) || worked;
        worked = collect(0) || worked;
        worked = collect(1) || worked;
        check(++rounds < most_rounds, "the stacks come to rest");
    }
}

void World::put(std::size_t to, const Packet& packet) {
    settle();
    Side& receiver = side(to);
    const std::uint64_t resets = receiver.watch().resets_out();
    heard_[to] = packet;
    receiver.put(packet, now_);
    settle();
    if (is_reset(packet))
        check(receiver.watch().resets_out() == resets, "a reset is not answered by a reset");
}

void World::deliver(std::size_t to, std::size_t count) {
    for (; count > 0 && !wire_[to].empty(); --count) {
        const Packet packet = std::move(wire_[to].front());
        wire_[to].pop_front();
        put(to, packet);
    }
}

void World::drop(std::size_t to) {
    if (wire_[to].empty()) return;
    wire_[to].pop_front();
    ++lost_;
}

void World::duplicate(std::size_t to) {
    if (wire_[to].empty() || wire_[to].size() == wire_limit) return;
    wire_[to].push_back(wire_[to].front());
    deliver(to, 1);
}

void World::hold_back(std::size_t to, std::size_t places) {
    auto& wire = wire_[to];
    if (wire.size() < 2) return;
    Packet packet = std::move(wire.front());
    wire.pop_front();
    const std::size_t place = std::min(places, wire.size());
    wire.insert(wire.begin() + static_cast<std::ptrdiff_t>(place), std::move(packet));
}

Numbers World::numbers_at(std::size_t which, const Packet& arriving) {
    const auto four_tuple = receiver_of(arriving);
    if (!four_tuple) return {};
    const tcp::Connection* connection = side(which).connection_of(*four_tuple);
    return connection == nullptr ? Numbers{} : Numbers::of(*connection);
}

void World::deliver_changed(std::size_t to, Input& input) {
    if (mode_ != Mode::hostile || wire_[to].empty()) return deliver(to, 1);
    Packet packet = std::move(wire_[to].front());
    wire_[to].pop_front();
    mutate(packet, input, numbers_at(to, packet));
    put(to, packet);
}

void World::deliver_forged(std::size_t to, Input& input) {
    if (mode_ == Mode::lossy) return;
    Side& receiver = side(to);
    const std::uint8_t which = input.byte();
    if (receiver.ends().empty()) return;
    const FourTuple four_tuple = receiver.ends()[which % receiver.ends().size()].four_tuple();
    const tcp::Connection* connection = receiver.connection_of(four_tuple);
    if (mode_ == Mode::blind &&
        (connection == nullptr || !tcp::is_synchronized(connection->state())))
        return;
    const Numbers numbers = connection == nullptr ? Numbers{} : Numbers::of(*connection);
    const Packet packet = forge(four_tuple, input, numbers);
    if (mode_ == Mode::blind && is_believable(packet, numbers)) return;
    put(to, packet);
}

// About something that `to` has sent: what the other side received last, or what is on its way.
void World::deliver_icmp(std::size_t to, Input& input) {
    if (mode_ == Mode::lossy) return;
    const Packet& quoted = wire_[1 - to].empty() ? heard_[1 - to] : wire_[1 - to].front();
    if (quoted.size() < 40) return;
    const auto reversed = receiver_of(quoted);
    const FourTuple sender{reversed->remote, reversed->local};
    const tcp::Connection* connection = side(to).connection_of(sender);
    // Before the connection is synchronized an error about its SYN may end it (RFC 5927 §5.2).
    if (mode_ == Mode::blind &&
        (connection == nullptr || !tcp::is_synchronized(connection->state())))
        return;
    put(to, complain_about(quoted, input,
                           connection == nullptr ? Numbers{} : Numbers::of(*connection)));
}

void World::run() {
    settle();
    for (int rounds = 0; !wire_[0].empty() || !wire_[1].empty(); ++rounds) {
        check(rounds < most_rounds, "the exchange comes to rest");
        deliver(0, 1);
        deliver(1, 1);
    }
}

void World::advance(Duration duration, bool held) {
    const bool limited = left_.device().room != harness::FakeDevice::without_limit ||
                         right_.device().room != harness::FakeDevice::without_limit;
    // A link that takes nothing is tried again and again.
    if (limited) duration = std::min(duration, longest_refusal);
    const Time end = now_ + duration;
    if (held || limited) held_ = held_ + duration;
    for (int rounds = 0;; ++rounds) {
        check(rounds < most_rounds, "few things happen by themselves");
        if (!held) run();
        settle();
        left_.check_state(now_);
        right_.check_state(now_);
        const Time due = earlier(left_.stack().next_deadline(), right_.stack().next_deadline());
        if (due > end) break;
        now_ = std::max(due, now_ + nanoseconds(1));
    }
    now_ = std::max(now_, end);
    settle();
    left_.check_state(now_);
    right_.check_state(now_);
}

// --- the end ---

bool World::was_patient(const End& end) const {
    return lost_ <= patient_losses && held_ <= patient_delay && !end.impatient && !end.again;
}

// Everybody says and reads all there is. True: somebody did something.
bool World::finish_users() {
    bool worked = false;
    for (Side* side : {&left_, &right_}) {
        while (side->accept())
            worked = true;
        for (End& end : side->ends()) {
            while (side->read(end, 16'384, false))
                worked = true;
            if (end.sent_end) continue;
            side->shut(end, socket::Shutdown::write);
            worked = worked || end.sent_end;
        }
    }
    return worked;
}

void World::check_pairs() {
    for (const End& here : left_.ends()) {
        const auto there =
            std::find_if(right_.ends().begin(), right_.ends().end(), [&](const End& end) {
                return !end.is_past && end.local == here.remote && end.remote == here.local;
            });
        if (there == right_.ends().end() || !here.established || !there->established) continue;
        if (here.is_past || !was_patient(here) || !was_patient(*there)) continue;
        check(!here.failed && !there->failed, "a connection survives what was lost");
        check(here.read_end && there->read_end, "both ends are reached");
        if (!here.discards && !left_.urgent)
            check(here.read == there->sent, "the left reads all that the right has sent");
        if (!there->discards && !left_.urgent)
            check(there->read == here.sent, "the right reads all that the left has sent");
    }
}

void World::finish() {
    left_.device().room = right_.device().room = harness::FakeDevice::without_limit;
    run();
    for (int round = 0; round < 60; ++round) {
        while (finish_users())
            run();
        advance(seconds(10), false);
    }
    if (mode_ != Mode::hostile) check_pairs();
    for (Side* side : {&left_, &right_}) {
        side->ends().clear();
        side->close_listener();
    }
    advance(minutes(60 * 12), false);
    left_.check_nothing_is_left();
    right_.check_nothing_is_left();
}

}  // namespace berth::fuzz
