// Blocking calls between two hosts with threads.
#include <pthread.h>
#include <sys/time.h>

#include <array>
#include <csignal>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

void echo(TcpConnection connection) {
    std::array<std::uint8_t, 4096> buffer;
    for (;;) {
        const IoResult got = connection.receive(buffer);
        if (!got || got.bytes == 0) return;
        if (!connection.send_all(std::span(buffer).first(got.bytes))) return;
    }
}

std::vector<std::uint8_t> pattern(std::size_t size, unsigned salt) {
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 31 + i / 251 + salt);
    return bytes;
}

TEST(Blocking, EchoOfOneConnection) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    ASSERT_TRUE(listener);
    std::thread server([&] { echo(listener.accept()); });
    {
        TcpConnection connection(*pair.client, pair.server_at(7));
        ASSERT_TRUE(connection) << connection.error().message();
        EXPECT_EQ(connection.remote(), pair.server_at(7));
        for (int i = 0; i < 300; ++i) {
            const std::string text = "ping " + std::to_string(i);
            ASSERT_TRUE(connection.send_all(bytes_of(text)));
            std::string got(text.size(), ' ');
            ASSERT_EQ(berth_recv(connection.fd(), got.data(), got.size(), MSG_WAITALL),
                      static_cast<ssize_t>(text.size()));
            ASSERT_EQ(got, text);
        }
    }
    server.join();
}

TEST(Blocking, EchoFromManyThreads) {
    constexpr unsigned threads = 12;
    constexpr std::size_t size = 200'000;
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    std::vector<std::thread> pool;
    pool.emplace_back([&] {
        std::vector<std::thread> workers;
        for (unsigned i = 0; i < threads; ++i)
            workers.emplace_back(
                [connection = listener.accept()]() mutable { echo(std::move(connection)); });
        for (std::thread& worker : workers)
            worker.join();
    });
    std::atomic<unsigned> right{0};
    for (unsigned t = 0; t < threads; ++t) {
        pool.emplace_back([&, t] {
            TcpConnection connection(*pair.client, pair.server_at(7));
            const auto data = pattern(size, t);
            // Sending and receiving at the same time, or both sides' buffers would fill up.
            std::thread sender([&] {
                connection.send_all(data);
                connection.shutdown_send();
            });
            std::vector<std::uint8_t> got;
            std::array<std::uint8_t, 5000> part;
            for (IoResult r = connection.receive(part); r && r.bytes > 0;
                 r = connection.receive(part))
                got.insert(got.end(), part.begin(),
                           part.begin() + static_cast<std::ptrdiff_t>(r.bytes));
            sender.join();
            if (got == data) ++right;
        });
    }
    for (std::thread& thread : pool)
        thread.join();
    EXPECT_EQ(right, threads);
}

TEST(Blocking, ASendOfMoreThanAllBuffersReturnsWhenAllIsTaken) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    const auto data = pattern(4'000'000, 1);
    std::thread server([&] {
        TcpConnection connection = listener.accept();
        EXPECT_EQ(berth_send(connection.fd(), data.data(), data.size(), 0),
                  static_cast<ssize_t>(data.size()));
    });
    TcpConnection connection(*pair.client, pair.server_at(7));
    std::vector<std::uint8_t> got(data.size());
    EXPECT_EQ(berth_recv(connection.fd(), got.data(), got.size(), MSG_WAITALL),
              static_cast<ssize_t>(data.size()));
    EXPECT_TRUE(got == data);
    server.join();
}

TEST(Blocking, AConnectThatNobodyAnswersIsRefusedByAReset) {
    HostPair pair;
    TcpConnection connection(*pair.client, pair.server_at(9));
    EXPECT_EQ(connection.error(), std::errc::connection_refused);
}

TEST(Blocking, AConnectEndsAtSendTimeout) {
    HostPair pair;
    pair.to_server.broken = true;
    const int fd = pair.client->socket(SOCK_STREAM);
    const timeval soon{0, 20'000};
    ASSERT_EQ(berth_setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &soon, sizeof soon), 0);
    const sockaddr_in to = address_of(HostPair::server_text, 7);
    EXPECT_EQ(errno_of(berth_connect(fd, generic(to), sizeof to)), EINPROGRESS);
    EXPECT_EQ(errno_of(berth_connect(fd, generic(to), sizeof to)), EALREADY);
    berth_close(fd);
}

TEST(Blocking, ReceiveAndAcceptEndAtReceiveTimeout) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    const timeval soon{0, 5'000};
    ASSERT_EQ(berth_setsockopt(listener.fd(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    EXPECT_EQ(listener.accept().error(), std::errc::operation_would_block);
    UdpSocket udp(*pair.server, {{}, 7});
    ASSERT_EQ(berth_setsockopt(udp.fd(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    std::array<std::uint8_t, 10> buffer;
    EXPECT_EQ(udp.receive(buffer).error, std::errc::operation_would_block);
}

TEST(Blocking, CloseEndsTheCallsThatWaitForTheDescriptor) {
    HostPair pair;
    for (const bool own_driver : {false, true}) {
        TcpListener listener(*pair.server, {{}, 7});
        UdpSocket other(*pair.server, {{}, 7});
        std::atomic<int> waiting{0};
        std::thread driver([&] {  // holds the seat, so that accept() below sleeps beside it
            if (!own_driver) return;
            ++waiting;
            std::array<std::uint8_t, 10> buffer;
            EXPECT_EQ(other.receive(buffer).bytes, 3u);
        });
        std::thread acceptor([&] {
            ++waiting;
            EXPECT_EQ(errno_of(berth_accept(listener.fd(), nullptr, nullptr)), EBADF);
        });
        while (waiting < (own_driver ? 2 : 1))
            std::this_thread::yield();
        EXPECT_EQ(berth_close(listener.fd()), 0);
        acceptor.join();
        UdpSocket(*pair.client).send_to(bytes_of("end"), pair.server_at(7));
        driver.join();
    }
}

TEST(Blocking, DestroyingAHostEndsItsCalls) {
    auto pair = std::make_unique<HostPair>();
    TcpListener listener(*pair->server, {{}, 7});
    std::atomic<bool> waiting{false};
    std::thread acceptor([&] {
        waiting = true;
        EXPECT_EQ(errno_of(berth_accept(listener.fd(), nullptr, nullptr)), EBADF);
    });
    while (!waiting)
        std::this_thread::yield();
    pair.reset();
    acceptor.join();
    EXPECT_EQ(errno_of(berth_close(listener.fd())), EBADF);
}

TEST(Blocking, AConnectedDatagramSocketHearsOnlyItsPeer) {
    HostPair pair;
    UdpSocket server(*pair.server, {{}, 53});
    UdpSocket a(*pair.client, {{}, 5000});
    UdpSocket b(*pair.client, {{}, 5001});
    ASSERT_FALSE(server.connect(pair.client_at(5000)));
    ASSERT_TRUE(b.send_to(bytes_of("from b"), pair.server_at(53)));
    ASSERT_TRUE(a.send_to(bytes_of("from a"), pair.server_at(53)));
    std::array<std::uint8_t, 100> buffer;
    Endpoint source;
    EXPECT_EQ(server.receive_from(buffer, source).bytes, 6u);
    EXPECT_EQ(source, pair.client_at(5000));
}

TEST(Blocking, LingerWaitsForTheLastAcknowledgment) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection connection(*pair.client, pair.server_at(7));
    ASSERT_TRUE(connection);
    TcpConnection accepted = listener.accept();
    const struct linger on { 1, 60 };
    ASSERT_EQ(berth_setsockopt(connection.fd(), SOL_SOCKET, SO_LINGER, &on, sizeof on), 0);
    ASSERT_TRUE(connection.send_all(pattern(100'000, 3)));
    EXPECT_EQ(berth_close(connection.fd()), 0);
    // Everything is on the other side now, without any more work of the client's.
    pair.to_server.broken = true;
    std::vector<std::uint8_t> got(100'000);
    EXPECT_EQ(berth_recv(accepted.fd(), got.data(), got.size(), MSG_WAITALL | MSG_DONTWAIT),
              100'000);
}

TEST(Blocking, LingerEndsAtItsTime) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection connection(*pair.client, pair.server_at(7));
    const struct linger on { 1, 1 };
    ASSERT_EQ(berth_setsockopt(connection.fd(), SOL_SOCKET, SO_LINGER, &on, sizeof on), 0);
    pair.to_server.broken = true;
    ASSERT_TRUE(connection.send_all(bytes_of("into the void")));
    EXPECT_EQ(berth_close(connection.fd()), 0);
}

TEST(Blocking, LingerZeroResets) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection connection(*pair.client, pair.server_at(7));
    TcpConnection accepted = listener.accept();
    const struct linger abort { 1, 0 };
    ASSERT_EQ(berth_setsockopt(connection.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
    connection.close();
    std::array<std::uint8_t, 10> buffer;
    EXPECT_EQ(accepted.receive(buffer).error, std::errc::connection_reset);
}

TEST(Blocking, DrainWaitsUntilNothingIsClosing) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection connection(*pair.client, pair.server_at(7));
    TcpConnection accepted = listener.accept();
    connection.close();
    EXPECT_FALSE(pair.client->drain(20));  // FIN-WAIT-2: the server has not closed
    accepted.close();
    EXPECT_TRUE(pair.client->drain(60'000));
    EXPECT_TRUE(pair.server->drain(60'000));
}

TEST(Blocking, ASignalHandlerEndsABlockedCall) {
    HostPair pair;
    UdpSocket socket(*pair.server, {{}, 7});
    struct sigaction action {};
    action.sa_handler = [](int) {};
    struct sigaction before {};
    ::sigaction(SIGUSR1, &action, &before);
    std::atomic<bool> done{false};
    std::thread blocked([&] {
        std::array<std::uint8_t, 10> buffer;
        EXPECT_EQ(socket.receive(buffer).error, std::errc::interrupted);
        done = true;
    });
    while (!done) {  // the first signals may come before the thread waits
        ::pthread_kill(blocked.native_handle(), SIGUSR1);
        std::this_thread::yield();
    }
    blocked.join();
    ::sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace berth::test
