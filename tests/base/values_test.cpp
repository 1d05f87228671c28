// The small value types of base/: bytes, time, results, and the table of drop reasons.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/fate.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

namespace berth {
namespace {

TEST(Bytes, AreStoredAndLoadedInNetworkOrder) {
    std::array<std::uint8_t, 8> bytes{};
    store_be16(bytes, 1, 0x1234);
    store_be32(bytes, 3, 0x89abcdef);
    EXPECT_EQ(bytes, (std::array<std::uint8_t, 8>{0, 0x12, 0x34, 0x89, 0xab, 0xcd, 0xef, 0}));
    EXPECT_EQ(load_be16(bytes, 1), 0x1234);
    EXPECT_EQ(load_be32(bytes, 3), 0x89abcdefU);
}

TEST(Time, NeverStaysNever) {
    EXPECT_TRUE((Time::never() + seconds(1)).is_never());
    EXPECT_TRUE((Time::never() - seconds(1)).is_never());
    EXPECT_EQ(earlier(Time::never(), Time{5}), Time{5});
    EXPECT_EQ(Time{5} + microseconds(2), Time{2005});
    EXPECT_EQ(Time{2005} - Time{5}, microseconds(2));
    EXPECT_EQ(minutes(2).seconds(), 120);
    EXPECT_EQ((3 * milliseconds(7) / 2).microseconds(), 10'500);
}

TEST(Result, HoldsAValueOrAReason) {
    using Number = Result<int, DropReason>;
    const Number good = 4;
    ASSERT_TRUE(good);
    EXPECT_EQ(*good, 4);
    const Number bad = Failure{DropReason::ip_fragment};
    ASSERT_FALSE(bad.has_value());
    EXPECT_EQ(bad.error(), DropReason::ip_fragment);

    // The same type on both sides stays unambiguous.
    const Result<std::string, std::string> failed = Failure{std::string("why")};
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error(), "why");

    Result<std::unique_ptr<int>, DropReason> owner = std::make_unique<int>(7);
    const std::unique_ptr<int> taken = *std::move(owner);
    EXPECT_EQ(*taken, 7);
}

TEST(DropReason, EachHasItsOwnNameAndASentence) {
    std::set<std::string_view> names;
    for (const DropReasonText& text : drop_reason_texts) {
        EXPECT_TRUE(names.insert(text.name).second) << text.name << " is there twice";
        EXPECT_FALSE(text.sentence.empty()) << text.name;
        // It completes "the packet was dropped because …".
        EXPECT_NE(text.sentence.back(), '.') << text.name;
        EXPECT_EQ(text.layer.empty(), text.name == "none") << text.name;
    }
    EXPECT_EQ(text_of(DropReason::none).name, "none");
    EXPECT_EQ(text_of(DropReason::tcp_time_wait).name, "tcp_time_wait");
    EXPECT_EQ(text_of(DropReason::udp_bad_length).layer, "udp");
}

TEST(DropCounters, CountEachReasonAndAllButNone) {
    DropCounters counters;
    counters.add(DropReason::ip_no_route);
    counters.add(DropReason::ip_no_route);
    counters.add(DropReason::tcp_time_wait);
    counters.add(DropReason::none);
    EXPECT_EQ(counters[DropReason::ip_no_route], 2U);
    EXPECT_EQ(counters[DropReason::tcp_time_wait], 1U);
    EXPECT_EQ(counters[DropReason::ip_fragment], 0U);
    EXPECT_EQ(counters.total(), 3U);
}

TEST(Fate, SaysWhatBecameOfThePacket) {
    constexpr Fate dropped = Fate::dropped(DropReason::udp_no_socket);
    EXPECT_EQ(dropped.kind, FateKind::dropped);
    EXPECT_EQ(dropped.reason, DropReason::udp_no_socket);
    constexpr Fate consumed = Fate::consumed("echo reply sent");
    EXPECT_EQ(consumed.kind, FateKind::consumed);
    EXPECT_EQ(consumed.reason, DropReason::none);
    EXPECT_STREQ(consumed.note, "echo reply sent");
}

}  // namespace
}  // namespace berth
