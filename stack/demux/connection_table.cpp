#include "demux/connection_table.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace berth::demux {
namespace {

constexpr std::uint32_t initial_buckets = 8;
// A table grows when more than 3/4 of its slots are taken, by half its size. Above that load,
// misses get long: entries come and go, and the overflow counters that they leave behind end few
// searches. Moving homes_per_step homes with each insertion ends the growth before the part that is
// still to be moved is 79 % full.
constexpr std::size_t load_numerator = 3;
constexpr std::size_t load_denominator = 4;
constexpr std::uint32_t homes_per_step = 4;
// Packets whose cache misses are in flight together: enough to hide memory's latency, few enough
// for the line-fill buffers of today's processors.
constexpr std::size_t batch_lookups = 16;

constexpr std::size_t growth_threshold(std::uint32_t buckets) {
    return std::size_t{buckets} * Bucket::slots * load_numerator / load_denominator;
}

void prefetch(const void* address) {
    __builtin_prefetch(address);
}

}  // namespace

ConnectionTable::ConnectionTable(const SipHashKey& key)
    : key_(key), grow_at_(growth_threshold(initial_buckets)), current_(initial_buckets) {
    current_.prepare(initial_buckets);
}

ConnectionTable::Hash ConnectionTable::hash(const FourTuple& tuple) const {
    const std::uint64_t addresses =
        std::uint64_t{tuple.local.address.value} << 32 | tuple.remote.address.value;
    const std::uint64_t ports = std::uint64_t{tuple.local.port} << 16 | tuple.remote.port;
    return siphash_1_3(key_, addresses, ports);
}

void ConnectionTable::prefetch_bucket(Hash hash) const {
    const BucketArray& array = array_of(hash);
    prefetch(&array.at(array.home(hash)));
}

void ConnectionTable::prefetch_entry(Hash hash) const {
    const BucketArray& array = array_of(hash);
    const Bucket& bucket = array.at(array.home(hash));
    const SlotSet likely = bucket.with_tag(Bucket::tag_of(hash));
    if (!likely.empty()) prefetch(bucket.entry(likely.first()));
}

Entry* ConnectionTable::find(const FourTuple& four_tuple, Hash hash) const {
    const BucketArray& array = array_of(hash);
    return array.find(four_tuple, hash, array.home(hash));
}

void ConnectionTable::find_batch(std::span<const FourTuple> tuples, std::span<Entry*> out) const {
    assert(out.size() >= tuples.size());
    std::array<Hash, batch_lookups> hashes;
    while (!tuples.empty()) {
        const std::size_t count = std::min(tuples.size(), batch_lookups);
        for (std::size_t i = 0; i < count; ++i) {
            hashes[i] = hash(tuples[i]);
            prefetch_bucket(hashes[i]);
        }
        for (std::size_t i = 0; i < count; ++i)
            prefetch_entry(hashes[i]);
        for (std::size_t i = 0; i < count; ++i)
            out[i] = find(tuples[i], hashes[i]);
        tuples = tuples.subspan(count);
        out = out.subspan(count);
    }
}

bool ConnectionTable::insert(Entry& entry) {
    const Hash hash_of_entry = hash(entry.four_tuple);
    if (find(entry.four_tuple, hash_of_entry) != nullptr) return false;
    if (!growing() && size_ >= grow_at_) start_growth();
    advance_growth();
    array_of(hash_of_entry).insert(entry, hash_of_entry);
    ++size_;
    return true;
}

bool ConnectionTable::erase(const Entry& entry) {
    const Hash hash_of_entry = hash(entry.four_tuple);
    if (!array_of(hash_of_entry).erase(entry, hash_of_entry)) return false;
    --size_;
    advance_growth();
    return true;
}

void ConnectionTable::replace(const Entry& from, Entry& to) {
    assert(from.four_tuple == to.four_tuple);
    const Hash hash_of_entry = hash(from.four_tuple);
    [[maybe_unused]] const bool replaced = array_of(hash_of_entry).replace(from, to, hash_of_entry);
    assert(replaced);
}

void ConnectionTable::start_growth() {
    const std::uint32_t buckets = current_.buckets() + current_.buckets() / 2;
    larger_ = BucketArray(buckets);
    grow_at_ = growth_threshold(buckets);
    prefetch_home(0);
}

// The entries of a home are scattered over memory: they are fetched one step before they are
// hashed.
void ConnectionTable::prefetch_home(std::uint32_t index) const {
    const std::uint32_t end = std::min(index + homes_per_step, current_.buckets());
    for (; index < end; ++index) {
        const Bucket& bucket = current_.at(index);
        for (SlotSet taken = bucket.taken(); !taken.empty(); taken.remove_first()) {
            prefetch(bucket.entry(taken.first()));
        }
    }
}

void ConnectionTable::move_home(std::uint32_t index) {
    // Homes up to this one lie below this bucket of the larger array, where searches may now look.
    const std::uint64_t scaled = (std::uint64_t{index} + 1) * larger_.buckets();
    larger_.prepare(
        static_cast<std::uint32_t>((scaled + current_.buckets() - 1) / current_.buckets()));
    current_.take_home(
        index, [this](const FourTuple& tuple) { return hash(tuple); },
        [this](Entry& entry, Hash hash_of_entry) { larger_.insert(entry, hash_of_entry); });
}

void ConnectionTable::advance_growth() {
    if (!growing()) return;
    for (std::uint32_t i = 0; i < homes_per_step && moved_ < current_.buckets(); ++i) {
        move_home(moved_);
        ++moved_;
    }
    if (moved_ == current_.buckets()) {
        current_ = std::exchange(larger_, BucketArray());
        moved_ = 0;
        return;
    }
    current_.release(moved_);
    prefetch_home(moved_);
}

std::size_t ConnectionTable::memory_bytes() const {
    return sizeof(*this) + current_.memory_bytes() + larger_.memory_bytes();
}

ConnectionTable::Shape ConnectionTable::shape() const {
    return {.buckets = growing() ? larger_.buckets() : current_.buckets(),
            .longest_probe = std::max(current_.longest_probe(), larger_.longest_probe()),
            .growing = growing()};
}

}  // namespace berth::demux
