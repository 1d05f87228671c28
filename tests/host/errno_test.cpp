// The errno values of each call, as POSIX and Linux have them.
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

class Errno : public ::testing::Test {
  protected:
    int stream() { return pair.server->socket(SOCK_STREAM); }
    int datagram() { return pair.server->socket(SOCK_DGRAM); }
    static int bind(int fd, const char* address, Port port) {
        const sockaddr_in in = address_of(address, port);
        return errno_of(berth_bind(fd, generic(in), sizeof in));
    }
    static int connect(int fd, const char* address, Port port) {
        const sockaddr_in in = address_of(address, port);
        return errno_of(berth_connect(fd, generic(in), sizeof in));
    }
    static int send_to(int fd, std::size_t size, const char* address, Port port) {
        const std::vector<char> data(size);
        const sockaddr_in in = address_of(address, port);
        return errno_of(berth_sendto(fd, data.data(), size, 0, generic(in), sizeof in));
    }
    static int set(int fd, int level, int name, int value) {
        return errno_of(berth_setsockopt(fd, level, name, &value, sizeof value));
    }
    static int get(int fd, int level, int name) {
        int value = -1;
        socklen_t length = sizeof value;
        EXPECT_EQ(berth_getsockopt(fd, level, name, &value, &length), 0);
        EXPECT_EQ(length, sizeof value);
        return value;
    }
    static int option_errno(int fd, int level, int name) {
        int value = 0;
        socklen_t length = sizeof value;
        return errno_of(berth_getsockopt(fd, level, name, &value, &length));
    }
    // An established pair: on the server and on the client.
    std::pair<TcpConnection, TcpConnection> established(Port port = 7) {
        TcpListener listener(*pair.server, {{}, port});
        TcpConnection client(*pair.client, pair.server_at(port));
        return {listener.accept(), std::move(client)};
    }

    HostPair pair;
    std::array<char, 64> buffer{};
};

constexpr const char* own = HostPair::server_text;
constexpr const char* peer = HostPair::client_text;

TEST_F(Errno, Socket) {
    EXPECT_EQ(errno_of(berth_socket(AF_INET6, SOCK_STREAM, 0)), EAFNOSUPPORT);
    EXPECT_EQ(errno_of(berth_socket(AF_UNIX, SOCK_STREAM, 0)), EAFNOSUPPORT);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_SEQPACKET, 0)), ESOCKTNOSUPPORT);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_RAW, 0)), EPROTONOSUPPORT);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_RAW, 256)), EINVAL);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_RAW, -1)), EINVAL);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, 15, 0)), EINVAL);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_STREAM | 0x100000, 0)), EINVAL);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_STREAM, IPPROTO_UDP)), EPROTONOSUPPORT);
    EXPECT_EQ(errno_of(berth_socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP)), EPROTONOSUPPORT);
    const int fd = berth_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    EXPECT_GE(fd, BERTH_FIRST_DESCRIPTOR);
    EXPECT_EQ(berth_fcntl(fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    EXPECT_EQ(berth_close(fd), 0);
}

TEST_F(Errno, TheDescriptorIsNotOpen) {
    sockaddr_in in = address_of(own, 7);
    socklen_t length = sizeof in;
    for (const int fd : {-1, BERTH_FIRST_DESCRIPTOR + 12345, INT_MAX}) {
        EXPECT_EQ(bind(fd, own, 7), EBADF);
        EXPECT_EQ(connect(fd, own, 7), EBADF);
        EXPECT_EQ(errno_of(berth_listen(fd, 1)), EBADF);
        EXPECT_EQ(errno_of(berth_accept(fd, nullptr, nullptr)), EBADF);
        EXPECT_EQ(errno_of(berth_send(fd, "x", 1, 0)), EBADF);
        EXPECT_EQ(errno_of(berth_send(fd, nullptr, 1, 0)), EBADF);
        EXPECT_EQ(errno_of(berth_recv(fd, buffer.data(), 1, 0)), EBADF);
        EXPECT_EQ(errno_of(berth_shutdown(fd, SHUT_RD)), EBADF);
        EXPECT_EQ(errno_of(berth_close(fd)), EBADF);
        EXPECT_EQ(errno_of(berth_getsockname(fd, generic(in), &length)), EBADF);
        EXPECT_EQ(errno_of(berth_getpeername(fd, generic(in), &length)), EBADF);
        EXPECT_EQ(errno_of(berth_fcntl(fd, F_GETFL, 0)), EBADF);
        EXPECT_EQ(set(fd, SOL_SOCKET, SO_REUSEADDR, 1), EBADF);
        EXPECT_EQ(option_errno(fd, SOL_SOCKET, SO_TYPE), EBADF);
    }
}

TEST_F(Errno, ADescriptorOfTheKernelIsNoSocketOfBerth) {
    std::array<int, 2> ends;
    ASSERT_EQ(::pipe(ends.data()), 0);
    EXPECT_EQ(errno_of(berth_listen(ends[0], 1)), ENOTSOCK);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_F(Errno, Bind) {
    const int fd = stream();
    const sockaddr_in in = address_of(own, 7);
    EXPECT_EQ(errno_of(berth_bind(fd, nullptr, sizeof in)), EFAULT);
    EXPECT_EQ(errno_of(berth_bind(fd, generic(in), sizeof in - 1)), EINVAL);
    sockaddr_in other = in;
    other.sin_family = AF_INET6;
    EXPECT_EQ(errno_of(berth_bind(fd, generic(other), sizeof other)), EAFNOSUPPORT);
    EXPECT_EQ(bind(fd, peer, 7), EADDRNOTAVAIL);
    EXPECT_EQ(bind(fd, own, 7), 0);
    EXPECT_EQ(bind(fd, own, 8), EINVAL);  // one socket, one port
    const int second = stream();
    EXPECT_EQ(bind(second, own, 7), EADDRINUSE);
    EXPECT_EQ(bind(datagram(), own, 7), 0);  // UDP's ports are another space
    EXPECT_EQ(bind(datagram(), own, 7), EADDRINUSE);
    EXPECT_EQ(bind(datagram(), peer, 7), EADDRNOTAVAIL);
}

TEST_F(Errno, ListenAndAccept) {
    EXPECT_EQ(errno_of(berth_listen(datagram(), 1)), EOPNOTSUPP);
    EXPECT_EQ(errno_of(berth_accept(datagram(), nullptr, nullptr)), EOPNOTSUPP);
    const int fd = stream();
    EXPECT_EQ(errno_of(berth_accept(fd, nullptr, nullptr)), EINVAL);
    ASSERT_EQ(bind(fd, own, 7), 0);
    EXPECT_EQ(errno_of(berth_listen(fd, 1)), 0);
    EXPECT_EQ(errno_of(berth_accept4(fd, nullptr, nullptr, 1)), EINVAL);
    sockaddr_in in{};
    EXPECT_EQ(errno_of(berth_accept(fd, generic(in), nullptr)), EFAULT);
    ASSERT_EQ(berth_fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(errno_of(berth_accept(fd, nullptr, nullptr)), EAGAIN);
    EXPECT_EQ(connect(fd, peer, 7), EISCONN);
}

TEST_F(Errno, Connect) {
    const int fd = stream();
    const sockaddr_in in = address_of(peer, 9);
    EXPECT_EQ(errno_of(berth_connect(fd, nullptr, sizeof in)), EFAULT);
    EXPECT_EQ(errno_of(berth_connect(fd, generic(in), 4)), EINVAL);
    EXPECT_EQ(connect(fd, "198.51.100.1", 9), ENETUNREACH);
    EXPECT_EQ(connect(fd, peer, 9), ECONNREFUSED);

    auto [server, client] = established();
    EXPECT_EQ(connect(client.fd(), own, 7), EISCONN);

    const int slow = stream();
    ASSERT_EQ(berth_fcntl(slow, F_SETFL, O_NONBLOCK), 0);
    pair.to_client.broken = true;
    EXPECT_EQ(connect(slow, peer, 9), EINPROGRESS);
    EXPECT_EQ(connect(slow, peer, 9), EALREADY);
    EXPECT_EQ(errno_of(berth_shutdown(slow, SHUT_WR)), ENOTCONN);
}

TEST_F(Errno, ANonBlockingConnectTellsItsOutcome) {
    TcpListener listener(*pair.client, {{}, 9});
    for (const Port port : {Port{9}, Port{10}}) {
        const int fd = stream();
        ASSERT_EQ(berth_fcntl(fd, F_SETFL, O_NONBLOCK), 0);
        const int outcome = connect(fd, peer, port);
        if (outcome != EINPROGRESS) {  // the other host's thread has answered already
            EXPECT_EQ(outcome, port == 9 ? 0 : ECONNREFUSED);
            continue;
        }
        pollfd one{fd, POLLOUT, 0};
        ASSERT_EQ(berth_poll(&one, 1, -1), 1);
        EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), port == 9 ? 0 : ECONNREFUSED);
        EXPECT_EQ(get(fd, SOL_SOCKET, SO_ERROR), 0);  // told once
        if (port == 9) {
            EXPECT_EQ(connect(fd, peer, port), 0);
            EXPECT_EQ(connect(fd, peer, port), EISCONN);
        }
    }
}

TEST_F(Errno, DisconnectByAnUnspecifiedFamily) {
    const int fd = datagram();
    ASSERT_EQ(connect(fd, peer, 9), 0);
    sockaddr none{};
    none.sa_family = AF_UNSPEC;
    EXPECT_EQ(errno_of(berth_connect(fd, &none, sizeof none)), 0);
    EXPECT_EQ(errno_of(berth_send(fd, "x", 1, 0)), EDESTADDRREQ);
}

TEST_F(Errno, NotConnected) {
    sockaddr_in in{};
    socklen_t length = sizeof in;
    for (const int fd : {stream(), datagram()}) {
        EXPECT_EQ(errno_of(berth_getpeername(fd, generic(in), &length)), ENOTCONN);
        EXPECT_EQ(errno_of(berth_shutdown(fd, SHUT_RDWR)), ENOTCONN);
    }
    const int fd = stream();
    EXPECT_EQ(errno_of(berth_recv(fd, buffer.data(), 1, 0)), ENOTCONN);
    EXPECT_NE(errno_of(berth_send(fd, "x", 1, 0)), 0);
    EXPECT_EQ(errno_of(berth_send(datagram(), "x", 1, 0)), EDESTADDRREQ);
}

TEST_F(Errno, SendAndReceiveArguments) {
    auto [server, client] = established();
    EXPECT_EQ(errno_of(berth_send(server.fd(), nullptr, 1, 0)), EFAULT);
    EXPECT_EQ(errno_of(berth_recv(server.fd(), nullptr, 1, 0)), EFAULT);
    EXPECT_EQ(errno_of(berth_send(server.fd(), "x", 1, MSG_FASTOPEN)), EOPNOTSUPP);
    EXPECT_EQ(errno_of(berth_send(datagram(), "x", 1, MSG_OOB)), EOPNOTSUPP);
    EXPECT_EQ(errno_of(berth_recv(datagram(), buffer.data(), 1, MSG_OOB)), EOPNOTSUPP);
    EXPECT_EQ(errno_of(berth_recv(server.fd(), buffer.data(), 1, MSG_OOB)), EINVAL);
    EXPECT_EQ(errno_of(berth_recv(server.fd(), buffer.data(), 1, MSG_ERRQUEUE)), EAGAIN);
    EXPECT_EQ(errno_of(berth_recv(server.fd(), buffer.data(), 1, MSG_MORE)), EOPNOTSUPP);
    EXPECT_EQ(errno_of(berth_recv(server.fd(), buffer.data(), 1, MSG_DONTWAIT)), EAGAIN);
    EXPECT_EQ(berth_recv(server.fd(), buffer.data(), 0, 0), 0);
    EXPECT_EQ(berth_send(server.fd(), nullptr, 0, 0), 0);
    iovec part{nullptr, 1};
    EXPECT_EQ(errno_of(berth_readv(server.fd(), &part, 1)), EFAULT);
    EXPECT_EQ(errno_of(berth_readv(server.fd(), nullptr, 1)), EFAULT);
    EXPECT_EQ(errno_of(berth_writev(server.fd(), &part, -1)), EINVAL);
    EXPECT_EQ(errno_of(berth_writev(server.fd(), &part, IOV_MAX + 1)), EINVAL);
    EXPECT_EQ(errno_of(berth_shutdown(server.fd(), 7)), EINVAL);
}

TEST_F(Errno, ABrokenPipeRaisesNoSignal) {
    auto [server, client] = established();
    ASSERT_FALSE(server.shutdown_send());
    EXPECT_EQ(errno_of(berth_send(server.fd(), "x", 1, 0)), EPIPE);
}

TEST_F(Errno, AResetIsToldOnce) {
    auto [server, client] = established();
    const struct linger abort { 1, 0 };
    ASSERT_EQ(berth_setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort), 0);
    client.close();
    EXPECT_EQ(errno_of(berth_recv(server.fd(), buffer.data(), 1, 0)), ECONNRESET);
    EXPECT_EQ(berth_recv(server.fd(), buffer.data(), 1, 0), 0);
    EXPECT_EQ(errno_of(berth_send(server.fd(), "x", 1, 0)), EPIPE);
}

TEST_F(Errno, Datagrams) {
    const int fd = datagram();
    EXPECT_EQ(send_to(fd, 65'508, peer, 9), EMSGSIZE);
    EXPECT_EQ(send_to(fd, 10, "198.51.100.1", 9), ENETUNREACH);
    EXPECT_EQ(send_to(fd, 10, "192.0.2.255", 9), EACCES);
    EXPECT_EQ(set(fd, SOL_SOCKET, SO_BROADCAST, 1), 0);
    EXPECT_EQ(send_to(fd, 10, "192.0.2.255", 9), 0);
}

TEST_F(Errno, APortUnreachableReachesAConnectedSocket) {
    UdpSocket socket(*pair.server);
    ASSERT_FALSE(socket.connect(pair.client_at(9)));
    ASSERT_TRUE(socket.send(bytes_of("x")));
    std::array<std::uint8_t, 10> part;
    EXPECT_EQ(socket.receive(part).error, std::errc::connection_refused);
}

TEST_F(Errno, MessageFlags) {
    UdpSocket there(*pair.client, {{}, 9});
    const int fd = datagram();
    ASSERT_EQ(send_to(fd, 100, peer, 9), 0);
    EXPECT_EQ(berth_recv(there.fd(), buffer.data(), 10, MSG_PEEK), 10);
    EXPECT_EQ(berth_recv(there.fd(), buffer.data(), 10, MSG_PEEK | MSG_TRUNC), 100);
    EXPECT_EQ(berth_recv(there.fd(), buffer.data(), 10, 0), 10);
    EXPECT_EQ(errno_of(berth_recv(there.fd(), buffer.data(), 10, MSG_DONTWAIT)), EAGAIN);

    auto [server, client] = established();
    ASSERT_TRUE(client.send_all(bytes_of("hello")));
    EXPECT_EQ(berth_recv(server.fd(), buffer.data(), 5, MSG_PEEK | MSG_WAITALL), 5);
    EXPECT_EQ(berth_recv(server.fd(), nullptr, 2, MSG_TRUNC), 2);  // thrown away (tcp(7))
    EXPECT_EQ(berth_recv(server.fd(), buffer.data(), 10, 0), 3);
    EXPECT_EQ(std::string_view(buffer.data(), 3), "llo");
}

TEST_F(Errno, Names) {
    const int fd = stream();
    sockaddr_in in{};
    socklen_t length = sizeof in;
    EXPECT_EQ(errno_of(berth_getsockname(fd, nullptr, &length)), EFAULT);
    EXPECT_EQ(errno_of(berth_getsockname(fd, generic(in), nullptr)), EFAULT);
    length = 0xffffffff;
    EXPECT_EQ(errno_of(berth_getsockname(fd, generic(in), &length)), EINVAL);
    ASSERT_EQ(bind(fd, own, 7), 0);
    // The address is cut to the room there is, and the length says what it would have been.
    std::memset(&in, 0xee, sizeof in);
    length = 4;
    EXPECT_EQ(berth_getsockname(fd, generic(in), &length), 0);
    EXPECT_EQ(length, sizeof in);
    EXPECT_EQ(ntohs(in.sin_port), 7);
    EXPECT_EQ(in.sin_addr.s_addr, 0xeeeeeeee);
}

TEST_F(Errno, AnAcceptedSocketKeepsTheListenersPort) {
    auto [server, client] = established(8080);
    EXPECT_EQ(server.local(), pair.server_at(8080));
    EXPECT_EQ(server.remote(), client.local());
    EXPECT_EQ(client.remote(), server.local());
}

TEST_F(Errno, Options) {
    const int tcp = stream();
    const int udp = datagram();
    EXPECT_EQ(get(tcp, SOL_SOCKET, SO_TYPE), SOCK_STREAM);
    EXPECT_EQ(get(udp, SOL_SOCKET, SO_TYPE), SOCK_DGRAM);
    EXPECT_EQ(get(tcp, SOL_SOCKET, SO_DOMAIN), AF_INET);
    EXPECT_EQ(get(udp, SOL_SOCKET, SO_PROTOCOL), IPPROTO_UDP);
    EXPECT_EQ(get(tcp, SOL_SOCKET, SO_ACCEPTCONN), 0);
    using Case = std::tuple<int, int, int, int>;  // descriptor, level, name, value
    for (const auto& [fd, level, name, value] :
         {Case(tcp, SOL_SOCKET, SO_REUSEADDR, 1), Case(udp, SOL_SOCKET, SO_REUSEADDR, 1),
          Case(udp, SOL_SOCKET, SO_BROADCAST, 1), Case(tcp, SOL_SOCKET, SO_RCVBUF, 50'000),
          Case(tcp, SOL_SOCKET, SO_SNDBUF, 50'000), Case(udp, SOL_SOCKET, SO_RCVBUF, 50'000),
          Case(tcp, IPPROTO_TCP, TCP_NODELAY, 1), Case(tcp, IPPROTO_TCP, TCP_MAXSEG, 1000),
          Case(tcp, IPPROTO_IP, IP_TTL, 3), Case(udp, IPPROTO_IP, IP_TTL, 3),
          Case(tcp, IPPROTO_IP, IP_TOS, 0x20)}) {
        EXPECT_EQ(set(fd, level, name, value), 0) << level << " " << name;
        EXPECT_EQ(get(fd, level, name), value) << level << " " << name;
    }
    EXPECT_EQ(set(tcp, IPPROTO_IP, IP_TTL, 0), EINVAL);
    EXPECT_EQ(set(tcp, IPPROTO_IP, IP_TTL, 256), EINVAL);
    EXPECT_EQ(set(tcp, IPPROTO_IP, IP_TTL, -1), 0);
    EXPECT_EQ(get(tcp, IPPROTO_IP, IP_TTL), 64);
    const unsigned char byte = 9;
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, IPPROTO_IP, IP_TTL, &byte, 1)), 0);
    EXPECT_EQ(get(tcp, IPPROTO_IP, IP_TTL), 9);
}

TEST_F(Errno, OptionsThatAreNone) {
    const int tcp = stream();
    const int udp = datagram();
    EXPECT_EQ(set(tcp, SOL_SOCKET, 9999, 1), ENOPROTOOPT);
    EXPECT_EQ(set(tcp, 12345, 1, 1), ENOPROTOOPT);
    EXPECT_EQ(set(udp, IPPROTO_TCP, TCP_NODELAY, 1), ENOPROTOOPT);
    EXPECT_EQ(option_errno(udp, IPPROTO_TCP, TCP_NODELAY), ENOPROTOOPT);
    EXPECT_EQ(set(tcp, SOL_SOCKET, SO_ERROR, 1), ENOPROTOOPT);
    EXPECT_EQ(set(tcp, SOL_SOCKET, SO_TYPE, 1), ENOPROTOOPT);
    const char small = 1;
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, &small, 1)), EINVAL);
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, SOL_SOCKET, SO_REUSEADDR, nullptr, 4)), EFAULT);
    socklen_t length = 4;
    EXPECT_EQ(errno_of(berth_getsockopt(tcp, SOL_SOCKET, SO_TYPE, nullptr, &length)), EFAULT);
    EXPECT_EQ(errno_of(berth_getsockopt(tcp, SOL_SOCKET, SO_TYPE, buffer.data(), nullptr)), EFAULT);
    const timeval wrong{1, 1'000'000};
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, SOL_SOCKET, SO_RCVTIMEO, &wrong, sizeof wrong)), EDOM);
}

TEST_F(Errno, StructuredOptions) {
    const int fd = stream();
    const timeval three{3, 500'000};
    ASSERT_EQ(berth_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &three, sizeof three), 0);
    timeval time{};
    socklen_t length = sizeof time;
    ASSERT_EQ(berth_getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, &length), 0);
    EXPECT_EQ(time.tv_sec, 3);
    EXPECT_EQ(time.tv_usec, 500'000);
    struct linger linger {
        1, 7
    };
    ASSERT_EQ(berth_setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger), 0);
    linger = {};
    length = sizeof linger;
    ASSERT_EQ(berth_getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &length), 0);
    EXPECT_EQ(linger.l_onoff, 1);
    EXPECT_EQ(linger.l_linger, 7);
}

TEST_F(Errno, Fcntl) {
    const int fd = stream();
    EXPECT_EQ(berth_fcntl(fd, F_GETFL, 0), O_RDWR);
    EXPECT_EQ(berth_fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    EXPECT_EQ(berth_fcntl(fd, F_GETFL, 0), O_RDWR | O_NONBLOCK);
    EXPECT_EQ(errno_of(berth_fcntl(fd, F_GETLK, 0)), EINVAL);
}

}  // namespace
}  // namespace berth::test
