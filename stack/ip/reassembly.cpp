#include "ip/reassembly.hpp"

#include <algorithm>

namespace berth::ip {

namespace {

constexpr std::size_t max_packet_bytes = 65'535;
constexpr std::size_t tcp_header_bytes = 20;
constexpr std::uint8_t reassembly_time_exceeded = 1;  // RFC 792

}  // namespace

template <Reassembly::Links Reassembly::Entry::*links>
void Reassembly::AgeList<links>::append(Entry& entry) {
    entry.*links = {newest, nullptr};
    (newest == nullptr ? oldest : (newest->*links).newer) = &entry;
    newest = &entry;
}

template <Reassembly::Links Reassembly::Entry::*links>
void Reassembly::AgeList<links>::remove(Entry& entry) {
    const Links& own = entry.*links;
    (own.older == nullptr ? oldest : (own.older->*links).newer) = own.newer;
    (own.newer == nullptr ? newest : (own.newer->*links).older) = own.older;
    entry.*links = {};
}

// What is wrong with a piece, whatever the others are.
DropReason Reassembly::fault_of(const wire::Ipv4View& piece) {
    const wire::Ipv4Header header = piece.header();
    const std::size_t offset = header.fragment_offset_bytes;
    const std::size_t length = piece.payload().size();
    // The ping of death: its end lies where no packet has one.
    if (piece.header_bytes() + offset + length > max_packet_bytes)
        return DropReason::ip_fragment_too_long;
    // RFC 791 §3.2: all but the last come in units of eight bytes; none is empty.
    if (length == 0 || (header.more_fragments && length % 8 != 0))
        return DropReason::ip_fragment_tiny;
    // RFC 1858 §3 and RFC 3128: a TCP header comes in one piece, and nothing is written over it.
    if (header.protocol == static_cast<std::uint8_t>(Protocol::tcp)) {
        const bool cuts_header = offset == 0 && length < tcp_header_bytes;
        if (cuts_header || (offset > 0 && offset < tcp_header_bytes))
            return DropReason::ip_fragment_tiny;
    }
    return DropReason::none;
}

Reassembly::Entry& Reassembly::entry_for(const wire::Ipv4View& piece, Time now) {
    const Key key{piece.source(), piece.destination(), piece.header().identification,
                  piece.protocol()};
    const auto found = entries_.find(key);
    if (found != entries_.end()) return found->second;

    Source& source = sources_[key.source];
    if (source.datagrams > 0 && source.datagrams >= limits_.datagrams_per_source) {
        // Its own oldest, whose missing piece is the likeliest to be lost; refusing the new one
        // would let a few losses (or forgeries) end all reassembly for a minute.
        Entry& oldest = *source.list.oldest;
        if (oldest.given_up == DropReason::none) drops_.add(DropReason::ip_fragment_source_limit);
        // The record stays while the last of its datagrams makes room for the next.
        ++source.datagrams;
        destroy(oldest);
        --source.datagrams;
    }
    Entry& entry = entries_[key];
    entry.key = key;
    // RFC 1122 §3.3.2: a fixed time from the first arrival, which is not the remaining TTL.
    entry.deadline = now + limits_.timeout;
    by_age_.append(entry);
    source.list.append(entry);
    ++source.datagrams;
    return entry;
}

void Reassembly::charge(Entry& entry) {
    const std::size_t now_bytes = entry_bytes + entry.datagram.charged_bytes();
    bytes_ = bytes_ - entry.charged_bytes + now_bytes;
    entry.charged_bytes = now_bytes;
}

void Reassembly::give_up(Entry& entry, DropReason reason) {
    entry.datagram.clear();
    entry.given_up = reason;
    charge(entry);
}

void Reassembly::destroy(Entry& entry) {
    bytes_ -= entry.charged_bytes;
    by_age_.remove(entry);
    const auto source = sources_.find(entry.key.source);
    source->second.list.remove(entry);
    if (--source->second.datagrams == 0) sources_.erase(source);
    const Key key = entry.key;
    entries_.erase(key);
}

bool Reassembly::make_room(const Entry& current) {
    if (bytes_ <= limits_.high_bytes) return false;
    bool current_went = false;
    while (by_age_.oldest != nullptr && bytes_ > std::min(limits_.low_bytes, limits_.high_bytes)) {
        Entry& oldest = *by_age_.oldest;
        if (&oldest == &current) {
            current_went = true;  // counted as the fate of the piece
        } else if (oldest.given_up == DropReason::none) {
            drops_.add(DropReason::ip_fragment_memory);
        }
        destroy(oldest);
    }
    return current_went;
}

std::variant<link::Frame, Fate> Reassembly::add(link::Frame& frame, const wire::Ipv4View& piece,
                                                Time now) {
    const DropReason fault = fault_of(piece);
    if (fault != DropReason::none) return Fate::dropped(fault);
    Entry& entry = entry_for(piece, now);
    if (entry.given_up != DropReason::none) return Fate::dropped(entry.given_up);

    const auto outcome = entry.datagram.add(frame, piece);
    if (!outcome) {
        give_up(entry, outcome.error());
        return Fate::dropped(outcome.error());
    }
    if (entry.datagram.is_complete()) {
        auto whole = entry.datagram.assemble(pool_, frame.arrival);
        destroy(entry);
        if (!whole) return Fate::dropped(whole.error());
        return std::move(*whole);
    }
    charge(entry);
    if (make_room(entry)) return Fate::dropped(DropReason::ip_fragment_memory);
    return Fate::consumed(*outcome == IncompleteDatagram::Outcome::known ? "fragment known already"
                                                                         : "fragment kept");
}

void Reassembly::advance(Time now, ProblemReceiver* problems) {
    while (next_deadline() <= now) {
        Entry& oldest = *by_age_.oldest;
        if (oldest.given_up == DropReason::none) {
            drops_.add(DropReason::ip_fragment_timeout);
            // RFC 792: without the first piece nothing is said.
            const auto first = wire::Ipv4View::parse(oldest.datagram.first_packet());
            const Problem problem{wire::IcmpType::time_exceeded, reassembly_time_exceeded, 0};
            if (first && problems != nullptr) problems->on_problem(problem, *first, false, now);
        }
        destroy(oldest);
    }
}

}  // namespace berth::ip
