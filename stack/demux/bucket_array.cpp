#include "demux/bucket_array.hpp"

#include <algorithm>
#include <cassert>

namespace berth::demux {

BucketArray::BucketArray(std::uint32_t buckets)
    : buckets_(buckets), segments_((buckets + std::size_t{segment_buckets} - 1) >> segment_shift) {
    assert(buckets >= max_gap);
}

std::uint32_t BucketArray::buckets_in_segment(std::size_t segment) const {
    const auto before = static_cast<std::uint32_t>(segment << segment_shift);
    return std::min(segment_buckets, buckets_ - before);
}

void BucketArray::prepare(std::uint32_t end) {
    for (; prepared_ < end; ++prepared_) {
        Segment& segment = segments_[prepared_ >> segment_shift];
        if (!segment) {
            const std::size_t bytes =
                sizeof(Bucket) * buckets_in_segment(prepared_ >> segment_shift);
            segment.reset(
                static_cast<Bucket*>(::operator new (bytes, std::align_val_t{alignof(Bucket)})));
        }
        ::new (static_cast<void*>(&at(prepared_))) Bucket;
    }
}

void BucketArray::release(std::uint32_t end) {
    // Segment 0 stays: entries of the last homes wrap around into it.
    released_ = std::max<std::uint32_t>(released_, 1);
    for (; released_ < end >> segment_shift; ++released_)
        segments_[released_].reset();
}

Entry* BucketArray::find(const FourTuple& four_tuple, Hash hash, std::uint32_t home_index) const {
    const std::uint8_t tag = Bucket::tag_of(hash);
    for (Probe probe{home_index}; !is_exhausted(probe); advance(probe)) {
        const Bucket& bucket = at(probe.index);
        for (SlotSet likely = bucket.with_tag(tag); !likely.empty(); likely.remove_first()) {
            Entry* entry = bucket.entry(likely.first());
            if (entry->four_tuple == four_tuple) return entry;
        }
        if (bucket.overflow() == 0) break;
    }
    return nullptr;
}

BucketArray::Probe BucketArray::first_vacancy(Hash hash) {
    for (Probe probe{home(hash)};; advance(probe)) {
        assert(!is_exhausted(probe) && "the caller keeps the load below one");
        // Whoever passes this bucket later may look up to max_gap buckets further on.
        prepare(std::min(probe.index + 1 + max_gap, buckets_));
        if (!at(probe.index).vacant().empty()) return probe;
    }
}

void BucketArray::insert(Entry& entry, Hash hash) {
    const Probe probe = first_vacancy(hash);
    // Segments are given back behind the front of a growth; what wraps around ends in segment 0.
    assert(segments_[probe.index >> segment_shift] &&
           "no run of full buckets is as long as a segment");
    Bucket& bucket = at(probe.index);
    bucket.put(bucket.vacant().first(), Bucket::tag_of(hash), entry);
    for (Probe passed{home(hash)}; passed.index != probe.index; advance(passed)) {
        at(passed.index).add_overflow();
    }
    longest_probe_ = std::max(longest_probe_, probe.passed + 1);
}

BucketArray::Place BucketArray::locate(const Entry& entry, Hash hash) const {
    const std::uint8_t tag = Bucket::tag_of(hash);
    for (Probe probe{home(hash)}; !is_exhausted(probe); advance(probe)) {
        const Bucket& bucket = at(probe.index);
        for (SlotSet likely = bucket.with_tag(tag); !likely.empty(); likely.remove_first()) {
            if (bucket.entry(likely.first()) == &entry) return {probe.index, likely.first()};
        }
        if (bucket.overflow() == 0) break;
    }
    return {0, not_found};
}

void BucketArray::remove_overflow(std::uint32_t from, std::uint32_t to) {
    for (Probe passed{from}; passed.index != to; advance(passed))
        at(passed.index).remove_overflow();
}

bool BucketArray::erase(const Entry& entry, Hash hash) {
    const Place place = locate(entry, hash);
    if (place.slot == not_found) return false;
    at(place.bucket).clear(place.slot);
    remove_overflow(home(hash), place.bucket);
    return true;
}

bool BucketArray::replace(const Entry& from, Entry& to, Hash hash) {
    const Place place = locate(from, hash);
    if (place.slot == not_found) return false;
    at(place.bucket).exchange(place.slot, to);
    return true;
}

std::size_t BucketArray::memory_bytes() const {
    std::size_t bytes = segments_.capacity() * sizeof(Segment);
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (segments_[i]) bytes += buckets_in_segment(i) * sizeof(Bucket);
    }
    return bytes;
}

}  // namespace berth::demux
