// berth/netdb.h: what RFC 3493 §6 and POSIX ask of getaddrinfo and getnameinfo.
#include "berth/netdb.h"

#include <cstring>
#include <memory>

#include "host/host_impl.hpp"
#include "tests/host/fake_dns.hpp"

namespace berth::test {
namespace {

constexpr Ipv4Address web{198, 51, 100, 80};
constexpr Ipv4Address server_address{192, 0, 2, 2};

DnsAnswer behave(const DnsQuery& query) {
    DnsAnswer answer;
    if (query.name == "www.test") {
        answer.records = {{"www.test", 5, encoded_name("web.test")},
                          {"web.test", 1, encoded_address(web)}};
    } else if (query.name == "80.100.51.198.in-addr.arpa") {
        answer.records = {{query.name, 12, encoded_name("web.test")}};
    } else if (query.name == "81.100.51.198.in-addr.arpa") {
        answer.records = {{query.name, 12, encoded_name("\x1b]0;x")}};
    } else {
        answer.rcode = 3;
    }
    return answer;
}

HostOptions with_server() {
    HostOptions options;
    options.dns_servers = {server_address};
    options.hosts_file.clear();
    return options;
}

class Netdb : public ::testing::Test {
  protected:
    Netdb() { host::Process::current().choose(hosts.client->impl().core); }
    ~Netdb() override {
        host::Process::current().choose(nullptr);
        berth_freeaddrinfo(list);
    }

    struct Hints {
        int ai_flags = 0;
        int ai_family = AF_UNSPEC;
        int ai_socktype = 0;
        int ai_protocol = 0;
    };
    int ask(const char* node, const char* service) { return ask(node, service, Hints{}); }
    int ask(const char* node, const char* service, const Hints& wanted) {
        addrinfo hints{};
        hints.ai_flags = wanted.ai_flags;
        hints.ai_family = wanted.ai_family;
        hints.ai_socktype = wanted.ai_socktype;
        hints.ai_protocol = wanted.ai_protocol;
        berth_freeaddrinfo(list);
        list = nullptr;
        return berth_getaddrinfo(node, service, &hints, &list);
    }
    std::vector<std::string> entries() const {
        std::vector<std::string> all;
        for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
            sockaddr_in in{};
            std::memcpy(&in, entry->ai_addr, sizeof in);
            EXPECT_EQ(entry->ai_addrlen, sizeof in);
            EXPECT_EQ(entry->ai_family, AF_INET);
            EXPECT_EQ(in.sin_family, AF_INET);
            const char* kind = entry->ai_socktype == SOCK_STREAM  ? "tcp"
                               : entry->ai_socktype == SOCK_DGRAM ? "udp"
                                                                  : "raw";
            all.push_back(
                to_string(Endpoint{Ipv4Address(ntohl(in.sin_addr.s_addr)), ntohs(in.sin_port)}) +
                " " + kind);
        }
        return all;
    }
    static int name_of(const char* address, Port port, int flags, std::string& host,
                       std::string& service) {
        const sockaddr_in in = address_of(address, port);
        std::array<char, NI_MAXHOST> host_text{};
        std::array<char, NI_MAXSERV> service_text{};
        const int error =
            berth_getnameinfo(generic(in), sizeof in, host_text.data(), host_text.size(),
                              service_text.data(), service_text.size(), flags);
        host = host_text.data();
        service = service_text.data();
        return error;
    }

    using Lines = std::vector<std::string>;
    HostPair hosts{with_server()};
    FakeDns dns{*hosts.server, server_address, behave};
    addrinfo* list = nullptr;
};

TEST_F(Netdb, a_numeric_address_and_port_rfc3493_6_1) {
    EXPECT_EQ(ask("192.0.2.9", "80",
                  {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}),
              0);
    EXPECT_EQ(entries(), Lines{"192.0.2.9:80 tcp"});
}

TEST_F(Netdb, all_kinds_of_sockets_where_none_is_named_rfc3493_6_1) {
    EXPECT_EQ(ask("192.0.2.9", "80"), 0);
    EXPECT_EQ(entries(), (Lines{"192.0.2.9:80 tcp", "192.0.2.9:80 udp", "192.0.2.9:80 raw"}));
}

TEST_F(Netdb, a_name_by_dns_with_its_canonical_name_rfc3493_6_1) {
    ASSERT_EQ(ask("www.test", "443", {.ai_flags = AI_CANONNAME, .ai_socktype = SOCK_STREAM}), 0);
    EXPECT_EQ(entries(), Lines{"198.51.100.80:443 tcp"});
    EXPECT_STREQ(list->ai_canonname, "web.test");
}

TEST_F(Netdb, passive_is_the_wildcard_and_else_loopback_rfc3493_6_1) {
    EXPECT_EQ(ask(nullptr, "80", {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}), 0);
    EXPECT_EQ(entries(), Lines{"0.0.0.0:80 tcp"});
    EXPECT_EQ(ask(nullptr, "80", {.ai_flags = 0, .ai_socktype = SOCK_STREAM}), 0);
    EXPECT_EQ(entries(), Lines{"127.0.0.1:80 tcp"});
}

TEST_F(Netdb, services_have_names_per_protocol_rfc6335_5) {
    if (::getservbyname("echo", "udp") == nullptr) GTEST_SKIP() << "no services database here";
    EXPECT_EQ(ask("192.0.2.9", "echo"), 0);
    EXPECT_EQ(entries(), (Lines{"192.0.2.9:7 tcp", "192.0.2.9:7 udp"}));
    EXPECT_EQ(ask("192.0.2.9", "echo", {.ai_flags = AI_NUMERICSERV}), EAI_NONAME);
}

TEST_F(Netdb, errors_rfc3493_6_1) {
    EXPECT_EQ(ask(nullptr, nullptr), EAI_NONAME);
    EXPECT_EQ(ask("nobody.test", nullptr), EAI_NONAME);
    EXPECT_EQ(ask("not a name", nullptr), EAI_NONAME);
    EXPECT_EQ(ask("www.test", nullptr, {.ai_flags = AI_NUMERICHOST}), EAI_NONAME);
    EXPECT_EQ(ask("127.1", nullptr), EAI_NONAME);
    EXPECT_EQ(ask("192.0.2.9", "65536"), EAI_SERVICE);
    EXPECT_EQ(ask("192.0.2.9", "no-such-service"), EAI_SERVICE);
    EXPECT_EQ(ask("192.0.2.9", "80", {.ai_flags = 1 << 30}), EAI_BADFLAGS);
    EXPECT_EQ(ask(nullptr, "80", {.ai_flags = AI_CANONNAME}), EAI_BADFLAGS);
    EXPECT_EQ(ask("192.0.2.9", "80", {.ai_flags = 0, .ai_family = AF_INET6}), EAI_FAMILY);
    EXPECT_EQ(ask("192.0.2.9", "80", {.ai_flags = 0, .ai_socktype = SOCK_SEQPACKET}), EAI_SOCKTYPE);
    EXPECT_EQ(ask("192.0.2.9", "80",
                  {.ai_flags = 0, .ai_socktype = SOCK_DGRAM, .ai_protocol = IPPROTO_TCP}),
              EAI_SOCKTYPE);
    EXPECT_STREQ(berth_gai_strerror(EAI_NONAME), ::gai_strerror(EAI_NONAME));
    berth_freeaddrinfo(nullptr);
}

TEST_F(Netdb, an_address_has_a_name_rfc3493_6_2) {
    std::string host, service;
    EXPECT_EQ(name_of("198.51.100.80", 49'152, 0, host, service), 0);
    EXPECT_EQ(host, "web.test");
    EXPECT_EQ(service, "49152");
    EXPECT_EQ(name_of("198.51.100.80", 80, NI_NUMERICHOST | NI_NUMERICSERV, host, service), 0);
    EXPECT_EQ(host + ":" + service, "198.51.100.80:80");
}

TEST_F(Netdb, an_address_without_a_name_is_written_as_it_is_rfc3493_6_2) {
    std::string host, service;
    // The second has one that is not fit to be shown.
    for (const char* address : {"198.51.100.9", "198.51.100.81"}) {
        EXPECT_EQ(name_of(address, 7, NI_NUMERICSERV, host, service), 0);
        EXPECT_EQ(host, address);
        EXPECT_EQ(name_of(address, 7, NI_NUMERICSERV | NI_NAMEREQD, host, service), EAI_NONAME);
    }
}

TEST_F(Netdb, buffers_that_are_too_small_rfc3493_6_2) {
    const sockaddr_in in = address_of("192.0.2.9", 80);
    std::array<char, 10> text{};
    EXPECT_EQ(berth_getnameinfo(generic(in), sizeof in, text.data(), 9, nullptr, 0, NI_NUMERICHOST),
              EAI_OVERFLOW);
    EXPECT_EQ(
        berth_getnameinfo(generic(in), sizeof in, text.data(), 10, nullptr, 0, NI_NUMERICHOST), 0);
    EXPECT_STREQ(text.data(), "192.0.2.9");
    EXPECT_EQ(berth_getnameinfo(generic(in), sizeof in, nullptr, 0, text.data(), 2, NI_NUMERICSERV),
              EAI_OVERFLOW);
    EXPECT_EQ(berth_getnameinfo(generic(in), sizeof in, nullptr, 0, nullptr, 0, 0), EAI_NONAME);
    EXPECT_EQ(berth_getnameinfo(generic(in), 4, text.data(), 10, nullptr, 0, 0), EAI_FAMILY);
    EXPECT_EQ(berth_getnameinfo(generic(in), sizeof in, text.data(), 10, nullptr, 0, 1 << 20),
              EAI_BADFLAGS);
}

TEST(NetdbWithoutHost, only_addresses_are_understood) {
    addrinfo* list = nullptr;
    EXPECT_EQ(berth_getaddrinfo("web.test", nullptr, nullptr, &list), EAI_SYSTEM);
    EXPECT_EQ(errno, ENETDOWN);
    ASSERT_EQ(berth_getaddrinfo("192.0.2.1", nullptr, nullptr, &list), 0);
    berth_freeaddrinfo(list);
}

}  // namespace
}  // namespace berth::test
