// Names to addresses: the hosts file, DNS over the host's own sockets, and berth/netdb.h.
#include <netdb.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "berth/netdb.h"
#include "host/host_impl.hpp"
#include "host/resolver.hpp"
#include "host/resolver_hosts.hpp"
#include "tests/host/fake_dns.hpp"

namespace berth::test {
namespace {

constexpr std::uint16_t type_a = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_ptr = 12;
constexpr Ipv4Address web{198, 51, 100, 80};
constexpr Ipv4Address server_address{192, 0, 2, 2};
constexpr int many = 100;

DnsAnswer behave(const DnsQuery& query) {
    const DnsRecord web_record{"web.test", type_a, encoded_address(web)};
    DnsAnswer answer;
    if (query.name == "web.test") {
        answer.records = {web_record};
    } else if (query.name == "www.test") {
        answer.records = {{"www.test", type_cname, encoded_name("cdn.test")},
                          {"cdn.test", type_cname, encoded_name("web.test")},
                          web_record};
    } else if (query.name == "evil.test") {
        answer.records = {{"evil.test", type_cname, encoded_name("\x1b[2J")},
                          {"\x1b[2J", type_a, encoded_address(web)}};
    } else if (query.name == "big.test") {
        answer.truncated = !query.over_tcp;
        for (int i = 0; query.over_tcp && i < many; ++i)
            answer.records.push_back(
                {"big.test", type_a,
                 encoded_address(Ipv4Address(web.value + static_cast<std::uint32_t>(i)))});
    } else if (query.name == "80.100.51.198.in-addr.arpa") {
        answer.records = {{query.name, type_ptr, encoded_name("web.test")}};
    } else if (query.name == "81.100.51.198.in-addr.arpa") {
        answer.records = {{query.name, type_ptr, encoded_name("\x1b]0;x")}};
    } else if (query.name == "empty.test") {
    } else if (query.name == "failing.test") {
        answer.rcode = 2;
    } else if (query.name == "forged.test") {
        answer.id_flipped_by = 0x5555;
        answer.records = {{"forged.test", type_a, encoded_address({203, 0, 113, 66})}};
    } else {
        answer.rcode = 3;
    }
    return answer;
}

HostOptions options_with(std::vector<Ipv4Address> servers) {
    HostOptions options;
    options.dns_servers = std::move(servers);
    options.hosts_file.clear();
    return options;
}

class Resolver : public ::testing::Test {
  protected:
    Resolver() { host::Process::current().choose(hosts.client->impl().core); }
    ~Resolver() override { host::Process::current().choose(nullptr); }

    HostPair hosts{options_with({server_address})};
    FakeDns dns{*hosts.server, server_address, behave};
};

TEST_F(Resolver, an_a_record_rfc1035_3_4_1) {
    const auto found = hosts.client->resolve("web.test");
    ASSERT_TRUE(found) << found.error();
    auto copy = found;
    EXPECT_EQ(copy->addresses, std::vector{web});
    EXPECT_EQ(copy->canonical_name, "web.test");
}

TEST_F(Resolver, aliases_are_followed_to_the_canonical_name_rfc1034_3_6_2) {
    auto found = hosts.client->resolve("www.test");
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(found->addresses, std::vector{web});
    EXPECT_EQ(found->canonical_name, "web.test");
}

TEST_F(Resolver, a_truncated_answer_is_asked_for_again_over_tcp_rfc1123_6_1_3_2) {
    auto found = hosts.client->resolve("big.test");
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(found->addresses.size(), host::limit_addresses_per_name);
    const auto queries = dns.queries();
    ASSERT_EQ(queries.size(), 2U);
    EXPECT_FALSE(queries[0].over_tcp);
    EXPECT_TRUE(queries[1].over_tcp);
}

TEST_F(Resolver, what_a_server_says_is_told_in_words_rfc1035_4_1_1) {
    EXPECT_EQ(hosts.client->resolve("nobody.test").error(),
              "cannot resolve 'nobody.test': there is no such name");
    EXPECT_EQ(hosts.client->resolve("empty.test").error(),
              "cannot resolve 'empty.test': the name has no IPv4 address");
    EXPECT_NE(hosts.client->resolve("failing.test").error().find("no DNS server gave an answer"),
              std::string::npos);
}

TEST_F(Resolver, a_canonical_name_that_is_none_is_not_handed_on) {
    auto found = hosts.client->resolve("evil.test");
    // c-ares itself refuses such answers since 1.17.2.
    EXPECT_TRUE(!found || found->canonical_name == "evil.test");
}

// RFC 5452 §4: a forger has to guess the id and the port.
TEST_F(Resolver, each_query_has_a_new_port_and_a_new_id_rfc5452_9_2) {
    constexpr int lookups = 16;
    for (int i = 0; i < lookups; ++i)
        ASSERT_TRUE(hosts.client->resolve("web.test"));
    std::set<Port> ports;
    std::set<std::uint16_t> ids;
    for (const DnsQuery& query : dns.queries()) {
        ports.insert(query.source.port);
        ids.insert(query.id);
    }
    EXPECT_GE(ports.size(), static_cast<std::size_t>(lookups - 1));
    EXPECT_GE(ids.size(), static_cast<std::size_t>(lookups - 1));
}

TEST_F(Resolver, an_answer_with_another_id_is_not_believed_rfc5452_9_1) {
    const int stop = ::eventfd(0, EFD_CLOEXEC);
    std::thread stopper([&] {
        while (dns.queries().empty())
            std::this_thread::yield();
        const std::uint64_t one = 1;
        EXPECT_EQ(::write(stop, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    });
    const auto found = hosts.client->resolve("forged.test", stop);
    stopper.join();
    ::close(stop);
    EXPECT_FALSE(found);
    EXPECT_EQ(found.error(), "cannot resolve 'forged.test': it was interrupted");
}

TEST_F(Resolver, several_threads_may_ask_at_one_time) {
    std::vector<std::thread> threads;
    std::atomic<int> found{0};
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            for (int n = 0; n < 5; ++n)
                if (hosts.client->resolve(i % 2 == 0 ? "web.test" : "www.test")) ++found;
        });
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(found, 40);
}

// The first server's host says that nobody has the port (ICMP); the second one answers.
TEST(ResolverServers, a_server_that_is_not_there_is_passed_over_rfc1035_7_2) {
    constexpr Ipv4Address second{192, 0, 2, 3};
    HostPair hosts(options_with({server_address, second}));
    ASSERT_TRUE(hosts.server->add_address(0, {second, 24}));
    FakeDns dns(*hosts.server, second, behave);
    auto found = hosts.client->resolve("web.test");
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(found->addresses, std::vector{web});
}

TEST(ResolverServers, a_server_that_says_nothing_is_asked_again) {
    HostPair hosts(options_with({server_address}));
    std::atomic<int> asked{0};
    FakeDns dns(*hosts.server, server_address, [&](const DnsQuery& query) {
        DnsAnswer answer = behave(query);
        answer.silent = asked++ == 0;
        return answer;
    });
    EXPECT_TRUE(hosts.client->resolve("web.test"));
    EXPECT_EQ(asked, 2);
}

TEST(ResolverServers, without_a_server_the_sentence_says_what_to_do) {
    HostPair hosts(options_with({}));
    const auto found = hosts.client->resolve("web.test");
    EXPECT_FALSE(found);
    EXPECT_NE(found.error().find("no DNS server is configured; give --dns ADDRESS"),
              std::string::npos)
        << found.error();
}

TEST(ResolverServers, an_embedded_host_has_its_hosts_file_and_no_dns) {
    HostOptions options = options_with({server_address});
    options.threads = false;
    auto made = Host::create(options);
    ASSERT_TRUE(made);
    EXPECT_TRUE((*made)->resolve("192.0.2.9"));
    EXPECT_TRUE((*made)->resolve("localhost"));
    EXPECT_NE((*made)->resolve("web.test").error().find("embedded host"), std::string::npos);
    host::Process::current().choose((*made)->impl().core);
    addrinfo* list = nullptr;
    EXPECT_EQ(berth_getaddrinfo("web.test", nullptr, nullptr, &list), EAI_AGAIN);
    host::Process::current().choose(nullptr);
}

// ---- the hosts file ----

constexpr std::string_view hosts_text =
    "# comment\n"
    "127.0.0.1 localhost\n"
    "192.0.2.10\tserver.test server alias # and a comment\n"
    "192.0.2.11  SERVER.test\r\n"
    "fe80::1 server.test\n"
    "nonsense server.test\n"
    "192.0.2.12\n"
    "300.1.2.3 server.test\n"
    "192.0.2.10 server.test again\n"
    "192.0.2.13 last.test";

TEST(HostsFile, names_and_aliases_in_any_case) {
    const auto found = host::find_in_hosts(hosts_text, "Server.TEST");
    EXPECT_EQ(found.canonical_name, "server.test");
    EXPECT_EQ(found.addresses,
              (std::vector{Ipv4Address(192, 0, 2, 10), Ipv4Address(192, 0, 2, 11)}));
    EXPECT_EQ(host::find_in_hosts(hosts_text, "alias").canonical_name, "server.test");
    EXPECT_EQ(host::find_in_hosts(hosts_text, "server.test.").addresses.size(), 2U);
    EXPECT_EQ(host::find_in_hosts(hosts_text, "last.test").addresses.size(), 1U);
    for (const std::string_view absent : {"comment", "serve", "server.test.x", "fe80::1", "and"})
        EXPECT_TRUE(host::find_in_hosts(hosts_text, absent).addresses.empty()) << absent;
}

TEST(HostsFile, addresses_have_their_first_name) {
    EXPECT_EQ(host::name_in_hosts(hosts_text, {192, 0, 2, 10}), "server.test");
    EXPECT_EQ(host::name_in_hosts(hosts_text, {192, 0, 2, 12}), "");
    EXPECT_EQ(host::name_in_hosts("192.0.2.1 \x1b[2J\n", {192, 0, 2, 1}), "");
}

TEST(HostsFile, addresses_of_one_name_are_bounded) {
    std::string text;
    for (int i = 0; i < 1000; ++i)
        text += "198.18." + std::to_string(i / 250) + "." + std::to_string(i % 250) + " many\n";
    EXPECT_EQ(host::find_in_hosts(text, "many").addresses.size(), host::limit_addresses_per_name);
}

TEST(HostsFile, one_that_is_not_there_or_no_file_is_empty) {
    EXPECT_EQ(host::read_hosts_file("/nowhere/at/all"), "");
    EXPECT_EQ(host::read_hosts_file("/"), "");
    EXPECT_EQ(host::read_hosts_file(""), "");
}

TEST(HostsFile, it_goes_before_the_servers) {
    const std::string path = ::testing::TempDir() + "berth-hosts-" + std::to_string(::getpid());
    std::ofstream(path) << "203.0.113.5 web.test\n";
    HostOptions options = options_with({server_address});
    options.hosts_file = path;
    HostPair hosts(options);
    FakeDns dns(*hosts.server, server_address, behave);
    auto found = hosts.client->resolve("web.test");
    ASSERT_TRUE(found);
    EXPECT_EQ(found->addresses, std::vector{Ipv4Address(203, 0, 113, 5)});
    EXPECT_TRUE(dns.queries().empty());
    std::remove(path.c_str());
}

TEST(HostName, letters_digits_dashes_rfc1123_2_1) {
    for (const std::string_view good :
         {"a", "web.test", "web.test.", "3com.example", "x-1", "_dmarc.test", "a.b.c.d.e.f"})
        EXPECT_TRUE(host::is_host_name(good)) << good;
    for (const std::string_view bad :
         {"", ".", "a..b", ".a", "a b", "a\tb", "192.0.2", "1.2.3.4.5", "127.1", "a.7",
          "e\xc3\xa9.test", "a/b", "[::1]", "a\n.test"})
        EXPECT_FALSE(host::is_host_name(bad)) << bad;
    EXPECT_TRUE(host::is_host_name(std::string(63, 'a') + ".test"));
    EXPECT_FALSE(host::is_host_name(std::string(64, 'a') + ".test"));
    std::string longest;
    while (longest.size() < 252)
        longest += "a.";
    EXPECT_TRUE(host::is_host_name(longest + "b"));
    EXPECT_FALSE(host::is_host_name(longest + "bc"));
}

TEST(HostName, localhost_never_leaves_the_host_rfc6761_6_3) {
    HostPair hosts(options_with({server_address}));
    FakeDns dns(*hosts.server, server_address, behave);
    for (const std::string_view name : {"localhost", "LocalHost.", "app.localhost"}) {
        auto found = hosts.client->resolve(name);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(found->addresses, std::vector{Ipv4Address(127, 0, 0, 1)});
    }
    EXPECT_TRUE(dns.queries().empty());
    EXPECT_FALSE(hosts.client->resolve("notlocalhost"));
}

}  // namespace
}  // namespace berth::test
