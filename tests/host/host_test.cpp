// Hosts: configuration, the default host, real links, control sockets, captures, fork.
#include "berth/host.hpp"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "berth/control.hpp"
#include "berth/host.h"
#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

class Folder {
  public:
    Folder() {
        std::string pattern = "/tmp/berth-test-XXXXXX";
        EXPECT_NE(::mkdtemp(pattern.data()), nullptr);
        path = pattern;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    std::string path;
};

std::unique_ptr<Host> made(HostOptions options = {}) {
    auto host = Host::create(std::move(options));
    EXPECT_TRUE(host) << host.error();
    return host ? std::move(*host) : nullptr;
}

Ipv4Prefix prefix(const char* text) {
    return *parse_ipv4_prefix(text);
}

Maybe<int> callback(Host& host) {
    return host.add_callback_link(CallbackLinkKind::raw_ip, 1500, [](auto, auto) { return true; });
}

TEST(Hosts, WrongConfigurationIsExplained) {
    EXPECT_NE(Host::create({.sysctls = {"x=1"}}).error(), "");
    EXPECT_NE(Host::create({.capture_file = "/nonexistent/x.pcapng"}).error(), "");
    auto host = made();
    EXPECT_NE(host->add_link("nonsense").error(), "");
    EXPECT_NE(host->add_link("tap:x", MacAddress::broadcast()).error(), "");
    EXPECT_NE(host->add_callback_link(CallbackLinkKind::raw_ip, 67, [](auto, auto) { return true; })
                  .error(),
              "");
    EXPECT_NE(host->add_callback_link(CallbackLinkKind::raw_ip, 1500, {}).error(), "");
    EXPECT_NE(host->add_address(0, prefix("192.0.2.2/24")).error(), "");
    ASSERT_TRUE(callback(*host));
    for (const char* wrong : {"192.0.2.0/24", "192.0.2.255/24", "224.0.0.1/24", "127.0.0.1/8",
                              "0.0.0.0/8", "255.255.255.255/32", "240.0.0.1/24", "192.0.2.2/0"})
        EXPECT_FALSE(host->add_address(0, prefix(wrong))) << wrong;
    EXPECT_TRUE(host->add_address(0, prefix("192.0.2.2/24")));
    EXPECT_EQ(host->add_address(0, prefix("192.0.2.2/24")).error(),
              "192.0.2.2 is this host's address already");
    EXPECT_NE(host->add_route(prefix("0.0.0.0/0"), parse_ipv4_address("198.51.100.1")).error(), "");
    EXPECT_NE(host->add_route(prefix("0.0.0.0/0"), parse_ipv4_address("192.0.2.2")).error(), "");
    EXPECT_NE(host->add_route(prefix("0.0.0.0/0"), {}).error(), "");
    EXPECT_NE(host->add_route(prefix("0.0.0.0/0"), {}, 5).error(), "");
    EXPECT_TRUE(host->add_route(prefix("0.0.0.0/0"), parse_ipv4_address("192.0.2.1")));
    EXPECT_NE(host->add_route(prefix("0.0.0.0/0"), parse_ipv4_address("192.0.2.1")).error(), "");
    EXPECT_TRUE(host->add_route(prefix("203.0.113.0/24"), {}, 0));
}

Endpoint name_of(int fd) {
    TcpConnection borrowed(fd);
    return borrowed.local();
}

TEST(Hosts, TheFirstHostIsTheDefaultUntilAnotherIsChosen) {
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_STREAM, 0)), ENETDOWN);
    HostPair pair;  // the server is made first
    const auto bind_there = [&](const char* address) {
        const int fd = berth_socket(AF_INET, SOCK_STREAM, 0);
        const sockaddr_in in = address_of(address, 80);
        const int result = errno_of(berth_bind(fd, generic(in), sizeof in));
        berth_close(fd);
        return result;
    };
    EXPECT_EQ(bind_there(HostPair::server_text), 0);
    EXPECT_EQ(bind_there(HostPair::client_text), EADDRNOTAVAIL);
    berth_host_options options{};
    options.size = sizeof options;
    berth_host* third = berth_host_create(&options);
    berth_host_use(third);
    EXPECT_EQ(bind_there(HostPair::server_text), EADDRNOTAVAIL);
    berth_host_use(nullptr);
    EXPECT_EQ(bind_there(HostPair::server_text), 0);
    berth_host_use(third);
    berth_host_destroy(third);
    EXPECT_EQ(bind_there(HostPair::server_text), 0);
}

TEST(Hosts, APortOfZeroIsChosen) {
    HostPair pair;
    TcpListener listener(*pair.server, {});
    ASSERT_TRUE(listener);
    EXPECT_NE(listener.local().port, 0);
    TcpConnection connection(*pair.client, pair.server_at(listener.local().port));
    EXPECT_TRUE(connection);
    EXPECT_NE(name_of(-1), connection.local());
}

TEST(Hosts, TwoHostsOverAUnixLink) {
    const Folder folder;
    const std::string url = "unix:" + folder.path + "/hub";
    auto server = made();
    auto client = made();
    ASSERT_TRUE(server->add_link(url + ",listen"));
    ASSERT_TRUE(client->add_link(url));
    ASSERT_TRUE(server->add_address(0, prefix("192.0.2.2/24")));
    ASSERT_TRUE(client->add_address(0, prefix("192.0.2.1/24")));
    TcpListener listener(*server, {{}, 80});
    constexpr std::size_t size = 3'000'000;
    std::thread sender([&] {
        TcpConnection connection = listener.accept();
        std::vector<std::uint8_t> data(size, 0x5a);
        EXPECT_TRUE(connection.send_all(data));
    });
    TcpConnection connection(*client, {*parse_ipv4_address("192.0.2.2"), 80});
    ASSERT_TRUE(connection) << connection.error().message();
    std::vector<std::uint8_t> got(size);
    EXPECT_EQ(berth_recv(connection.fd(), got.data(), got.size(), MSG_WAITALL),
              static_cast<ssize_t>(size));
    EXPECT_EQ(got, std::vector<std::uint8_t>(size, 0x5a));
    sender.join();
}

TEST(Hosts, ALinkThatVanishesIsToldAndDoesNotSpin) {
    const Folder folder;
    const std::string url = "unix:" + folder.path + "/hub";
    auto server = made();
    ASSERT_TRUE(server->add_link(url + ",listen"));
    auto client = made();
    ASSERT_TRUE(client->add_link(url));
    ASSERT_TRUE(client->add_address(0, prefix("192.0.2.1/24")));
    EXPECT_EQ(client->link_error(), "");
    UdpSocket socket(*client, {{}, 7});
    std::thread breaker([&] { server.reset(); });
    pollfd one{socket.fd(), POLLIN, 0};
    // Either the loss ends the wait, or it came before and the short wait ends by itself.
    while (client->link_error().empty()) {
        const int result = berth_poll(&one, 1, 100);
        EXPECT_TRUE(result == 0 || (result == -1 && errno == EINTR));
    }
    breaker.join();
    EXPECT_EQ(berth_poll(&one, 1, 5), 0);
}

TEST(Hosts, ANamedHostAnswersQuestions) {
    const Folder folder;
    ::setenv("XDG_RUNTIME_DIR", folder.path.c_str(), 1);
    {
        auto host = made({.name = "lab"});
        ASSERT_TRUE(callback(*host));
        ASSERT_TRUE(host->add_address(0, prefix("192.0.2.2/24")));
        TcpListener listener(*host, {{}, 80});
        EXPECT_EQ(Host::create({.name = "lab"}).error(),
                  "a host named 'lab' is running already; choose another --name");
        host->input(0, bytes_of("garbage"), 0);
        while (host->drops().empty())
            std::this_thread::yield();

        const auto ask = [](const char* request) {
            auto answer = ask_host("lab", request);
            EXPECT_TRUE(answer) << answer.error();
            return answer ? nlohmann::json::parse(*answer) : nlohmann::json();
        };
        EXPECT_EQ(ask("ss"), nlohmann::json::parse(R"({"schema":1,"host":"lab","sockets":[{
            "protocol":"tcp","state":"LISTEN","recv_q":0,"send_q":128,
            "local":{"address":"0.0.0.0","port":80},"remote":{"address":"0.0.0.0","port":0}}]})"));
        const auto drops = ask("drops");
        EXPECT_EQ(drops["drops"][0]["name"], "ip_truncated");
        EXPECT_EQ(drops["drops"][0]["count"], 1);
        const auto info = ask("info");
        EXPECT_EQ(info["pid"], ::getpid());
        EXPECT_EQ(info["interfaces"][0]["addresses"][0], "192.0.2.2/24");
        EXPECT_NE(ask_host("lab", "nonsense").error().find("unknown request"), std::string::npos);
        EXPECT_EQ(running_hosts()->size(), 1u);
    }
    EXPECT_TRUE(running_hosts()->empty());
    ::unsetenv("XDG_RUNTIME_DIR");
}

TEST(Hosts, ACaptureHoldsEveryPacket) {
    const Folder folder;
    const std::string file = folder.path + "/x.pcapng";
    {
        HostOptions options;
        options.threads = false;
        options.capture_file = file;
        auto host = made(options);
        ASSERT_TRUE(callback(*host));
        ASSERT_TRUE(host->input(0, bytes_of("garbage"), 1'000'000'000));
    }
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    EXPECT_NE(text.find("garbage"), std::string::npos);
    EXPECT_NE(text.find("ip_truncated"), std::string::npos);
}

TEST(Hosts, AChildOfForkHasNoneOfTheParentsSockets) {
    HostPair pair;
    UdpSocket socket(*pair.server, {{}, 7});
    const pid_t child = ::fork();
    if (child == 0) {
        const bool bad = errno_of(berth_send(socket.fd(), "x", 1, 0)) == EBADF &&
                         errno_of(berth_close(socket.fd())) == EBADF &&
                         errno_of(berth_socket(AF_INET, SOCK_DGRAM, 0)) == ENETDOWN;
        pair.server.reset();  // leaves the parent's alone, and returns
        auto own = Host::create({.threads = false});
        ::_exit(bad && own && (*own)->socket(SOCK_DGRAM) >= 0 ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    UdpSocket(*pair.client).send_to(bytes_of("alive"), pair.server_at(7));
    std::array<std::uint8_t, 10> buffer;
    EXPECT_EQ(socket.receive(buffer).bytes, 5u);
}

// No descriptor is left for the threads that come now.
class NoMoreDescriptors {
  public:
    NoMoreDescriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit none = before_;
        none.rlim_cur = 3;
        ::setrlimit(RLIMIT_NOFILE, &none);
    }
    ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

TEST(Hosts, WithoutKernelDescriptorsNoHostIsMade) {
    const NoMoreDescriptors limit;
    EXPECT_EQ(Host::create().error(),
              "cannot make a host: there are no file descriptors left; raise 'ulimit -n'");
}

// Not under AddressSanitizer: UBSan beside it looks at memory through a pipe, and here there is
// none.
#ifndef __SANITIZE_ADDRESS__
TEST(Hosts, ThreadsWithoutADescriptorToSleepOnAreWokenAllTheSame) {
    constexpr int threads = 4;
    HostPair pair;
    std::vector<UdpSocket> sockets;
    for (int t = 0; t < threads; ++t)
        sockets.emplace_back(*pair.server, Endpoint{{}, static_cast<Port>(100 + t)});
    const NoMoreDescriptors limit;
    std::atomic<int> started{0};
    std::atomic<int> got{0};
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) {
        pool.emplace_back([&, t] {
            std::array<std::uint8_t, 10> buffer;
            ++started;
            got += static_cast<int>(sockets[static_cast<std::size_t>(t)].receive(buffer).bytes);
        });
    }
    while (started < threads)
        std::this_thread::yield();
    UdpSocket sender(*pair.client);
    for (int t = 0; t < threads; ++t)
        EXPECT_TRUE(sender.send_to(bytes_of("x"), pair.server_at(static_cast<Port>(100 + t))));
    for (std::thread& thread : pool)
        thread.join();
    EXPECT_EQ(got, threads);
}
#endif

TEST(Hosts, DescriptorsAreReused) {
    HostPair pair;
    const int first = pair.server->socket(SOCK_DGRAM);
    const int second = pair.server->socket(SOCK_DGRAM);
    EXPECT_EQ(second, first + 1);
    berth_close(first);
    EXPECT_EQ(pair.client->socket(SOCK_STREAM), first);
    berth_close(second);
    berth_close(first);
}

// Sockets are opened, used and closed by threads at random while others use the same numbers.
TEST(Hosts, DescriptorsSurviveCarelessThreads) {
    HostPair pair;
    constexpr int threads = 4;
    constexpr int turns = 1500;
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) {
        pool.emplace_back([&, t] {
            unsigned noise = static_cast<unsigned>(t + 1);
            const sockaddr_in to = address_of(HostPair::client_text, 9);
            for (int i = 0; i < turns; ++i) {
                noise = noise * 1664525u + 1013904223u;
                const int fd = BERTH_FIRST_DESCRIPTOR + static_cast<int>(noise >> 24) % 8;
                switch (noise >> 16 & 7) {
                    case 0: pair.server->socket(SOCK_DGRAM | SOCK_NONBLOCK); break;
                    case 1: pair.server->socket(SOCK_STREAM | SOCK_NONBLOCK); break;
                    case 2: berth_close(fd); break;
                    case 3: berth_connect(fd, generic(to), sizeof to); break;
                    case 4: berth_send(fd, "x", 1, 0); break;
                    case 5: berth_shutdown(fd, SHUT_RDWR); break;
                    default: {
                        char byte;
                        berth_recv(fd, &byte, 1, MSG_DONTWAIT);
                        pollfd one{fd, POLLIN | POLLOUT, 0};
                        berth_poll(&one, 1, 0);
                    }
                }
            }
        });
    }
    for (std::thread& thread : pool)
        thread.join();
    for (int i = 0; i < threads * turns; ++i)
        berth_close(BERTH_FIRST_DESCRIPTOR + i);
    EXPECT_TRUE(UdpSocket(*pair.server));
}

}  // namespace
}  // namespace berth::test
