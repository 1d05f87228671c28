#include "ip/route_table.hpp"

#include <algorithm>

namespace berth::ip {

namespace {

Route normalised(const Route& route) {
    Route result = route;
    result.destination.address = route.destination.network();
    return result;
}

}  // namespace

RouteTable::SlotIndex RouteTable::take_slot(const Route& route) {
    SlotIndex index = first_free_;
    if (index == nowhere) {
        index = static_cast<SlotIndex>(slots_.size());
        slots_.emplace_back();
    } else {
        first_free_ = slots_[index].next;
    }
    slots_[index] = {route, nowhere, Standing::behind};
    return index;
}

bool RouteTable::add(const Route& route) {
    if (route.destination.length > 32 || size_ >= limit_routes) return false;
    const Route added = normalised(route);
    // Behind all that are as good: they are older.
    const SlotIndex head = best_.find(added.destination);
    SlotIndex previous = nowhere;
    for (SlotIndex at = head; at != nowhere; at = slots_[at].next) {
        if (slots_[at].route == added) return false;
        if (slots_[at].route.metric <= added.metric) previous = at;
    }
    const SlotIndex slot = take_slot(added);
    if (previous == nowhere) {
        slots_[slot].next = head;
        slots_[slot].standing = Standing::best;
        if (head != nowhere) slots_[head].standing = Standing::behind;
        best_.put(added.destination, slot);
    } else {
        slots_[slot].next = slots_[previous].next;
        slots_[previous].next = slot;
    }
    ++size_;
    listed_.clear();
    return true;
}

bool RouteTable::remove(const Route& route) {
    if (route.destination.length > 32) return false;
    const Route removed = normalised(route);
    SlotIndex previous = nowhere;
    SlotIndex at = best_.find(removed.destination);
    while (at != nowhere && slots_[at].route != removed) {
        previous = at;
        at = slots_[at].next;
    }
    if (at == nowhere) return false;
    const SlotIndex next = slots_[at].next;
    if (previous != nowhere) {
        slots_[previous].next = next;
    } else if (next != nowhere) {
        slots_[next].standing = Standing::best;
        best_.put(removed.destination, next);
    } else {
        best_.erase(removed.destination);
    }
    slots_[at] = {{}, first_free_, Standing::free};
    first_free_ = at;
    --size_;
    listed_.clear();
    return true;
}

std::span<const Route> RouteTable::routes() const {
    if (listed_.size() == size_) return listed_;
    std::vector<SlotIndex> heads;
    for (SlotIndex i = 0; i < slots_.size(); ++i)
        if (slots_[i].standing == Standing::best) heads.push_back(i);
    std::sort(heads.begin(), heads.end(), [this](SlotIndex a, SlotIndex b) {
        const Ipv4Prefix& first = slots_[a].route.destination;
        const Ipv4Prefix& second = slots_[b].route.destination;
        if (first.length != second.length) return first.length > second.length;
        return first.address < second.address;
    });
    listed_.reserve(size_);
    for (const SlotIndex head : heads)
        for (SlotIndex at = head; at != nowhere; at = slots_[at].next)
            listed_.push_back(slots_[at].route);
    return listed_;
}

std::size_t RouteTable::memory_bytes() const {
    return sizeof(RouteTable) + best_.memory_bytes() + slots_.capacity() * sizeof(Slot) +
           listed_.capacity() * sizeof(Route);
}

}  // namespace berth::ip
