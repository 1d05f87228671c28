// Where the timestamp clock starts (RFC 7323 §7.1, RFC 6191): keyed by the pair of addresses, so
// that it says nothing about uptime, and goes on from one connection of the pair to the next.
#include <set>

#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class TimestampOffsets : public ScriptTest {
  protected:
    // TSval of a SYN to this endpoint, now.
    std::uint32_t clock_towards(Endpoint remote) {
        Peer server(script, remote, "server");
        server.stack_endpoint = {script.local.address, next_port_++};
        App client(script, server);
        client.connects();
        const Heard syn = stack.sends_to(server, {.syn = true});
        client.aborts();
        return syn.header.options.timestamps ? syn.header.options.timestamps->value : 0;
    }

  private:
    Port next_port_ = 2000;
};

TEST_F(TimestampOffsets, go_on_from_one_connection_to_the_next_rfc6191_2) {
    const Ipv4Address address(192, 0, 2, 1);
    const std::uint32_t first = clock_towards({address, 80});
    EXPECT_EQ(clock_towards({address, 81}), first) << "whatever the ports";
    advance(seconds(3));
    EXPECT_EQ(clock_towards({address, 80}) - first, 3000U);
}

TEST_F(TimestampOffsets, say_nothing_about_uptime_rfc7323_7_1) {
    std::set<std::uint32_t> clocks;
    for (std::uint8_t host = 1; host <= 50; ++host)
        if (host != 2) clocks.insert(clock_towards({Ipv4Address(192, 0, 2, host), 80}));
    EXPECT_EQ(clocks.size(), 49U);
    const std::uint32_t here = clock_towards({Ipv4Address(192, 0, 2, 1), 80});
    Script other;
    other.seed = Seed::from(2);
    Peer server(other, {Ipv4Address(192, 0, 2, 1), 80});
    StackSide side(other, server);
    App client(other, server);
    client.connects();
    EXPECT_NE(side.sends({.syn = true}).header.options.timestamps->value, here)
        << "another host has another secret";
}

}  // namespace
}  // namespace berth::harness
