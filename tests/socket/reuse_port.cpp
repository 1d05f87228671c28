// SO_REUSEPORT: several sockets at one endpoint, each with its share of the remotes.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

using socket::Option;
using Sockets = std::vector<std::unique_ptr<socket::Socket>>;

class ReusePort : public ::testing::Test {
  protected:
    static constexpr Endpoint service{TwoHosts::server_address, 80};
    TwoHosts hosts;

    std::unique_ptr<socket::Socket> sharing(socket::Type type, Endpoint local = service) {
        auto made = socket::open(hosts.server(), type);
        EXPECT_EQ(made->set_option(Option::reuse_port, 1), std::errc{});
        EXPECT_EQ(made->bind(local), std::errc{});
        const bool listens = type == socket::Type::stream;
        EXPECT_EQ(listens ? made->listen(64) : std::errc{}, std::errc{});
        return made;
    }
    Sockets group(socket::Type type, int count) {
        Sockets made;
        for (int i = 0; i < count; ++i)
            made.push_back(sharing(type));
        return made;
    }
    // Which of them a client from this port is heard by; it goes again.
    std::size_t hears(const Sockets& listeners, Port port) {
        auto client = hosts.connected(service, {TwoHosts::client_address, port});
        std::size_t who = listeners.size();
        for (std::size_t i = 0; i < listeners.size(); ++i) {
            if (!listeners[i]) continue;
            auto accepted = listeners[i]->accept();
            if (!accepted) continue;
            EXPECT_EQ(who, listeners.size()) << "heard twice";
            who = i;
            (*accepted)->set_option(Option::linger, 0);
        }
        EXPECT_LT(who, listeners.size()) << "heard by nobody";
        hosts.settle();
        return who;
    }
};

TEST_F(ReusePort, each_must_say_it_before_bind_linux) {
    auto first = sharing(socket::Type::stream);
    auto silent = hosts.stream(hosts.server());
    EXPECT_EQ(silent->bind(service), std::errc::address_in_use);
    silent->set_option(Option::reuse_address, 1);
    EXPECT_EQ(silent->bind(service), std::errc::address_in_use);
    silent->set_option(Option::reuse_port, 1);
    EXPECT_EQ(silent->bind(service), std::errc{});
    EXPECT_EQ(silent->listen(1), std::errc{});
}

TEST_F(ReusePort, who_is_there_without_it_is_not_joined_linux) {
    auto first = hosts.listener(hosts.server(), service);
    auto late = hosts.stream(hosts.server());
    late->set_option(Option::reuse_port, 1);
    EXPECT_EQ(late->bind(service), std::errc::address_in_use);
}

TEST_F(ReusePort, a_client_is_heard_by_the_same_one_each_time_and_all_have_some) {
    const Sockets listeners = group(socket::Type::stream, 4);
    std::set<std::size_t> heard;
    for (Port port = 5000; port < 5040; ++port) {
        const std::size_t who = hears(listeners, port);
        EXPECT_EQ(hears(listeners, port), who);
        heard.insert(who);
    }
    EXPECT_EQ(heard.size(), 4U);
}

TEST_F(ReusePort, who_leaves_moves_only_its_own_clients) {
    Sockets listeners = group(socket::Type::stream, 4);
    std::map<Port, std::size_t> before;
    for (Port port = 5000; port < 5040; ++port)
        before[port] = hears(listeners, port);
    listeners[1].reset();
    for (const auto& [port, who] : before) {
        const std::size_t now = hears(listeners, port);
        if (who != 1)
            EXPECT_EQ(now, who) << port;
        else
            EXPECT_NE(now, 1U) << port;
    }
}

TEST_F(ReusePort, a_specific_group_is_heard_before_a_wildcard_one) {
    auto general = sharing(socket::Type::stream, {{}, 80});
    auto specific = sharing(socket::Type::stream);
    for (Port port = 5000; port < 5010; ++port) {
        auto client = hosts.connected(service, {TwoHosts::client_address, port});
        EXPECT_TRUE(specific->accept());
        EXPECT_FALSE(general->accept());
    }
    auto client = hosts.connected({TwoHosts::server_second_address, 80});
    EXPECT_TRUE(general->accept());
}

TEST_F(ReusePort, connections_of_who_left_are_reset_and_those_of_others_live_on) {
    Sockets listeners = group(socket::Type::stream, 2);
    Sockets clients;
    for (Port port = 5000; port < 5020; ++port)
        clients.push_back(hosts.connected(service, {TwoHosts::client_address, port}));
    listeners[0].reset();  // what it had not accepted yet
    hosts.settle();
    std::size_t alive = 0;
    for (const auto& client : clients)
        if (!client->readiness().error) ++alive;
    std::size_t accepted = 0;
    Sockets kept;
    while (auto next = listeners[1]->accept()) {
        kept.push_back(std::move(*next));
        ++accepted;
    }
    EXPECT_EQ(alive, accepted);
    EXPECT_GT(alive, 0U);
    EXPECT_LT(alive, clients.size());
}

TEST_F(ReusePort, the_port_is_free_when_the_last_has_left) {
    Sockets listeners = group(socket::Type::stream, 3);
    listeners.pop_back();
    listeners.erase(listeners.begin());
    EXPECT_EQ(hosts.stream(hosts.server())->bind(service), std::errc::address_in_use);
    listeners.clear();
    EXPECT_EQ(hosts.stream(hosts.server())->bind(service), std::errc{});
}

TEST_F(ReusePort, datagrams_of_one_remote_go_to_the_same_one_and_all_have_some) {
    const Sockets ports = group(socket::Type::datagram, 4);
    std::set<std::size_t> heard;
    for (Port port = 5000; port < 5040; ++port) {
        auto talker = hosts.datagram(hosts.client());
        ASSERT_EQ(talker->bind({TwoHosts::client_address, port}), std::errc{});
        for (int i = 0; i < 3; ++i)
            ASSERT_EQ(hosts.send(*talker, "x", service), std::errc{});
        hosts.settle();
        std::size_t hearers = 0;
        for (std::size_t i = 0; i < ports.size(); ++i) {
            if (!ports[i]->readiness().readable) continue;
            ++hearers;
            heard.insert(i);
            for (int n = 0; n < 3; ++n)
                EXPECT_EQ(hosts.receive(*ports[i]).error, std::errc{});
        }
        EXPECT_EQ(hearers, 1U);
    }
    EXPECT_EQ(heard.size(), 4U);
}

TEST_F(ReusePort, datagram_sockets_must_all_say_it) {
    const Sockets ports = group(socket::Type::datagram, 1);
    auto silent = hosts.datagram(hosts.server());
    EXPECT_EQ(silent->bind(service), std::errc::address_in_use);
    silent->set_option(Option::reuse_address, 1);
    EXPECT_EQ(silent->bind(service), std::errc::address_in_use);
}

TEST_F(ReusePort, with_so_reuseaddr_alone_the_last_bound_hears_the_datagrams_linux) {
    Sockets ports;
    for (int i = 0; i < 3; ++i) {
        ports.push_back(hosts.datagram(hosts.server()));
        ASSERT_EQ(ports.back()->set_option(Option::reuse_address, 1), std::errc{});
        ASSERT_EQ(ports.back()->bind(service), std::errc{});
    }
    for (int i = 0; i < 10; ++i) {
        auto talker = hosts.datagram(hosts.client());
        hosts.send(*talker, "x", service);
        hosts.settle();
        EXPECT_EQ(hosts.receive(*ports.back()).text, "x");
    }
}

TEST_F(ReusePort, a_group_datagram_still_reaches_all_of_them_rfc1112_7_1) {
    const Sockets ports = [&] {
        Sockets made;
        for (int i = 0; i < 3; ++i)
            made.push_back(sharing(socket::Type::datagram, {{}, 80}));
        return made;
    }();
    auto talker = hosts.datagram(hosts.client());
    ASSERT_EQ(talker->set_option(Option::broadcast, 1), std::errc{});
    hosts.send(*talker, "all", Endpoint{Ipv4Address(192, 0, 2, 255), 80});
    hosts.settle();
    for (const auto& port : ports)
        EXPECT_EQ(hosts.receive(*port).text, "all");
}

}  // namespace
}  // namespace berth::harness
