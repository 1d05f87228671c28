// RFC 9293 §3.8.2: explicit congestion notification (RFC 3168).
#include "rfc9293/requirements.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {
namespace {

constexpr std::uint8_t not_capable = 0;
constexpr std::uint8_t capable_0 = 2;
constexpr std::uint8_t experienced = 3;

std::uint8_t ecn_of(const Heard& heard) {
    return heard.packet.empty() ? std::uint8_t{0xff} : heard.packet[1] & 3U;
}

}  // namespace

// A peer that says what its IP header's mark is, too.
class MarkingPeer {
  public:
    explicit MarkingPeer(Script& script) : script_(script) {}

    void says(std::uint32_t seq, std::size_t bytes, std::uint32_t ack, wire::TcpFlags flags,
              std::uint8_t mark) {
        constexpr std::uint32_t isn = 7000;
        wire::TcpHeader header;
        header.source_port = 41'000;
        header.destination_port = script_.local.port;
        header.seq = isn + seq;
        header.flags = flags;
        header.window = 65'535;
        if (flags.ack) header.ack = stack_isn_ + ack;
        if (flags.syn) header.options.mss = 1460;
        Packet packet = tcp_packet(header, Ipv4Address(192, 0, 2, 9), script_.local.address,
                                   std::vector<std::uint8_t>(bytes, 'x'));
        wire::Ipv4Header ip = wire::Ipv4View::parse(packet)->header();
        ip.ecn = mark;
        wire::write(ip, packet);
        script_.put(packet, {});
    }
    // Everything that the stack has said by now.
    std::vector<Heard> hears() {
        script_.settle({});
        std::vector<Heard> all(script_.heard().begin(), script_.heard().end());
        script_.heard().clear();
        for (const Heard& heard : all)
            if (heard.header.flags.syn) stack_isn_ = heard.header.seq;
        return all;
    }
    // What it says within the delay of an acknowledgment.
    std::vector<Heard> hears_soon() {
        std::vector<Heard> all = hears();
        script_.await(milliseconds(499), {});
        for (Heard& heard : hears())
            all.push_back(std::move(heard));
        return all;
    }

  private:
    Script& script_;
    std::uint32_t stack_isn_ = 0;
};

TEST_F(Rfc9293, SHLD_8_ecn_is_negotiated_echoed_and_obeyed) {
    config.rto_min = seconds(30);  // nothing goes twice
    app.listens();
    MarkingPeer other(script);
    other.says(0, 0, 0, {.syn = true, .ece = true, .cwr = true}, not_capable);
    auto heard = other.hears();
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].header.flags.ece) << "RFC 3168 §6.1.1: an ECN-setup SYN-ACK";
    EXPECT_FALSE(heard[0].header.flags.cwr);
    EXPECT_EQ(ecn_of(heard[0]), not_capable);
    other.says(1, 0, 1, {.ack = true}, not_capable);
    auto accepted = app.listener().accept();
    ASSERT_TRUE(accepted);
    socket::Socket& socket = **accepted;
    const auto sends = [&](std::size_t bytes) {
        const std::vector<std::uint8_t> data(bytes, 'y');
        const std::array<Bytes, 1> parts{Bytes(data)};
        EXPECT_TRUE(socket.send(parts, std::nullopt));
        return other.hears();
    };
    const auto window = [&] {
        demux::Entry* entry = script.core().tcp().table().find({socket.local(), *socket.remote()});
        return static_cast<tcp::Connection&>(*entry).sender().congestion().cwnd();
    };
    // Data is sent as ECN-capable, a bare ACK is not (§6.1.4).
    heard = sends(14'600);
    ASSERT_GE(heard.size(), 4U);
    for (const Heard& each : heard)
        EXPECT_EQ(ecn_of(each), capable_0);
    // The receiver echoes a mark until the sender says CWR (§6.1.3).
    other.says(1, 1460, 1, {.ack = true}, experienced);
    other.says(1461, 1460, 1, {.ack = true}, capable_0);
    heard = other.hears_soon();
    ASSERT_FALSE(heard.empty());
    for (const Heard& each : heard) {
        if (each.payload.empty()) {
            EXPECT_EQ(ecn_of(each), not_capable);
        }
    }
    EXPECT_TRUE(heard.back().header.flags.ece);
    other.says(2921, 1460, 1, {.ack = true, .cwr = true}, capable_0);
    other.says(4381, 1460, 1, {.ack = true}, capable_0);
    heard = other.hears_soon();
    ASSERT_FALSE(heard.empty());
    EXPECT_FALSE(heard.back().header.flags.ece);
    // The sender halves its window once for an echo, and says so (§6.1.2).
    const std::uint32_t before = window();
    other.says(5841, 0, 1461, {.ack = true, .ece = true}, not_capable);
    EXPECT_LE(window(), before * 3 / 4);
    EXPECT_GE(window(), before / 4);
    const std::uint32_t reduced = window();
    other.says(5841, 0, 2921, {.ack = true, .ece = true}, not_capable);
    EXPECT_GE(window() + 2 * 1460, reduced) << "once in a round trip";
    other.hears();
    for (std::uint32_t ack = 4381; ack <= 14'601; ack += 1460)
        other.says(5841, 0, ack, {.ack = true}, not_capable);
    other.hears();
    heard = sends(1460);
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].header.flags.cwr);
    accepted->reset();
    other.hears();
}

TEST_F(Rfc9293, SHLD_8_without_agreement_nothing_is_marked_capable) {
    accept_connection();
    app.sends(1460);
    EXPECT_EQ(ecn_of(stack.sends({.length = 1460})), not_capable);
    peer.sends({});
    // An opener asks when it is told to (net.ipv4.tcp_ecn = 1).
    Script stage;
    stage.config.ecn = 1;
    Peer server(stage);
    StackSide side(stage, server);
    App client(stage, server);
    client.connects();
    const Heard syn = side.sends_something();
    EXPECT_TRUE(syn.header.flags.ece);
    EXPECT_TRUE(syn.header.flags.cwr);
    EXPECT_EQ(ecn_of(syn), not_capable);
    client.aborts();
}

}  // namespace berth::harness
