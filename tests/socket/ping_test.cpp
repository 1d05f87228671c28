// Ping sockets (Linux icmp(7)): echo requests out, their replies and errors in.
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "harness/fake_device.hpp"
#include "harness/packets.hpp"
#include "harness/two_hosts.hpp"

namespace berth::harness {
namespace {

using Octets = std::vector<std::uint8_t>;
using socket::Option;

Octets message(std::uint16_t sequence, std::size_t data_bytes,
               wire::IcmpType type = wire::IcmpType::echo_request) {
    Octets bytes(wire::icmp_header_bytes + data_bytes, 0x5a);
    wire::write({type, 0, sequence}, Bytes(bytes).subspan(wire::icmp_header_bytes), bytes);
    return bytes;
}

std::errc send(socket::Socket& socket, const Octets& bytes,
               std::optional<Endpoint> remote = std::nullopt,
               const socket::SendControl& control = {}) {
    const std::array<Bytes, 1> parts{Bytes(bytes)};
    const auto sent = socket.send_with(parts, remote, control);
    return sent ? std::errc{} : sent.error();
}

// The whole datagram and what is said about it.
struct Heard {
    Octets bytes;
    socket::Received about;
    std::errc error{};
};
Heard receive(socket::Socket& socket) {
    Heard heard;
    heard.bytes.resize(70'000);
    const std::array<MutableBytes, 1> parts{MutableBytes(heard.bytes)};
    const auto received = socket.receive(parts, {});
    if (!received) return {{}, {}, received.error()};
    heard.bytes.resize(received->bytes);
    heard.about = *received;
    return heard;
}

class PingSocketTest : public testing::Test {
  protected:
    TwoHosts hosts;
    std::unique_ptr<socket::Socket> ping = socket::open(hosts.client(), socket::Type::ping);
    static constexpr Endpoint server{TwoHosts::server_address, 0};
};

TEST_F(PingSocketTest, Rfc1122_3_2_2_6_TheReplyComesBackWithItsHeader) {
    ASSERT_EQ(ping->bind({{}, 0x1234}), std::errc{});
    ASSERT_EQ(send(*ping, message(7, 56), server), std::errc{});
    EXPECT_FALSE(ping->readiness().readable);
    hosts.settle();
    EXPECT_TRUE(ping->readiness().readable);
    const Heard heard = receive(*ping);
    const auto reply = wire::IcmpView::parse(heard.bytes);
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->header(), (wire::IcmpHeader{wire::IcmpType::echo_reply, 0, 0x1234'0007}));
    EXPECT_EQ(reply->payload().size(), 56u);
    EXPECT_EQ(heard.about.source, server);
    EXPECT_EQ(heard.about.destination, TwoHosts::client_address);
    EXPECT_EQ(heard.about.ttl, 64);
    EXPECT_EQ(receive(*ping).error, std::errc::operation_would_block);
}

TEST_F(PingSocketTest, TheFirstSendDrawsAnIdentifier) {
    EXPECT_EQ(ping->local(), Endpoint{});
    EXPECT_EQ(send(*ping, message(1, 8), server), std::errc{});
    EXPECT_NE(ping->local().port, 0);
}

TEST_F(PingSocketTest, AnIdentifierBelongsToOneSocket) {
    auto other = socket::open(hosts.client(), socket::Type::ping);
    EXPECT_EQ(ping->bind({{}, 7}), std::errc{});
    EXPECT_EQ(other->bind({{}, 7}), std::errc::address_in_use);
    EXPECT_EQ(ping->bind({{}, 8}), std::errc::invalid_argument);
    EXPECT_EQ(other->bind({{203, 0, 113, 1}, 9}), std::errc::address_not_available);
    ping.reset();
    EXPECT_EQ(other->bind({{}, 7}), std::errc{});
}

TEST_F(PingSocketTest, EachHearsItsOwnRepliesOnly) {
    auto other = socket::open(hosts.client(), socket::Type::ping);
    ASSERT_EQ(other->bind({{}, 99}), std::errc{});
    ASSERT_EQ(send(*ping, message(1, 8), server), std::errc{});
    hosts.settle();
    EXPECT_TRUE(ping->readiness().readable);
    EXPECT_FALSE(other->readiness().readable);
}

TEST_F(PingSocketTest, NothingButEchoRequestsIsSent) {
    EXPECT_EQ(send(*ping, message(1, 8, wire::IcmpType::echo_reply), server),
              std::errc::invalid_argument);
    EXPECT_EQ(send(*ping, message(1, 8, wire::IcmpType::redirect), server),
              std::errc::invalid_argument);
    Octets with_code = message(1, 8);
    with_code[1] = 1;
    EXPECT_EQ(send(*ping, with_code, server), std::errc::invalid_argument);
    EXPECT_EQ(send(*ping, Octets(7, 8), server), std::errc::invalid_argument);
    EXPECT_EQ(send(*ping, message(1, 65'508), server), std::errc::message_size);
    EXPECT_EQ(send(*ping, message(1, 8)), std::errc::destination_address_required);
    EXPECT_EQ(send(*ping, message(1, 8), Endpoint{{203, 0, 113, 1}, 0}),
              std::errc::network_unreachable);
    EXPECT_EQ(send(*ping, message(1, 8), Endpoint{{192, 0, 2, 255}, 0}),
              std::errc::permission_denied);
}

TEST_F(PingSocketTest, AConnectedOneHearsItsPeerOnly) {
    ASSERT_EQ(ping->connect({TwoHosts::server_second_address, 0}), std::errc{});
    EXPECT_EQ(ping->remote(), (Endpoint{TwoHosts::server_second_address, 0}));
    EXPECT_EQ(ping->local().address, TwoHosts::client_address);
    ASSERT_EQ(send(*ping, message(1, 8), server), std::errc{});
    hosts.settle();
    EXPECT_FALSE(ping->readiness().readable);
    EXPECT_EQ(hosts.client().drops()[DropReason::icmp_not_wanted], 1u);
    ASSERT_EQ(send(*ping, message(2, 8)), std::errc{});
    hosts.settle();
    EXPECT_TRUE(ping->readiness().readable);
    EXPECT_EQ(ping->disconnect(), std::errc{});
    EXPECT_EQ(ping->remote(), std::nullopt);
    EXPECT_TRUE(ping->local().address.is_unspecified());
}

TEST_F(PingSocketTest, TheHostAnswersItself) {
    ASSERT_EQ(send(*ping, message(1, 2000), Endpoint{{127, 0, 0, 1}, 0}), std::errc{});
    hosts.settle();
    const Heard heard = receive(*ping);
    EXPECT_EQ(heard.bytes.size(), 2008u);
    EXPECT_EQ(heard.about.source.address, Ipv4Address(127, 0, 0, 1));
}

TEST_F(PingSocketTest, TtlAndTosAreTheSockets) {
    ASSERT_EQ(ping->set_option(Option::ttl, 3), std::errc{});
    ASSERT_EQ(ping->set_option(Option::tos, 0xb8), std::errc{});
    ASSERT_EQ(send(*ping, message(1, 8), server), std::errc{});
    hosts.settle();
    const Heard heard = receive(*ping);
    EXPECT_EQ(heard.about.tos, 0xb8) << "the reply's is the request's";
    EXPECT_EQ(*ping->get_option(Option::ttl), 3);
}

TEST_F(PingSocketTest, AFullQueueIsCounted) {
    ASSERT_EQ(ping->set_option(Option::receive_buffer, 2048), std::errc{});
    for (std::uint16_t i = 0; i < 100; ++i) {
        ASSERT_EQ(send(*ping, message(i, 1000), server), std::errc{});
        hosts.settle();
    }
    EXPECT_GT(hosts.client().drops()[DropReason::ping_queue_full], 90u);
    EXPECT_EQ(
        hosts.client().drops()[DropReason::ping_queue_full], 100u - [&] {
            std::uint64_t count = 0;
            while (receive(*ping).error == std::errc{})
                ++count;
            return count;
        }());
}

TEST_F(PingSocketTest, Rfc1122_2_4_ASilentNeighbourIsAnError) {
    ASSERT_EQ(ping->set_option(Option::receive_errors, 1), std::errc{});
    ASSERT_EQ(send(*ping, message(1, 8), Endpoint{{192, 0, 2, 99}, 0}), std::errc{});
    hosts.advance(seconds(10));
    EXPECT_TRUE(ping->readiness().error);
    EXPECT_EQ(hosts.pending_error(*ping), std::errc::host_unreachable);
    const auto queued = ping->take_queued_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->error, std::errc::host_unreachable);
    EXPECT_FALSE(queued->from_icmp) << "we say so ourselves";
    EXPECT_EQ(queued->destination.address, Ipv4Address(192, 0, 2, 99));
    EXPECT_EQ(ping->take_queued_error().error(), std::errc::operation_would_block);
}

TEST_F(PingSocketTest, WhatDoesNotMakeSense) {
    EXPECT_EQ(ping->type(), socket::Type::ping);
    EXPECT_EQ(ping->listen(1), std::errc::operation_not_supported);
    EXPECT_EQ(ping->accept().error(), std::errc::operation_not_supported);
    EXPECT_EQ(ping->set_option(Option::no_delay, 1), std::errc::no_protocol_option);
    EXPECT_EQ(ping->set_option(Option::header_included, 1), std::errc::no_protocol_option);
    EXPECT_EQ(ping->set_option(Option::icmp_filter, 1), std::errc::no_protocol_option);
    EXPECT_EQ(ping->set_option(Option::ttl, 0), std::errc::invalid_argument);
    EXPECT_EQ(ping->set_option(Option::mtu_discover, 9), std::errc::invalid_argument);
    EXPECT_EQ(ping->set_option(Option::bind_interface, 5), std::errc::no_such_device);
    EXPECT_EQ(ping->set_option(Option::multicast_loop, 1), std::errc::operation_not_supported);
    EXPECT_EQ(ping->get_option(Option::mtu).error(), std::errc::not_connected);
    EXPECT_EQ(ping->shutdown(socket::Shutdown::both), std::errc::not_connected);
}

TEST_F(PingSocketTest, ShutDownForWriting) {
    ASSERT_EQ(ping->connect(server), std::errc{});
    EXPECT_EQ(*ping->get_option(Option::mtu), 1500);
    ASSERT_EQ(ping->shutdown(socket::Shutdown::both), std::errc{});
    EXPECT_EQ(send(*ping, message(1, 8)), std::errc::broken_pipe);
    EXPECT_TRUE(ping->readiness().hangup);
    EXPECT_TRUE(receive(*ping).bytes.empty());
}

TEST_F(PingSocketTest, TheTableShowsIt) {
    ASSERT_EQ(ping->bind({TwoHosts::client_address, 0x1234}), std::errc{});
    const auto rows = hosts.rows(hosts.client(), "UNCONN");
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0].netid, "icmp");
    EXPECT_EQ(rows[0].local, (Endpoint{TwoHosts::client_address, 0x1234}));
}

// Against bytes: one host on a link that the test holds.
class PingErrorTest : public testing::Test {
  protected:
    static constexpr Ipv4Address our_ip{192, 0, 2, 2};
    static constexpr Ipv4Address router_ip{192, 0, 2, 1};
    static constexpr Endpoint far{{203, 0, 113, 9}, 0};

    FakeDevice device;
    Time now{1'000'000'000};
    Stack host{StackConfig{.seed = Seed::from(1), .start = now}};
    std::unique_ptr<socket::Socket> ping;

    PingErrorTest() {
        host.add_interface("link0", device);
        host.add_address(0, {our_ip, 24});
        host.add_route({{{}, 0}, router_ip, 0, 0});
        ping = socket::open(host, socket::Type::ping);
    }
    // The request as it went out.
    Octets request(std::size_t data_bytes = 16) {
        EXPECT_EQ(send(*ping, message(1, data_bytes), far), std::errc{});
        host.poll(now);
        const Octets sent = device.take().bytes;
        device.sent.clear();
        return sent;
    }
    void error(wire::IcmpType type, std::uint8_t code, Bytes quote, std::uint32_t rest = 0) {
        device.put(icmp_packet(router_ip, our_ip, {type, code, rest}, quote));
        host.poll(now);
    }
};

TEST_F(PingErrorTest, Rfc1122_3_2_2_4_TimeExceededIsQueuedForWhoAsked) {
    ASSERT_EQ(ping->set_option(Option::receive_errors, 1), std::errc{});
    const Octets sent = request();
    error(wire::IcmpType::time_exceeded, 0, sent);
    const auto queued = ping->take_queued_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->error, std::errc::host_unreachable);
    EXPECT_TRUE(queued->from_icmp);
    EXPECT_EQ(queued->type, 11);
    EXPECT_EQ(queued->code, 0);
    EXPECT_EQ(queued->reporter, router_ip);
    EXPECT_EQ(queued->destination, far);
    EXPECT_EQ(queued->payload, Octets(sent.begin() + 20, sent.end()));
    EXPECT_EQ(receive(*ping).error, std::errc::host_unreachable) << "pending as well";
    EXPECT_EQ(receive(*ping).error, std::errc::operation_would_block) << "told once";
}

TEST_F(PingErrorTest, WhoDidNotAskAndIsNotConnectedIsNotTold) {
    error(wire::IcmpType::time_exceeded, 0, request());
    EXPECT_FALSE(ping->readiness().error);
    EXPECT_EQ(host.drops().total(), 0u) << "it was delivered";
}

TEST_F(PingErrorTest, Rfc1122_3_2_2_1_AConnectedOneHasItPending) {
    ASSERT_EQ(ping->connect(far), std::errc{});
    error(wire::IcmpType::destination_unreachable, wire::icmp_code::host_prohibited, request());
    EXPECT_EQ(send(*ping, message(2, 8)), std::errc::host_unreachable);
    EXPECT_FALSE(ping->take_queued_error());
}

TEST_F(PingErrorTest, Rfc5927_4_1_ErrorsAboutOthersRequestsAreDropped) {
    ASSERT_EQ(ping->set_option(Option::receive_errors, 1), std::errc{});
    Octets other = request();
    other[24] ^= 1;  // the identifier
    error(wire::IcmpType::time_exceeded, 0, other);
    EXPECT_EQ(host.drops()[DropReason::icmp_error_no_match], 1u);
    const Octets reply =
        icmp_packet(our_ip, far.address, {wire::IcmpType::echo_reply, 0, 0}, Octets(8));
    error(wire::IcmpType::time_exceeded, 0, reply);
    EXPECT_EQ(host.drops()[DropReason::icmp_error_no_match], 2u);
    EXPECT_FALSE(ping->readiness().error);
}

TEST_F(PingErrorTest, TheQueueOfErrorsIsBounded) {
    ASSERT_EQ(ping->set_option(Option::receive_errors, 1), std::errc{});
    const Octets sent = request(1400);
    for (std::size_t i = 0; i < 2 * ip::DatagramQueue::limit_errors; ++i)
        error(wire::IcmpType::time_exceeded, 0, sent);
    std::size_t queued = 0;
    while (const auto each = ping->take_queued_error()) {
        EXPECT_LE(each->payload.size(), ip::DatagramPort::limit_quoted_bytes);
        ++queued;
    }
    EXPECT_EQ(queued, ip::DatagramQueue::limit_errors);
}

TEST_F(PingErrorTest, TooLargeForTheLinkIsALocalErrorWhereFragmentsAreForbidden) {
    ASSERT_EQ(ping->set_option(Option::receive_errors, 1), std::errc{});
    ASSERT_EQ(ping->set_option(Option::mtu_discover,
                               static_cast<std::int64_t>(socket::MtuDiscover::always)),
              std::errc{});
    EXPECT_EQ(send(*ping, message(1, 2000), far), std::errc::message_size);
    const auto queued = ping->take_queued_error();
    ASSERT_TRUE(queued);
    EXPECT_EQ(queued->error, std::errc::message_size);
    EXPECT_FALSE(queued->from_icmp);
    EXPECT_EQ(queued->info, 1500u);
}

TEST_F(PingErrorTest, Rfc1191_3_DontFragmentByThePolicy) {
    const struct {
        socket::MtuDiscover policy;
        std::size_t bytes;
        std::uint8_t flags;
    } cases[] = {
        {socket::MtuDiscover::want, 100, 0x40},   {socket::MtuDiscover::want, 2000, 0x20},
        {socket::MtuDiscover::never, 100, 0x00},  {socket::MtuDiscover::always, 100, 0x40},
        {socket::MtuDiscover::probe, 1472, 0x40}, {socket::MtuDiscover::never, 2000, 0x20}};
    for (const auto& [policy, bytes, flags] : cases) {
        ASSERT_EQ(ping->set_option(Option::mtu_discover, static_cast<std::int64_t>(policy)),
                  std::errc{});
        EXPECT_EQ(request(bytes)[6] & 0x60, flags) << bytes;
    }
}

TEST_F(PingErrorTest, Rfc1191_3_TheMtuOfThePathIsLearned) {
    ASSERT_EQ(ping->connect(far), std::errc{});
    const Octets sent = request(1400);
    EXPECT_EQ(sent[6] & 0x40, 0x40);
    error(wire::IcmpType::destination_unreachable, wire::icmp_code::fragmentation_needed, sent,
          1000);
    EXPECT_EQ(*ping->get_option(Option::error), static_cast<int>(std::errc::message_size));
    EXPECT_EQ(*ping->get_option(Option::mtu), 1000);
    EXPECT_LE(request(1400).size(), 1000u) << "in fragments now";
}

// RFC 5927 §7: nobody here sent that.
TEST_F(PingErrorTest, Rfc5927_7_AForgedMtuIsNotLearned) {
    ASSERT_EQ(ping->connect(far), std::errc{});
    Octets forged = request(1400);
    forged[24] ^= 1;
    error(wire::IcmpType::destination_unreachable, wire::icmp_code::fragmentation_needed, forged,
          1000);
    EXPECT_EQ(*ping->get_option(Option::mtu), 1500);
}

TEST_F(PingErrorTest, WhatOneDatagramChoosesForItself) {
    socket::SendControl control;
    control.ttl = 9;
    control.tos = 0x20;
    ASSERT_EQ(send(*ping, message(1, 8), far, control), std::errc{});
    host.poll(now);
    const Octets sent = device.take().bytes;
    EXPECT_EQ(sent[8], 9);
    EXPECT_EQ(sent[1], 0x20);
    control.source = {203, 0, 113, 1};
    EXPECT_EQ(send(*ping, message(1, 8), far, control), std::errc::address_not_available);
}

TEST_F(PingErrorTest, AFullQueueBlocksUntilThereIsRoom) {
    device.room = 0;
    std::errc error{};
    std::size_t sent = 0;
    while ((error = send(*ping, message(1, 8), far)) == std::errc{})
        ++sent;
    EXPECT_EQ(error, std::errc::operation_would_block);
    EXPECT_EQ(sent, link::Interface::queue_limit_packets);
    EXPECT_FALSE(ping->readiness().writable);
    device.room = FakeDevice::without_limit;
    host.poll(now);
    EXPECT_TRUE(ping->readiness().writable);
    EXPECT_EQ(send(*ping, message(1, 8), far), std::errc{});
}

}  // namespace
}  // namespace berth::harness
