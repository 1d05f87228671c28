// The receiver's part in ECN (RFC 3168 §6.1.3): a mark is echoed until the sender has slowed down.
#include <gtest/gtest.h>

#include "tcp/receiver.hpp"

namespace berth::tcp {
namespace {

TEST(EcnEcho, a_mark_is_echoed_until_cwr_rfc3168_6_1_3) {
    Receiver receiver{Config{}};
    EXPECT_FALSE(receiver.echoes_congestion());
    receiver.take_congestion_mark(false, false);
    EXPECT_FALSE(receiver.echoes_congestion());
    EXPECT_FALSE(receiver.ack.now);
    receiver.take_congestion_mark(true, false);
    EXPECT_TRUE(receiver.echoes_congestion());
    EXPECT_TRUE(receiver.ack.now);
    receiver.ack.pay();
    receiver.take_congestion_mark(false, false);
    EXPECT_TRUE(receiver.echoes_congestion());
    EXPECT_FALSE(receiver.ack.now);
    receiver.take_congestion_mark(false, true);
    EXPECT_FALSE(receiver.echoes_congestion());
    EXPECT_TRUE(receiver.ack.now);  // its window may be one segment now: it waits for this
}

TEST(EcnEcho, a_mark_on_the_segment_with_cwr_counts_anew_rfc3168_6_1_3) {
    Receiver receiver{Config{}};
    receiver.take_congestion_mark(true, false);
    receiver.take_congestion_mark(true, true);
    EXPECT_TRUE(receiver.echoes_congestion());
}

}  // namespace
}  // namespace berth::tcp
