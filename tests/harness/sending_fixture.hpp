// For scripts about the sending half: SENDs with their flags and a connection's options, below the
// sockets. The bytes are those of the stream that the peer checks; do not mix with app.sends().
#pragma once

#include <array>
#include <string>

#include "harness/inside.hpp"
#include "harness/pattern.hpp"
#include "harness/script_fixture.hpp"
#include "tcp/connection.hpp"
#include "tcp/counters.hpp"

namespace berth::harness {

class SendingTest : public ScriptTest {
  protected:
    tcp::Connection& connection() { return connection_of(script, peer); }
    // Changes options, as a socket would: `change` gets the present ones.
    template <class Change>
    void chooses(Change&& change, Where where = {}) {
        if (!script.expect_quiet(where)) return;
        script.tell("app: sets options");
        tcp::Options options = connection().options();
        change(options);
        connection().set_options(options);
        script.settle(where);
    }
    // Writes as much as is taken of the next `bytes` of the stream.
    std::size_t writes(std::size_t bytes, tcp::Connection::SendFlags flags = {}, Where where = {}) {
        if (!script.expect_quiet(where)) return 0;
        script.tell("app: writes " + std::to_string(bytes) + (flags.more ? ", more follows" : "") +
                    (flags.urgent ? ", urgent" : ""));
        const auto data = pattern(Source::app, written_, bytes);
        const std::array<Bytes, 1> parts{Bytes(data)};
        const auto taken = connection().send(parts, flags);
        const std::size_t count = taken ? *taken : 0;
        written_ += count;
        script.settle(where);
        return count;
    }
    std::uint64_t counted(tcp::Count what) { return script.core().tcp().counters()[what]; }

  private:
    std::uint64_t written_ = 0;
};

}  // namespace berth::harness
