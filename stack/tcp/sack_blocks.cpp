#include "tcp/sack_blocks.hpp"

#include <algorithm>

namespace berth::tcp {

namespace {

// The blocks of one option: each island once.
class Option {
  public:
    Option(wire::TcpOptions& options, std::size_t most) : options_(options), most_(most) {}

    bool is_full() const { return options_.sack_block_count >= most_; }
    void add(SequenceRange block) {
        options_.sack_blocks[options_.sack_block_count++] = {block.begin.value, block.end.value};
    }
    void add_island(SequenceRange island) {
        if (is_full()) return;
        const wire::TcpSackBlock block{island.begin.value, island.end.value};
        const auto* from = options_.sack_blocks.begin() + first_island_;
        const auto* to = options_.sack_blocks.begin() + options_.sack_block_count;
        if (std::find(from, to, block) == to) add(island);
    }
    void islands_begin_here() { first_island_ = options_.sack_block_count; }

  private:
    wire::TcpOptions& options_;
    std::size_t most_;
    std::size_t first_island_ = 0;
};

}  // namespace

void SackBlocks::note_arrival(SequenceNumber seq, const Reassembly& held) {
    const auto island = held.island_of(seq);
    if (!island) return;
    // Keeps those that are in other islands, in their order.
    std::array<SequenceNumber, limit_blocks> next;
    std::size_t count = 0;
    next[count++] = seq;
    for (std::size_t i = 0; i < recent_count_ && count < limit_blocks; ++i) {
        const SequenceNumber other = recent_[i];
        const bool same = at_or_after(other, island->begin) && before(other, island->end);
        if (!same && held.island_of(other)) next[count++] = other;
    }
    recent_ = next;
    recent_count_ = static_cast<std::uint8_t>(count);
}

bool SackBlocks::note_duplicate(SequenceRange duplicate) {
    if (duplicate_count_ == limit_duplicates) return false;
    duplicate_[duplicate_count_++] = duplicate;
    return true;
}

void SackBlocks::duplicate_was_reported() {
    if (duplicate_count_ == 0) return;
    std::copy(duplicate_.begin() + 1, duplicate_.end(), duplicate_.begin());
    --duplicate_count_;
}

void SackBlocks::report(const Reassembly& held, std::size_t duplicate, std::size_t most,
                        wire::TcpOptions& options) const {
    Option option(options, std::min(most, limit_blocks));
    if (option.is_full()) return;
    if (duplicate > 0 && duplicate <= duplicate_count_) {
        const SequenceRange twice = duplicate_[duplicate - 1];
        option.add(twice);
        option.islands_begin_here();
        if (const auto island = held.island_of(twice.begin)) option.add_island(*island);
    }
    for (std::size_t i = 0; i < recent_count_; ++i)
        if (const auto island = held.island_of(recent_[i])) option.add_island(*island);
    // RFC 2018 §4: as many distinct blocks as possible.
    held.visit_islands([&](SequenceRange island) {
        option.add_island(island);
        return !option.is_full();
    });
}

}  // namespace berth::tcp
