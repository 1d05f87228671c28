// What a program of today would take from its standard library, and what berth has.
#pragma once

#include <span>
#include <unordered_map>

#include "bench/demux/algorithm.hpp"
#include "demux/connection_table.hpp"

namespace berth::bench {

class StdUnorderedMap {
  public:
    static constexpr const char* name = "std_unordered_map";
    static constexpr std::size_t largest_size = 10'000'000;

    StdUnorderedMap(const SipHashKey& key, std::size_t) : map_(0, KeyedHash{key}) {}
    void insert(Pcb& pcb) { map_.emplace(pcb.four_tuple, &pcb); }
    void erase(Pcb& pcb) { map_.erase(pcb.four_tuple); }
    Pcb* find(const FourTuple& tuple) {
        const auto found = map_.find(tuple);
        return found == map_.end() ? nullptr : found->second;
    }

  private:
    struct KeyedHash {
        SipHashKey key;
        std::size_t operator()(const FourTuple& tuple) const { return hash_of(key, tuple); }
    };
    std::unordered_map<FourTuple, Pcb*, KeyedHash> map_;
};

class BerthTable {
  public:
    static constexpr const char* name = "berth";
    static constexpr std::size_t largest_size = 10'000'000;

    BerthTable(const SipHashKey& key, std::size_t) : table_(key) {}
    void insert(Pcb& pcb) { table_.insert(pcb); }
    void erase(Pcb& pcb) { table_.erase(pcb); }
    Pcb* find(const FourTuple& tuple) { return static_cast<Pcb*>(table_.find(tuple)); }
    void find_batch(std::span<const FourTuple> tuples, std::span<demux::Entry*> out) {
        table_.find_batch(tuples, out);
    }

  private:
    demux::ConnectionTable table_;
};

static_assert(DemuxAlgorithm<StdUnorderedMap>);
static_assert(DemuxAlgorithm<BerthTable>);

}  // namespace berth::bench
