// Numbers that nobody should guess: initial sequence numbers (RFC 6528) and ports (RFC 6056).
#include <map>
#include <set>

#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

// The initial sequence number that a stack with this seed gives a SYN from `remote` after `wait`.
std::uint32_t isn_for(std::uint64_t seed, Endpoint remote, Duration wait) {
    Script script;
    script.seed = Seed::from(seed);
    Peer peer(script, remote);
    StackSide stack(script, peer);
    App app(script, peer);
    app.listens();
    script.advance(wait);
    peer.sends({.syn = true});
    return stack.sends({.syn = true}).header.seq;
}

constexpr Endpoint remote{Ipv4Address(192, 0, 2, 1), 40000};

TEST(InitialSequenceNumber, grows_by_one_every_4_microseconds_rfc9293_3_4_1_must_8) {
    const std::uint32_t first = isn_for(1, remote, {});
    EXPECT_EQ(isn_for(1, remote, microseconds(4)) - first, 1U);
    EXPECT_EQ(isn_for(1, remote, seconds(1)) - first, 250'000U);
    EXPECT_EQ(isn_for(1, remote, seconds(100)) - first, 25'000'000U);
}

TEST(InitialSequenceNumber, differs_between_four_tuples_rfc6528_3) {
    std::set<std::uint32_t> seen;
    for (Port port = 40000; port < 40050; ++port)
        seen.insert(isn_for(1, {remote.address, port}, {}));
    EXPECT_EQ(seen.size(), 50U);
    // Nor is the difference the same from one to the next.
    EXPECT_NE(isn_for(1, {remote.address, 40001}, {}) - isn_for(1, {remote.address, 40000}, {}),
              isn_for(1, {remote.address, 40002}, {}) - isn_for(1, {remote.address, 40001}, {}));
}

TEST(InitialSequenceNumber, depends_on_the_secret_rfc6528_3) {
    EXPECT_NE(isn_for(1, remote, {}), isn_for(2, remote, {}));
}

TEST(InitialSequenceNumber, repeats_with_the_seed) {
    EXPECT_EQ(isn_for(7, remote, {}), isn_for(7, remote, {}));
}

class EphemeralPort : public ScriptTest {
  protected:
    std::vector<std::unique_ptr<socket::Socket>> sockets;

    // Opens a connection to `where` from a port that the stack chooses.
    Port opened(Endpoint where) {
        auto& opener = *sockets.emplace_back(socket::open(script.core(), socket::Type::stream));
        EXPECT_EQ(opener.connect(where), std::errc::operation_in_progress);
        script.settle({});
        script.heard().clear();
        return opener.local().port;
    }
};

TEST_F(EphemeralPort, the_stack_chooses_one_of_its_range_rfc6056_3_2) {
    for (int i = 0; i < 100; ++i) {
        const Port port = opened(peer.endpoint);
        EXPECT_GE(port, demux::EphemeralPorts::default_first);
        EXPECT_LE(port, demux::EphemeralPorts::default_last);
    }
}

TEST_F(EphemeralPort, connections_to_one_remote_have_different_ones_rfc6056_3) {
    std::set<Port> seen;
    for (int i = 0; i < 500; ++i)
        seen.insert(opened(peer.endpoint));
    EXPECT_EQ(seen.size(), 500U);
}

TEST_F(EphemeralPort, another_remote_says_nothing_about_the_next_one_rfc6056_3_3_4) {
    std::map<std::int32_t, int> steps;
    Port before = opened({peer.endpoint.address, 1});
    for (Port port = 2; port < 100; ++port) {
        const Port now = opened({peer.endpoint.address, port});
        ++steps[std::int32_t{now} - before];
        before = now;
    }
    for (const auto& [step, count] : steps)
        EXPECT_LE(count, 3) << "step " << step;
}

TEST_F(EphemeralPort, the_route_decides_the_address_rfc1122_3_3_4_3) {
    opened(peer.endpoint);
    EXPECT_EQ(sockets.back()->local().address, script.local.address);
    opened({Ipv4Address(198, 51, 100, 9), 80});
    EXPECT_EQ(sockets.back()->local().address, Script::second_address);
}

TEST_F(EphemeralPort, without_a_route_connect_fails_rfc1122_3_3_1) {
    auto opener = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(opener->connect({Ipv4Address(203, 0, 113, 1), 80}), std::errc::network_unreachable);
    stack.sends_nothing();
}

TEST_F(EphemeralPort, bind_to_port_zero_means_choose_for_me_posix) {
    auto one = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(one->bind({script.local.address, 0}), std::errc{});
    EXPECT_NE(one->local().port, 0);
    auto two = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(two->bind({script.local.address, 0}), std::errc{});
    EXPECT_NE(one->local().port, two->local().port);
}

TEST_F(EphemeralPort, the_same_local_port_serves_two_remotes_rfc9293_3_3_1) {
    auto one = socket::open(script.core(), socket::Type::stream);
    auto two = socket::open(script.core(), socket::Type::stream);
    for (auto* opener : {one.get(), two.get()}) {
        ASSERT_EQ(opener->set_option(socket::Option::reuse_address, 1), std::errc{});
        ASSERT_EQ(opener->bind({script.local.address, 5555}), std::errc{});
    }
    EXPECT_EQ(one->connect({peer.endpoint.address, 1}), std::errc::operation_in_progress);
    EXPECT_EQ(two->connect({peer.endpoint.address, 2}), std::errc::operation_in_progress);
    script.settle({});
    EXPECT_EQ(script.heard().size(), 2U);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
