// An open-addressing hash table of fixed size, in segments that come and go one by one.
//
// The home of a hash is its high half scaled to the number of buckets, so that a larger array keeps
// the order of homes. ConnectionTable grows by that: it moves homes from a small array to a larger
// one in ascending order, and while the front of the one is given back, the front of the other is
// taken. Neither a whole table is ever cleared, nor are two whole tables ever in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "demux/bucket.hpp"
#include "demux/entry.hpp"

namespace berth::demux {

class BucketArray {
  public:
    using Hash = std::uint64_t;
    // 256 KiB a segment: small enough to be taken or given back without a pause worth measuring.
    static constexpr std::uint32_t segment_shift = 12;
    static constexpr std::uint32_t segment_buckets = std::uint32_t{1} << segment_shift;

    BucketArray() = default;
    // At least max_gap buckets. None is usable yet: see prepare().
    explicit BucketArray(std::uint32_t buckets);

    std::uint32_t buckets() const { return buckets_; }
    std::uint32_t home(Hash hash) const {
        return static_cast<std::uint32_t>(((hash >> 32) * buckets_) >> 32);
    }
    const Bucket& at(std::uint32_t index) const {
        return segments_[index >> segment_shift][index & (segment_buckets - 1)];
    }

    // Makes the buckets [0, end) usable; they start empty.
    void prepare(std::uint32_t end);
    // Gives back segments that lie before `end`, whose homes must have been moved away.
    void release(std::uint32_t end);

    // `home_index` is home(hash), which the caller knows already.
    Entry* find(const FourTuple& four_tuple, Hash hash, std::uint32_t home_index) const;
    // The caller has made sure that the four-tuple is not there and that there is room.
    void insert(Entry& entry, Hash hash);
    bool erase(const Entry& entry, Hash hash);
    bool replace(const Entry& from, Entry& to, Hash hash);

    // Removes the entries whose home is `index` and gives each to take(entry, hash). Homes below
    // `index` must have been taken before.
    template <class HashOf, class Take>
    void take_home(std::uint32_t index, HashOf&& hash_of, Take&& take);

    template <class Visitor>
    void for_each(Visitor&& visit) const;

    // The most buckets that any insertion so far had to look at.
    std::uint32_t longest_probe() const { return longest_probe_; }
    std::size_t memory_bytes() const;

  private:
    struct SegmentDeleter {
        void operator()(Bucket* segment) const {
            ::operator delete (segment, std::align_val_t{alignof(Bucket)});
        }
    };
    using Segment = std::unique_ptr<Bucket[], SegmentDeleter>;
    // Where a search looks next when a bucket was passed: 1, 2, … max_gap buckets further on, so
    // that full buckets next to one another do not make one long queue, and then one by one.
    struct Probe {
        std::uint32_t index;
        std::uint32_t passed = 0;  // buckets
    };
    static constexpr std::uint32_t max_gap = 8;
    struct Place {
        std::uint32_t bucket;
        std::size_t slot;
    };
    static constexpr std::size_t not_found = Bucket::slots;

    Bucket& at(std::uint32_t index) {
        return segments_[index >> segment_shift][index & (segment_buckets - 1)];
    }
    void advance(Probe& probe) const {
        ++probe.passed;
        probe.index += probe.passed <= max_gap ? probe.passed : 1;
        if (probe.index >= buckets_) probe.index -= buckets_;
    }
    // Every bucket was seen: possible only where all counters saturated.
    bool is_exhausted(const Probe& probe) const { return probe.passed == buckets_ + max_gap; }
    std::uint32_t buckets_in_segment(std::size_t segment) const;
    Probe first_vacancy(Hash hash);
    Place locate(const Entry& entry, Hash hash) const;
    void remove_overflow(std::uint32_t from, std::uint32_t to);

    std::uint32_t buckets_ = 0;
    std::uint32_t prepared_ = 0;  // buckets [0, prepared_) have been made usable
    std::uint32_t released_ = 0;  // segments [1, released_) have been given back
    std::uint32_t longest_probe_ = 0;
    std::vector<Segment> segments_;
};

template <class HashOf, class Take>
void BucketArray::take_home(std::uint32_t index, HashOf&& hash_of, Take&& take) {
    for (Probe probe{index}; !is_exhausted(probe); advance(probe)) {
        for (SlotSet taken = at(probe.index).taken(); !taken.empty(); taken.remove_first()) {
            Entry& entry = *at(probe.index).entry(taken.first());
            const Hash hash = hash_of(entry.four_tuple);
            if (home(hash) != index) continue;
            at(probe.index).clear(taken.first());
            remove_overflow(index, probe.index);
            take(entry, hash);
        }
        if (at(probe.index).overflow() == 0) return;
    }
}

template <class Visitor>
void BucketArray::for_each(Visitor&& visit) const {
    for (std::uint32_t index = 0; index < prepared_; ++index) {
        if (!segments_[index >> segment_shift]) {  // given back as a whole
            index |= segment_buckets - 1;
            continue;
        }
        const Bucket& bucket = at(index);
        for (SlotSet taken = bucket.taken(); !taken.empty(); taken.remove_first()) {
            visit(*bucket.entry(taken.first()));
        }
    }
}

}  // namespace berth::demux
