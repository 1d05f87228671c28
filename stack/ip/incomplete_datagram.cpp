#include "ip/incomplete_datagram.hpp"

#include <algorithm>
#include <utility>

#include "wire/checksum.hpp"

namespace berth::ip {

namespace {

constexpr std::uint32_t max_packet_bytes = 65'535;
// What an allocation costs besides what it holds.
constexpr std::uint32_t allocation_overhead_bytes = 16;

constexpr std::uint8_t not_ect = 0;
constexpr std::uint8_t congestion_experienced = 3;
constexpr std::uint8_t seen(std::uint8_t codepoint) {
    return static_cast<std::uint8_t>(1U << codepoint);
}

}  // namespace

Bytes IncompleteDatagram::Piece::bytes() const {
    return {(buffer ? buffer.data() : copy.get()) + at, length};
}

// The end of a datagram does not move, and nothing lies behind it.
bool IncompleteDatagram::contradicts_end(std::uint32_t end, bool more) const {
    if (end_) return more ? end >= *end_ : end != *end_;
    return !more && farthest_more_ >= end;
}

// RFC 5722's rule for IPv6, softened: what overlaps must say the same.
bool IncompleteDatagram::agrees(const Piece& piece, const Range& range) {
    const std::uint32_t from = std::max(piece.offset, range.begin);
    const std::uint32_t to = std::min(piece.end(), range.end);
    const Bytes old_bytes = piece.bytes().subspan(from - piece.offset, to - from);
    const Bytes new_bytes = range.bytes.subspan(from - range.begin, to - from);
    return std::equal(old_bytes.begin(), old_bytes.end(), new_bytes.begin());
}

// `stored` lies in the frame; the piece's own bytes begin `skipped` into it.
IncompleteDatagram::Piece IncompleteDatagram::keep(link::Frame& frame, Bytes stored,
                                                   std::uint32_t skipped) {
    Piece piece;
    piece.length = static_cast<std::uint32_t>(stored.size()) - skipped;
    if (2 * stored.size() >= frame.buffer.capacity()) {
        piece.at = static_cast<std::uint32_t>(stored.data() - frame.buffer.data()) + skipped;
        piece.storage_bytes = static_cast<std::uint32_t>(frame.buffer.capacity());
        piece.buffer = std::move(frame.buffer);
        return piece;
    }
    piece.copy.reset(new std::uint8_t[stored.size()]);
    std::copy(stored.begin(), stored.end(), piece.copy.get());
    piece.at = skipped;
    piece.storage_bytes = static_cast<std::uint32_t>(stored.size()) + allocation_overhead_bytes;
    return piece;
}

// Of [first, last), the pieces that share bytes with the range: the one that reaches into it from
// the left keeps what it has, and the range begins behind it; the others make room. The place for
// the range.
IncompleteDatagram::Pieces::iterator IncompleteDatagram::make_room(Range& range,
                                                                   Pieces::iterator first,
                                                                   Pieces::iterator last) {
    if (first == last) return first;
    if (first->offset < range.begin) {
        range.bytes = range.bytes.subspan(first->end() - range.begin);
        range.begin = first->end();
        ++first;
    }
    if (first != last && std::prev(last)->end() > range.end) {
        Piece& right = *--last;
        const std::uint32_t cut = range.end - right.offset;
        right.at += cut;
        right.offset += cut;
        right.length -= cut;
        covered_bytes_ -= cut;
    }
    for (auto inside = first; inside != last; ++inside) {
        covered_bytes_ -= inside->length;
        storage_bytes_ -= inside->storage_bytes;
    }
    return pieces_.erase(first, last);
}

Result<IncompleteDatagram::Outcome, DropReason> IncompleteDatagram::add(
    link::Frame& frame, const wire::Ipv4View& piece) {
    const wire::Ipv4Header header = piece.header();
    Range range{header.fragment_offset_bytes, 0, piece.payload()};
    range.end = range.begin + static_cast<std::uint32_t>(range.bytes.size());
    if (contradicts_end(range.end, header.more_fragments))
        return Failure{DropReason::ip_fragment_too_long};

    const auto first = std::partition_point(
        pieces_.begin(), pieces_.end(), [&](const Piece& old) { return old.end() <= range.begin; });
    auto last = first;
    for (; last != pieces_.end() && last->offset < range.end; ++last)
        if (!agrees(*last, range)) return Failure{DropReason::ip_fragment_overlap};
    if (!header.more_fragments) end_ = range.end;
    if (first != last && first->offset <= range.begin && first->end() >= range.end)
        return Outcome::known;
    if (first == last && pieces_.size() == limit_pieces)
        return Failure{DropReason::ip_fragment_tiny};

    if (header.more_fragments) farthest_more_ = std::max(farthest_more_, range.end);
    ecn_seen_ |= seen(header.ecn);
    const auto place = make_room(range, first, last);
    // The first piece stays whole and keeps its header, for the datagram and for what ICMP quotes.
    const bool is_first = range.begin == 0;
    if (is_first) first_header_bytes_ = static_cast<std::uint32_t>(piece.header_bytes());
    Piece kept =
        keep(frame, is_first ? piece.packet() : range.bytes, is_first ? first_header_bytes_ : 0);
    kept.offset = range.begin;
    covered_bytes_ += kept.length;
    storage_bytes_ += kept.storage_bytes;
    pieces_.insert(place, std::move(kept));
    return Outcome::kept;
}

Bytes IncompleteDatagram::first_packet() const {
    if (first_header_bytes_ == 0) return {};
    const Piece& first = pieces_.front();
    const Bytes payload = first.bytes();
    return {payload.data() - first_header_bytes_, first_header_bytes_ + payload.size()};
}

Result<link::Frame, DropReason> IncompleteDatagram::assemble(BufferPool& pool, Time arrival) const {
    constexpr std::size_t total_length_at = 2;
    constexpr std::size_t fragment_at = 6;
    constexpr std::size_t checksum_at = 10;
    const std::uint32_t length = first_header_bytes_ + *end_;
    if (length > max_packet_bytes) return Failure{DropReason::ip_fragment_too_long};
    // RFC 3168 §5.3: no mark may be lost, nor put on a datagram of which a part says that nobody
    // would heed it.
    const bool marked = (ecn_seen_ & seen(congestion_experienced)) != 0;
    if (marked && (ecn_seen_ & seen(not_ect)) != 0) return Failure{DropReason::ip_fragment_ecn};

    link::Frame whole;
    whole.buffer = pool.take(length);
    if (!whole.buffer) return Failure{DropReason::ip_fragment_memory};
    whole.length = length;
    whole.arrival = arrival;
    const MutableBytes to = whole.mutable_bytes();
    const Bytes head = first_packet().first(first_header_bytes_);
    std::copy(head.begin(), head.end(), to.begin());
    for (const Piece& piece : pieces_) {
        const Bytes bytes = piece.bytes();
        std::copy(bytes.begin(), bytes.end(),
                  to.subspan(first_header_bytes_ + piece.offset, piece.length).begin());
    }
    if (marked) to[1] |= congestion_experienced;
    store_be16(to, total_length_at, static_cast<std::uint16_t>(length));
    // Neither an offset nor more to come; DF stays as the first piece has it.
    to[fragment_at] &= 0x40;
    to[fragment_at + 1] = 0;
    store_be16(to, checksum_at, 0);
    store_be16(to, checksum_at, wire::checksum_of(to.first(first_header_bytes_)));
    return whole;
}

void IncompleteDatagram::clear() {
    *this = IncompleteDatagram();
}

}  // namespace berth::ip
