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

// A segment of the peer with these flags and this mark in its IP header.
Packet marked(const Peer& peer, std::uint32_t seq, std::size_t bytes, std::uint32_t ack,
              wire::TcpFlags flags, std::uint8_t mark) {
    wire::TcpHeader header;
    header.source_port = peer.endpoint.port;
    header.destination_port = peer.stack_endpoint.port;
    header.seq = peer.isn + seq;
    header.flags = flags;
    header.window = 65'535;
    if (flags.ack) header.ack = peer.stack_isn() + ack;
    if (flags.syn) header.options.mss = 1460;
    const Packet segment =
        tcp_packet(header, peer.endpoint.address, peer.stack_endpoint.address,
                   flags.syn ? std::vector<std::uint8_t>{} : pattern(Source::peer, seq - 1, bytes));
    wire::Ipv4Header ip = wire::Ipv4View::parse(segment)->header();
    ip.ecn = mark;
    Packet packet(wire::ipv4_header_bytes);
    wire::write(ip, packet);
    packet.insert(packet.end(), segment.begin() + wire::ipv4_header_bytes, segment.end());
    return packet;
}

}  // namespace

class EcnPeer {
  public:
    explicit EcnPeer(Script& script, Peer& peer) : script_(script), peer_(peer) {}
    void says(std::uint32_t seq, std::size_t bytes, std::uint32_t ack, wire::TcpFlags flags,
              std::uint8_t mark) {
        script_.put(marked(peer_, seq, bytes, ack, flags, mark), {});
    }
    // Everything that the stack has said by now.
    std::vector<Heard> hears() {
        script_.settle({});
        std::vector<Heard> all(script_.heard().begin(), script_.heard().end());
        script_.heard().clear();
        return all;
    }

  private:
    Script& script_;
    Peer& peer_;
};

TEST_F(Rfc9293, SHLD_8_ecn_is_negotiated_echoed_and_obeyed) {
    app.listens();
    EcnPeer other(script, peer);
    other.says(0, 0, 0, {.syn = true, .ece = true, .cwr = true}, not_capable);
    auto heard = other.hears();
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].header.flags.ece) << "RFC 3168 §6.1.1: an ECN-setup SYN-ACK";
    EXPECT_FALSE(heard[0].header.flags.cwr);
    EXPECT_EQ(ecn_of(heard[0]), not_capable);
    other.says(1, 0, 1, {.ack = true}, not_capable);
    app.accepts();
    // Data is sent as ECN-capable, a bare ACK is not (§6.1.4).
    app.sends(14'600);
    heard = other.hears();
    ASSERT_GE(heard.size(), 4U);
    for (const Heard& each : heard)
        EXPECT_EQ(ecn_of(each), capable_0);
    // The receiver echoes a mark until the sender says CWR (§6.1.3).
    other.says(1, 1460, 1, {.ack = true}, experienced);
    other.says(1461, 1460, 1, {.ack = true}, capable_0);
    advance(milliseconds(500));
    heard = other.hears();
    ASSERT_FALSE(heard.empty());
    for (const Heard& each : heard) {
        if (each.payload.empty()) {
            EXPECT_EQ(ecn_of(each), not_capable);
        }
    }
    EXPECT_TRUE(heard.back().header.flags.ece);
    other.says(2921, 1460, 1, {.ack = true, .cwr = true}, capable_0);
    other.says(4381, 1460, 1, {.ack = true}, capable_0);
    advance(milliseconds(500));
    heard = other.hears();
    ASSERT_FALSE(heard.empty());
    EXPECT_FALSE(heard.back().header.flags.ece);
    // The sender halves its window once for an echo, and says so (§6.1.2).
    const std::uint32_t before = connection().sender().congestion().cwnd();
    other.says(5841, 0, 1461, {.ack = true, .ece = true}, not_capable);
    EXPECT_LE(connection().sender().congestion().cwnd(), before * 3 / 4);
    EXPECT_GE(connection().sender().congestion().cwnd(), before / 4);
    const std::uint32_t reduced = connection().sender().congestion().cwnd();
    other.says(5841, 0, 2921, {.ack = true, .ece = true}, not_capable);
    EXPECT_GE(connection().sender().congestion().cwnd() + 2 * 1460, reduced)
        << "once in a round trip";
    other.hears();
    for (std::uint32_t ack = 4381; ack <= 14'601; ack += 1460)
        other.says(5841, 0, ack, {.ack = true}, not_capable);
    other.hears();
    app.sends(1460);
    heard = other.hears();
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_TRUE(heard[0].header.flags.cwr);
    app.aborts();
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
