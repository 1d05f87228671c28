// The four-tuple table: which connection, half-open record or TIME-WAIT record a packet belongs to.
//
// Open addressing in buckets of one cache line: seven entries and their seven tags, compared at
// once. The hash is keyed with a secret of the stack, so that a peer who chooses ports and
// addresses cannot choose buckets; the whole four-tuple is compared before a hit is a hit. It grows
// by moving a few buckets at each insertion: no operation ever pays for the whole table.
// Single-threaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/siphash.hpp"
#include "berth/address.hpp"
#include "demux/bucket_array.hpp"
#include "demux/entry.hpp"

namespace berth::demux {

class ConnectionTable {
  public:
    using Hash = std::uint64_t;

    explicit ConnectionTable(const SipHashKey& key);
    ~ConnectionTable() = default;
    ConnectionTable(const ConnectionTable&) = delete;
    ConnectionTable& operator=(const ConnectionTable&) = delete;

    Hash hash(const FourTuple& four_tuple) const;
    // Brings the bucket, then the likely entry, into the cache: call both over a burst before
    // finding.
    void prefetch_bucket(Hash hash) const;
    void prefetch_entry(Hash hash) const;

    Entry* find(const FourTuple& four_tuple, Hash hash) const;
    Entry* find(const FourTuple& four_tuple) const { return find(four_tuple, hash(four_tuple)); }
    // All of a burst with staged prefetch; out[i] belongs to tuples[i], nullptr for a miss. `out`
    // is at least as long as `tuples`.
    void find_batch(std::span<const FourTuple> tuples, std::span<Entry*> out) const;

    // The entry stays its owner's and keeps its address until erased, and its four-tuple does not
    // change. False: that four-tuple is taken.
    bool insert(Entry& entry);
    // False: it was not there.
    bool erase(const Entry& entry);
    // Puts `to` where `from` was; both have the same four-tuple (a half-open record becomes a
    // connection). `from` must be there.
    void replace(const Entry& from, Entry& to);

    std::size_t size() const { return size_; }

    // What the table itself occupies, without the entries.
    std::size_t memory_bytes() const;
    struct Shape {
        std::size_t buckets;        // of Bucket::slots entries each; the new ones while growing
        std::size_t longest_probe;  // buckets that the unluckiest insertion had to look at
        bool growing;               // entries are being moved to a larger array
    };
    Shape shape() const;

    // Visits every entry; the visitor must not insert or erase.
    template <class Visitor>
    void for_each(Visitor&& visit) const {
        current_.for_each(visit);
        larger_.for_each(visit);
    }

  private:
    const BucketArray& array_of(Hash hash) const {
        return current_.home(hash) < moved_ ? larger_ : current_;
    }
    BucketArray& array_of(Hash hash) { return current_.home(hash) < moved_ ? larger_ : current_; }
    bool growing() const { return larger_.buckets() != 0; }
    void start_growth();
    void advance_growth();
    void move_home(std::uint32_t index);
    void prefetch_home(std::uint32_t index) const;

    SipHashKey key_;
    std::size_t size_ = 0;
    std::size_t grow_at_;  // entries
    // While growing, the entries whose home in current_ lies below moved_ are in larger_, all
    // others in current_: every search looks into one array only. Else moved_ is 0 and larger_ is
    // empty.
    BucketArray current_;
    BucketArray larger_;
    std::uint32_t moved_ = 0;
};

}  // namespace berth::demux
