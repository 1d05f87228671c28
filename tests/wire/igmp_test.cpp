#include "wire/igmp.hpp"

#include <array>

#include "wire/checksum.hpp"
#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

constexpr Ipv4Address group(233, 252, 0, 1);
constexpr std::string_view v1_query = "11 00 eeff 00000000";
constexpr std::string_view v2_query = "11 64 ee9b 00000000";
constexpr std::string_view v2_group_query = "11 0a 04f8 e9fc0001";
constexpr std::string_view v3_query = "11 64 ec1e 00000000 02 7d 0000";
constexpr std::string_view v3_source_query = "11 0a 4078 e9fc0001 02 7d 0001 c0000201";

TEST(Igmp, Rfc3376_7_1_TheVersionOfAQueryShowsInLengthAndCode) {
    const struct {
        std::string_view hex;
        IgmpVersion version;
        std::uint32_t tenths;
        Ipv4Address about;
    } cases[] = {
        {v1_query, IgmpVersion::v1, 100, {}},          {v2_query, IgmpVersion::v2, 100, {}},
        {v2_group_query, IgmpVersion::v2, 10, group},  {v3_query, IgmpVersion::v3, 100, {}},
        {v3_source_query, IgmpVersion::v3, 10, group},
    };
    for (const auto& [hex, version, tenths, about] : cases) {
        const Octets message = from_hex(hex);
        const auto view = IgmpView::parse(message);
        ASSERT_TRUE(view) << hex;
        EXPECT_EQ(view->type(), IgmpType::query);
        EXPECT_EQ(view->query_version(), version) << hex;
        EXPECT_EQ(view->max_response_tenths(), tenths);
        EXPECT_EQ(view->group(), about);
    }
    const Octets message = from_hex(v3_source_query);
    const auto view = IgmpView::parse(message);
    EXPECT_EQ(view->robustness(), 2);
    EXPECT_EQ(view->query_interval_s(), 125u);
    ASSERT_EQ(view->source_count(), 1u);
    EXPECT_EQ(view->source(0), Ipv4Address(192, 0, 2, 1));
}

TEST(Igmp, Rfc3376_4_1_1_LongTimesAreFloatingPoint) {
    const struct {
        std::uint8_t code;
        std::uint32_t tenths;
    } cases[] = {{0, 0}, {127, 127}, {0x80, 128}, {0x8f, 248}, {0x90, 256}, {0xff, 31'744}};
    for (const auto& [code, tenths] : cases) {
        Octets message = from_hex(v3_query);
        message[1] = code;
        store_be16(message, 2, 0);
        store_be16(message, 2, checksum_of(message));
        EXPECT_EQ(IgmpView::parse(message)->max_response_tenths(), tenths) << int{code};
    }
}

TEST(Igmp, Rfc2236_2_GoldenReports) {
    Octets message(igmp_bytes, 0xee);
    write_igmp(IgmpType::report_v2, group, message);
    EXPECT_EQ(to_hex(message), to_hex(from_hex("16 00 0002 e9fc0001")));
    write_igmp(IgmpType::leave, group, message);
    EXPECT_EQ(to_hex(message), to_hex(from_hex("17 00 ff01 e9fc0001")));
}

TEST(Igmp, Rfc3376_4_2_GoldenReport) {
    const std::array<Ipv4Address, 2> sources{Ipv4Address(192, 0, 2, 1), Ipv4Address(192, 0, 2, 9)};
    const std::array<IgmpRecord, 2> records{
        IgmpRecord{IgmpRecordType::to_exclude, group, {}},
        IgmpRecord{IgmpRecordType::allow_new, Ipv4Address(233, 252, 0, 2), sources}};
    Octets message(igmp_bytes + records[0].bytes() + records[1].bytes(), 0xee);
    write_igmp_report(records, message);
    EXPECT_EQ(checksum_of(message), 0);
    store_be16(message, 2, 0);
    EXPECT_EQ(to_hex(message), to_hex(from_hex("22 00 0000 0000 0002 04 00 0000 e9fc0001"
                                               "05 00 0002 e9fc0002 c0000201 c0000209")));
}

TEST(Igmp, CutShortIsTruncatedOrHasABadChecksum) {
    for (const std::string_view hex : {v1_query, v2_group_query, v3_query, v3_source_query}) {
        for_each_truncation(from_hex(hex), [](const Octets& message) {
            const auto view = IgmpView::parse(message);
            ASSERT_FALSE(view);
            EXPECT_TRUE(view.error() == DropReason::igmp_truncated ||
                        view.error() == DropReason::igmp_bad_checksum);
        });
    }
}

TEST(Igmp, Rfc3376_7_1_QueriesOfOtherLengthsAreIgnored) {
    for (std::size_t length = igmp_bytes + 1; length < igmp_v3_query_bytes; ++length) {
        Octets message = from_hex(v2_query);
        message.resize(length);
        EXPECT_EQ(IgmpView::parse(message).error(), DropReason::igmp_truncated) << length;
    }
    Octets message = from_hex(v3_query);
    message[11] = 1;  // a source that is not there
    store_be16(message, 2, 0);
    store_be16(message, 2, checksum_of(message));
    EXPECT_EQ(IgmpView::parse(message).error(), DropReason::igmp_truncated);
}

TEST(Igmp, EveryFlippedBitIsFound) {
    for (const std::string_view hex : {v2_query, v3_source_query}) {
        for_each_bit_flip(from_hex(hex), [](const Octets& damaged, std::size_t, unsigned) {
            ASSERT_FALSE(IgmpView::parse(damaged));
        });
    }
}

}  // namespace
}  // namespace berth::wire
