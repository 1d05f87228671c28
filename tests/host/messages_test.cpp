// sendmsg, recvmsg and their ancillary data, seen as a program sees them: with the system's own
// macros and structures.
#include <sys/time.h>

#include <linux/errqueue.h>  // which needs struct timespec

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

// A message with room for everything, to be filled in or read.
struct Message {
    sockaddr_in name{};
    std::vector<char> data;
    iovec part{};
    alignas(cmsghdr) std::array<char, 256> control{};
    msghdr header{};

    explicit Message(std::size_t data_bytes = 100, std::size_t control_bytes = 256)
        : data(data_bytes) {
        header.msg_name = &name;
        header.msg_namelen = sizeof name;
        part = {data.data(), data.size()};
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control.data();
        header.msg_controllen = control_bytes;
    }
    Message(const Message&) = delete;
    Message& operator=(const Message&) = delete;

    template <class T>
    void add(int level, int type, const T& value) {
        if (header.msg_controllen == control.size()) header.msg_controllen = 0;
        auto* at = reinterpret_cast<cmsghdr*>(control.data() + header.msg_controllen);
        at->cmsg_level = level;
        at->cmsg_type = type;
        at->cmsg_len = CMSG_LEN(sizeof value);
        std::memcpy(CMSG_DATA(at), &value, sizeof value);
        header.msg_controllen += CMSG_SPACE(sizeof value);
    }
    template <class T>
    std::optional<T> get(int level, int type) {
        for (cmsghdr* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(&header, at)) {
            if (at->cmsg_level != level || at->cmsg_type != type) continue;
            EXPECT_EQ(at->cmsg_len, CMSG_LEN(sizeof(T)));
            T value{};
            std::memcpy(&value, CMSG_DATA(at), sizeof value);
            return value;
        }
        return std::nullopt;
    }
    std::string text(ssize_t size) const {
        return std::string(data.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
    }
};

class Messages : public ::testing::Test {
  protected:
    HostPair pair;
    int server = pair.server->socket(SOCK_DGRAM);
    int client = pair.client->socket(SOCK_DGRAM);
    sockaddr_in service = address_of(HostPair::server_text, 7);

    Messages() {
        const sockaddr_in here = address_of("0.0.0.0", 7);
        EXPECT_EQ(berth_bind(server, generic(here), sizeof here), 0);
        const timeval patience{10, 0};
        for (const int fd : {server, client})
            berth_setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    }
    static void turn_on(int fd, int name) {
        const int one = 1;
        ASSERT_EQ(berth_setsockopt(fd, IPPROTO_IP, name, &one, sizeof one), 0);
    }
    ssize_t send(const char* text, int flags = 0) {
        return berth_sendto(client, text, std::strlen(text), flags, generic(service),
                            sizeof service);
    }
};

TEST_F(Messages, Rfc1122_4_1_3_5_TheDestinationOfADatagramIsPassedUp) {
    turn_on(server, IP_PKTINFO);
    send("hello");
    Message message;
    const ssize_t size = berth_recvmsg(server, &message.header, 0);
    EXPECT_EQ(message.text(size), "hello");
    EXPECT_EQ(message.header.msg_flags, 0);
    EXPECT_EQ(message.header.msg_namelen, sizeof(sockaddr_in));
    EXPECT_EQ(message.name.sin_addr.s_addr, address_of(HostPair::client_text, 0).sin_addr.s_addr);
    const auto info = message.get<in_pktinfo>(IPPROTO_IP, IP_PKTINFO);
    ASSERT_TRUE(info);
    EXPECT_EQ(info->ipi_addr.s_addr, service.sin_addr.s_addr);
    EXPECT_EQ(info->ipi_spec_dst.s_addr, service.sin_addr.s_addr);
    EXPECT_EQ(info->ipi_ifindex, 2) << "the first link; 1 is lo";
    EXPECT_FALSE(message.get<int>(IPPROTO_IP, IP_TTL)) << "nobody asked for it";
}

TEST_F(Messages, Rfc1122_4_1_4_TtlAndTosAreTheSendersToChooseAndTheReceiversToSee) {
    turn_on(server, IP_RECVTTL);
    turn_on(server, IP_RECVTOS);
    Message out(3);
    out.name = service;
    out.add(IPPROTO_IP, IP_TTL, int{9});
    out.add(IPPROTO_IP, IP_TOS, int{0xb9});
    ASSERT_EQ(berth_sendmsg(client, &out.header, MSG_CONFIRM), 3);
    Message message;
    ASSERT_EQ(berth_recvmsg(server, &message.header, 0), 3);
    EXPECT_EQ(message.get<int>(IPPROTO_IP, IP_TTL), 9);
    EXPECT_EQ(message.get<std::uint8_t>(IPPROTO_IP, IP_TOS), 0xb9);
}

TEST_F(Messages, PacketInfoChoosesSourceAndInterface) {
    ASSERT_TRUE(pair.client->add_address(0, {Ipv4Address(192, 0, 2, 77), 24}));
    Message out(1);
    out.name = service;
    in_pktinfo info{};
    info.ipi_ifindex = 2;
    info.ipi_spec_dst = address_of("192.0.2.77", 0).sin_addr;
    out.add(IPPROTO_IP, IP_PKTINFO, info);
    ASSERT_EQ(berth_sendmsg(client, &out.header, 0), 1);
    Message message;
    ASSERT_EQ(berth_recvmsg(server, &message.header, 0), 1);
    EXPECT_EQ(message.name.sin_addr.s_addr, info.ipi_spec_dst.s_addr);

    const auto errno_with = [&](in_pktinfo other) {
        Message refused(1);
        refused.name = service;
        refused.add(IPPROTO_IP, IP_PKTINFO, other);
        return errno_of(berth_sendmsg(client, &refused.header, 0));
    };
    info.ipi_ifindex = 3;
    EXPECT_EQ(errno_with(info), ENODEV);
    info.ipi_ifindex = 0;
    info.ipi_spec_dst = address_of("192.0.2.78", 0).sin_addr;
    EXPECT_EQ(errno_with(info), EINVAL);
}

TEST_F(Messages, MalformedAncillaryDataIsRefused) {
    const auto errno_with = [&](auto fill) {
        Message message(1);
        message.name = service;
        fill(message);
        return errno_of(berth_sendmsg(client, &message.header, 0));
    };
    EXPECT_EQ(errno_with([](Message& m) { m.add(IPPROTO_IP, IP_TTL, int{0}); }), EINVAL);
    EXPECT_EQ(errno_with([](Message& m) { m.add(IPPROTO_IP, IP_TTL, int{256}); }), EINVAL);
    EXPECT_EQ(errno_with([](Message& m) { m.add(IPPROTO_IP, IP_TTL, char{1}); }), EINVAL);
    EXPECT_EQ(errno_with([](Message& m) { m.add(IPPROTO_IP, IP_TOS, int{-1}); }), EINVAL);
    EXPECT_EQ(errno_with([](Message& m) { m.add(IPPROTO_IP, IP_RETOPTS, int{0}); }), EINVAL);
    EXPECT_EQ(errno_with([](Message& m) { m.add(SOL_SOCKET, SO_TIMESTAMP, int{0}); }), EINVAL);
    EXPECT_EQ(errno_with([](Message& m) { m.add(IPPROTO_TCP, 1, int{0}); }), 0)
        << "another level's business";
    EXPECT_EQ(errno_with([](Message& m) {
                  m.add(IPPROTO_IP, IP_TTL, int{1});
                  reinterpret_cast<cmsghdr*>(m.control.data())->cmsg_len = 1000;
              }),
              EINVAL);
    EXPECT_EQ(errno_with([](Message& m) {
                  m.add(IPPROTO_IP, IP_TTL, int{1});
                  reinterpret_cast<cmsghdr*>(m.control.data())->cmsg_len = 3;
              }),
              EINVAL);
}

TEST_F(Messages, WhatDoesNotFitIsCutAndSaidSo) {
    turn_on(server, IP_PKTINFO);
    turn_on(server, IP_RECVTTL);
    send("abcdef");
    Message message(3, CMSG_SPACE(sizeof(in_pktinfo)) + 1);
    EXPECT_EQ(berth_recvmsg(server, &message.header, 0), 3);
    EXPECT_EQ(message.header.msg_flags, MSG_TRUNC | MSG_CTRUNC);
    EXPECT_TRUE(message.get<in_pktinfo>(IPPROTO_IP, IP_PKTINFO));
    EXPECT_EQ(message.header.msg_controllen, CMSG_SPACE(sizeof(in_pktinfo)));
    send("abcdef");
    Message partly(3, sizeof(cmsghdr) + 4);
    EXPECT_EQ(berth_recvmsg(server, &partly.header, MSG_TRUNC), 6) << "all that it had";
    EXPECT_EQ(partly.header.msg_flags, MSG_TRUNC | MSG_CTRUNC);
    EXPECT_EQ(partly.header.msg_controllen, sizeof(cmsghdr) + 4);
    send("abc");
    Message without(3, 0);
    without.header.msg_control = nullptr;
    EXPECT_EQ(berth_recvmsg(server, &without.header, 0), 3);
    EXPECT_EQ(without.header.msg_flags, MSG_CTRUNC);
}

TEST_F(Messages, PeekLeavesTheMessageWithItsAncillaryData) {
    turn_on(server, IP_RECVTTL);
    send("look");
    for (const int flags : {int{MSG_PEEK}, 0}) {
        Message message;
        EXPECT_EQ(message.text(berth_recvmsg(server, &message.header, flags)), "look");
        EXPECT_EQ(message.get<int>(IPPROTO_IP, IP_TTL), 64);
    }
    Message none;
    EXPECT_EQ(errno_of(berth_recvmsg(server, &none.header, MSG_DONTWAIT)), EAGAIN);
}

TEST_F(Messages, BuffersMayBeScatteredAndEmpty) {
    char head[] = "ab";
    char tail[] = "cde";
    std::array<iovec, 3> parts{iovec{head, 2}, iovec{nullptr, 0}, iovec{tail, 3}};
    msghdr out{};
    out.msg_name = &service;
    out.msg_namelen = sizeof service;
    out.msg_iov = parts.data();
    out.msg_iovlen = parts.size();
    EXPECT_EQ(berth_sendmsg(client, &out, 0), 5);
    out.msg_iovlen = 0;
    EXPECT_EQ(berth_sendmsg(client, &out, 0), 0);
    Message message;
    EXPECT_EQ(message.text(berth_recvmsg(server, &message.header, 0)), "abcde");
    EXPECT_EQ(berth_recvmsg(server, &message.header, 0), 0) << "an empty datagram is one";
    out.msg_iovlen = 5000;
    EXPECT_EQ(errno_of(berth_sendmsg(client, &out, 0)), EMSGSIZE);
    EXPECT_EQ(errno_of(berth_sendmsg(client, nullptr, 0)), EFAULT);
    EXPECT_EQ(errno_of(berth_recvmsg(client, nullptr, 0)), EFAULT);
    EXPECT_EQ(errno_of(berth_sendmsg(-1, &out, 0)), EBADF);
}

TEST_F(Messages, Rfc1122_4_1_3_3_TheQueueOfErrorsInLinuxsLayout) {
    turn_on(client, IP_RECVERR);
    service.sin_port = htons(4);  // where nobody is
    ASSERT_EQ(send("anybody?"), 8);
    pollfd waits{client, 0, 0};
    ASSERT_EQ(berth_poll(&waits, 1, 10'000), 1);
    EXPECT_EQ(waits.revents, POLLERR);

    Message message;
    EXPECT_EQ(message.text(berth_recvmsg(client, &message.header, MSG_ERRQUEUE)), "anybody?");
    EXPECT_EQ(message.header.msg_flags, MSG_ERRQUEUE);
    EXPECT_EQ(message.name.sin_port, service.sin_port);
    EXPECT_EQ(message.name.sin_addr.s_addr, service.sin_addr.s_addr);
    struct Told {
        sock_extended_err error;
        sockaddr_in offender;
    };
    const auto told = message.get<Told>(IPPROTO_IP, IP_RECVERR);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->error.ee_errno, static_cast<std::uint32_t>(ECONNREFUSED));
    EXPECT_EQ(told->error.ee_origin, SO_EE_ORIGIN_ICMP);
    EXPECT_EQ(told->error.ee_type, 3);
    EXPECT_EQ(told->error.ee_code, 3);
    EXPECT_EQ(told->offender.sin_family, AF_INET);
    EXPECT_EQ(told->offender.sin_addr.s_addr, service.sin_addr.s_addr);

    EXPECT_EQ(errno_of(berth_recvmsg(client, &message.header, MSG_ERRQUEUE)), EAGAIN)
        << "it never waits";
    EXPECT_EQ(send("again?"), 6) << "who has read the queue has no error pending";
    ASSERT_EQ(berth_poll(&waits, 1, 10'000), 1);
    EXPECT_EQ(errno_of(send("now?")), ECONNREFUSED);
    std::array<char, 3> start{};
    EXPECT_EQ(berth_recv(client, start.data(), start.size(), MSG_ERRQUEUE), 3);
}

TEST_F(Messages, ALocalRefusalTellsTheMtu) {
    turn_on(client, IP_RECVERR);
    const int always = IP_PMTUDISC_DO;
    ASSERT_EQ(berth_setsockopt(client, IPPROTO_IP, IP_MTU_DISCOVER, &always, sizeof always), 0);
    const std::vector<char> large(1473);
    EXPECT_EQ(errno_of(berth_sendto(client, large.data(), large.size(), 0, generic(service),
                                    sizeof service)),
              EMSGSIZE);
    Message message;
    EXPECT_EQ(berth_recvmsg(client, &message.header, MSG_ERRQUEUE), 0);
    struct Told {
        sock_extended_err error;
        sockaddr_in offender;
    };
    const auto told = message.get<Told>(IPPROTO_IP, IP_RECVERR);
    ASSERT_TRUE(told);
    EXPECT_EQ(told->error.ee_origin, SO_EE_ORIGIN_LOCAL);
    EXPECT_EQ(told->error.ee_info, 1500u);
    EXPECT_EQ(told->offender.sin_family, AF_UNSPEC);
}

TEST_F(Messages, SeveralInOneCall) {
    Message first(1);
    Message second(2);
    Message third(3);
    std::array<mmsghdr, 3> out{};
    int i = 0;
    for (Message* each : {&first, &second, &third}) {
        each->name = service;
        each->header.msg_controllen = 0;
        out[static_cast<std::size_t>(i++)].msg_hdr = each->header;
    }
    EXPECT_EQ(berth_sendmmsg(client, out.data(), 3, 0), 3);
    EXPECT_EQ(out[2].msg_len, 3u);
    std::array<Message, 4> in;
    std::array<mmsghdr, 4> got{};
    for (std::size_t k = 0; k < got.size(); ++k)
        got[k].msg_hdr = in[k].header;
    unsigned received = 0;
    while (received < 3) {
        const int more =
            berth_recvmmsg(server, got.data() + received, 4 - received, MSG_WAITFORONE, nullptr);
        ASSERT_GT(more, 0);
        received += static_cast<unsigned>(more);
    }
    EXPECT_EQ(received, 3u);
    for (unsigned k = 0; k < 3; ++k)
        EXPECT_EQ(got[k].msg_len, k + 1);
    EXPECT_EQ(errno_of(berth_recvmmsg(server, got.data(), 4, MSG_DONTWAIT, nullptr)), EAGAIN);
    timespec wrong{0, -1};
    EXPECT_EQ(errno_of(berth_recvmmsg(server, got.data(), 4, 0, &wrong)), EINVAL);
    EXPECT_EQ(berth_recvmmsg(server, nullptr, 0, 0, nullptr), 0);
    // The second cannot go: the first counts, the error is said when it is alone.
    out[1].msg_hdr.msg_namelen = 3;
    EXPECT_EQ(berth_sendmmsg(client, out.data(), 2, 0), 1);
    EXPECT_EQ(errno_of(berth_sendmmsg(client, out.data() + 1, 1, 0)), EINVAL);
}

TEST_F(Messages, AStreamHasNeitherNamesNorAncillaryData) {
    TcpListener listener(*pair.server, {{}, 80});
    TcpConnection out(*pair.client, pair.server_at(80));
    TcpConnection in = listener.accept();
    Message message(4);
    message.header.msg_name = nullptr;
    message.header.msg_controllen = 0;
    EXPECT_EQ(berth_sendmsg(out.fd(), &message.header, 0), 4);
    Message got;
    EXPECT_EQ(berth_recvmsg(in.fd(), &got.header, 0), 4);
    EXPECT_EQ(got.header.msg_namelen, 0u);
    EXPECT_EQ(got.header.msg_controllen, 0u);
}

}  // namespace
}  // namespace berth::test
