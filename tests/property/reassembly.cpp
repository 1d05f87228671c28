// However a datagram was cut, in whatever order and how often its pieces come: what comes out is
// the datagram or nothing (RFC 791 §3.2, RFC 815).
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "harness/fragments.hpp"

namespace berth::harness {
namespace {

constexpr std::uint64_t seeds = 300;

struct Piece {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool more = false;
};

// A datagram, and pieces of it.
class Cutting {
  public:
    explicit Cutting(std::uint64_t seed) : random(Seed::from(seed)) {
        const std::uint32_t most = random.below(4) == 0 ? 65'515 : 4000;
        text.resize(2 + random.below(most - 1));
        for (auto& byte : text)
            byte = static_cast<std::uint8_t>(random.next_u32());
        // Room for the bytes, or little of a large buffer.
        room = random.below(3) == 0 ? BufferPool::large_block_bytes : 0;
    }

    Random random;
    std::vector<std::uint8_t> text;
    std::size_t room = 0;

    // Cuts that overlap or not; in any case all of the text is covered, in pieces that are allowed.
    std::vector<Piece> cut(bool overlapping) {
        std::vector<Piece> pieces;
        const std::uint32_t most = random.below(2) == 0 ? 40 : 1480;
        std::size_t at = 0;
        while (at < text.size()) {
            std::size_t length = 8 * (1 + random.below(most / 8));
            // Few enough, whatever the length of the datagram.
            length = std::max(length, (text.size() / 400 + 7) / 8 * 8);
            std::size_t from = at;
            if (overlapping && random.below(3) == 0)
                from -= std::min(from, 8 * std::size_t{random.below(40)});
            const std::size_t to = std::min(at + length, text.size());
            pieces.push_back({from, to, to < text.size()});
            at = to;
        }
        return pieces;
    }
    void shuffle(std::vector<Piece>& pieces) {
        for (std::size_t i = pieces.size(); i > 1; --i)
            std::swap(pieces[i - 1], pieces[random.below(static_cast<std::uint32_t>(i))]);
    }
    Packet packet(const Piece& piece, std::uint16_t id = 1) const {
        return fragment(fragment_header(id), piece.begin,
                        Bytes(text).subspan(piece.begin, piece.end - piece.begin), piece.more);
    }
    // The whole that must come out.
    Packet whole(std::uint16_t id = 1) const {
        return fragment(fragment_header(id), 0, text, false);
    }
};

void all_is_given_back(Fragments& host) {
    host.reassembly.advance(host.now + seconds(60), nullptr);
    ASSERT_EQ(host.pool.outstanding(), 0u);
    ASSERT_EQ(host.reassembly.bytes(), 0u);
    ASSERT_EQ(host.reassembly.datagrams(), 0u);
}

// A datagram that is one piece only is no fragment and does not come here.
bool is_cut(const std::vector<Piece>& pieces) {
    return std::all_of(pieces.begin(), pieces.end(),
                       [](const Piece& piece) { return piece.more || piece.begin > 0; });
}

void any_order_and_duplication(std::uint64_t seed) {
    Cutting cutting(seed);
    std::vector<Piece> pieces = cutting.cut(seed % 2 == 0);
    if (!is_cut(pieces)) return;
    const std::size_t distinct = pieces.size();
    for (std::size_t i = 0; i < distinct; ++i)
        if (cutting.random.below(3) == 0) pieces.push_back(pieces[i]);
    cutting.shuffle(pieces);

    Fragments host;
    // What has come since the last whole datagram, byte by byte: the oracle of RFC 815's holes.
    std::vector<bool> covered(cutting.text.size());
    bool end_known = false;
    for (const Piece& piece : pieces) {
        const FragmentResult result = host.add(cutting.packet(piece), cutting.room);
        std::fill(covered.begin() + static_cast<std::ptrdiff_t>(piece.begin),
                  covered.begin() + static_cast<std::ptrdiff_t>(piece.end), true);
        end_known = end_known || !piece.more;
        const bool complete =
            end_known && std::find(covered.begin(), covered.end(), false) == covered.end();
        ASSERT_EQ(result.whole.has_value(), complete) << text_of(result.fate.reason).name;
        if (!complete) continue;
        ASSERT_EQ(*result.whole, cutting.whole());
        std::fill(covered.begin(), covered.end(), false);
        end_known = false;
    }
    all_is_given_back(host);
}

void a_missing_piece(std::uint64_t seed) {
    Cutting cutting(seed);
    std::vector<Piece> pieces = cutting.cut(false);
    if (!is_cut(pieces)) return;
    cutting.shuffle(pieces);
    pieces.pop_back();
    Fragments host;
    for (int round = 0; round < 2; ++round)
        for (const Piece& piece : pieces)
            ASSERT_FALSE(host.add(cutting.packet(piece), cutting.room).whole.has_value());
    all_is_given_back(host);
}

// Somebody writes one other byte over the datagram while it is incomplete: whichever of the two
// came first, nothing comes out, however much comes afterwards.
void a_conflict(std::uint64_t seed) {
    Cutting cutting(seed);
    std::vector<Piece> pieces = cutting.cut(false);
    if (!is_cut(pieces)) return;
    cutting.shuffle(pieces);
    // Both come before the last piece, or one of them could fill the last hole before the other is
    // there to contradict it.
    const auto before_last = static_cast<std::uint32_t>(pieces.size() - 1);
    const Piece victim = pieces[cutting.random.below(before_last)];
    Packet forged = cutting.packet(victim);
    const auto length = static_cast<std::uint32_t>(victim.end - victim.begin);
    forged[wire::ipv4_header_bytes + cutting.random.below(length)] ^=
        static_cast<std::uint8_t>(1U + cutting.random.below(255));
    Fragments host;
    const std::size_t when = cutting.random.below(before_last);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i == when) {
            ASSERT_FALSE(host.add(forged, cutting.room).whole.has_value());
        }
        ASSERT_FALSE(host.add(cutting.packet(pieces[i]), cutting.room).whole.has_value());
    }
    ASSERT_GT(host.drops[DropReason::ip_fragment_overlap], 0u);
    for (const Piece& piece : pieces)
        ASSERT_FALSE(host.add(cutting.packet(piece), cutting.room).whole.has_value());
    all_is_given_back(host);
}

// Several datagrams at a time do not mix.
void interleaved(std::uint64_t seed) {
    std::vector<Cutting> cuttings;
    std::vector<std::pair<std::uint16_t, Piece>> all;
    std::size_t expected = 0;
    for (std::uint16_t id = 0; id < 8; ++id) {
        cuttings.emplace_back(1000 * seed + id);
        const std::vector<Piece> pieces = cuttings.back().cut(true);
        if (!is_cut(pieces)) continue;
        ++expected;
        for (const Piece& piece : pieces)
            all.emplace_back(id, piece);
    }
    Random random(Seed::from(seed));
    for (std::size_t i = all.size(); i > 1; --i)
        std::swap(all[i - 1], all[random.below(static_cast<std::uint32_t>(i))]);
    std::map<std::uint16_t, std::size_t> out;
    Fragments host;
    for (const auto& [id, piece] : all) {
        const FragmentResult result = host.add(cuttings[id].packet(piece, id), cuttings[id].room);
        if (!result.whole) continue;
        ASSERT_EQ(*result.whole, cuttings[id].whole(id));
        ++out[id];
    }
    ASSERT_EQ(out.size(), expected) << "each came out";
    all_is_given_back(host);
}

void for_each_seed(void (*property)(std::uint64_t)) {
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        property(seed);
        ASSERT_FALSE(::testing::Test::HasFatalFailure());
    }
}

TEST(Reassembly, any_cutting_order_and_duplication_gives_the_datagram_rfc791_3_2) {
    for_each_seed(any_order_and_duplication);
}
TEST(Reassembly, without_one_piece_there_is_nothing_rfc791_3_2) {
    for_each_seed(a_missing_piece);
}
TEST(Reassembly, a_conflicting_overlap_gives_nothing_rfc5722_4) {
    for_each_seed(a_conflict);
}
TEST(Reassembly, datagrams_do_not_mix_rfc791_3_2) {
    for_each_seed(interleaved);
}

}  // namespace
}  // namespace berth::harness
