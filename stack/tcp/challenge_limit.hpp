// RFC 5961 §10: how often one connection answers what does not belong to it. Each connection has a
// limit of its own and they share nothing: a budget for all of a stack tells an attacker who counts
// the answers to his own segments whether a guess about somebody else's connection was right
// (CVE-2016-5696). It is also what keeps two confused ends from answering each other without end.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace berth::tcp {

class ChallengeLimit {
  public:
    // True, and the answer is spent: the last one lies at least `interval` back.
    bool allows(Time now, Duration interval) {
        const auto now_ms = static_cast<std::uint32_t>(now.ns / 1'000'000);
        const bool has_answered = last_ms_ != 0;
        if (has_answered && std::int64_t{now_ms - last_ms_} < interval.milliseconds()) return false;
        last_ms_ = now_ms == 0 ? 1 : now_ms;
        return true;
    }

  private:
    std::uint32_t last_ms_ = 0;  // 0: never
};

}  // namespace berth::tcp
