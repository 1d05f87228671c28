// berth_poll: berth's descriptors and the kernel's, one host and several.
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

pollfd entry(int fd, short events) {
    return {fd, events, 0};
}

TEST(Poll, BothKindsOfDescriptorsInOneCall) {
    HostPair pair;
    UdpSocket udp(*pair.server, {{}, 7});
    std::array<int, 2> pipe_ends;
    ASSERT_EQ(::pipe(pipe_ends.data()), 0);
    std::array<pollfd, 4> fds{entry(udp.fd(), POLLIN), entry(pipe_ends[0], POLLIN),
                              entry(-1, POLLIN), entry(BERTH_FIRST_DESCRIPTOR + 999, POLLIN)};
    EXPECT_EQ(berth_poll(fds.data(), 4, -1), 1);
    EXPECT_EQ(fds[3].revents, POLLNVAL);
    EXPECT_EQ(berth_poll(fds.data(), 3, 0), 0);

    ASSERT_EQ(::write(pipe_ends[1], "x", 1), 1);
    EXPECT_EQ(berth_poll(fds.data(), 3, -1), 1);
    EXPECT_EQ(fds[1].revents, POLLIN);
    EXPECT_EQ(fds[0].revents, 0);

    UdpSocket(*pair.client).send_to(bytes_of("x"), pair.server_at(7));
    fds[1].fd = -1;
    EXPECT_EQ(berth_poll(fds.data(), 3, -1), 1);
    EXPECT_EQ(fds[0].revents, POLLIN);
    EXPECT_EQ(fds[1].revents, 0);
    fds[1].fd = pipe_ends[0];
    EXPECT_EQ(berth_poll(fds.data(), 3, -1), 2);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
}

TEST(Poll, KernelDescriptorsAlone) {
    const int fd = ::eventfd(1, EFD_CLOEXEC);
    pollfd one = entry(fd, POLLIN);
    EXPECT_EQ(berth_poll(&one, 1, -1), 1);
    ::close(fd);
    EXPECT_EQ(berth_poll(nullptr, 0, 1), 0);
    EXPECT_EQ(errno_of(berth_poll(nullptr, 1, 1)), EFAULT);
}

TEST(Poll, ItEndsAtItsTimeout) {
    HostPair pair;
    UdpSocket udp(*pair.server, {{}, 7});
    pollfd one = entry(udp.fd(), POLLIN);
    EXPECT_EQ(berth_poll(&one, 1, 5), 0);
    EXPECT_EQ(berth_poll(&one, 1, 0), 0);
    one.events = POLLOUT;
    EXPECT_EQ(berth_poll(&one, 1, -1), 1);
    EXPECT_EQ(one.revents, POLLOUT);
}

TEST(Poll, TheStagesOfAConnection) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection connection(*pair.client, pair.server_at(7));
    pollfd fd = entry(listener.fd(), POLLIN);
    EXPECT_EQ(berth_poll(&fd, 1, -1), 1);
    TcpConnection accepted = listener.accept();
    fd = entry(accepted.fd(), POLLIN | POLLOUT | POLLRDHUP);
    EXPECT_EQ(berth_poll(&fd, 1, -1), 1);
    EXPECT_EQ(fd.revents, POLLOUT);
    connection.send_all(bytes_of("x"));
    fd.events = POLLIN | POLLRDHUP;
    EXPECT_EQ(berth_poll(&fd, 1, -1), 1);
    EXPECT_EQ(fd.revents, POLLIN);
    connection.shutdown_send();
    fd.events = POLLRDHUP;
    EXPECT_EQ(berth_poll(&fd, 1, -1), 1);
    EXPECT_EQ(fd.revents, POLLRDHUP);
    accepted.shutdown_send();
    fd.events = 0;
    EXPECT_EQ(berth_poll(&fd, 1, -1), 1);
    EXPECT_EQ(fd.revents, POLLHUP);
}

TEST(Poll, SeveralHostsInOneCall) {
    HostPair pair;
    UdpSocket server(*pair.server, {{}, 7});
    UdpSocket client(*pair.client, {{}, 7});
    const int other = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::array<pollfd, 3> fds{entry(server.fd(), POLLIN), entry(client.fd(), POLLIN),
                              entry(other, POLLIN)};
    EXPECT_EQ(berth_poll(fds.data(), 3, 5), 0);
    std::array<std::uint8_t, 10> buffer;
    for (int round = 0; round < 200; ++round) {
        std::thread sender([&] {
            if (round % 2 == 0)
                client.send_to(bytes_of("x"), pair.server_at(7));
            else
                server.send_to(bytes_of("x"), pair.client_at(7));
        });
        ASSERT_EQ(berth_poll(fds.data(), 3, -1), 1);
        const std::size_t at = round % 2 == 0 ? 0 : 1;
        ASSERT_EQ(fds[at].revents, POLLIN);
        ASSERT_EQ((round % 2 == 0 ? server : client).receive(buffer).bytes, 1u);
        sender.join();
    }
    ::eventfd_write(other, 1);
    EXPECT_EQ(berth_poll(fds.data(), 3, -1), 1);
    EXPECT_EQ(fds[2].revents, POLLIN);
    ::close(other);
}

TEST(Poll, SeveralThreadsPollTheSameHost) {
    constexpr int threads = 6;
    constexpr int rounds = 100;
    HostPair pair;
    std::vector<std::thread> pool;
    std::atomic<int> right{0};
    for (int t = 0; t < threads; ++t) {
        pool.emplace_back([&, t] {
            UdpSocket here(*pair.server, {{}, static_cast<Port>(100 + t)});
            UdpSocket there(*pair.client, {{}, static_cast<Port>(100 + t)});
            std::array<std::uint8_t, 10> buffer;
            for (int i = 0; i < rounds; ++i) {
                there.send_to(bytes_of("x"), pair.server_at(static_cast<Port>(100 + t)));
                pollfd fd = entry(here.fd(), POLLIN);
                if (berth_poll(&fd, 1, 60'000) == 1 && here.receive(buffer).bytes == 1) ++right;
            }
        });
    }
    for (std::thread& thread : pool)
        thread.join();
    EXPECT_EQ(right, threads * rounds);
}

}  // namespace
}  // namespace berth::test
