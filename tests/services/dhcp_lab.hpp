// A stack with one interface and a DHCP client, and the network around it in the test's hands, in
// virtual time: what the client says is taken out message by message, and a server says what the
// test wants.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/fake_device.hpp"
#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "services/dhcp.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"
#include "wire/arp.hpp"
#include "wire/udp.hpp"

namespace berth::dhcp_test {

namespace option = wire::dhcp_option;
using services::DhcpIgnored;
using services::DhcpState;
using wire::DhcpMessageType;
using Octets = std::vector<std::uint8_t>;

inline constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x07}};
inline constexpr MacAddress server_mac{{0x02, 0, 0, 0, 0, 0x01}};
inline constexpr Ipv4Address server_address{192, 0, 2, 1};
inline constexpr Ipv4Address other_server{192, 0, 2, 3};
inline constexpr Ipv4Address offered_address{192, 0, 2, 77};
inline constexpr Ipv4Address everybody{255, 255, 255, 255};

inline Octets octets_of(Ipv4Address address) {
    Octets octets(4);
    store_be32(octets, 0, address.value);
    return octets;
}
inline Octets octets_of(std::uint32_t number) {
    return octets_of(Ipv4Address(number));
}
inline Octets octets_of(std::string_view text) {
    return {text.begin(), text.end()};
}

// A message of the client's, with how it left.
struct Said {
    Time when{};
    MacAddress link_destination;
    Ipv4Address source;
    Ipv4Address destination;
    Port source_port = 0;
    Port destination_port = 0;
    Octets bytes;

    wire::DhcpView view() const {
        auto parsed = wire::DhcpView::parse(bytes);
        EXPECT_TRUE(parsed);
        return *parsed;
    }
    DhcpMessageType type() const { return view().type(); }
    Octets option(std::uint8_t code) const {
        Octets contents(600);
        const auto length = view().copy_option(code, contents);
        contents.resize(length.value_or(0));
        return contents;
    }
    bool has(std::uint8_t code) const { return view().has_option(code); }
};

// A server's message; what is left out takes its correct value.
struct Reply {
    DhcpMessageType type = DhcpMessageType::offer;
    std::optional<std::uint32_t> xid{};
    Ipv4Address your_address = offered_address;
    std::optional<Ipv4Address> server = server_address;
    std::optional<std::uint32_t> lease_s = 3600;
    std::optional<std::uint32_t> mask = 0xffffff00;
    MacAddress hardware_address = our_mac;
    bool reply = true;
    std::vector<std::pair<std::uint8_t, Octets>> options{};
    Ipv4Address to = everybody;
    Ipv4Address from = server_address;
};

class FakeProber final : public services::AddressProber {
  public:
    std::vector<Ipv4Prefix> probed;
    void probe(link::InterfaceIndex, const Ipv4Prefix& address, Time) override {
        probed.push_back(address);
    }
};

class DhcpLab {
  public:
    explicit DhcpLab(services::AddressProber* prober = nullptr,
                     const services::DhcpConfig& config = {}, std::uint64_t seed = 1)
        : stack_(StackConfig{.seed = Seed::from(seed), .start = now}),
          dhcp(stack_, Random(Seed::from(seed)).fork(9), prober, config) {
        stack_.add_interface("if0", device, {.mac = our_mac});
    }

    harness::FakeDevice device{link::LinkKind::ethernet, 1500, our_mac};
    Time now = Time{1'000'000'000};

  private:
    Stack stack_;

  public:
    services::DhcpClients dhcp;

    Stack& stack() { return stack_; }
    const services::DhcpStatus& status() const { return *dhcp.status(0); }
    DhcpState state() const { return status().state; }
    std::uint64_t ignored(DhcpIgnored why) const {
        return status().ignored[static_cast<std::size_t>(why)];
    }
    bool has_address(Ipv4Address address = offered_address) { return stack_.ip().is_own(address); }

    void start() {
        ASSERT_EQ(dhcp.add(0, now), std::errc{});
        settle();
    }
    // What there is to do at this moment.
    void settle() {
        for (int round = 0; round < 100; ++round) {
            bool moved = stack_.poll(now);
            moved = dhcp.advance(now) || moved;
            moved = take_sent() || moved;
            if (!moved) return;
        }
        FAIL() << "it does not come to rest";
    }
    // Time goes from deadline to deadline.
    void pass(Duration duration) {
        settle();
        const Time end = now + duration;
        for (;;) {
            const Time due = earlier(stack_.next_deadline(), dhcp.next_deadline());
            if (due > end) break;
            now = std::max(due, now + nanoseconds(1));
            settle();
        }
        now = end;
        settle();
    }

    bool is_silent() const { return said_.empty(); }
    std::size_t waiting() const { return said_.size(); }
    // The oldest message that has not been looked at.
    Said next() {
        if (said_.empty()) {
            ADD_FAILURE() << "the client said nothing";
            return {};
        }
        Said said = said_.front();
        said_.pop_front();
        return said;
    }
    Said expect(DhcpMessageType type) {
        Said said = next();
        if (!said.bytes.empty()) {
            EXPECT_EQ(said.type(), type);
        }
        return said;
    }
    // Until it says something; how long that took.
    Duration wait_until_it_speaks(Duration most = minutes(60)) {
        const Time begin = now;
        const Time end = now + most;
        while (said_.empty() && now < end) {
            const Time due = earlier(stack_.next_deadline(), dhcp.next_deadline());
            pass(std::max(earlier(due, end) - now, nanoseconds(1)));
        }
        return now - begin;
    }

    Octets message(const Reply& reply) const {
        Octets bytes(1472);
        wire::DhcpHeader header;
        header.reply = reply.reply;
        header.xid = reply.xid.value_or(last_xid_);
        header.your_address =
            reply.type == DhcpMessageType::nak ? Ipv4Address{} : reply.your_address;
        header.hardware_address = reply.hardware_address;
        wire::DhcpWriter writer(bytes, header, reply.type);
        if (reply.server) writer.address(option::server_identifier, *reply.server);
        if (reply.type != DhcpMessageType::nak) {
            if (reply.lease_s) writer.u32(option::lease_time, *reply.lease_s);
            if (reply.mask) writer.u32(option::subnet_mask, *reply.mask);
            for (const auto& [code, contents] : reply.options)
                writer.bytes(code, contents);
        }
        const auto length = writer.finish();
        EXPECT_TRUE(length);
        bytes.resize(length.value_or(0));
        return bytes;
    }
    void hear(const Octets& dhcp_message, Ipv4Address to = everybody,
              Ipv4Address from = server_address) {
        const auto packet = harness::udp_packet({from, 67}, {to, 68}, dhcp_message);
        const MacAddress mac = to == everybody ? MacAddress::broadcast() : our_mac;
        device.put(harness::ethernet_frame(mac, server_mac, 0x0800, packet));
        settle();
    }
    void server_says(const Reply& reply) { hear(message(reply), reply.to, reply.from); }

    // The whole exchange up to BOUND; all messages of it are looked at.
    void bind(const Reply& terms = {}) {
        if (dhcp.is_empty()) start();
        expect(DhcpMessageType::discover);
        Reply reply = terms;
        reply.type = DhcpMessageType::offer;
        server_says(reply);
        expect(DhcpMessageType::request);
        reply.type = DhcpMessageType::ack;
        server_says(reply);
    }

  private:
    // DHCP messages are kept; a question for a server's hardware address is answered.
    bool take_sent() {
        bool any = false;
        while (!device.sent.empty()) {
            any = true;
            const harness::SentFrame frame = device.take();
            const auto ethernet = wire::EthernetView::parse(frame.bytes);
            if (ethernet->type() == wire::EtherType::arp) {
                answer_arp(*wire::parse_arp(ethernet->payload()));
                continue;
            }
            const auto packet = wire::Ipv4View::parse(ethernet->payload());
            if (!packet || packet->protocol() != 17) continue;
            const auto udp = wire::UdpView::parse(packet->payload(), packet->source(),
                                                  packet->destination(), false);
            if (!udp) continue;
            const Bytes payload = udp->payload();
            Said said{now,
                      ethernet->destination(),
                      packet->source(),
                      packet->destination(),
                      udp->source_port(),
                      udp->destination_port(),
                      {payload.begin(), payload.end()}};
            last_xid_ = said.view().xid();
            said_.push_back(std::move(said));
        }
        return any;
    }
    void answer_arp(const wire::ArpPacket& question) {
        if (question.target_ip != server_address || !server_answers_arp) return;
        Octets bytes(wire::arp_packet_bytes);
        wire::write({wire::ArpOperation::reply, server_mac, server_address, question.sender_mac,
                     question.sender_ip},
                    bytes);
        device.put(harness::ethernet_frame(question.sender_mac, server_mac, 0x0806, bytes));
    }

    std::deque<Said> said_;
    std::uint32_t last_xid_ = 0;

  public:
    bool server_answers_arp = true;
};

}  // namespace berth::dhcp_test
