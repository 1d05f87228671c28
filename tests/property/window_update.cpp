// SND.WND, SND.WL1 and SND.WL2 (RFC 9293 §3.10.7.4, fifth): whatever the order in which segments
// arrive, an old one never takes a newer one's window away.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "base/random.hpp"
#include "tcp/sender.hpp"

namespace berth::tcp {
namespace {

constexpr int seeds = 500;
constexpr Time start{1'000'000'000};

// What a correct peer says in this order: its sequence numbers and acknowledgments never go back,
// and neither does the right edge of its window.
struct Said {
    SequenceNumber seq;
    SequenceNumber ack;
    std::uint16_t window;
};

std::vector<Said> conversation(Random& random, SequenceNumber first_seq, SequenceNumber una) {
    std::vector<Said> said;
    Said now{first_seq, una, 1000};
    for (int i = 0; i < 30; ++i) {
        if (random.below(2) == 0) now.seq += random.below(1000);
        const std::uint32_t acked = random.below(2) * random.below(now.window + 1U);
        now.ack += acked;
        now.window = static_cast<std::uint16_t>(now.window - acked + random.below(2000));
        said.push_back(now);
    }
    return said;
}

// A sender whose SYN and 60 KB after it were sent, so that all these acknowledgments are good.
Sender sender_with_flight(SequenceNumber iss, const Said& first) {
    static const Config config;
    Sender sender(config, iss);
    sender.syn_was_sent(false);
    sender.set_handshake(1460, 0, 10);
    sender.start_window(first.window, first.seq, iss + 1);
    sender.on_ack(iss + 1, false, {}, start);
    return sender;
}

TEST(WindowUpdate, in_any_order_the_newest_segment_decides_rfc9293_3_10_7_4) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Random random(Seed::from(seed));
        const SequenceNumber iss(random.next_u32());
        auto said = conversation(random, SequenceNumber(random.next_u32()), iss + 1);
        Sender sender = sender_with_flight(iss, said.front());
        const Said newest = said.back();
        for (std::size_t i = said.size(); i > 1; --i)
            std::swap(said[i - 1], said[random.below(static_cast<std::uint32_t>(i))]);
        bool newest_seen = false;
        for (const Said& segment : said) {
            sender.update_window(segment.seq, segment.ack, segment.window, start);
            newest_seen = newest_seen || (segment.seq == newest.seq && segment.ack == newest.ack);
        }
        ASSERT_TRUE(newest_seen);
        // The right edge is the newest's, or a later one of the same numbers.
        EXPECT_FALSE(before(sender.snd().wl2 + sender.snd().wnd, newest.ack)) << "seed " << seed;
        EXPECT_EQ(sender.snd().wl2, newest.ack) << "seed " << seed;
    }
}

TEST(WindowUpdate, the_edge_never_moves_back_while_the_peer_keeps_its_word_rfc9293_3_8_6) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Random random(Seed::from(seed));
        const SequenceNumber iss(random.next_u32());
        const auto said = conversation(random, SequenceNumber(random.next_u32()), iss + 1);
        Sender sender = sender_with_flight(iss, said.front());
        SequenceNumber edge = sender.snd().wl2 + sender.snd().wnd;
        for (const Said& segment : said) {
            // One in three arrives late, after those that follow it.
            if (random.below(3) == 0) continue;
            sender.update_window(segment.seq, segment.ack, segment.window, start);
            const SequenceNumber now = sender.snd().wl2 + sender.snd().wnd;
            EXPECT_FALSE(before(now, edge)) << "seed " << seed;
            edge = now;
        }
    }
}

TEST(WindowUpdate, the_largest_window_is_remembered_rfc9293_3_8_6_2_1) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        Random random(Seed::from(seed));
        const SequenceNumber iss(random.next_u32());
        const auto said = conversation(random, SequenceNumber(random.next_u32()), iss + 1);
        Sender sender = sender_with_flight(iss, said.front());
        std::uint32_t largest = sender.snd().wnd;
        for (const Said& segment : said) {
            sender.update_window(segment.seq, segment.ack, segment.window, start);
            largest = std::max(largest, sender.snd().wnd);
            ASSERT_EQ(sender.snd().max_wnd, largest) << "seed " << seed;
        }
    }
}

}  // namespace
}  // namespace berth::tcp
