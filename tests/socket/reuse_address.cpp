// What keeps a local endpoint from being bound or listened at, with SO_REUSEADDR and without: a
// table of Linux's answers (socket(7), ip(7)).
#include <gtest/gtest.h>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

using socket::Option;

class ReuseAddress : public ::testing::Test {
  protected:
    static constexpr Endpoint specific{TwoHosts::server_address, 80};
    static constexpr Endpoint second{TwoHosts::server_second_address, 80};
    static constexpr Endpoint wildcard{{}, 80};

    TwoHosts hosts;

    std::unique_ptr<socket::Socket> stream(bool reuse) {
        auto made = hosts.stream(hosts.server());
        EXPECT_EQ(made->set_option(Option::reuse_address, reuse), std::errc{});
        return made;
    }
    std::errc binds(Endpoint local, bool reuse) { return stream(reuse)->bind(local); }
    std::errc listens(Endpoint local, bool reuse) {
        auto made = stream(reuse);
        const std::errc error = made->bind(local);
        return error == std::errc{} ? made->listen(1) : error;
    }
    std::unique_ptr<socket::Socket> listener(Endpoint local, bool reuse) {
        auto made = stream(reuse);
        EXPECT_EQ(made->bind(local), std::errc{});
        EXPECT_EQ(made->listen(4), std::errc{});
        return made;
    }
    static constexpr std::errc in_use = std::errc::address_in_use;
    static constexpr std::errc granted{};
};

TEST_F(ReuseAddress, beside_a_bound_socket_both_must_say_it) {
    for (const Endpoint there : {specific, wildcard}) {
        for (const Endpoint mine : {specific, wildcard}) {
            for (const bool theirs_says : {false, true}) {
                auto other = stream(theirs_says);
                ASSERT_EQ(other->bind(there), granted);
                EXPECT_EQ(binds(mine, false), in_use);
                EXPECT_EQ(binds(mine, true), theirs_says ? granted : in_use);
                EXPECT_EQ(listens(mine, true), theirs_says ? granted : in_use);
            }
        }
    }
}

TEST_F(ReuseAddress, beside_a_listener_it_counts_for_nothing) {
    for (const Endpoint there : {specific, wildcard}) {
        auto other = listener(there, true);
        for (const Endpoint mine : {specific, wildcard})
            EXPECT_EQ(binds(mine, true), in_use);
    }
}

TEST_F(ReuseAddress, another_address_is_another_endpoint) {
    auto other = listener(specific, false);
    EXPECT_EQ(listens(second, false), granted);
    EXPECT_EQ(listens({specific.address, 81}, false), granted);
}

TEST_F(ReuseAddress, of_two_that_are_bound_only_one_may_listen) {
    auto one = stream(true);
    auto two = stream(true);
    ASSERT_EQ(one->bind(specific), granted);
    ASSERT_EQ(two->bind(wildcard), granted);
    EXPECT_EQ(one->listen(1), granted);
    EXPECT_EQ(two->listen(1), in_use);
    one.reset();
    EXPECT_EQ(two->listen(1), granted);  // it has kept its place
}

TEST_F(ReuseAddress, what_was_said_after_bind_counts_too) {
    auto other = stream(false);
    ASSERT_EQ(other->bind(specific), granted);
    ASSERT_EQ(other->set_option(Option::reuse_address, 1), granted);
    EXPECT_EQ(binds(specific, true), granted);
    ASSERT_EQ(other->set_option(Option::reuse_address, 0), granted);
    EXPECT_EQ(binds(specific, true), in_use);
}

// A server's restart: its old connections, and what is left of them, are at its port.
TEST_F(ReuseAddress, accepted_connections_keep_the_port_from_who_does_not_say_it) {
    for (const bool server_says : {false, true}) {
        auto server = listener(wildcard, server_says);
        auto client = hosts.connected(specific);
        auto accepted = server->accept();
        ASSERT_TRUE(accepted);
        server.reset();
        EXPECT_EQ(binds(wildcard, false), in_use);
        EXPECT_EQ(binds(specific, false), in_use);
        EXPECT_EQ(binds(second, false), granted);  // the connection is not at that address
        EXPECT_EQ(listens(wildcard, true), server_says ? granted : in_use);
        // It ends with a reset: nothing is left.
        (*accepted)->set_option(Option::linger, 0);
        accepted->reset();
        hosts.settle();
        EXPECT_EQ(listens(wildcard, false), granted);
    }
}

TEST_F(ReuseAddress, time_wait_keeps_the_port_from_who_does_not_say_it) {
    for (const bool server_says : {false, true}) {
        auto server = listener(wildcard, server_says);
        auto client = hosts.connected(specific);
        auto accepted = server->accept();
        ASSERT_TRUE(accepted);
        server.reset();
        accepted->reset();  // the server closes first
        client.reset();
        hosts.settle();
        ASSERT_EQ(hosts.rows(hosts.server(), "TIME-WAIT").size(), 1U);
        EXPECT_EQ(listens(wildcard, false), in_use);
        EXPECT_EQ(listens(wildcard, true), server_says ? granted : in_use);
        hosts.advance(seconds(61));
        EXPECT_EQ(listens(wildcard, false), granted);
    }
}

TEST_F(ReuseAddress, half_open_records_do_not_keep_a_port) {
    auto server = listener(wildcard, false);
    auto client = hosts.stream(hosts.client());
    client->connect(specific);
    hosts.client().poll(hosts.now());  // ARP's question
    hosts.server().poll(hosts.now());
    hosts.client().poll(hosts.now());  // the SYN
    hosts.server().poll(hosts.now());
    ASSERT_EQ(hosts.rows(hosts.server(), "SYN-RECV").size(), 1U);
    server.reset();
    EXPECT_EQ(listens(wildcard, false), granted);
}

TEST_F(ReuseAddress, an_outgoing_connection_keeps_its_port_too) {
    auto server = listener(wildcard, true);
    auto client = hosts.connected(specific);
    const Endpoint local = client->local();
    const auto binds_at_client = [&](bool reuse) {
        auto made = hosts.stream(hosts.client());
        made->set_option(Option::reuse_address, reuse);
        return made->bind(local);
    };
    EXPECT_EQ(binds_at_client(false), in_use);
    EXPECT_EQ(binds_at_client(true), in_use);  // the connection has not said it
    client->set_option(Option::reuse_address, 1);
    EXPECT_EQ(binds_at_client(true), granted);
    client->set_option(Option::linger, 0);
    client.reset();
    EXPECT_EQ(binds_at_client(false), granted);
}

TEST_F(ReuseAddress, a_chosen_port_is_nobodys) {
    auto server = listener(wildcard, true);
    auto client = hosts.connected(specific);
    for (int i = 0; i < 200; ++i) {
        auto made = hosts.stream(hosts.client());
        ASSERT_EQ(made->bind({{}, 0}), granted);
        ASSERT_NE(made->local().port, client->local().port);
    }
}

TEST_F(ReuseAddress, a_port_that_is_bound_is_not_chosen_for_a_connection) {
    auto server = listener(wildcard, true);
    std::vector<std::unique_ptr<socket::Socket>> bound;
    for (int i = 0; i < 200; ++i) {
        bound.push_back(hosts.stream(hosts.client()));
        ASSERT_EQ(bound.back()->bind({{}, 0}), granted);
    }
    for (int i = 0; i < 200; ++i) {
        auto client = hosts.stream(hosts.client());
        ASSERT_EQ(client->connect(specific), std::errc::operation_in_progress);
        for (const auto& other : bound)
            ASSERT_NE(client->local().port, other->local().port);
    }
}

}  // namespace
}  // namespace berth::harness
