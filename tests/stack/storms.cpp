// What strangers can make the host hold, and that it goes on serving meanwhile: incomplete
// datagrams, neighbours that do not answer, ICMP in any number.
#include <gtest/gtest.h>

#include <vector>

#include "harness/fake_device.hpp"
#include "harness/packets.hpp"
#include "harness/two_hosts.hpp"
#include "wire/arp.hpp"
#include "wire/checksum.hpp"
#include "wire/ethernet.hpp"

namespace berth::harness {
namespace {

using Octets = std::vector<std::uint8_t>;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address peer_ip{192, 0, 2, 1};
constexpr MacAddress our_mac{{2, 0, 0, 0, 0, 2}};
constexpr MacAddress peer_mac{{2, 0, 0, 0, 0, 1}};
constexpr std::size_t storm = 10'000;

class Storms : public testing::Test {
  protected:
    FakeDevice device{link::LinkKind::ethernet, 1500, our_mac};
    Time now{1'000'000'000};
    Stack stack{StackConfig{.seed = Seed::from(1), .start = now}};

    Storms() {
        stack.add_interface("link0", device);
        stack.add_address(0, {our_ip, 16});
    }
    void feed(Octets packet) {
        Octets frame(wire::ethernet_header_bytes);
        wire::write(wire::EthernetHeader{our_mac, peer_mac, wire::EtherType::ipv4}, frame);
        frame.insert(frame.end(), packet.begin(), packet.end());
        device.put(frame);
        stack.poll(now);
    }
    // The peer asks for us, so that it is known, and pings: is it answered?
    bool serves() {
        Octets request(wire::ethernet_header_bytes + wire::arp_packet_bytes);
        wire::write(wire::EthernetHeader{MacAddress::broadcast(), peer_mac, wire::EtherType::arp},
                    request);
        wire::write(
            wire::ArpPacket{wire::ArpOperation::request, peer_mac, peer_ip, MacAddress{}, our_ip},
            MutableBytes(request).subspan(wire::ethernet_header_bytes));
        device.put(request);
        stack.poll(now);
        device.sent.clear();
        feed(icmp_packet(peer_ip, our_ip, {wire::IcmpType::echo_request, 0, 0x00010001}, {}));
        for (const SentFrame& frame : device.sent)
            if (frame.bytes[12] == 0x08 && frame.bytes[23] == 1 && frame.bytes[34] == 0)
                return true;
        return false;
    }
    void advance(Duration duration) {
        const Time end = now + duration;
        while (stack.next_deadline() <= end) {
            now = std::max(now + nanoseconds(1), stack.next_deadline());
            stack.poll(now);
        }
        now = end;
        stack.poll(now);
    }
    static Octets piece(Ipv4Address source, std::uint16_t id) {
        Octets packet = ipv4_packet(source, our_ip, 17, Octets(1400, 0x11));
        store_be16(packet, 4, id);
        packet[6] = 0x20;  // more follow
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(20)));
        return packet;
    }
};

TEST_F(Storms, TenThousandIncompleteDatagrams) {
    const ip::Reassembly::Limits limits;
    for (std::size_t i = 0; i < storm; ++i) {
        const auto low = static_cast<std::uint8_t>(i % 250 + 3);
        const auto high = static_cast<std::uint8_t>(i / 250 % 250);
        feed(piece({192, 0, high, low}, static_cast<std::uint16_t>(i)));
        ASSERT_LE(stack.ip().reassembly().bytes(), limits.high_bytes) << i;
        ASSERT_LE(stack.buffers().outstanding(), 4000u) << i;
    }
    EXPECT_GT(stack.drops()[DropReason::ip_fragment_memory], 0u);
    EXPECT_TRUE(serves());
    advance(seconds(70));
    EXPECT_EQ(stack.ip().reassembly().datagrams(), 0u);
    EXPECT_EQ(stack.ip().reassembly().bytes(), 0u);
    EXPECT_TRUE(serves());
}

TEST_F(Storms, TenThousandFromOneSource) {
    for (std::size_t i = 0; i < storm; ++i)
        feed(piece(peer_ip, static_cast<std::uint16_t>(i)));
    EXPECT_LE(stack.ip().reassembly().datagrams(), ip::Reassembly::Limits{}.datagrams_per_source);
    EXPECT_GT(stack.drops()[DropReason::ip_fragment_source_limit], 0u);
    EXPECT_TRUE(serves());
}

TEST_F(Storms, TenThousandNeighboursThatDoNotAnswer) {
    auto socket = TwoHosts::datagram(stack);
    for (std::size_t i = 0; i < storm; ++i) {
        const Ipv4Address nobody{192, 0, static_cast<std::uint8_t>(i / 200 + 3),
                                 static_cast<std::uint8_t>(i % 200 + 1)};
        TwoHosts::send(*socket, "x", Endpoint{nobody, 9});
        stack.poll(now);
        static_cast<void>(TwoHosts::pending_error(*socket));
    }
    EXPECT_LE(stack.interface_at(0).neighbours().size(), 1024u);
    EXPECT_LE(stack.interface_at(0).neighbours().pending_packets(), 512u);
    EXPECT_TRUE(serves());
    advance(seconds(10));
    EXPECT_EQ(stack.interface_at(0).neighbours().pending_packets(), 0u);
    EXPECT_TRUE(serves());
}

TEST_F(Storms, ErrorsAreLimitedAndTheHostServes) {
    device.sent.clear();
    for (std::size_t i = 0; i < storm; ++i) {
        feed(udp_packet({peer_ip, 1000}, {our_ip, static_cast<Port>(2000 + i % 100)}, Octets(8)));
    }
    EXPECT_LE(stack.icmp().errors_sent(), std::uint64_t{icmp::ErrorLimiter::peer_burst});
    EXPECT_GE(stack.icmp().errors_suppressed(), storm - icmp::ErrorLimiter::peer_burst);
    EXPECT_TRUE(serves());
}

TEST_F(Storms, ErrorsThatArriveAreCheckedAndForgotten) {
    const Octets quoted = udp_packet({our_ip, 5}, {peer_ip, 6}, Octets(8));
    for (std::size_t i = 0; i < storm; ++i) {
        feed(icmp_packet(peer_ip, our_ip, {wire::IcmpType::destination_unreachable, 4, 600},
                         quoted));
    }
    EXPECT_EQ(stack.drops()[DropReason::icmp_error_no_match], storm);
    EXPECT_EQ(stack.ip().path_mtus().size(), 0u) << "nobody here sent that";
    EXPECT_TRUE(serves());
}

TEST_F(Storms, BuffersComeBack) {
    for (std::size_t i = 0; i < 1000; ++i)
        feed(piece({192, 0, 3, 4}, static_cast<std::uint16_t>(i)));
    advance(seconds(120));
    device.sent.clear();
    EXPECT_EQ(stack.buffers().outstanding(), 0u);
}

}  // namespace
}  // namespace berth::harness
