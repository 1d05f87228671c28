// RFC 9293 §3.4.1: initial sequence numbers; §3.10.7.4: blind data injection.
#include <set>

#include "rfc9293/requirements.hpp"
#include "tcp/isn.hpp"

namespace berth::harness {
namespace {

// The initial sequence number of a stack that opens this four-tuple at this age.
std::uint32_t isn_of(Duration age, Endpoint remote, Seed seed = Seed::from(1), Port local = 2000) {
    Script stage;
    stage.seed = seed;
    stage.core();
    stage.advance(age);
    Peer server(stage, remote);
    server.stack_endpoint = {stage.local.address, local};
    StackSide side(stage, server);
    App client(stage, server);
    client.connects();
    const std::uint32_t isn = side.sends({.syn = true}).header.seq;
    client.aborts();
    return isn;
}

constexpr Endpoint server_a{Ipv4Address(192, 0, 2, 1), 40'000};
constexpr Endpoint server_b{Ipv4Address(192, 0, 2, 1), 40'001};

}  // namespace

TEST_F(Rfc9293, MUST_8_a_clock_drives_the_initial_sequence_number) {
    // One tick in 4 microseconds, for the same four-tuple.
    const std::uint32_t first = isn_of(seconds(1), server_a);
    EXPECT_EQ(isn_of(seconds(1) + microseconds(4), server_a) - first, 1U);
    EXPECT_EQ(isn_of(seconds(2), server_a) - first, 250'000U);
    // It wraps after 4.77 hours, and goes on.
    EXPECT_EQ(isn_of(seconds(1) + microseconds(4LL << 32U), server_a), first);
    // A listener's too.
    app.listens();
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    const std::uint32_t passive = peer.stack_isn();
    peer.sends({.rst = true});
    advance(seconds(3));
    peer.starts_over(peer.isn + 1'000'000);
    peer.sends({.syn = true});
    stack.sends({.syn = true});
    EXPECT_EQ(peer.stack_isn() - passive, 750'000U);
}

TEST_F(Rfc9293, SHLD_1_the_number_is_a_clock_plus_a_keyed_function_of_the_four_tuple) {
    // F differs with each part of the four-tuple …
    std::set<std::uint32_t> numbers;
    for (const Ipv4Address address : {Ipv4Address(192, 0, 2, 1), Ipv4Address(192, 0, 2, 7)})
        for (const Port remote : {Port{80}, Port{81}})
            for (const Port local : {Port{2000}, Port{2001}})
                numbers.insert(isn_of(seconds(1), {address, remote}, Seed::from(1), local));
    EXPECT_EQ(numbers.size(), 8U);
    // … and is the same for the same, whenever it is asked: ISN = M + F.
    const FourTuple tuple{{script.local.address, 2000}, server_a};
    const SipHashKey key{1, 2};
    const std::uint32_t at_zero = tcp::initial_sequence_number(tuple, key, Time{}).value;
    for (const int second : {1, 100, 10'000})
        EXPECT_EQ(tcp::initial_sequence_number(tuple, key, Time{} + seconds(second)).value,
                  at_zero + 250'000U * static_cast<std::uint32_t>(second));
}

TEST_F(Rfc9293, MUST_9_the_function_cannot_be_computed_from_outside) {
    // The secret is the host's own: another host (another seed) gives the same four-tuple another
    // number, and the differences between four-tuples are not the same either.
    const auto distance = [](Seed seed) {
        return isn_of(seconds(1), server_b, seed) - isn_of(seconds(1), server_a, seed);
    };
    std::set<std::uint32_t> numbers;
    std::set<std::uint32_t> distances;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        numbers.insert(isn_of(seconds(1), server_a, Seed::from(seed)));
        distances.insert(distance(Seed::from(seed)));
    }
    EXPECT_EQ(numbers.size(), 16U);
    EXPECT_EQ(distances.size(), 16U);
    // Neighbours' numbers are spread over the whole space: half of the bits differ on average.
    const SipHashKey key{0x0123'4567'89ab'cdef, 0xfedc'ba98'7654'3210};
    unsigned bits = 0;
    constexpr unsigned ports = 256;
    for (unsigned port = 0; port < ports; ++port) {
        const auto at = [&](unsigned p) {
            return tcp::initial_sequence_number(
                       {{script.local.address, 2000},
                        {Ipv4Address(192, 0, 2, 1), static_cast<Port>(p + 1)}},
                       key, Time{})
                .value;
        };
        for (std::uint32_t differing = at(port) ^ at(port + 1); differing != 0; differing >>= 1U)
            bits += differing & 1U;
    }
    EXPECT_GT(bits, ports * 14);
    EXPECT_LT(bits, ports * 18);
}

// RFC 5961 §5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT, or the text is not taken.
TEST_F(Rfc9293, MAY_12_data_with_an_unlikely_ack_is_not_taken) {
    peer.window = 1000;
    accept_connection();
    app.sends(2500);
    stack.sends({.length = 1000});
    peer.sends({});
    stack.sends({.length = 1000});
    peer.sends({});
    stack.sends({.length = 500});
    peer.sends({});
    // SND.UNA is 2501, MAX.SND.WND 1000.
    peer.sends({.length = 10, .ack = 2502});
    dropped(DropReason::tcp_ack_of_unsent);
    stack.sends({.seq = 2501, .ack = 1});
    advance(seconds(1));
    peer.sends({.seq = 1, .length = 10, .ack = 1500});
    dropped(DropReason::tcp_ack_too_old);
    stack.sends({.seq = 2501, .ack = 1});
    app.read_fails(std::errc::operation_would_block);
    advance(seconds(1));
    peer.sends({.seq = 1, .length = 10, .ack = 1501});  // just inside
    delivered();
    app.reads(10);
    within(milliseconds(500), {.ack = 11});
}

}  // namespace berth::harness
