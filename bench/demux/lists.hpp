// The algorithms without a hash: what 4.2BSD began with, and what queueing theory offered instead.
#pragma once

#include "bench/demux/algorithm.hpp"

namespace berth::bench {

// 4.3BSD-Reno: one list of all blocks, and a cache of the one found last. Fast for a train of
// packets of one connection; for anything else half the list is walked.
class BsdList {
  public:
    static constexpr const char* name = "bsd_list";
    static constexpr std::size_t largest_size = 10'000;

    BsdList(const SipHashKey&, std::size_t) {}
    void insert(Pcb& pcb) { link_at(head_, pcb); }
    void erase(Pcb& pcb) {
        if (cached_ == &pcb) cached_ = nullptr;
        unlink(pcb);
    }
    Pcb* find(const FourTuple& tuple) {
        if (cached_ != nullptr && cached_->four_tuple == tuple) return cached_;
        for (Pcb* pcb = head_; pcb != nullptr; pcb = pcb->next) {
            if (pcb->four_tuple == tuple) return cached_ = pcb;
        }
        return nullptr;
    }

  private:
    Pcb* head_ = nullptr;
    Pcb* cached_ = nullptr;
};

// Crowcroft's move-to-front list: what was found goes to the head, so that busy connections stay
// near it. Misses still walk the whole list.
class MoveToFrontList {
  public:
    static constexpr const char* name = "move_to_front";
    static constexpr std::size_t largest_size = 10'000;

    MoveToFrontList(const SipHashKey&, std::size_t) {}
    void insert(Pcb& pcb) { link_at(head_, pcb); }
    void erase(Pcb& pcb) { unlink(pcb); }
    Pcb* find(const FourTuple& tuple) {
        for (Pcb* pcb = head_; pcb != nullptr; pcb = pcb->next) {
            if (pcb->four_tuple != tuple) continue;
            if (pcb != head_) {
                unlink(*pcb);
                link_at(head_, *pcb);
            }
            return pcb;
        }
        return nullptr;
    }

  private:
    Pcb* head_ = nullptr;
};

static_assert(DemuxAlgorithm<BsdList>);
static_assert(DemuxAlgorithm<MoveToFrontList>);

}  // namespace berth::bench
