// How much a blocking receive on a stream waits for: MSG_WAITALL and SO_RCVLOWAT.
#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <array>
#include <atomic>
#include <thread>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

class WaitAll : public ::testing::Test {
  protected:
    HostPair pair;
    TcpListener listener{*pair.server, {{}, 7}};
    TcpConnection client{*pair.client, pair.server_at(7)};
    TcpConnection accepted = listener.accept();
    std::array<char, 64> room{};

    // The client's part, in a thread of its own, a piece whenever the last one has been taken.
    template <class Part>
    std::thread meanwhile(Part part) {
        return std::thread(part);
    }
    // Until the peer has taken everything that was sent so far from the wire.
    void delivered() {
        int left = 1;
        while (left != 0)
            ASSERT_EQ(berth_ioctl(client.fd(), SIOCOUTQ, &left), 0);
    }
    void set_low_water(int bytes) {
        ASSERT_FALSE(accepted.set_option(SOL_SOCKET, SO_RCVLOWAT, bytes));
    }
    std::string_view text(ssize_t size) const {
        return {room.data(), static_cast<std::size_t>(size)};
    }
    ssize_t receive(std::size_t bytes, int flags) {
        return berth_recv(accepted.fd(), room.data(), bytes, flags);
    }
};

TEST_F(WaitAll, ItWaitsForAllThatWasAskedFor) {
    auto sender = meanwhile([&] {
        for (const char* piece : {"one ", "two ", "three"}) {
            client.send_all(bytes_of(piece));
            delivered();
        }
    });
    EXPECT_EQ(receive(13, MSG_WAITALL), 13);
    EXPECT_EQ(text(13), "one two three");
    sender.join();
}

TEST_F(WaitAll, TheEndOfTheStreamEndsIt) {
    ASSERT_TRUE(client.send_all(bytes_of("short")));
    ASSERT_FALSE(client.shutdown_send());
    EXPECT_EQ(receive(60, MSG_WAITALL), 5);
    EXPECT_EQ(receive(60, MSG_WAITALL), 0);
}

TEST_F(WaitAll, AnErrorEndsItAndIsToldByTheNextCall) {
    ASSERT_TRUE(client.send_all(bytes_of("short")));
    auto resetter = meanwhile([&] {
        delivered();
        const struct linger abort { 1, 0 };
        berth_setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        client.close();
    });
    const ssize_t got = receive(60, MSG_WAITALL);
    resetter.join();
    if (got >= 0) {  // what came before the reset is not lost
        EXPECT_EQ(text(got), "short");
        EXPECT_EQ(errno_of(receive(60, MSG_WAITALL)), ECONNRESET);
    } else {
        EXPECT_EQ(errno, ECONNRESET);
    }
}

TEST_F(WaitAll, PatienceEndsItSoRcvtimeo) {
    const timeval soon{0, 20'000};
    ASSERT_EQ(berth_setsockopt(accepted.fd(), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
    ASSERT_TRUE(client.send_all(bytes_of("short")));
    delivered();
    EXPECT_EQ(receive(60, MSG_WAITALL), 5);
    EXPECT_EQ(errno_of(receive(60, MSG_WAITALL)), EAGAIN);
}

TEST_F(WaitAll, ASignalEndsItWithWhatThereIs) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    struct sigaction before {};
    ::sigaction(SIGUSR1, &action, &before);
    ASSERT_TRUE(client.send_all(bytes_of("short")));
    delivered();
    std::atomic<bool> done{false};
    std::thread blocked([&] {
        std::size_t sum = 0;
        while (sum < 5) {
            const ssize_t got = receive(60, MSG_WAITALL);
            if (got < 0)
                EXPECT_EQ(errno, EINTR);  // it came before anything was taken
            else
                sum += static_cast<std::size_t>(got);
        }
        EXPECT_EQ(sum, 5u);
        done = true;
    });
    while (!done) {
        ::pthread_kill(blocked.native_handle(), SIGUSR1);
        std::this_thread::yield();
    }
    blocked.join();
    ::sigaction(SIGUSR1, &before, nullptr);
}

TEST_F(WaitAll, WithoutWaitingItTakesWhatThereIs) {
    ASSERT_TRUE(client.send_all(bytes_of("short")));
    delivered();
    EXPECT_EQ(receive(60, MSG_WAITALL | MSG_DONTWAIT), 5);
    EXPECT_EQ(errno_of(receive(60, MSG_WAITALL | MSG_DONTWAIT)), EAGAIN);
}

TEST_F(WaitAll, ALookWaitsForAllAsWellAndTakesNothing) {
    auto sender = meanwhile([&] {
        for (const char* piece : {"one ", "two"}) {
            client.send_all(bytes_of(piece));
            delivered();
        }
    });
    EXPECT_EQ(receive(7, MSG_WAITALL | MSG_PEEK), 7);
    EXPECT_EQ(text(7), "one two");
    sender.join();
    EXPECT_EQ(receive(60, MSG_PEEK), 7);
    ASSERT_FALSE(client.shutdown_send());
    EXPECT_EQ(receive(60, MSG_WAITALL | MSG_PEEK), 7);  // more will not come
}

TEST_F(WaitAll, TheLowWaterMarkIsWaitedForSoRcvlowat) {
    set_low_water(7);
    auto sender = meanwhile([&] {
        for (const char* piece : {"one ", "two"}) {
            client.send_all(bytes_of(piece));
            delivered();
        }
    });
    EXPECT_EQ(receive(60, 0), 7);
    EXPECT_EQ(text(7), "one two");
    sender.join();
}

TEST_F(WaitAll, ButNeverForMoreThanWasAskedForSoRcvlowat) {
    set_low_water(50);
    ASSERT_TRUE(client.send_all(bytes_of("three")));
    EXPECT_EQ(receive(3, 0), 3);
    ASSERT_FALSE(client.shutdown_send());
    EXPECT_EQ(receive(60, 0), 2);
}

TEST_F(WaitAll, WhatIsTooLittleIsNotReadableInPollButIsTakenWithoutWaiting) {
    set_low_water(50);
    ASSERT_TRUE(client.send_all(bytes_of("three")));
    delivered();
    pollfd one{accepted.fd(), POLLIN, 0};
    EXPECT_EQ(berth_poll(&one, 1, 0), 0);
    EXPECT_EQ(receive(60, MSG_DONTWAIT), 5);
}

TEST_F(WaitAll, ThrowingAwayCountsAsReadingMsgTrunc) {
    ASSERT_TRUE(client.send_all(bytes_of("hello world")));
    delivered();
    EXPECT_EQ(berth_recv(accepted.fd(), nullptr, 6, MSG_TRUNC | MSG_WAITALL), 6);
    EXPECT_EQ(receive(60, 0), 5);
    EXPECT_EQ(text(5), "world");
}

TEST_F(WaitAll, MuchCanBeThrownAwayAtOnceMsgTrunc) {
    const std::vector<std::uint8_t> much(200'000);
    auto sender = meanwhile([&] { client.send_all(much); });
    EXPECT_EQ(berth_recv(accepted.fd(), nullptr, much.size(), MSG_TRUNC | MSG_WAITALL),
              static_cast<ssize_t>(much.size()));
    sender.join();
    EXPECT_EQ(errno_of(receive(1, MSG_DONTWAIT)), EAGAIN);
}

}  // namespace
}  // namespace berth::test
