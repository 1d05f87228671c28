// A server that lies, or somebody who pretends to be one: nothing of it is taken, all of it is
// counted, and an honest server is still heard.
#include "tests/services/dhcp_lab.hpp"

namespace berth::dhcp_test {
namespace {

void expect_unacceptable(const Reply& offer) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says(offer);
    EXPECT_EQ(lab.state(), DhcpState::selecting);
    EXPECT_EQ(lab.ignored(DhcpIgnored::unacceptable), 1U);
    EXPECT_TRUE(lab.is_silent());
    lab.server_says({});
    EXPECT_EQ(lab.state(), DhcpState::requesting) << "an honest server is heard";
}

TEST(Rfc2131_4_3_1, an_address_that_no_host_can_have_is_not_taken) {
    for (const Ipv4Address address :
         {Ipv4Address{}, Ipv4Address(127, 0, 0, 1), Ipv4Address(224, 0, 0, 1), everybody,
          Ipv4Address(240, 0, 0, 1), Ipv4Address(0, 1, 2, 3), Ipv4Address(192, 0, 2, 0),
          Ipv4Address(192, 0, 2, 255), server_address})
        expect_unacceptable({.your_address = address});
}

TEST(Rfc2131_4_3_1, a_mask_with_holes_or_without_room_is_not_taken) {
    for (const std::uint32_t mask : {0U, 0xff00ff00U, 0x0000ffffU, 0xfffffff1U})
        expect_unacceptable({.mask = mask});
    Reply short_mask{.mask = std::nullopt};
    short_mask.options.emplace_back(option::subnet_mask, Octets{255, 255, 255});
    expect_unacceptable(short_mask);
}

TEST(Rfc2131_4_3_1, a_lease_needs_a_time_and_a_server) {
    expect_unacceptable({.lease_s = std::nullopt});
    expect_unacceptable({.lease_s = 0});
    expect_unacceptable({.server = std::nullopt});
    for (const Ipv4Address server : {Ipv4Address{}, everybody, Ipv4Address(224, 0, 0, 1)})
        expect_unacceptable({.server = server});
}

TEST(Rfc2131_4_3_1, an_ack_that_cannot_be_used_is_as_if_it_had_not_come) {
    DhcpLab lab;
    lab.start();
    lab.next();
    lab.server_says({});
    lab.next();
    lab.server_says({.type = DhcpMessageType::ack, .lease_s = 0});
    EXPECT_EQ(lab.state(), DhcpState::requesting);
    lab.server_says({.type = DhcpMessageType::ack});
    EXPECT_EQ(lab.state(), DhcpState::bound);
}

TEST(Rfc2131_4_1, every_truncation_of_an_offer_is_taken_or_counted_and_nothing_breaks) {
    DhcpLab lab;
    lab.start();
    lab.next();
    const Octets whole = lab.message({.type = DhcpMessageType::ack});
    for (std::size_t length = 0; length < whole.size(); ++length)
        lab.hear(Octets(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_EQ(lab.state(), DhcpState::selecting);
    std::uint64_t counted = 0;
    for (const std::uint64_t count : lab.status().ignored)
        counted += count;
    EXPECT_EQ(counted, whole.size());
    EXPECT_GE(lab.ignored(DhcpIgnored::malformed), wire::dhcp_fixed_bytes);
}

TEST(Rfc2131_4_1, a_flood_for_the_clients_port_is_bounded_and_an_answer_gets_through_afterwards) {
    DhcpLab lab;
    lab.start();
    lab.next();
    const Octets noise(1400, 0x5a);
    const auto packet = harness::udp_packet({server_address, 67}, {everybody, 68}, noise);
    for (int i = 0; i < 2000; ++i)
        lab.device.put(
            harness::ethernet_frame(MacAddress::broadcast(), server_mac, 0x0800, packet));
    lab.settle();
    EXPECT_EQ(lab.ignored(DhcpIgnored::malformed) + lab.stack().drops()[DropReason::udp_queue_full],
              2000U);
    lab.server_says({});
    EXPECT_EQ(lab.state(), DhcpState::requesting);
}

TEST(Rfc2131_4_1, random_messages_leave_the_client_working) {
    Random random(Seed::from(7));
    DhcpLab lab;
    lab.bind({.lease_s = 1000});
    for (int i = 0; i < 3000; ++i) {
        Octets bytes = lab.message({.type = static_cast<DhcpMessageType>(1 + random.below(8)),
                                    .lease_s = random.next_u32()});
        for (std::uint32_t n = random.below(6); n > 0; --n)
            bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] =
                static_cast<std::uint8_t>(random.next_u32());
        lab.hear(bytes, everybody);
        lab.pass(milliseconds(random.below(2000)));
        while (!lab.is_silent())
            lab.next();
    }
    lab.dhcp.release_all(lab.now);
    lab.pass(seconds(2));
    EXPECT_FALSE(lab.has_address());
}

}  // namespace
}  // namespace berth::dhcp_test
