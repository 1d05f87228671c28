// getsockopt(TCP_INFO) in Linux's layout. linux/tcp.h and netinet/tcp.h exclude each other: this
// file speaks the kernel's.
#include <gtest/gtest.h>
#include <linux/tcp.h>

#include <thread>

#include "pair.hpp"

namespace berth::test {
namespace {

struct Answer {
    tcp_info info{};
    socklen_t length = sizeof(tcp_info);
    int error = 0;
};

Answer info_of(int fd, socklen_t room = sizeof(tcp_info)) {
    Answer answer;
    answer.length = room;
    answer.error =
        errno_of(berth_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &answer.info, &answer.length));
    return answer;
}

constexpr int established = 1, closed = 7, listening = 10, close_wait = 8;

TEST(TcpInfo, SaysWhatTheHandshakeAgreedAndWhatWasSent) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection client(*pair.client, pair.server_at(7));
    TcpConnection server = listener.accept();
    ASSERT_TRUE(server);
    ASSERT_TRUE(client.send_all(bytes_of("hello")));
    std::uint8_t buffer[16];
    ASSERT_EQ(server.receive(buffer).bytes, 5u);
    while (info_of(client.fd()).info.tcpi_bytes_acked < 5)
        std::this_thread::yield();

    const Answer answer = info_of(client.fd());
    ASSERT_EQ(answer.error, 0);
    EXPECT_EQ(answer.length, sizeof(tcp_info));
    const tcp_info& info = answer.info;
    EXPECT_EQ(info.tcpi_state, established);
    EXPECT_EQ(info.tcpi_options & TCPI_OPT_TIMESTAMPS, TCPI_OPT_TIMESTAMPS);
    EXPECT_EQ(info.tcpi_options & TCPI_OPT_WSCALE, TCPI_OPT_WSCALE);
    EXPECT_GT(unsigned{info.tcpi_rcv_wscale}, 0u);
    EXPECT_EQ(info.tcpi_pmtu, 1500u);
    EXPECT_EQ(info.tcpi_advmss, 1448u);
    EXPECT_EQ(info.tcpi_snd_mss, 1448u);
    EXPECT_EQ(info.tcpi_snd_cwnd, 10u);
    EXPECT_EQ(info.tcpi_snd_ssthresh, 0x7fffffffu);
    EXPECT_GE(info.tcpi_rto, 200'000u);
    EXPECT_EQ(info.tcpi_bytes_acked, 5u);
    EXPECT_EQ(info.tcpi_bytes_received, 0u);
    EXPECT_EQ(info.tcpi_unacked, 0u);
    EXPECT_EQ(info.tcpi_total_retrans, 0u);
    EXPECT_GE(info.tcpi_segs_out, 3u);
    EXPECT_GE(info.tcpi_segs_in, 2u);
    EXPECT_EQ(info_of(server.fd()).info.tcpi_bytes_received, 5u);
    EXPECT_EQ(info_of(server.fd()).info.tcpi_rcv_mss, 5u);
}

TEST(TcpInfo, TheFinIsNoByte) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection client(*pair.client, pair.server_at(7));
    TcpConnection server = listener.accept();
    ASSERT_TRUE(client.send_all(bytes_of("hello")));
    client.shutdown_send();
    std::uint8_t buffer[16];
    ASSERT_EQ(server.receive(buffer).bytes, 5u);
    ASSERT_EQ(server.receive(buffer).bytes, 0u);
    EXPECT_EQ(info_of(server.fd()).info.tcpi_state, close_wait);
    EXPECT_EQ(info_of(server.fd()).info.tcpi_bytes_received, 5u);
}

TEST(TcpInfo, IsCutToTheRoomThatThereIs) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection client(*pair.client, pair.server_at(7));
    const Answer one = info_of(client.fd(), 1);
    EXPECT_EQ(one.length, 1u);
    EXPECT_EQ(one.info.tcpi_state, established);
    EXPECT_EQ(one.info.tcpi_options, 0);
    // What glibc's netinet/tcp.h knows: up to tcpi_total_retrans.
    const Answer old = info_of(client.fd(), 104);
    EXPECT_EQ(old.length, 104u);
    EXPECT_EQ(old.info.tcpi_pmtu, 1500u);
    EXPECT_EQ(old.info.tcpi_segs_out, 0u);
}

TEST(TcpInfo, OfListenersAndFreshSockets) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7}, 5);
    TcpConnection client(*pair.client, pair.server_at(7));
    while (info_of(listener.fd()).info.tcpi_unacked == 0)
        std::this_thread::yield();
    const tcp_info info = info_of(listener.fd()).info;
    EXPECT_EQ(info.tcpi_state, listening);
    EXPECT_EQ(info.tcpi_unacked, 1u);  // waits to be accepted
    EXPECT_EQ(info.tcpi_sacked, 5u);   // of so many
    const int fresh = pair.client->socket(SOCK_STREAM);
    EXPECT_EQ(info_of(fresh).info.tcpi_state, closed);
    berth_close(fresh);
    UdpSocket udp(*pair.client);
    EXPECT_EQ(info_of(udp.fd()).error, ENOPROTOOPT);
    std::uint8_t byte = 0;
    socklen_t length = 1;
    EXPECT_EQ(errno_of(berth_setsockopt(client.fd(), IPPROTO_TCP, TCP_INFO, &byte, length)),
              ENOPROTOOPT);
}

}  // namespace
}  // namespace berth::test
