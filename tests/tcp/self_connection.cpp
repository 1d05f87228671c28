// A socket that connects to its own endpoint: a simultaneous open with itself (RFC 9293 §3.5).
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class SelfConnection : public ScriptTest {};

TEST_F(SelfConnection, a_socket_may_talk_to_itself_rfc9293_must_10) {
    const Endpoint own{script.local.address, 5555};
    auto socket = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(socket->bind(own), std::errc{});
    ASSERT_EQ(socket->connect(own), std::errc::operation_in_progress);
    script.settle({});
    EXPECT_EQ(script.state_of({own, own}), State::established);
    const std::array<std::uint8_t, 3> words{1, 2, 3};
    const std::array<Bytes, 1> out{Bytes(words)};
    ASSERT_TRUE(socket->send(out, std::nullopt));
    script.settle({});
    std::array<std::uint8_t, 8> heard{};
    const std::array<MutableBytes, 1> in{MutableBytes(heard)};
    const auto received = socket->receive(in, {});
    ASSERT_TRUE(received);
    EXPECT_EQ(received->bytes, 3U);
    EXPECT_EQ(heard[2], 3U);
    stack.sends_nothing();  // none of it leaves the host
}

}  // namespace
}  // namespace berth::harness
