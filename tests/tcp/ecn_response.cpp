// What the sender does about a router's mark (RFC 3168 §6.1.2, §6.1.5, §6.1.6).
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "tcp/sender.hpp"

namespace berth::tcp {
namespace {

class EcnResponse : public ::testing::Test {
  protected:
    static constexpr std::uint16_t mss = 1000;
    static constexpr std::uint32_t initial_window = 10 * mss;

    EcnResponse() : sender(config, SequenceNumber(0)) { begin(true); }

    void begin(bool agreed) {
        sender.set_handshake(mss, 7, agreed);
        sender.syn_was_sent(false);
        sender.start_window(1U << 20, SequenceNumber(1), SequenceNumber(0));
        sender.on_ack(SequenceNumber(1), false, {}, now);
    }
    void write(std::size_t bytes) {
        const std::vector<std::uint8_t> text(bytes);
        const std::array<Bytes, 1> parts{Bytes(text)};
        sender.append(parts, 1 << 20, {});
    }
    // One segment that a device accepts, if there is one to send.
    std::optional<SegmentPlan> send() {
        Sender::Cursor cursor = sender.cursor();
        SegmentPlan plan;
        if (!sender.next_segment(cursor, plan)) return std::nullopt;
        sender.commit(plan, now);
        return plan;
    }
    void send_all() {
        while (send()) {
        }
    }
    void ack(std::uint32_t up_to, bool echo) {
        if (echo) sender.on_ecn_echo();
        sender.on_ack(SequenceNumber(up_to), false, {}, now);
    }
    std::uint32_t cwnd() const { return sender.congestion().cwnd(); }

    Config config;
    Time now = Time{} + seconds(1);
    Sender sender;
};

TEST_F(EcnResponse, new_data_may_be_marked_rfc3168_6_1_2) {
    write(100);
    const auto plan = send();
    ASSERT_TRUE(plan);
    EXPECT_TRUE(plan->ect);
    EXPECT_FALSE(plan->cwr);
}

TEST_F(EcnResponse, without_an_agreement_nothing_is_rfc3168_6_1_1) {
    begin(false);
    write(100);
    EXPECT_FALSE(send()->ect);
    sender.on_ecn_echo();
    EXPECT_EQ(cwnd(), initial_window);
}

TEST_F(EcnResponse, a_retransmission_must_not_be_rfc3168_6_1_5) {
    write(100);
    send();
    now = sender.deadline();
    sender.on_timeout(now);
    const auto plan = send();
    ASSERT_TRUE(plan && plan->retransmission);
    EXPECT_FALSE(plan->ect);
    EXPECT_FALSE(plan->cwr);
}

TEST_F(EcnResponse, nor_a_window_probe_rfc3168_6_1_6) {
    sender.update_window(SequenceNumber(1), SequenceNumber(1), 0, now);
    write(100);
    EXPECT_FALSE(send());
    sender.arm_persist_if_stuck(now);
    now = sender.deadline();
    ASSERT_EQ(sender.on_timeout(now), Sender::Timeout::probe);
    const auto plan = send();
    ASSERT_TRUE(plan && plan->probe);
    EXPECT_FALSE(plan->ect);
}

TEST_F(EcnResponse, an_echo_halves_the_window_and_sends_nothing_again_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    ack(1001, true);
    EXPECT_EQ(cwnd(), 5000U);
    EXPECT_EQ(sender.congestion().ssthresh(), 5000U);
    EXPECT_FALSE(send());
}

TEST_F(EcnResponse, once_in_a_window_of_data_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    for (std::uint32_t i = 1; i <= 10; ++i) {
        ack(1 + 1000 * i, true);
        EXPECT_EQ(cwnd(), 5000U) << i;
    }
    // The first segment above is out with CWR; its acknowledgment alone ends the peer's echo.
    send_all();
    ack(10'001, true);
    EXPECT_EQ(cwnd(), 5000U);
    ack(11'001, false);
    ack(12'001, true);
    EXPECT_LT(cwnd(), 5000U);
}

TEST_F(EcnResponse, the_first_new_segment_afterwards_says_so_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    ack(6001, true);
    const auto first = send();
    ASSERT_TRUE(first);
    EXPECT_TRUE(first->cwr);
    EXPECT_TRUE(first->ect);
    ack(8001, true);
    const auto second = send();
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->cwr);
}

TEST_F(EcnResponse, one_of_a_batch_says_so_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    ack(8001, true);
    Sender::Cursor cursor = sender.cursor();
    SegmentPlan plan;
    ASSERT_TRUE(sender.next_segment(cursor, plan));
    EXPECT_TRUE(plan.cwr);
    ASSERT_TRUE(sender.next_segment(cursor, plan));
    EXPECT_FALSE(plan.cwr);
}

TEST_F(EcnResponse, a_loss_is_told_as_well_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    for (int i = 0; i < 3; ++i)
        sender.on_ack(SequenceNumber(1), true, {}, now);
    ASSERT_TRUE(sender.in_recovery());
    const auto again = send();
    ASSERT_TRUE(again && again->retransmission);
    EXPECT_FALSE(again->cwr);
    sender.on_ack(SequenceNumber(10'001), false, {}, now);
    const auto fresh = send();
    ASSERT_TRUE(fresh && !fresh->retransmission);
    EXPECT_TRUE(fresh->cwr);
}

TEST_F(EcnResponse, a_loss_in_a_marked_window_reduces_no_further_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    ack(1001, true);
    EXPECT_EQ(sender.congestion().ssthresh(), 5000U);
    for (int i = 0; i < 3; ++i)
        sender.on_ack(SequenceNumber(1001), true, {}, now);
    EXPECT_TRUE(sender.in_recovery());
    EXPECT_EQ(sender.congestion().ssthresh(), 5000U);
    EXPECT_TRUE(send()->retransmission);
}

TEST_F(EcnResponse, a_mark_during_recovery_adds_nothing_rfc3168_6_1_2) {
    write(50'000);
    send_all();
    for (int i = 0; i < 3; ++i)
        sender.on_ack(SequenceNumber(1), true, {}, now);
    const std::uint32_t ssthresh = sender.congestion().ssthresh();
    ack(2001, true);
    EXPECT_EQ(sender.congestion().ssthresh(), ssthresh);
}

}  // namespace
}  // namespace berth::tcp
