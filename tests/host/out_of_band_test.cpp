// Urgent data from one program to another: MSG_OOB both ways, POLLPRI, SIOCATMARK, MSG_WAITALL.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <array>
#include <string_view>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

class OutOfBand : public ::testing::Test {
  protected:
    HostPair pair;
    TcpListener listener{*pair.server, {{}, 7}};
    TcpConnection client{*pair.client, pair.server_at(7)};
    TcpConnection accepted = listener.accept();
    std::array<char, 64> room{};

    ssize_t receive(std::size_t bytes, int flags) {
        return berth_recv(accepted.fd(), room.data(), bytes, flags);
    }
    std::string_view text(ssize_t size) const {
        return {room.data(), static_cast<std::size_t>(size)};
    }
    int at_mark() const {
        int value = -1;
        EXPECT_EQ(berth_ioctl(accepted.fd(), SIOCATMARK, &value), 0);
        return value;
    }
    void wait_for_urgent() const {
        pollfd one{accepted.fd(), POLLPRI, 0};
        ASSERT_EQ(berth_poll(&one, 1, -1), 1);
        EXPECT_EQ(one.revents, POLLPRI);
    }
};

TEST_F(OutOfBand, TheLastByteIsTheUrgentOne) {
    ASSERT_TRUE(client.send_urgent(bytes_of("abcX")));
    wait_for_urgent();
    EXPECT_EQ(receive(10, MSG_OOB | MSG_PEEK), 1);
    EXPECT_EQ(receive(10, MSG_OOB), 1);
    EXPECT_EQ(text(1), "X");
    EXPECT_EQ(errno_of(receive(10, MSG_OOB)), EINVAL);
    EXPECT_EQ(receive(60, MSG_WAITALL), 3);
}

TEST_F(OutOfBand, AMessageSaysThatItIsUrgent) {
    ASSERT_TRUE(client.send_urgent(bytes_of("X")));
    wait_for_urgent();
    iovec part{room.data(), room.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    EXPECT_EQ(berth_recvmsg(accepted.fd(), &message, MSG_OOB), 1);
    EXPECT_EQ(message.msg_flags, MSG_OOB);
}

TEST_F(OutOfBand, WaitingForAllEndsAtTheMark) {
    ASSERT_TRUE(client.send_urgent(bytes_of("abcX")));
    ASSERT_TRUE(client.send_all(bytes_of("de")));
    wait_for_urgent();
    EXPECT_EQ(at_mark(), 0);
    EXPECT_EQ(receive(60, MSG_WAITALL | MSG_PEEK), 3);
    EXPECT_EQ(receive(60, MSG_WAITALL), 3);
    EXPECT_EQ(text(3), "abc");
    EXPECT_EQ(at_mark(), 1);
    EXPECT_EQ(receive(2, MSG_WAITALL), 2);
    EXPECT_EQ(text(2), "de");
    EXPECT_EQ(at_mark(), 0);
}

TEST_F(OutOfBand, InLineItIsPartOfTheStream) {
    ASSERT_FALSE(accepted.set_option(SOL_SOCKET, SO_OOBINLINE, 1));
    ASSERT_TRUE(client.send_urgent(bytes_of("abcX")));
    wait_for_urgent();
    EXPECT_EQ(errno_of(receive(1, MSG_OOB)), EINVAL);
    EXPECT_EQ(receive(60, MSG_WAITALL), 3);
    EXPECT_EQ(at_mark(), 1);
    EXPECT_EQ(receive(1, MSG_WAITALL), 1);
    EXPECT_EQ(text(1), "X");
}

TEST_F(OutOfBand, AskingForItNeverWaits) {
    EXPECT_EQ(errno_of(receive(1, MSG_OOB)), EINVAL);  // though the socket is a blocking one
}

}  // namespace
}  // namespace berth::test
