// berth_ioctl: queue sizes, the urgent mark, non-blocking mode.
#include <fcntl.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

class Ioctl : public ::testing::Test {
  protected:
    HostPair pair;
    TcpListener listener{*pair.server, {{}, 7}};
    TcpConnection client{*pair.client, pair.server_at(7)};
    TcpConnection accepted = listener.accept();

    static int ask(int fd, unsigned long request) {
        int value = -1;
        EXPECT_EQ(berth_ioctl(fd, request, &value), 0) << errno;
        return value;
    }
    static int error_of(int fd, unsigned long request) {
        int value = 0;
        return errno_of(berth_ioctl(fd, request, &value));
    }
    // Waits until something can be read.
    static void wait(int fd, std::size_t bytes) {
        std::array<char, 64> seen;
        ASSERT_EQ(berth_recv(fd, seen.data(), bytes, MSG_PEEK | MSG_WAITALL),
                  static_cast<ssize_t>(bytes));
    }
};

TEST_F(Ioctl, UnreadBytesAreCounted) {
    EXPECT_EQ(ask(accepted.fd(), FIONREAD), 0);
    ASSERT_TRUE(client.send_all(bytes_of("hello")));
    wait(accepted.fd(), 5);
    EXPECT_EQ(ask(accepted.fd(), FIONREAD), 5);
    EXPECT_EQ(ask(accepted.fd(), SIOCINQ), 5);
    EXPECT_EQ(ask(accepted.fd(), SIOCATMARK), 0);
}

TEST_F(Ioctl, UnacknowledgedBytesAreCounted) {
    EXPECT_EQ(ask(client.fd(), SIOCOUTQ), 0);
    pair.to_server.broken = true;
    ASSERT_TRUE(client.send_all(bytes_of("into the void")));
    EXPECT_EQ(ask(client.fd(), SIOCOUTQ), 13);
    EXPECT_EQ(ask(client.fd(), TIOCOUTQ), 13);
    EXPECT_EQ(ask(client.fd(), SIOCOUTQNSD), 0);  // it has left
}

TEST_F(Ioctl, NonBlockingModeIsThatOfFcntl) {
    int on = 1;
    ASSERT_EQ(berth_ioctl(accepted.fd(), FIONBIO, &on), 0);
    EXPECT_EQ(berth_fcntl(accepted.fd(), F_GETFL, 0), O_RDWR | O_NONBLOCK);
    char byte = 0;
    EXPECT_EQ(errno_of(berth_recv(accepted.fd(), &byte, 1, 0)), EAGAIN);
    on = 0;
    ASSERT_EQ(berth_ioctl(accepted.fd(), FIONBIO, &on), 0);
    EXPECT_EQ(berth_fcntl(accepted.fd(), F_GETFL, 0), O_RDWR);
}

TEST_F(Ioctl, WhatASocketDoesNotHaveIsRefused) {
    EXPECT_EQ(error_of(listener.fd(), SIOCINQ), EINVAL);
    EXPECT_EQ(error_of(listener.fd(), SIOCOUTQ), EINVAL);
    EXPECT_EQ(error_of(client.fd(), SIOCGIFADDR), ENOTTY);
    EXPECT_EQ(errno_of(berth_ioctl(client.fd(), FIONREAD, nullptr)), EFAULT);
    EXPECT_EQ(error_of(BERTH_FIRST_DESCRIPTOR + 12345, FIONREAD), EBADF);
    UdpSocket datagrams(*pair.server, {{}, 53});
    EXPECT_EQ(ask(datagrams.fd(), FIONREAD), 0);
    EXPECT_EQ(ask(datagrams.fd(), SIOCOUTQ), 0);
    EXPECT_EQ(error_of(datagrams.fd(), SIOCATMARK), ENOTTY);
}

TEST_F(Ioctl, OfDatagramsTheNextOnesSizeIsTold) {
    UdpSocket here(*pair.server, {{}, 53});
    UdpSocket there(*pair.client);
    ASSERT_TRUE(there.send_to(bytes_of("first"), pair.server_at(53)));
    ASSERT_TRUE(there.send_to(bytes_of("the second"), pair.server_at(53)));
    std::array<std::uint8_t, 20> room;
    pollfd one{here.fd(), POLLIN, 0};
    ASSERT_EQ(berth_poll(&one, 1, -1), 1);
    EXPECT_EQ(ask(here.fd(), FIONREAD), 5);
    ASSERT_TRUE(here.receive(room));
    ASSERT_EQ(berth_poll(&one, 1, -1), 1);
    EXPECT_EQ(ask(here.fd(), FIONREAD), 10);
}

}  // namespace
}  // namespace berth::test
