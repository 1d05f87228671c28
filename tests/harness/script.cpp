#include "harness/script.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/peer.hpp"
#include "socket/sockets.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {

std::string fate_text(const Fate& fate) {
    switch (fate.kind) {
        case FateKind::dropped: return "dropped: " + std::string(text_of(fate.reason).name);
        case FateKind::delivered: return "delivered";
        case FateKind::consumed: return std::string("consumed: ") + fate.note;
        case FateKind::forwarded: return "forwarded";
        case FateKind::sent: return std::string("sent: ") + fate.note;
    }
    return "no fate";
}

Script::~Script() = default;

Stack& Script::core() {
    if (!core_) {
        device_.mutable_properties().mtu = mtu;
        core_ = std::make_unique<Stack>(StackConfig{.seed = seed, .start = start, .tcp = config});
        core_->add_interface("link0", device_);
        core_->add_address(0, Ipv4Prefix{local.address, prefix_length});
        core_->add_address(0, Ipv4Prefix{second_address, prefix_length});
        core_->set_observer(this);
    }
    return *core_;
}

void Script::on_packet(std::uint32_t, Direction direction, Time, Bytes, const Fate& fate) {
    if (direction != Direction::in) return;
    ++fates_in_;
    last_fate_in_ = fate;
}

void Script::fail(Where where, const std::string& message) {
    if (failed_) return;
    failed_ = true;
    ADD_FAILURE_AT(where.file, where.line) << message << "\nThe story so far:\n" << story_.text();
}

bool Script::expect_quiet(Where where) {
    if (!goes_on()) return false;
    if (heard_.empty()) return true;
    fail(where, "The stack has sent " + std::to_string(heard_.size()) +
                    " packet(s) that no line of the script expects.");
    return false;
}

void Script::put(const Packet& packet, Where where) {
    core();
    ++packets_put_;
    device_.put(packet);
    settle(where);
    expect_fates(where);
}

// Every packet has exactly one fate (DESIGN §4).
void Script::expect_fates(Where where) {
    if (!goes_on() || fates_in_ == packets_put_) return;
    fail(where, std::to_string(packets_put_) + " packets came in and " + std::to_string(fates_in_) +
                    " fates were told.");
}

void Script::settle(Where where) {
    core();
    for (int round = 0; core_->poll(now_); ++round) {
        if (round == rounds_limit) {
            fail(where,
                 "The stack never comes to rest: poll() keeps saying that it did something.");
            return;
        }
    }
    while (!device_.sent.empty())
        hear(device_.take(), where);
}

void Script::hear(SentFrame frame, Where where) {
    Heard heard;
    heard.when = frame.when;
    heard.fate = frame.fate;
    heard.packet = frame.bytes;
    const auto ip = wire::Ipv4View::parse(heard.packet);
    if (!ip) {
        fail(where,
             "The stack sent a malformed IPv4 packet: " + std::string(text_of(ip.error()).name));
        return;
    }
    const wire::Ipv4Header header = ip->header();
    heard.protocol = static_cast<Protocol>(header.protocol);
    heard.ttl = header.ttl;
    heard.dscp = header.dscp;
    heard.dont_fragment = header.dont_fragment;
    heard.four_tuple = {{header.source, 0}, {header.destination, 0}};
    if (heard.protocol != Protocol::tcp) {
        tell("stack > " + to_string(header.destination) + ": " + to_string(heard.protocol) + ", " +
             std::to_string(ip->payload().size()) + " bytes");
        heard_.push_back(std::move(heard));
        return;
    }
    const auto tcp = wire::TcpView::parse(ip->payload(), header.source, header.destination, false);
    if (!tcp) {
        fail(where,
             "The stack sent a malformed segment: " + std::string(text_of(tcp.error()).name));
        return;
    }
    heard.header = tcp->header();
    heard.payload.assign(tcp->payload().begin(), tcp->payload().end());
    heard.four_tuple.local.port = heard.header.source_port;
    heard.four_tuple.remote.port = heard.header.destination_port;
    Peer* const peer = peer_of(heard.four_tuple);
    if (peer != nullptr) {
        peer->overhear(heard, where);
    } else {
        tell(to_string(heard.four_tuple.local) + " > " + to_string(heard.four_tuple.remote) + ": " +
             to_text(heard.header, heard.payload.size(), {}));
    }
    heard_.push_back(std::move(heard));
}

void Script::advance(Duration duration, Where where) {
    if (!expect_quiet(where)) return;
    tell(seconds_text(duration).append(" s pass"));
    run_until(
        now_ + duration, [] { return false; }, where);
}

void Script::at(Duration since_start, Where where) {
    if (!goes_on()) return;
    if (start + since_start < now_) {
        fail(where, "The script is already past " + seconds_text(since_start) + " s.");
        return;
    }
    if (start + since_start == now_) return;
    if (!expect_quiet(where)) return;
    run_until(
        start + since_start, [] { return false; }, where);
}

void Script::await(Duration patience, Where where) {
    if (!goes_on()) return;
    run_until(
        now_ + patience, [this] { return !heard_.empty(); }, where);
}

void Script::run_until(Time target, const std::function<bool()>& enough, Where where) {
    core();
    for (int events = 0; goes_on() && !enough(); ++events) {
        if (events == events_limit) {
            fail(where, "The stack's next_deadline() does not get past " + seconds_text(elapsed()) +
                            " s.");
            return;
        }
        const Time due = core_->next_deadline();
        if (due > target) {
            now_ = std::max(now_, target);
            settle(where);
            return;
        }
        // Late by a nanosecond rather than stuck, should a deadline lie in the past.
        now_ = due > now_ ? due : std::min(target, now_ + nanoseconds(1));
        settle(where);
        if (now_ == target && core_->next_deadline() <= now_) return;
    }
}

Peer* Script::peer_of(const FourTuple& four_tuple) {
    for (Peer* peer : peers_)
        if (peer->four_tuple() == four_tuple) return peer;
    return nullptr;
}

tcp::State Script::state_of(const FourTuple& four_tuple) {
    for (const socket::Row& row : socket::rows(core())) {
        if (row.protocol != Protocol::tcp || row.local != four_tuple.local ||
            row.remote != four_tuple.remote)
            continue;
        for (std::size_t i = 0; i < tcp::state_count; ++i) {
            const auto state = static_cast<tcp::State>(i);
            if (tcp::ss_name_of(state) == row.state) return state;
        }
    }
    return tcp::State::closed;
}

void Script::state_is(tcp::State state, Where where) {
    if (!goes_on()) return;
    if (peers_.empty()) {
        fail(where, "The script has no peer whose conversation could be in a state.");
        return;
    }
    const tcp::State actual = state_of(peers_.front()->four_tuple());
    if (actual == state) return;
    fail(where, "The connection is in " + std::string(tcp::name_of(actual)) + ", not in " +
                    std::string(tcp::name_of(state)) + ".");
}

void Script::dropped(DropReason reason, Where where) {
    if (!goes_on()) return;
    if (last_fate_in_.kind == FateKind::dropped && last_fate_in_.reason == reason) return;
    fail(where, "The latest packet's fate is '" + fate_text(last_fate_in_) + "', not '" +
                    fate_text(Fate::dropped(reason)) + "'.");
}

void Script::delivered(Where where) {
    if (!goes_on() || last_fate_in_.kind == FateKind::delivered) return;
    fail(where, "The latest packet's fate is '" + fate_text(last_fate_in_) + "', not 'delivered'.");
}

void Script::consumed(Where where) {
    if (!goes_on() || last_fate_in_.kind == FateKind::consumed) return;
    fail(where, "The latest packet's fate is '" + fate_text(last_fate_in_) + "', not 'consumed'.");
}

}  // namespace berth::harness
