// Datagrams in pieces (RFC 791 §3.2, RFC 815, RFC 1122 §3.3.2, RFC 1858, RFC 3128, RFC 3168 §5.3).
#include "ip/reassembly.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "harness/fragments.hpp"

namespace berth::ip {
namespace {

using harness::fragment;
using harness::fragment_header;
using harness::Packet;

std::vector<std::uint8_t> pattern(std::size_t bytes, std::uint8_t salt = 0) {
    std::vector<std::uint8_t> result(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        result[i] = static_cast<std::uint8_t>(i * 7 + i / 251 + salt);
    return result;
}

class Listener final : public ProblemReceiver {
  public:
    struct Heard {
        Problem problem;
        Packet offending;
        bool to_link_group;
    };
    std::vector<Heard> heard;
    void on_problem(const Problem& problem, const wire::Ipv4View& offending, bool to_link_group,
                    Time) override {
        heard.push_back(
            {problem, {offending.packet().begin(), offending.packet().end()}, to_link_group});
    }
};

class ReassemblyTest : public ::testing::Test {
  protected:
    Reassembly::Limits limits;
    std::optional<harness::Fragments> made;
    Listener listener;
    std::vector<std::uint8_t> text = pattern(100);

    harness::Fragments& host() {
        if (!made) made.emplace(limits);
        return *made;
    }
    Packet piece(std::size_t from, std::size_t to, bool more, std::uint16_t id = 1) {
        return fragment(fragment_header(id), from, Bytes(text).subspan(from, to - from), more);
    }
    harness::FragmentResult add(Bytes packet) { return host().add(packet); }
    void kept(Bytes packet, const char* note = "fragment kept") {
        const auto result = add(packet);
        EXPECT_FALSE(result.whole.has_value());
        EXPECT_EQ(result.fate.kind, FateKind::consumed) << text_of(result.fate.reason).name;
        EXPECT_STREQ(result.fate.note, note);
    }
    void dropped(Bytes packet, DropReason reason) {
        const auto result = add(packet);
        EXPECT_FALSE(result.whole.has_value());
        EXPECT_EQ(result.fate.kind, FateKind::dropped) << result.fate.note;
        EXPECT_EQ(text_of(result.fate.reason).name, text_of(reason).name);
    }
    // The last piece: the datagram is whole, and is what was sent.
    void completes(Bytes packet, std::size_t bytes = 100) {
        const auto result = add(packet);
        ASSERT_TRUE(result.whole.has_value()) << text_of(result.fate.reason).name;
        const auto view = wire::Ipv4View::parse(*result.whole);
        ASSERT_TRUE(view.has_value());
        EXPECT_EQ(view->packet().size(), result.whole->size());
        EXPECT_FALSE(view->is_fragment());
        const auto payload = view->payload();
        EXPECT_EQ(std::vector<std::uint8_t>(payload.begin(), payload.end()),
                  std::vector<std::uint8_t>(text.begin(),
                                            text.begin() + static_cast<std::ptrdiff_t>(bytes)));
    }
    void nothing_is_left() {
        EXPECT_EQ(host().reassembly.bytes(), 0u);
        EXPECT_EQ(host().reassembly.datagrams(), 0u);
        EXPECT_EQ(host().pool.outstanding(), 0u);
        EXPECT_TRUE(host().reassembly.next_deadline().is_never());
    }
    void pass(Duration duration) {
        host().now = host().now + duration;
        host().reassembly.advance(host().now, &listener);
    }
};

using Rfc791_3_2 = ReassemblyTest;
using Rfc815 = ReassemblyTest;
using Rfc1122_3_3_2 = ReassemblyTest;
using Rfc5722_4 = ReassemblyTest;

// --- RFC 791 §3.2, RFC 815 ---

TEST_F(Rfc791_3_2, PiecesInOrderGiveTheDatagram) {
    kept(piece(0, 40, true));
    kept(piece(40, 80, true));
    completes(piece(80, 100, false));
    nothing_is_left();
}

TEST_F(Rfc791_3_2, TheWholeHasTheHeaderOfTheFirstPiece) {
    auto header = fragment_header(77);
    header.dscp = 10;
    header.ttl = 61;
    const std::array<std::uint8_t, 4> options{1, 1, 1, 0};
    auto later = header;
    later.ttl = 3;
    later.dscp = 20;
    kept(fragment(later, 80, Bytes(text).subspan(80), false));
    kept(fragment(header, 0, Bytes(text).first(40), true, options));
    const auto result = add(fragment(later, 40, Bytes(text).subspan(40, 40), true));
    ASSERT_TRUE(result.whole.has_value());
    const auto view = wire::Ipv4View::parse(*result.whole);
    ASSERT_TRUE(view.has_value());
    header.total_length = 24 + 100;
    EXPECT_EQ(view->header(), header);
    EXPECT_EQ(view->options().size(), 4u);
    EXPECT_EQ(view->payload().size(), 100u);
}

TEST_F(Rfc791_3_2, DfOfTheFirstPieceStays) {
    auto header = fragment_header();
    header.dont_fragment = true;
    kept(fragment(header, 0, Bytes(text).first(40), true));
    const auto result = add(fragment(header, 40, Bytes(text).subspan(40), false));
    ASSERT_TRUE(result.whole.has_value());
    EXPECT_TRUE(wire::Ipv4View::parse(*result.whole)->header().dont_fragment);
}

TEST_F(Rfc791_3_2, FourFieldsTellDatagramsApart) {
    kept(piece(0, 40, true));
    for (int field = 0; field < 4; ++field) {
        auto header = fragment_header();
        if (field == 0) header.source = {198, 51, 100, 9};
        if (field == 1) header.destination = {192, 0, 2, 9};
        if (field == 2) header.protocol = 89;
        if (field == 3) header.identification = 2;
        kept(fragment(header, 40, Bytes(text).subspan(40), false));
    }
    EXPECT_EQ(host().reassembly.datagrams(), 5u);
    completes(piece(40, 100, false));
    EXPECT_EQ(host().reassembly.datagrams(), 4u);
}

TEST_F(Rfc791_3_2, TheLargestDatagramFits) {
    text = pattern(65'515);
    for (std::size_t at = 0; at + 1480 < text.size(); at += 1480)
        kept(piece(at, at + 1480, true));
    const std::size_t last = text.size() / 1480 * 1480;
    completes(piece(last, text.size(), false), text.size());
    nothing_is_left();
}

TEST_F(Rfc791_3_2, APieceThatEndsBeyondTheLargestDatagramIsDropped) {
    const auto bytes = pattern(8 * 10);
    // Offset 8191 units = 65528, and eight bytes more than the header leaves.
    dropped(fragment(fragment_header(), 65'528, Bytes(bytes).first(8), false),
            DropReason::ip_fragment_too_long);
    dropped(fragment(fragment_header(), 65'480, Bytes(bytes).first(40), true),
            DropReason::ip_fragment_too_long);
    nothing_is_left();
    kept(fragment(fragment_header(), 65'480, Bytes(bytes).first(35), false));
}

TEST_F(Rfc791_3_2, OptionsOfTheFirstPieceCountForTheLargestDatagram) {
    text = pattern(65'515);
    const std::array<std::uint8_t, 4> options{1, 1, 1, 0};
    kept(fragment(fragment_header(), 0, Bytes(text).first(40'000), true, options));
    dropped(piece(40'000, 65'515, false), DropReason::ip_fragment_too_long);
    nothing_is_left();
}

TEST_F(Rfc791_3_2, APieceInTheMiddleComesInUnitsOfEight) {
    dropped(piece(0, 20, true), DropReason::ip_fragment_tiny);
    kept(piece(0, 16, true));
    completes(piece(16, 100, false));
}

TEST_F(Rfc791_3_2, AnEmptyPieceIsDropped) {
    dropped(piece(0, 0, true), DropReason::ip_fragment_tiny);
    dropped(piece(40, 40, true), DropReason::ip_fragment_tiny);
    dropped(piece(40, 40, false), DropReason::ip_fragment_tiny);
    nothing_is_left();
}

TEST_F(Rfc815, TheLastPieceFirst) {
    kept(piece(80, 100, false));
    kept(piece(40, 80, true));
    completes(piece(0, 40, true));
}

TEST_F(Rfc815, EveryOrderOfFourPieces) {
    std::array<std::size_t, 4> order{0, 1, 2, 3};
    const std::array<std::size_t, 5> cuts{0, 8, 40, 96, 100};
    std::uint16_t id = 0;
    do {
        ++id;
        for (std::size_t i = 0; i < 3; ++i)
            kept(piece(cuts[order[i]], cuts[order[i] + 1], order[i] != 3, id));
        completes(piece(cuts[order[3]], cuts[order[3] + 1], order[3] != 3, id));
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(id, 24);
    nothing_is_left();
}

TEST_F(Rfc815, DuplicatesAreHarmless) {
    for (int i = 0; i < 3; ++i)
        kept(piece(40, 80, true), i == 0 ? "fragment kept" : "fragment known already");
    const std::size_t bytes = host().reassembly.bytes();
    kept(piece(40, 80, true), "fragment known already");
    EXPECT_EQ(host().reassembly.bytes(), bytes);
    kept(piece(0, 40, true));
    completes(piece(80, 100, false));
}

TEST_F(Rfc815, AHoleInTheMiddleIsSplitByWhatFillsAPartOfIt) {
    kept(piece(0, 8, true));
    kept(piece(80, 100, false));
    kept(piece(40, 48, true));
    kept(piece(8, 40, true));
    completes(piece(48, 80, true));
}

TEST_F(Rfc815, OverlapsThatAgreeAreAccepted) {
    kept(piece(0, 40, true));
    kept(piece(32, 64, true));  // reaches in from the right
    kept(piece(80, 100, false));
    completes(piece(48, 88, true));  // closes the gap, over both its edges
    nothing_is_left();
}

TEST_F(Rfc815, APieceThatSwallowsOthersAgrees) {
    kept(piece(8, 16, true));
    kept(piece(24, 32, true));
    kept(piece(88, 100, false));
    kept(piece(0, 40, true));  // over both
    kept(piece(0, 48, true));  // and over that
    completes(piece(40, 96, true));
}

TEST_F(Rfc815, TheFirstPieceStaysWholeUnderAnOverlapForIcmp) {
    kept(piece(16, 48, true));
    const Packet first = piece(0, 32, true);
    kept(first);
    kept(piece(8, 40, true), "fragment kept");
    pass(seconds(60));
    ASSERT_EQ(listener.heard.size(), 1u);
    EXPECT_EQ(listener.heard[0].offending, first);
}

TEST_F(Rfc815, ALateDuplicateOfAWholeDatagramBeginsAnother) {
    kept(piece(0, 40, true));
    completes(piece(40, 100, false));
    kept(piece(40, 100, false));
    EXPECT_EQ(host().reassembly.datagrams(), 1u);
}

// --- conflicts ---

TEST_F(Rfc5722_4, AConflictingOverlapDiscardsTheDatagram) {
    kept(piece(0, 40, true));
    const auto other = pattern(100, 1);
    dropped(fragment(fragment_header(), 32, Bytes(other).subspan(32, 40), true),
            DropReason::ip_fragment_overlap);
    EXPECT_EQ(host().pool.outstanding(), 0u) << "its pieces are given back at once";
    // And what comes of it until its time is over.
    dropped(piece(40, 100, false), DropReason::ip_fragment_overlap);
    dropped(piece(0, 40, true), DropReason::ip_fragment_overlap);
    pass(seconds(60));
    EXPECT_EQ(host().drops[DropReason::ip_fragment_timeout], 0u);
    EXPECT_TRUE(listener.heard.empty());
    nothing_is_left();
    kept(piece(0, 40, true));
    completes(piece(40, 100, false));
}

TEST_F(Rfc5722_4, OneByteThatDiffersIsAConflictWhereverItLies) {
    for (const std::size_t at : {std::size_t{32}, std::size_t{39}, std::size_t{63}}) {
        const auto id = static_cast<std::uint16_t>(at);
        kept(piece(0, 40, true, id));
        kept(piece(56, 64, true, id));
        auto other = text;
        other[at] ^= 1;
        const bool shared = at < 40 || at >= 56;
        ASSERT_TRUE(shared);
        dropped(fragment(fragment_header(id), 32, Bytes(other).subspan(32, 40), true),
                DropReason::ip_fragment_overlap);
    }
}

TEST_F(Rfc5722_4, AnEndThatMovesDiscardsTheDatagram) {
    kept(piece(40, 80, false));
    dropped(piece(80, 100, false), DropReason::ip_fragment_too_long);
    dropped(piece(0, 40, true), DropReason::ip_fragment_too_long);

    kept(piece(40, 80, true, 2));
    dropped(piece(40, 64, false, 2), DropReason::ip_fragment_too_long);

    kept(piece(40, 64, false, 3));
    dropped(piece(64, 80, true, 3), DropReason::ip_fragment_too_long);
}

TEST_F(Rfc5722_4, AMiddleThatEndsWhereTheEndIsIsAContradiction) {
    kept(piece(40, 64, false));
    dropped(piece(56, 64, true), DropReason::ip_fragment_too_long);
    kept(piece(56, 64, true, 2));
    dropped(piece(40, 64, false, 2), DropReason::ip_fragment_too_long);
}

// --- tiny fragments ---

class TinyFragments : public ReassemblyTest {
  protected:
    wire::Ipv4Header tcp_header() {
        auto header = fragment_header();
        header.protocol = static_cast<std::uint8_t>(Protocol::tcp);
        return header;
    }
};
class Rfc1858 : public TinyFragments {};

TEST_F(Rfc1858, AFirstPieceThatCutsTheTcpHeaderIsDropped) {
    for (const std::size_t bytes : {8U, 16U})
        dropped(fragment(tcp_header(), 0, Bytes(text).first(bytes), true),
                DropReason::ip_fragment_tiny);
    kept(fragment(tcp_header(), 0, Bytes(text).first(24), true));
    EXPECT_EQ(host().reassembly.datagrams(), 1u);
}

TEST_F(Rfc1858, NothingIsWrittenOverATcpHeader) {
    for (const std::size_t offset : {8U, 16U})
        dropped(fragment(tcp_header(), offset, Bytes(text).first(40), true),
                DropReason::ip_fragment_tiny);
    nothing_is_left();
    kept(fragment(tcp_header(), 24, Bytes(text).first(40), true));
}

TEST_F(Rfc1858, OtherProtocolsHeadersFitInEightBytes) {
    kept(piece(0, 8, true));
    completes(piece(8, 100, false));
}

TEST_F(Rfc1858, EightBytesAtATimeAreBoundedInNumber) {
    text = pattern(65'000);
    // Every second eight bytes, so that nothing joins.
    std::size_t at = 0;
    for (std::size_t i = 0; i < IncompleteDatagram::limit_pieces; ++i, at += 16)
        kept(piece(at, at + 8, true));
    EXPECT_LT(host().reassembly.bytes(), IncompleteDatagram::limit_pieces * 256);
    kept(piece(0, 16, true));  // it replaces another
    dropped(piece(at, at + 8, true), DropReason::ip_fragment_tiny);
    EXPECT_EQ(host().pool.outstanding(), 0u);
}

// --- time ---

TEST_F(Rfc1122_3_3_2, AnIncompleteDatagramIsGivenUpAfterSixtySeconds) {
    const Packet first = piece(0, 40, true);
    kept(first);
    pass(seconds(30));
    kept(piece(80, 100, false));  // the clock began with the first arrival
    EXPECT_EQ(host().reassembly.next_deadline(), host().now + seconds(30));
    pass(seconds(30) - nanoseconds(1));
    EXPECT_EQ(host().reassembly.datagrams(), 1u);
    pass(nanoseconds(1));
    EXPECT_EQ(host().drops[DropReason::ip_fragment_timeout], 1u) << "once for the datagram";
    ASSERT_EQ(listener.heard.size(), 1u);
    EXPECT_EQ(listener.heard[0].problem.type, wire::IcmpType::time_exceeded);
    EXPECT_EQ(listener.heard[0].problem.code, 1);
    EXPECT_EQ(listener.heard[0].offending, first);
    EXPECT_FALSE(listener.heard[0].to_link_group);
    nothing_is_left();
}

TEST_F(Rfc1122_3_3_2, WithoutTheFirstPieceNothingIsSaid) {
    kept(piece(40, 100, false));
    pass(seconds(60));
    EXPECT_EQ(host().drops[DropReason::ip_fragment_timeout], 1u);
    EXPECT_TRUE(listener.heard.empty());
    nothing_is_left();
}

TEST_F(Rfc1122_3_3_2, NobodyNeedListenToTheTimeout) {
    kept(piece(0, 40, true));
    host().reassembly.advance(host().now + seconds(60), nullptr);
    EXPECT_EQ(host().drops[DropReason::ip_fragment_timeout], 1u);
    nothing_is_left();
}

TEST_F(Rfc1122_3_3_2, TheQuoteIsWholeEvenInACopy) {
    const Packet first = piece(0, 96, true);
    kept(first);  // a small piece in a large buffer is copied
    EXPECT_EQ(host().pool.outstanding(), 0u);
    pass(seconds(60));
    ASSERT_EQ(listener.heard.size(), 1u);
    EXPECT_EQ(listener.heard[0].offending, first);
}

// --- bounds ---

TEST_F(Rfc1122_3_3_2, MemoryIsChargedAtItsTrueCost) {
    text = pattern(10'000);
    kept(piece(0, 1480, true));
    const std::size_t whole_buffer = host().reassembly.bytes();
    EXPECT_GE(whole_buffer, BufferPool::small_block_bytes);
    EXPECT_EQ(host().pool.outstanding(), 1u);
    kept(piece(0, 8, true, 2));
    EXPECT_EQ(host().pool.outstanding(), 1u) << "eight bytes do not hold two kilobytes";
    EXPECT_LT(host().reassembly.bytes() - whole_buffer, 1024u);
    // A segment's worth in a buffer made for what links merge.
    harness::FragmentResult result =
        host().add(piece(0, 1480, true, 3), BufferPool::large_block_bytes);
    EXPECT_EQ(result.fate.kind, FateKind::consumed);
    EXPECT_EQ(host().pool.outstanding(), 1u);
}

TEST_F(Rfc1122_3_3_2, TenThousandIncompleteDatagramsStayUnderTheBound) {
    text = pattern(1480);
    std::uint64_t dropped_before = 0;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        auto header = fragment_header(static_cast<std::uint16_t>(i));
        header.source = Ipv4Address(harness::fragments_from.value + i / 40);
        const bool small = i % 2 == 0;
        const auto result = add(fragment(header, 0, Bytes(text).first(small ? 8 : 1480), true));
        ASSERT_EQ(result.fate.kind, FateKind::consumed) << i;
        ASSERT_LE(host().reassembly.bytes(), limits.high_bytes) << i;
        ASSERT_GE(host().drops.total(), dropped_before);
        dropped_before = host().drops.total();
    }
    EXPECT_GT(host().reassembly.datagrams(), 1000u);
    // What was given up is counted, each datagram once.
    EXPECT_EQ(host().drops[DropReason::ip_fragment_memory] + host().reassembly.datagrams(),
              10'000u);
    EXPECT_LE(host().pool.outstanding() * BufferPool::small_block_bytes, limits.high_bytes);
    // And service goes on.
    text = pattern(100);
    kept(piece(0, 40, true, 7));
    completes(piece(40, 100, false, 7));
    pass(seconds(60));
    nothing_is_left();
}

TEST_F(Rfc1122_3_3_2, AboveTheHighWatermarkTheOldestGoDownToTheLow) {
    limits.high_bytes = 40'000;
    limits.low_bytes = 20'000;
    text = pattern(1480);
    std::uint16_t id = 0;
    while (host().drops[DropReason::ip_fragment_memory] == 0) {
        ++id;
        kept(piece(0, 1480, true, id));
        ASSERT_LE(host().reassembly.bytes(), limits.high_bytes);
    }
    EXPECT_LE(host().reassembly.bytes(), limits.low_bytes);
    // The newest is still there, the oldest is not.
    text = pattern(1500);
    kept(piece(1480, 1500, false, 1));
    completes(piece(1480, 1500, false, id), 1500);
}

TEST_F(Rfc1122_3_3_2, ADatagramLargerThanTheWatermarkGoesWithItsReason) {
    limits.high_bytes = 3'000;
    limits.low_bytes = 2'000;
    text = pattern(10'000);
    kept(piece(0, 1480, true));
    dropped(piece(1480, 2960, true), DropReason::ip_fragment_memory);
    EXPECT_EQ(host().drops[DropReason::ip_fragment_memory], 1u) << "counted once";
    nothing_is_left();
}

TEST_F(Rfc1122_3_3_2, ASourceBeyondItsCapLosesItsOwnOldest) {
    limits.datagrams_per_source = 4;
    auto stranger = fragment_header(1);
    stranger.source = {203, 0, 113, 5};
    kept(fragment(stranger, 0, Bytes(text).first(40), true));
    for (std::uint16_t id = 1; id <= 4; ++id)
        kept(piece(0, 40, true, id));
    EXPECT_EQ(host().drops[DropReason::ip_fragment_source_limit], 0u);
    kept(piece(0, 40, true, 5));
    EXPECT_EQ(host().drops[DropReason::ip_fragment_source_limit], 1u);
    EXPECT_EQ(host().reassembly.datagrams(), 5u);
    completes(piece(40, 100, false, 5));
    completes(piece(40, 100, false, 2));
    kept(piece(40, 100, false, 1));  // the oldest has lost its first piece
    const auto whole = add(fragment(stranger, 40, Bytes(text).subspan(40), false));
    EXPECT_TRUE(whole.whole.has_value()) << "another source is not touched";
}

TEST_F(Rfc1122_3_3_2, ACapOfOneStillTakesTheNewest) {
    limits.datagrams_per_source = 1;
    for (std::uint16_t id = 1; id <= 3; ++id)
        kept(piece(0, 40, true, id));
    EXPECT_EQ(host().reassembly.datagrams(), 1u);
    completes(piece(40, 100, false, 3));
    nothing_is_left();
}

// --- RFC 3168 §5.3 ---

class Ecn : public ReassemblyTest {
  protected:
    // Two pieces with these codepoints; the whole's, or nothing.
    std::optional<std::uint8_t> of(std::uint8_t first, std::uint8_t second) {
        auto header = fragment_header();
        header.dscp = 3;
        header.ecn = first;
        kept(fragment(header, 0, Bytes(text).first(40), true));
        header.ecn = second;
        const auto result = add(fragment(header, 40, Bytes(text).subspan(40), false));
        if (!result.whole) {
            EXPECT_EQ(result.fate.reason, DropReason::ip_fragment_ecn);
            return std::nullopt;
        }
        const auto view = wire::Ipv4View::parse(*result.whole);
        EXPECT_EQ(view->header().dscp, 3);
        return view->ecn();
    }
};

TEST_F(Ecn, EqualCodepointsStay_Rfc3168_5_3) {
    for (std::uint8_t codepoint = 0; codepoint < 4; ++codepoint)
        EXPECT_EQ(of(codepoint, codepoint), codepoint);
}

TEST_F(Ecn, AMarkOnAnyPieceMarksTheWhole_Rfc3168_5_3) {
    for (const std::uint8_t ect : {std::uint8_t{1}, std::uint8_t{2}}) {
        EXPECT_EQ(of(ect, 3), 3);
        EXPECT_EQ(of(3, ect), 3);
    }
}

TEST_F(Ecn, AMarkNextToNotEctDiscardsTheDatagram_Rfc3168_5_3) {
    EXPECT_EQ(of(0, 3), std::nullopt);
    EXPECT_EQ(of(3, 0), std::nullopt);
    nothing_is_left();
}

TEST_F(Ecn, AMixtureWithoutAMarkIsThatOfTheFirstPiece_Rfc3168_5_3) {
    EXPECT_EQ(of(1, 2), 1);
    EXPECT_EQ(of(0, 2), 0);
    EXPECT_EQ(of(2, 0), 2);
}

}  // namespace
}  // namespace berth::ip
