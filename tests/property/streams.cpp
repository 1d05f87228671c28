// Whatever the network does to the segments, the stream is the stream.
#include <algorithm>
#include <array>

#include "base/random.hpp"
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

constexpr std::uint64_t seeds = 60;

// A script of its own for each seed.
class Conversation : public ScriptTest {
  public:
    Random random{Seed::from(0)};

    void receive_in_any_order();
    void send_over_a_bad_network();

  private:
    bool hear_with_loss(std::uint32_t loss_percent);
    void TestBody() override {}
};

// The peer cuts 20 KB into overlapping pieces, says each at least once, and in any order.
void Conversation::receive_in_any_order() {
    constexpr std::uint32_t bytes = 20'000;
    peer.isn = random.next_u32();
    accept_connection();
    struct Piece {
        std::uint32_t seq;
        std::uint32_t length;
    };
    std::vector<Piece> pieces;
    for (std::uint32_t at = 0; at < bytes;) {
        const std::uint32_t length = std::min(1 + random.below(1460), bytes - at);
        pieces.push_back({1 + at, length});
        // Some overlap with what comes before, some are said twice.
        if (random.below(3) == 0)
            pieces.push_back({1 + at - std::min(at, random.below(500)), std::min(length, 1460U)});
        if (random.below(3) == 0) pieces.push_back({1 + at, length});
        at += length;
    }
    for (std::size_t i = pieces.size(); i > 1; --i)
        std::swap(pieces[i - 1], pieces[random.below(static_cast<std::uint32_t>(i))]);
    std::uint32_t read = 0;
    for (const Piece& piece : pieces) {
        peer.sends({.seq = piece.seq, .length = piece.length});
        script.heard().clear();
        if (random.below(4) != 0) continue;
        // Read what is in order so far: the harness compares it with what the peer sent there.
        const std::uint32_t ready = peer.sent_contiguously() - 1 - read;
        if (ready == 0) continue;
        app.reads(ready);
        read += ready;
        script.heard().clear();
    }
    if (read < bytes) app.reads(bytes - read);
    script.heard().clear();
    peer.sends({.fin = true});
    stack.sends({.ack = bytes + 2});
    app.reads_end();
    EXPECT_TRUE(script.goes_on());
}

// The peer gets what the network does not lose; true if there was data among it.
bool Conversation::hear_with_loss(std::uint32_t loss_percent) {
    bool data = false;
    while (script.goes_on() && !script.heard().empty()) {
        const Heard heard = script.heard().front();
        script.heard().pop_front();
        if (random.below(100) < loss_percent) continue;
        peer.takes(heard, {__FILE__, __LINE__});
        data = data || !heard.payload.empty();
    }
    return data;
}

// The network loses, the peer acknowledges what it has; every segment's contents are compared.
void Conversation::send_over_a_bad_network() {
    constexpr std::uint32_t bytes = 50'000;
    const std::uint32_t loss_percent = random.below(30);
    accept_connection({.mss = static_cast<std::uint16_t>(100 + random.below(1361))});
    std::uint32_t written = 0;
    for (int round = 0; round < 10'000 && script.goes_on() && peer.received_up_to() < bytes + 1;
         ++round) {
        const bool heard_data = hear_with_loss(loss_percent);
        if (heard_data && random.below(100) >= loss_percent) {
            peer.sends({});
        } else if (written < bytes) {
            written += static_cast<std::uint32_t>(
                app.sends_some(std::min(1 + random.below(5000), bytes - written)));
            if (script.heard().empty()) advance(milliseconds(1));
        } else {
            advance(milliseconds(1 + random.below(500)));
        }
    }
    EXPECT_EQ(peer.received_up_to(), bytes + 1);
    script.heard().clear();
}

TEST(Streams, any_cutting_order_and_repetition_gives_the_stream_rfc9293_3_4) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Conversation conversation;
        conversation.random = Random(Seed::from(seed));
        conversation.receive_in_any_order();
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

TEST(Streams, everything_sent_arrives_over_a_network_that_loses_rfc9293_3_8_1) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Conversation conversation;
        conversation.random = Random(Seed::from(seed));
        conversation.send_over_a_bad_network();
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

}  // namespace
}  // namespace berth::harness
