// Errors that arrive at a whole host, and the sockets that they are about (RFC 1122 §3.2.2).
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "harness/fake_device.hpp"
#include "harness/packets.hpp"
#include "socket/sockets.hpp"

namespace berth::harness {
namespace {

using Octets = std::vector<std::uint8_t>;
using socket::Option;
using wire::IcmpType;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address router_ip{192, 0, 2, 1};
constexpr Endpoint far{{203, 0, 113, 9}, 2000};
constexpr std::uint8_t ospf = 89;

class StackErrors : public testing::Test {
  protected:
    FakeDevice device;
    Time now{1'000'000'000};
    std::unique_ptr<Stack> host;

    StackErrors() { start({}); }
    void start(const ip::Config& config) {
        host =
            std::make_unique<Stack>(StackConfig{.seed = Seed::from(1), .start = now, .ip = config});
        host->add_interface("link0", device);
        host->add_address(0, {our_ip, 24});
        host->add_route({{{}, 0}, router_ip, 0, 0});
    }
    std::unique_ptr<socket::Socket> connected(socket::Type type, std::uint8_t protocol = 0) {
        auto socket = socket::open(*host, type, protocol);
        EXPECT_EQ(socket->connect(far), std::errc{});
        return socket;
    }
    static std::errc send(socket::Socket& socket, const Octets& bytes) {
        const std::array<Bytes, 1> parts{Bytes(bytes)};
        const auto sent = socket.send(parts, std::nullopt);
        return sent ? std::errc{} : sent.error();
    }
    // What went out because of that.
    Octets sent_by(socket::Socket& socket) {
        EXPECT_EQ(send(socket, {8, 0, 0, 0, 0, 0, 0, 1, 2, 3}), std::errc{});
        host->poll(now);
        return device.take().bytes;
    }
    void error(IcmpType type, std::uint8_t code, Bytes quote, std::uint32_t rest = 0) {
        device.put(icmp_packet(router_ip, our_ip, {type, code, rest}, quote));
        host->poll(now);
    }
    static std::errc pending(socket::Socket& socket) {
        return static_cast<std::errc>(*socket.get_option(Option::error));
    }
};

TEST_F(StackErrors, Rfc1122_3_2_2_1_EveryCodeReachesItsSocket) {
    std::array<std::unique_ptr<socket::Socket>, 3> sockets{connected(socket::Type::datagram),
                                                           connected(socket::Type::ping),
                                                           connected(socket::Type::raw, ospf)};
    for (auto& socket : sockets) {
        const Octets quote = sent_by(*socket);
        for (std::uint8_t code = 0; code <= wire::icmp_code::precedence_cutoff; ++code) {
            if (code == wire::icmp_code::fragmentation_needed) continue;
            error(IcmpType::destination_unreachable, code, quote);
            EXPECT_NE(pending(*socket), std::errc{}) << int{code};
        }
        for (auto& other : sockets)
            EXPECT_EQ(pending(*other), std::errc{}) << "and no other";
    }
    EXPECT_EQ(host->drops().total(), 0u);
}

TEST_F(StackErrors, Rfc1122_3_2_2_4_TimeExceededReachesUdp) {
    auto udp = connected(socket::Type::datagram);
    error(IcmpType::time_exceeded, wire::icmp_code::reassembly_time_exceeded, sent_by(*udp));
    EXPECT_EQ(pending(*udp), std::errc::host_unreachable);
}

TEST_F(StackErrors, Rfc1122_3_2_2_5_ParameterProblemReachesItsSocket) {
    for (const auto type : {socket::Type::datagram, socket::Type::ping, socket::Type::raw}) {
        auto socket = connected(type, ospf);
        error(IcmpType::parameter_problem, wire::icmp_code::see_pointer, sent_by(*socket),
              wire::icmp_pointer(9));
        EXPECT_EQ(pending(*socket), std::errc::protocol_error);
    }
}

TEST_F(StackErrors, Rfc1122_2_4_ASilentNeighbourIsToldToRawSockets) {
    FakeDevice ethernet(link::LinkKind::ethernet);
    host->add_interface("link1", ethernet);
    host->add_address(1, {{198, 51, 100, 2}, 24});
    auto raw = socket::open(*host, socket::Type::raw, ospf);
    ASSERT_EQ(raw->connect({{198, 51, 100, 9}, 0}), std::errc{});
    EXPECT_EQ(send(*raw, Octets(20)), std::errc{});
    for (int second = 0; second < 10; ++second) {
        now = now + seconds(1);
        host->poll(now);
    }
    EXPECT_EQ(pending(*raw), std::errc::host_unreachable);
}

TEST_F(StackErrors, ErrorsAboutWhatNobodyHereSentAreDropped) {
    auto udp = connected(socket::Type::datagram);
    Octets quote = sent_by(*udp);
    quote[21] ^= 1;  // the source port
    error(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable, quote);
    const Octets foreign = ipv4_packet(our_ip, far.address, ospf, Octets(8));
    error(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable, foreign);
    EXPECT_EQ(host->drops()[DropReason::icmp_error_no_match], 2u);
    EXPECT_EQ(pending(*udp), std::errc{});
}

// RFC 1122 §3.2.2.2: redirects are a router's to send.
TEST_F(StackErrors, Rfc1122_3_2_2_2_AHostSendsNoRedirects) {
    const Octets transit = udp_packet({router_ip, 1}, far, Octets(8));
    device.put(transit);
    host->poll(now);
    EXPECT_TRUE(device.sent.empty());
    start({.forward = true});
    device.put(udp_packet({{192, 0, 2, 7}, 1}, far, Octets(8)));
    host->poll(now);
    EXPECT_FALSE(device.sent.empty()) << "as a router sends them (RFC 1812 §5.2.7.2)";
}

// RFC 1122 §3.3.1.4: a better first hop that does not answer was none.
TEST_F(StackErrors, Rfc1122_3_3_1_4_ARedirectToASilentHostIsForgotten) {
    FakeDevice ethernet(link::LinkKind::ethernet);
    host = std::make_unique<Stack>(
        StackConfig{.seed = Seed::from(1), .start = now, .ip = {.accept_redirects = true}});
    host->add_interface("link0", ethernet);
    host->add_address(0, {our_ip, 24});
    host->add_route({{{}, 0}, router_ip, 0, 0});
    ASSERT_EQ(host->ip().redirect(far.address, {192, 0, 2, 3}, router_ip, 0, now),
              DropReason::none);
    auto ping = connected(socket::Type::ping);
    EXPECT_EQ(send(*ping, {8, 0, 0, 0, 0, 0, 0, 1}), std::errc{});
    for (int second = 0; second < 10; ++second) {
        now = now + seconds(1);
        host->poll(now);
    }
    EXPECT_EQ(host->ip().redirects().size(), 0u);
}

}  // namespace
}  // namespace berth::harness
