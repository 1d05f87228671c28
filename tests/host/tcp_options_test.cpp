// TCP's options through the C API: Linux's numbers, lengths and errno values.
#include <netinet/tcp.h>

#include <array>
#include <string_view>
#include <tuple>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

class TcpOptions : public ::testing::Test {
  protected:
    HostPair pair;
    int tcp = pair.server->socket(SOCK_STREAM);
    int udp = pair.server->socket(SOCK_DGRAM);

    static int set(int fd, int level, int name, int value) {
        return errno_of(berth_setsockopt(fd, level, name, &value, sizeof value));
    }
    static int get(int fd, int level, int name) {
        int value = -1;
        socklen_t length = sizeof value;
        EXPECT_EQ(berth_getsockopt(fd, level, name, &value, &length), 0) << name;
        EXPECT_EQ(length, sizeof value);
        return value;
    }
    static int set_congestion(int fd, std::string_view name) {
        return errno_of(berth_setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.data(),
                                         static_cast<socklen_t>(name.size())));
    }
};

TEST_F(TcpOptions, ComeBackByLinuxsNumbers) {
    using Case = std::tuple<int, int, int>;  // level, name, value
    for (const auto& [level, name, value] :
         {Case(SOL_SOCKET, SO_REUSEPORT, 1), Case(SOL_SOCKET, SO_KEEPALIVE, 1),
          Case(SOL_SOCKET, SO_OOBINLINE, 1), Case(SOL_SOCKET, SO_RCVLOWAT, 50),
          Case(IPPROTO_TCP, TCP_CORK, 1), Case(IPPROTO_TCP, TCP_KEEPIDLE, 30),
          Case(IPPROTO_TCP, TCP_KEEPINTVL, 5), Case(IPPROTO_TCP, TCP_KEEPCNT, 3),
          Case(IPPROTO_TCP, TCP_SYNCNT, 2), Case(IPPROTO_TCP, TCP_LINGER2, 20),
          Case(IPPROTO_TCP, TCP_DEFER_ACCEPT, 7), Case(IPPROTO_TCP, TCP_USER_TIMEOUT, 5000),
          Case(IPPROTO_TCP, TCP_WINDOW_CLAMP, 20'000), Case(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096),
          Case(IPPROTO_TCP, TCP_FASTOPEN, 5), Case(IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1),
          Case(IPPROTO_TCP, TCP_MAXSEG, 1000), Case(IPPROTO_IP, IP_RECVERR, 1)}) {
        EXPECT_EQ(set(tcp, level, name, value), 0) << level << " " << name;
        EXPECT_EQ(get(tcp, level, name), value) << level << " " << name;
    }
    EXPECT_EQ(set(tcp, IPPROTO_TCP, TCP_QUICKACK, 1), 0);
    EXPECT_EQ(get(tcp, IPPROTO_TCP, TCP_QUICKACK), 1);
    EXPECT_EQ(set(udp, SOL_SOCKET, SO_REUSEPORT, 1), 0);
    EXPECT_EQ(get(udp, SOL_SOCKET, SO_REUSEPORT), 1);
}

TEST_F(TcpOptions, OutOfRangeIsEinval) {
    using Case = std::pair<int, int>;
    for (const auto& [name, value] :
         {Case(TCP_KEEPIDLE, 0), Case(TCP_KEEPIDLE, 32'768), Case(TCP_KEEPINTVL, 0),
          Case(TCP_KEEPCNT, 128), Case(TCP_SYNCNT, 0), Case(TCP_USER_TIMEOUT, -1),
          Case(TCP_MAXSEG, 87), Case(TCP_MAXSEG, 32'768), Case(TCP_FASTOPEN, -1),
          Case(TCP_FASTOPEN_CONNECT, 2)})
        EXPECT_EQ(set(tcp, IPPROTO_TCP, name, value), EINVAL) << name << " " << value;
    const short small = 1;
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, IPPROTO_TCP, TCP_CORK, &small, sizeof small)), EINVAL);
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, IPPROTO_TCP, TCP_CORK, nullptr, sizeof(int))), EFAULT);
}

TEST_F(TcpOptions, UnknownOnesAreEnoprotoopt) {
    constexpr int no_such = 200;
    EXPECT_EQ(set(tcp, IPPROTO_TCP, no_such, 1), ENOPROTOOPT);
    int value = 0;
    socklen_t length = sizeof value;
    EXPECT_EQ(errno_of(berth_getsockopt(tcp, IPPROTO_TCP, no_such, &value, &length)), ENOPROTOOPT);
    for (const int name : {TCP_CORK, TCP_KEEPIDLE, TCP_CONGESTION, TCP_FASTOPEN}) {
        EXPECT_EQ(set(udp, IPPROTO_TCP, name, 1), ENOPROTOOPT) << name;
        EXPECT_EQ(errno_of(berth_getsockopt(udp, IPPROTO_TCP, name, &value, &length)), ENOPROTOOPT);
    }
}

TEST_F(TcpOptions, OptionsOfAnySocketDoNothingWhereTheyMeanNothingSocket7) {
    for (const int name : {SO_KEEPALIVE, SO_OOBINLINE, SO_RCVLOWAT})
        EXPECT_EQ(set(udp, SOL_SOCKET, name, 1), 0);
    EXPECT_EQ(get(udp, SOL_SOCKET, SO_RCVLOWAT), 1);
}

TEST_F(TcpOptions, TheSendLowWaterMarkIsOneAndCannotBeChangedSocket7) {
    for (const int fd : {tcp, udp}) {
        EXPECT_EQ(get(fd, SOL_SOCKET, SO_SNDLOWAT), 1);
        EXPECT_EQ(set(fd, SOL_SOCKET, SO_SNDLOWAT, 2), ENOPROTOOPT);
    }
}

TEST_F(TcpOptions, CongestionControlsHaveNames) {
    EXPECT_EQ(set_congestion(tcp, "reno"), 0);
    EXPECT_EQ(set_congestion(tcp, std::string_view("reno\0garbage", 12)), 0);
    EXPECT_EQ(set_congestion(tcp, "westward"), ENOENT);
    EXPECT_EQ(set_congestion(tcp, std::string_view("reno", 2)), ENOENT);
    EXPECT_EQ(set_congestion(tcp, ""), EINVAL);
    std::array<char, 32> name{};
    name.fill('#');
    socklen_t length = name.size();
    ASSERT_EQ(berth_getsockopt(tcp, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length), 0);
    EXPECT_EQ(length, 16u);  // TCP_CA_NAME_MAX
    EXPECT_EQ(std::string_view(name.data()), "reno");
    length = 3;
    ASSERT_EQ(berth_getsockopt(tcp, IPPROTO_TCP, TCP_CONGESTION, name.data(), &length), 0);
    EXPECT_EQ(length, 3u);
}

TEST_F(TcpOptions, LingerComesBack) {
    for (const auto& [given, kept] : {std::pair<struct linger, struct linger>{{1, 0}, {1, 0}},
                                      {{1, 30}, {1, 30}},
                                      {{7, 30}, {1, 30}},
                                      {{1, -1}, {1, INT32_MAX}},
                                      {{0, 0}, {0, 0}}}) {
        ASSERT_EQ(berth_setsockopt(tcp, SOL_SOCKET, SO_LINGER, &given, sizeof given), 0);
        struct linger got {};
        socklen_t length = sizeof got;
        ASSERT_EQ(berth_getsockopt(tcp, SOL_SOCKET, SO_LINGER, &got, &length), 0);
        EXPECT_EQ(got.l_onoff, kept.l_onoff);
        EXPECT_EQ(got.l_linger, kept.l_linger);
    }
}

TEST_F(TcpOptions, TheTypedApiHasThemAsWell) {
    TcpListener listener(*pair.server, {{}, 7});
    ASSERT_TRUE(listener);
    EXPECT_EQ(listener.option(SOL_SOCKET, SO_REUSEADDR), 1);
    EXPECT_EQ(listener.option(SOL_SOCKET, SO_REUSEPORT), 0);
    EXPECT_FALSE(listener.set_option(IPPROTO_TCP, TCP_KEEPIDLE, 99));
    EXPECT_EQ(listener.option(IPPROTO_TCP, TCP_KEEPIDLE), 99);
    EXPECT_EQ(listener.option(IPPROTO_TCP, 200), std::nullopt);
    EXPECT_EQ(errno, ENOPROTOOPT);
    // Only who shares is joined.
    EXPECT_EQ(TcpListener(*pair.server, {{}, 7}).error(), std::errc::address_in_use);
    EXPECT_EQ(TcpListener(*pair.server, {{}, 7}, TcpListener::Shared{}).error(),
              std::errc::address_in_use);
    TcpListener one(*pair.server, {{}, 8}, TcpListener::Shared{});
    TcpListener two(*pair.server, {{}, 8}, TcpListener::Shared{});
    EXPECT_TRUE(one);
    EXPECT_TRUE(two);
}

TEST_F(TcpOptions, AServerMayStartAgainAtOnce) {
    for (int i = 0; i < 3; ++i) {
        TcpListener listener(*pair.server, {{}, 7});
        ASSERT_TRUE(listener) << i;
        TcpConnection client(*pair.client, pair.server_at(7));
        TcpConnection accepted = listener.accept();
        ASSERT_TRUE(accepted);
        accepted.close();  // first: the server's side is the one in TIME-WAIT
    }
}

}  // namespace
}  // namespace berth::test
