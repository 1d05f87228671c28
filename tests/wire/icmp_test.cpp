#include "wire/icmp.hpp"

#include <algorithm>
#include <array>

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

// An echo request, identifier 0x1234, sequence number 1, "berth".
constexpr std::string_view echo_hex = "08 00 a8f0 1234 0001 6265727468";
// Fragmentation needed, MTU 1400, quoting an empty UDP datagram.
constexpr std::string_view too_big_hex =
    "03 04 7ba1 0000 0578 4500001c1c46400040119a87c0000201c000020200050007 00087bce";

TEST(Icmp, GoldenBytes) {
    const struct {
        std::string_view hex;
        IcmpHeader header;
    } cases[] = {
        {echo_hex, {IcmpType::echo_request, 0, 0x12340001}},
        {too_big_hex, {IcmpType::destination_unreachable, icmp_code::fragmentation_needed, 1400}},
    };
    for (const auto& [hex, header] : cases) {
        const Octets message = from_hex(hex);
        const auto view = IcmpView::parse(message);
        ASSERT_TRUE(view) << hex;
        EXPECT_EQ(view->header(), header);
        EXPECT_EQ(to_hex(view->payload()), to_hex(Bytes(message).subspan(icmp_header_bytes)));
        Octets written(icmp_header_bytes, 0xee);
        write(header, view->payload(), written);
        EXPECT_EQ(to_hex(written), to_hex(Bytes(message).first(icmp_header_bytes)));
    }
}

TEST(Icmp, ParsesWhatItWrites) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 5000; ++i) {
        const IcmpHeader header{static_cast<IcmpType>(random_u8(random)), random_u8(random),
                                random.next_u32()};
        const Octets payload = random_octets(random, random.below(70));
        Octets message(icmp_header_bytes);
        write(header, payload, message);
        message.insert(message.end(), payload.begin(), payload.end());
        const auto view = IcmpView::parse(message);
        ASSERT_TRUE(view);
        ASSERT_EQ(view->header(), header);
        ASSERT_EQ(to_hex(view->payload()), to_hex(payload));
    }
}

TEST(Icmp, CutShortIsTruncatedOrHasABadChecksum) {
    for (const std::string_view hex : {echo_hex, too_big_hex}) {
        for_each_truncation(from_hex(hex), [](const Octets& message) {
            const auto view = IcmpView::parse(message);
            ASSERT_FALSE(view);
            EXPECT_EQ(view.error(), message.size() < icmp_header_bytes
                                        ? DropReason::icmp_truncated
                                        : DropReason::icmp_bad_checksum);
        });
    }
}

TEST(Icmp, EveryFlippedBitIsFound) {
    for (const std::string_view hex : {echo_hex, too_big_hex}) {
        for_each_bit_flip(from_hex(hex), [](const Octets& damaged, std::size_t, unsigned) {
            const auto view = IcmpView::parse(damaged);
            ASSERT_FALSE(view);
            EXPECT_EQ(view.error(), DropReason::icmp_bad_checksum);
        });
    }
}

// RFC 1122 §3.2.2: nothing may be sent about these.
TEST(Icmp, KnowsItsErrors) {
    constexpr std::array<unsigned, 5> errors = {3, 4, 5, 11, 12};
    for (unsigned type = 0; type < 256; ++type) {
        const bool wanted = std::find(errors.begin(), errors.end(), type) != errors.end();
        EXPECT_EQ(is_icmp_error(static_cast<IcmpType>(type)), wanted) << type;
    }
}

}  // namespace
}  // namespace berth::wire
