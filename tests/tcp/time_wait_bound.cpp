// How many TIME-WAIT records there are at most, and which of them goes then.
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class TimeWaitBound : public ScriptTest {
  protected:
    // A client has come and gone; we closed first.
    void serve(Port port) {
        Peer& client = *clients.emplace_back(std::make_unique<Peer>(
            script, Endpoint{Peer::default_endpoint.address, port}, "client"));
        client.sends({.syn = true});
        stack.sends_to(client, {.syn = true});
        client.sends({});
        auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted);
        accepted->reset();
        script.settle({});
        stack.sends_to(client, {.fin = true});
        client.sends({.fin = true});
        stack.sends_to(client, {});
    }
    State state_of(std::size_t client) { return script.state_of(clients[client]->four_tuple()); }
    std::uint64_t overflows() {
        return script.core().tcp().counters()[tcp::Count::time_wait_overflow];
    }

    std::vector<std::unique_ptr<Peer>> clients;
};

TEST_F(TimeWaitBound, the_one_that_waited_longest_makes_room_design_8) {
    config.max_time_wait = 2;
    app.listens();
    for (Port port = 40001; port <= 40003; ++port) {
        serve(port);
        advance(milliseconds(10));
    }
    EXPECT_EQ(state_of(0), State::closed);
    EXPECT_EQ(state_of(1), State::time_wait);
    EXPECT_EQ(state_of(2), State::time_wait);
    EXPECT_EQ(script.core().tcp().time_wait_count(), 2U);
    EXPECT_EQ(overflows(), 1U);
}

TEST_F(TimeWaitBound, one_that_began_anew_has_not_waited_longest_rfc9293_3_10_7_4_eighth) {
    config.max_time_wait = 2;
    app.listens();
    serve(40001);
    serve(40002);
    clients[0]->sends({.seq = 1, .fin = true});
    stack.sends_to(*clients[0], {});
    serve(40003);
    EXPECT_EQ(state_of(0), State::time_wait);
    EXPECT_EQ(state_of(1), State::closed);
    EXPECT_EQ(state_of(2), State::time_wait);
}

TEST_F(TimeWaitBound, each_ends_at_its_own_time_rfc9293_3_6_must_13) {
    app.listens();
    for (Port port = 40001; port <= 40003; ++port) {
        serve(port);
        advance(seconds(1));
    }
    advance(2 * config.msl - seconds(3));
    EXPECT_EQ(state_of(0), State::closed);
    EXPECT_EQ(state_of(1), State::time_wait);
    advance(seconds(1));
    EXPECT_EQ(state_of(1), State::closed);
    EXPECT_EQ(state_of(2), State::time_wait);
    advance(seconds(1));
    EXPECT_EQ(state_of(2), State::closed);
    EXPECT_EQ(overflows(), 0U);
}

TEST_F(TimeWaitBound, none_at_all_can_be_asked_for_linux_tcp_max_tw_buckets_0) {
    config.max_time_wait = 0;
    app.listens();
    serve(40001);
    EXPECT_EQ(state_of(0), State::closed);
    EXPECT_EQ(overflows(), 1U);
}

}  // namespace
}  // namespace berth::harness
