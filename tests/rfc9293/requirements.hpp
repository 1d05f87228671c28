// RFC 9293's requirements, one test for each id of its Appendix B: a script, and the few things
// that many of them look at. TABLE.md says which test bears which id.
#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "harness/pattern.hpp"
#include "harness/script_fixture.hpp"
#include "tcp/connection.hpp"

namespace berth::harness {

// Counts how often a program is told that something has happened to its socket.
class Bell final : public socket::Watcher {
  public:
    void on_readiness(socket::Socket&) override { ++rings; }
    int rings = 0;
};

class Rfc9293 : public ScriptTest {
  protected:
    using SendFlags = tcp::Connection::SendFlags;

    // The connection between the stack and the first peer.
    tcp::Connection& connection() {
        demux::Entry* entry = script.core().tcp().table().find(peer.four_tuple());
        if (entry == nullptr || entry->kind != demux::EntryKind::connection)
            throw std::runtime_error("there is no connection with the peer");
        return static_cast<tcp::Connection&>(*entry);
    }
    // What the application chooses for this connection.
    void chooses(const std::function<void(tcp::Options&)>& choice) {
        tcp::Options options = connection().options();
        choice(options);
        connection().set_options(options);
        script.settle({});
    }
    // SEND with flags; `position` bytes of the stream went before.
    void sends_with(SendFlags flags, std::uint64_t position, std::size_t bytes) {
        const auto data = pattern(Source::app, position, bytes);
        const std::array<Bytes, 1> parts{Bytes(data)};
        const auto taken = connection().send(parts, flags);
        ASSERT_TRUE(taken);
        ASSERT_EQ(*taken, bytes);
        script.settle({});
    }
    void sends_urgently(std::uint64_t position, std::size_t bytes) {
        sends_with({.urgent = true}, position, bytes);
    }
    // Why there is no urgent byte to be read; none: there is one.
    std::errc urgent_error() {
        const auto byte = connection().receive_urgent(true);
        return byte ? std::errc{} : byte.error();
    }
    // A SYN with these bytes for options, answered, and the connection accepted.
    void accepts_with_options(const std::vector<std::uint8_t>& raw) {
        app.listens();
        peer.sends({.syn = true, .raw_options = raw});
        stack.sends({.syn = true});
        peer.sends({});
        app.accepts();
        state_is(State::established);
    }
    // The next segment that the stack has sent just now carries so much data.
    void next_carries(std::size_t bytes) { stack.sends({.length = bytes}); }
    // The stack has said it already, or says it within `patience`.
    Heard within(Duration patience, const Segment& expected, Where where = {}) {
        script.settle(where);
        return script.heard().empty() ? stack.sends_within(patience, expected, where)
                                      : stack.sends(expected, where);
    }
    // All that the stack has said and no line has named.
    std::vector<Heard> all_heard() {
        script.settle({});
        std::vector<Heard> all(script.heard().begin(), script.heard().end());
        for (const Heard& heard : all)
            if (heard.protocol == Protocol::tcp) peer.takes(heard, {});
        script.heard().clear();
        return all;
    }
    std::size_t bytes_heard() {
        std::size_t bytes = 0;
        for (const Heard& heard : all_heard())
            bytes += heard.payload.size();
        return bytes;
    }
    // The options of a segment as they are on the wire.
    static Bytes raw_options(const Heard& heard) {
        if (heard.packet.empty()) return {};
        const std::size_t ip_bytes = std::size_t{4} * (heard.packet[0] & 0x0fU);
        const std::size_t tcp_bytes = std::size_t{4} * (heard.packet[ip_bytes + 12] >> 4U);
        return Bytes(heard.packet).subspan(ip_bytes + 20, tcp_bytes - 20);
    }
    static Bytes ip_options(const Heard& heard) {
        if (heard.packet.empty()) return {};
        const std::size_t ip_bytes = std::size_t{4} * (heard.packet[0] & 0x0fU);
        return Bytes(heard.packet).subspan(20, ip_bytes - 20);
    }
};

}  // namespace berth::harness
