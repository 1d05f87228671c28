#include "link/neighbour_table.hpp"

#include <algorithm>

namespace berth::link {

std::string_view name_of(NeighbourState state) {
    switch (state) {
        case NeighbourState::incomplete: return "INCOMPLETE";
        case NeighbourState::reachable: return "REACHABLE";
        case NeighbourState::stale: return "STALE";
        case NeighbourState::delay: return "DELAY";
        case NeighbourState::probe: return "PROBE";
        case NeighbourState::failed: return "FAILED";
        case NeighbourState::permanent: return "PERMANENT";
    }
    return "";
}

NeighbourTable::NeighbourTable(const SipHashKey& key, std::size_t most_pending)
    : key_(key), buckets_(least_buckets, nullptr), waiting_(most_pending + 1) {}

NeighbourTable::Class NeighbourTable::class_of(const Entry& entry) {
    switch (entry.state) {
        case NeighbourState::incomplete: return Class::incomplete;
        case NeighbourState::failed: return Class::failed;
        case NeighbourState::permanent: return Class::permanent;
        case NeighbourState::reachable:
        case NeighbourState::stale:
        case NeighbourState::delay:
        case NeighbourState::probe: break;
    }
    return entry.used ? Class::used : Class::never_used;
}

template <NeighbourTable::Links NeighbourTable::Entry::*links>
void NeighbourTable::append(List& list, Entry& entry) {
    (entry.*links) = {list.last, nullptr};
    (list.last == nullptr ? list.first : (list.last->*links).next) = &entry;
    list.last = &entry;
    ++list.size;
}

template <NeighbourTable::Links NeighbourTable::Entry::*links>
void NeighbourTable::unlink(List& list, Entry& entry) {
    const Links at = entry.*links;
    (at.previous == nullptr ? list.first : (at.previous->*links).next) = at.next;
    (at.next == nullptr ? list.last : (at.next->*links).previous) = at.previous;
    --list.size;
}

std::size_t NeighbourTable::bucket_of(Ipv4Address address) const {
    return static_cast<std::size_t>(siphash_1_3(key_, address.value, 0)) & (buckets_.size() - 1);
}

NeighbourTable::Entry* NeighbourTable::find(Ipv4Address address) const {
    Entry* entry = buckets_[bucket_of(address)];
    while (entry != nullptr && entry->address != address)
        entry = entry->next_in_bucket;
    return entry;
}

NeighbourTable::Entry& NeighbourTable::insert(Ipv4Address address, NeighbourState state, Time now) {
    if (2 * (size_ + 1) > buckets_.size()) grow();
    Entry* entry = nullptr;
    if (free_.empty()) {
        entry = &entries_.emplace_back();
    } else {
        entry = free_.back();
        free_.pop_back();
    }
    entry->address = address;
    entry->state = state;
    entry->last_used = now;
    entry->listed = now;
    entry->listed_class = class_of(*entry);
    append<&Entry::by_recency>(recency_[index_of(entry->listed_class)], *entry);
    Entry*& bucket = buckets_[bucket_of(address)];
    entry->next_in_bucket = bucket;
    bucket = entry;
    ++size_;
    return *entry;
}

void NeighbourTable::erase(Entry& entry) {
    Entry** at = &buckets_[bucket_of(entry.address)];
    while (*at != &entry)
        at = &(*at)->next_in_bucket;
    *at = entry.next_in_bucket;
    unlink<&Entry::by_recency>(recency_[index_of(entry.listed_class)], entry);
    entry.pending.clear();
    count_waiting(entry);
    entry = Entry{};
    free_.push_back(&entry);
    --size_;
}

void NeighbourTable::grow() {
    std::vector<Entry*> old(buckets_.size() * 2, nullptr);
    old.swap(buckets_);
    for (Entry* entry : old) {
        while (entry != nullptr) {
            Entry* const next = entry->next_in_bucket;
            Entry*& bucket = buckets_[bucket_of(entry->address)];
            entry->next_in_bucket = bucket;
            bucket = entry;
            entry = next;
        }
    }
}

void NeighbourTable::touch(Entry& entry, Time now) {
    unlink<&Entry::by_recency>(recency_[index_of(entry.listed_class)], entry);
    entry.listed_class = class_of(entry);
    entry.listed = now;
    append<&Entry::by_recency>(recency_[index_of(entry.listed_class)], entry);
}

void NeighbourTable::reclassify(Entry& entry, Time now) {
    if (class_of(entry) != entry.listed_class) touch(entry, now);
}

void NeighbourTable::count_waiting(Entry& entry) {
    const std::size_t rank = entry.pending.size();
    if (rank == entry.waiting_rank) return;
    if (entry.waiting_rank != 0) unlink<&Entry::by_waiting>(waiting_[entry.waiting_rank], entry);
    entry.waiting_rank = rank;
    if (rank != 0) append<&Entry::by_waiting>(waiting_[rank], entry);
}

NeighbourTable::Entry* NeighbourTable::longest_waiting() const {
    for (std::size_t rank = waiting_.size(); rank-- > 1;) {
        if (waiting_[rank].first != nullptr) return waiting_[rank].first;
    }
    return nullptr;
}

std::vector<const NeighbourTable::Entry*> NeighbourTable::all() const {
    std::vector<const Entry*> found;
    found.reserve(size_);
    for (const List& list : recency_) {
        for (const Entry* entry = list.first; entry != nullptr; entry = entry->by_recency.next)
            found.push_back(entry);
    }
    std::sort(found.begin(), found.end(),
              [](const Entry* a, const Entry* b) { return a->address < b->address; });
    return found;
}

}  // namespace berth::link
