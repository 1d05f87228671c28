// The receiver against a model that remembers every byte: whatever a peer sends, in whatever order,
// what is delivered is the stream, the SACK blocks are the model's islands in the order of the
// latest arrivals, and the right edge of the window never moves back.
#include "tcp/receiver.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace berth::tcp {
namespace {

constexpr std::uint64_t seeds = 100;
// Short enough that no bound on memory comes into it: that has tests of its own.
constexpr std::uint32_t stream_bytes = 4000;

std::uint8_t byte_at(std::uint32_t place) {
    return static_cast<std::uint8_t>(place * 7 + place / 251);
}

class Model {
  public:
    explicit Model(std::uint64_t seed) : random_(Seed::from(seed)) {
        config_.receive_buffer_bytes = 500 + random_.below(5000);
        config_.receive_buffer_max_bytes = config_.receive_buffer_bytes * 2;
        end_ = 1 + random_.below(stream_bytes);
        irs_ = SequenceNumber(random_.below(3) == 0 ? 0xffff'f000 : random_.next_u32());
        has_.resize(end_ + 1);
        receiver_ = std::make_unique<Receiver>(config_);
        const auto shift = static_cast<std::uint8_t>(random_.below(4));
        receiver_->start(irs_, std::min<std::uint32_t>(config_.receive_buffer_bytes, 0xffff), shift,
                         1460, config_);
    }

    void run() {
        for (int step = 0; step < 1000 && !ended_ && !::testing::Test::HasFatalFailure(); ++step) {
            now_ = now_ + milliseconds(random_.below(10));
            if (random_.below(4) == 0) read();
            if (random_.below(3) == 0) acknowledge();
            segment();
            check();
        }
        finish();
        EXPECT_EQ(pool_.outstanding(), 0U);
    }

  private:
    Receiver::Context context() { return {pool_, counters_, config_, default_options, true, now_}; }
    SequenceNumber number(std::uint32_t place) const { return irs_ + 1 + place; }
    std::uint32_t next() const {
        return receiver_->rcv().nxt - number(0) - (receiver_->fin_received() ? 1 : 0);
    }

    // Somewhere around what is expected; sometimes with the FIN, sometimes beyond the window.
    void segment() {
        const std::uint32_t around = random_.below(4) == 0 ? random_.below(end_) : next();
        const std::uint32_t from = random_.below(3) == 0 ? around : around + random_.below(1500);
        const std::uint32_t back = random_.below(4) == 0 ? random_.below(400) : 0;
        const std::uint32_t begin = std::min(from - std::min(from, back), end_);
        say(begin, std::min(end_, begin + 1 + random_.below(random_.below(3) == 0 ? 1000 : 60)));
    }

    void say(std::uint32_t begin, std::uint32_t end) {
        Segment segment;
        link::Frame frame;
        frame.buffer = pool_.take();
        frame.length = end - begin;
        for (std::uint32_t i = begin; i < end; ++i)
            frame.buffer.data()[i - begin] = byte_at(i);
        segment.frame = &frame;
        segment.payload = Bytes(frame.buffer.bytes()).first(end - begin);
        segment.seq = number(begin);
        segment.flags.ack = true;
        segment.flags.fin = end == end_ && random_.below(2) == 0;
        if (segment.length() == 0) return;
        if (!receiver_->is_acceptable(segment)) {
            receiver_->refuse(segment, context());
            return;
        }
        const std::uint32_t edge = receiver_->right_edge() - number(0);
        const std::uint32_t known = next();
        static_cast<void>(receiver_->take_text(segment, context()));
        if (!ended_ && receiver_->take_fin()) ended_ = true;
        for (std::uint32_t i = begin; i < std::min(end, edge); ++i)
            has_[i] = true;
        if (begin > known && begin < std::min(end, edge)) latest(begin);
    }

    // The model's memory of arrivals: the latest first, one for each island.
    void latest(std::uint32_t place) { recent_.push_front(place); }
    SequenceRange island(std::uint32_t place) const {
        std::uint32_t begin = place;
        while (begin > 0 && has_[begin - 1])
            --begin;
        std::uint32_t end = place;
        while (end < end_ && has_[end])
            ++end;
        return {number(begin), number(end)};
    }

    void check() {
        ASSERT_EQ(counters_[Count::out_of_order_dropped] + counters_[Count::out_of_order_pruned],
                  0U);
        std::uint32_t contiguous = 0;
        while (contiguous < end_ && has_[contiguous])
            ++contiguous;
        ASSERT_EQ(next(), contiguous) << "RCV.NXT";
        std::vector<SequenceRange> expected;
        // Islands only grow: a place that tells nothing new now never will.
        recent_.remove_if([&](std::uint32_t place) {
            if (place < contiguous) return true;
            const SequenceRange block = island(place);
            if (std::find(expected.begin(), expected.end(), block) != expected.end()) return true;
            expected.push_back(block);
            return false;
        });
        wire::TcpOptions options;
        receiver_->add_sack_blocks(0, 4, options);
        std::size_t islands = 0;
        for (std::uint32_t i = contiguous; i < end_; ++i)
            islands += has_[i] && !has_[i - 1] ? 1 : 0;
        ASSERT_EQ(options.sack_block_count, std::min<std::size_t>(islands, 4));
        // The latest is always first; of the others, four are remembered in order.
        ASSERT_FALSE(islands > 0 && expected.empty());
        if (islands > 0) {
            ASSERT_EQ(options.sack_blocks[0].left, expected[0].begin.value);
            ASSERT_EQ(options.sack_blocks[0].right, expected[0].end.value);
        }
        for (std::size_t i = 0; i < options.sack_block_count; ++i) {
            const auto& block = options.sack_blocks[i];
            const SequenceRange whole = island(SequenceNumber(block.left) - number(0));
            ASSERT_EQ(whole.begin.value, block.left) << "a block is a whole island";
            ASSERT_EQ(whole.end.value, block.right) << "a block is a whole island";
            for (std::size_t j = 0; j < i; ++j)
                ASSERT_NE(options.sack_blocks[j].left, block.left) << "each once";
        }
        if (islands == 0) crowded_ = false;
        if (islands > 4) crowded_ = true;
        if (!crowded_) {
            for (std::size_t i = 0; i < options.sack_block_count; ++i)
                ASSERT_EQ(options.sack_blocks[i].left, expected[i].begin.value) << "order " << i;
        }
        while (receiver_->duplicates_to_report() > 0) {
            check_duplicate();
            receiver_->commit_report();
        }
    }

    // What is said to have come twice had come once.
    void check_duplicate() {
        wire::TcpOptions options;
        receiver_->add_sack_blocks(1, 4, options);
        ASSERT_GE(options.sack_block_count, 1U);
        const std::uint32_t left = SequenceNumber(options.sack_blocks[0].left) - number(0);
        const std::uint32_t right = SequenceNumber(options.sack_blocks[0].right) - number(0);
        ASSERT_LT(left, right);
        for (std::uint32_t i = left; i < std::min(right, end_); ++i)
            ASSERT_TRUE(has_[i]);
    }

    void acknowledge() {
        const SequenceNumber before_it = receiver_->right_edge();
        const std::uint16_t field = receiver_->window_field(false, default_options);
        receiver_->commit_window(field, false, default_options);
        ASSERT_FALSE(before(receiver_->right_edge(), before_it));
        const std::uint32_t offered = receiver_->wnd();
        ASSERT_LE(offered + receiver_->queued_bytes(), receiver_->limit_bytes * 5 / 4 + 4096);
        receiver_->ack.pay();
    }

    void read() {
        std::vector<std::uint8_t> bytes(1 + random_.below(3000));
        const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
        const std::size_t count = receiver_->read(parts, false, default_options);
        for (std::size_t i = 0; i < count; ++i)
            ASSERT_EQ(bytes[i], byte_at(read_++));
        receiver_->tune(count, default_options, config_, now_);
    }

    // In order now, to the end.
    void finish() {
        for (int step = 0; step < 100'000 && !ended_ && !::testing::Test::HasFailure(); ++step) {
            read();
            acknowledge();
            say(next(), std::min(end_, next() + std::min(receiver_->wnd(), 1000U)));
            check();
        }
        ASSERT_TRUE(ended_);
        for (int step = 0; step < 1000 && read_ < end_; ++step)
            read();
        EXPECT_EQ(read_, end_);
        EXPECT_EQ(receiver_->queued_bytes(), 0U);
        receiver_.reset();
    }

    Random random_;
    Config config_;
    BufferPool pool_;
    Counters counters_;
    Time now_{1'000'000'000};
    SequenceNumber irs_;
    std::uint32_t end_ = 0;   // of the stream
    std::uint32_t read_ = 0;  // by the application
    bool ended_ = false;
    bool crowded_ = false;  // there were more islands than are remembered
    std::vector<bool> has_;
    std::list<std::uint32_t> recent_;
    std::unique_ptr<Receiver> receiver_;
};

TEST(Receiver, whatever_comes_the_stream_the_blocks_and_the_window_are_right_rfc9293_3_10_7_4) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Model(seed).run();
        ASSERT_FALSE(::testing::Test::HasFailure());
    }
}

}  // namespace
}  // namespace berth::tcp
