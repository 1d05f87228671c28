#include "wire/ethernet.hpp"

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;

TEST(Ethernet, GoldenBytes) {
    const Octets frame = from_hex("020000000002 020000000001 0800 cafe");
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->destination(), server_mac);
    EXPECT_EQ(view->source(), client_mac);
    EXPECT_EQ(view->type(), EtherType::ipv4);
    EXPECT_EQ(to_hex(view->payload()), "cafe");

    Octets written(ethernet_header_bytes);
    write(EthernetHeader{server_mac, client_mac, EtherType::ipv4}, written);
    EXPECT_EQ(to_hex(written), to_hex(Bytes(frame).first(ethernet_header_bytes)));
}

TEST(Ethernet, AnUnknownTypeParses) {
    const Octets frame = from_hex("ffffffffffff 020000000001 86dd");
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->destination().is_broadcast());
    EXPECT_EQ(static_cast<std::uint16_t>(view->type()), 0x86dd);
    EXPECT_TRUE(view->payload().empty());
}

TEST(Ethernet, ParsesWhatItWrites) {
    Random random{Seed::from(1)};
    for (int i = 0; i < 2000; ++i) {
        EthernetHeader header{random_mac(random), random_mac(random),
                              static_cast<EtherType>(random_u16(random))};
        if (random.chance(500'000))
            header.vlan = static_cast<VlanId>(first_vlan + random.below(last_vlan));
        if (header.vlan == 0 && header.type == EtherType{0x8100}) continue;  // that is a tag
        const std::size_t header_bytes = ethernet_header_size(header.vlan);
        Octets frame = random_octets(random, header_bytes + random.below(50));
        write(header, frame);
        const auto view = EthernetView::parse(frame);
        ASSERT_TRUE(view);
        ASSERT_EQ(view->header(), header);
        ASSERT_EQ(view->header_bytes(), header_bytes);
        ASSERT_EQ(view->payload().size(), frame.size() - header_bytes);
    }
}

TEST(Ethernet, Ieee8021Q_9_6_GoldenTag) {
    // Priority 5 and the drop-eligible bit beside VLAN 10: they are not part of its number.
    const Octets frame = from_hex("020000000002 020000000001 8100 b00a 0806 cafe");
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->destination(), server_mac);
    EXPECT_EQ(view->source(), client_mac);
    EXPECT_EQ(view->vlan(), 10);
    EXPECT_EQ(view->type(), EtherType::arp);
    EXPECT_EQ(view->header_bytes(), 18u);
    EXPECT_EQ(to_hex(view->payload()), "cafe");

    Octets written(ethernet_header_size(10));
    write(EthernetHeader{server_mac, client_mac, EtherType::arp, 10}, written);
    EXPECT_EQ(to_hex(written),
              "020000000002020000000001"
              "8100000a"
              "0806");
}

TEST(Ethernet, Ieee8021Q_6_9_APriorityTagIsOfNoVlan) {
    const Octets frame = from_hex("020000000002 020000000001 8100 e000 0800 cafe");
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->vlan(), 0);
    EXPECT_EQ(view->type(), EtherType::ipv4);
    EXPECT_EQ(to_hex(view->payload()), "cafe");
}

TEST(Ethernet, ASecondTagIsATypeThatNobodyKnows) {
    const Octets frame = from_hex("020000000002 020000000001 8100 000a 8100 000b 0800 cafe");
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->vlan(), 10);
    EXPECT_EQ(static_cast<std::uint16_t>(view->type()), 0x8100);
}

TEST(Ethernet, CutShortInItsTagIsTruncated) {
    for_each_truncation(from_hex("020000000002 020000000001 8100 000a 0800"),
                        [](const Octets& frame) {
                            const auto view = EthernetView::parse(frame);
                            ASSERT_FALSE(view);
                            EXPECT_EQ(view.error(), DropReason::ethernet_truncated);
                        });
}

TEST(Ethernet, Rfc1042_SnapIsReadAndPaddingIsGone) {
    const Octets frame =
        from_hex("020000000002 020000000001 000a aaaa03 000000 0800 cafe 00000000");
    const auto view = EthernetView::parse(frame);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->type(), EtherType::ipv4);
    EXPECT_EQ(view->vlan(), 0);
    EXPECT_EQ(to_hex(view->payload()), "cafe");

    const Octets tagged =
        from_hex("020000000002 020000000001 8100 000a 000a aaaa03 000000 0806 cafe");
    const auto in_vlan = EthernetView::parse(tagged);
    ASSERT_TRUE(in_vlan);
    EXPECT_EQ(in_vlan->type(), EtherType::arp);
    EXPECT_EQ(in_vlan->vlan(), 10);
    EXPECT_EQ(to_hex(in_vlan->payload()), "cafe");
}

TEST(Ethernet, Rfc1042_ALengthBeyondTheFrameOrShortOfSnapIsTruncated) {
    for (const std::string_view length : {"000b", "0007", "0000", "05dc"}) {
        const Octets frame = from_hex(std::string("020000000002 020000000001 ") +
                                      std::string(length) + " aaaa03 000000 0800 cafe");
        const auto view = EthernetView::parse(frame);
        ASSERT_FALSE(view) << length;
        EXPECT_EQ(view.error(), DropReason::ethernet_truncated) << length;
    }
}

TEST(Ethernet, Rfc1122_2_3_3_OtherLlcIsATypeThatNobodyKnows) {
    for (const std::string_view llc : {"060603 000000 0800", "aaaa03 00000c 0800"}) {
        const Octets frame =
            from_hex(std::string("020000000002 020000000001 0008 ") + std::string(llc));
        const auto view = EthernetView::parse(frame);
        ASSERT_TRUE(view) << llc;
        EXPECT_EQ(static_cast<std::uint16_t>(view->type()), 8) << llc;
    }
}

TEST(Ethernet, CutShortIsTruncated) {
    for_each_truncation(from_hex("020000000002 020000000001 0800"), [](const Octets& frame) {
        const auto view = EthernetView::parse(frame);
        ASSERT_FALSE(view);
        EXPECT_EQ(view.error(), DropReason::ethernet_truncated);
    });
}

TEST(Ethernet, AFlippedBitChangesOneField) {
    const Octets frame = from_hex("020000000002 020000000001 0800 cafe");
    const EthernetHeader header{server_mac, client_mac, EtherType::ipv4};
    for_each_bit_flip(frame, [&](const Octets& damaged, std::size_t byte, unsigned) {
        const auto view = EthernetView::parse(damaged);
        ASSERT_TRUE(view);
        EXPECT_EQ(view->destination() != header.destination, byte < 6);
        EXPECT_EQ(view->source() != header.source, byte >= 6 && byte < 12);
        EXPECT_EQ(view->type() != header.type, byte == 12 || byte == 13);
        EXPECT_EQ(to_hex(view->payload()) != "cafe", byte >= 14);
    });
}

}  // namespace
}  // namespace berth::wire
