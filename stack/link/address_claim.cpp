#include "link/address_claim.hpp"

namespace berth::link {
namespace {

// Uniform to the microsecond, both ends included.
Duration between(Duration least, Duration most, Random& random) {
    const auto span = static_cast<std::uint32_t>((most - least).microseconds());
    return least + microseconds(random.below(span + 1));
}

}  // namespace

AddressClaim AddressClaim::probe_for(Ipv4Prefix address, ConflictPolicy policy, Time start,
                                     Random& random) {
    AddressClaim claim(address, policy, State::probing);
    claim.deadline_ = start + between({}, probe_wait, random);
    return claim;
}

AddressClaim AddressClaim::of_own(Ipv4Prefix address, ConflictPolicy policy) {
    return AddressClaim(address, policy, State::in_use);
}

void AddressClaim::announce(Time now) {
    if (is_tentative()) return;
    state_ = State::announcing;
    sent_ = 0;
    deadline_ = now;
}

AddressClaim::Action AddressClaim::on_deadline(Time now, Random& random) {
    const bool was_tentative = is_tentative();
    if (was_tentative && sent_ < probe_count) {
        ++sent_;
        // §2.1.1: what counts as a conflict does so until announce_wait after the last probe.
        deadline_ =
            now + (sent_ < probe_count ? between(probe_least, probe_most, random) : announce_wait);
        return Action::probe;
    }
    if (was_tentative) sent_ = 0;
    ++sent_;
    const bool is_last = sent_ == announce_count;
    state_ = is_last ? State::in_use : State::announcing;
    deadline_ = is_last ? Time::never() : now + announce_interval;
    return was_tentative ? Action::claim_and_announce : Action::announce;
}

AddressClaim::Action AddressClaim::on_conflict(Time now) {
    if (is_tentative() || policy_ == ConflictPolicy::give_up) return Action::lose;
    const bool again = was_contested_ && now < last_conflict_ + defend_interval;
    if (again) return policy_ == ConflictPolicy::defend ? Action::lose : Action::none;
    was_contested_ = true;
    last_conflict_ = now;
    return Action::announce;
}

}  // namespace berth::link
