// The algorithms with a hash and chains.
#pragma once

#include <array>
#include <bit>
#include <vector>

#include "bench/demux/algorithm.hpp"

namespace berth::bench {

// Sequent's (McKenney and Dove, 1992): a fixed, small number of chains, each with its own cache of
// the block found last. It divides the list's length by the number of chains, whatever that is.
class SequentChains {
  public:
    static constexpr const char* name = "sequent_chains";
    static constexpr std::size_t largest_size = 100'000;
    static constexpr std::size_t chains = 19;  // as in DYNIX/ptx

    SequentChains(const SipHashKey& key, std::size_t) : key_(key) {}
    void insert(Pcb& pcb) { link_at(chain_of(pcb.four_tuple).head, pcb); }
    void erase(Pcb& pcb) {
        Chain& chain = chain_of(pcb.four_tuple);
        if (chain.cached == &pcb) chain.cached = nullptr;
        unlink(pcb);
    }
    Pcb* find(const FourTuple& tuple) {
        Chain& chain = chain_of(tuple);
        if (chain.cached != nullptr && chain.cached->four_tuple == tuple) return chain.cached;
        for (Pcb* pcb = chain.head; pcb != nullptr; pcb = pcb->next) {
            if (pcb->four_tuple == tuple) return chain.cached = pcb;
        }
        return nullptr;
    }

  private:
    struct Chain {
        Pcb* head = nullptr;
        Pcb* cached = nullptr;
    };
    Chain& chain_of(const FourTuple& tuple) { return chains_[hash_of(key_, tuple) % chains]; }

    SipHashKey key_;
    std::array<Chain, chains> chains_{};
};

// As Linux does it: at least as many chains as connections (its table is sized by memory when the
// system starts and never grows), and the hash kept in the block, compared before the four-tuple.
class LinuxChains {
  public:
    static constexpr const char* name = "linux_chains";
    static constexpr std::size_t largest_size = 10'000'000;

    LinuxChains(const SipHashKey& key, std::size_t expected)
        : key_(key), heads_(std::bit_ceil(expected)) {}
    void insert(Pcb& pcb) {
        pcb.hash = hash_of(key_, pcb.four_tuple);
        link_at(heads_[pcb.hash & (heads_.size() - 1)], pcb);
    }
    void erase(Pcb& pcb) { unlink(pcb); }
    Pcb* find(const FourTuple& tuple) {
        const std::uint64_t hash = hash_of(key_, tuple);
        for (Pcb* pcb = heads_[hash & (heads_.size() - 1)]; pcb != nullptr; pcb = pcb->next) {
            if (pcb->hash == hash && pcb->four_tuple == tuple) return pcb;
        }
        return nullptr;
    }

  private:
    SipHashKey key_;
    std::vector<Pcb*> heads_;
};

static_assert(DemuxAlgorithm<SequentChains>);
static_assert(DemuxAlgorithm<LinuxChains>);

}  // namespace berth::bench
