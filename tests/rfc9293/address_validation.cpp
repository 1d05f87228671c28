// RFC 9293 §3.9.2.3 and §3.9.1.1: addresses that nobody can have.
#include "rfc9293/requirements.hpp"

namespace berth::harness {
namespace {

Packet syn_packet(Endpoint source, Endpoint destination) {
    wire::TcpHeader header;
    header.source_port = source.port;
    header.destination_port = destination.port;
    header.seq = 1000;
    header.flags.syn = true;
    header.window = 65'535;
    return tcp_packet(header, source.address, destination.address, {});
}

constexpr Ipv4Address group_addresses[] = {
    {224, 0, 0, 1},        // all hosts
    {239, 1, 2, 3},        // any group
    {255, 255, 255, 255},  // the limited broadcast
    {192, 0, 2, 255},      // the directed broadcast of our network
    {198, 51, 100, 255},   // and of the other one
};

}  // namespace

TEST_F(Rfc9293, MUST_46_an_open_to_an_invalid_address_is_an_error) {
    for (const Ipv4Address address : group_addresses) {
        auto socket = socket::open(script.core(), socket::Type::stream);
        const std::errc error = socket->connect({address, 80});
        EXPECT_NE(error, std::errc{}) << to_string(address);
        EXPECT_NE(error, std::errc::operation_in_progress) << to_string(address);
        script.settle({});
    }
    advance(seconds(5));
    stack.sends_nothing();
}

TEST_F(Rfc9293, MUST_57_a_segment_to_a_broadcast_or_multicast_address_is_silently_discarded) {
    app.listens();
    for (const Ipv4Address address : group_addresses) {
        script.put(syn_packet(peer.endpoint, {address, script.local.port}), {});
        EXPECT_EQ(script.last_fate().kind, FateKind::dropped) << to_string(address);
        stack.sends_nothing();
    }
    EXPECT_EQ(script.core().tcp().half_open_count(), 0U);
    app.accept_fails(std::errc::operation_would_block);
}

TEST_F(Rfc9293, MUST_63_a_syn_from_an_invalid_source_is_ignored) {
    app.listens();
    std::vector<Ipv4Address> invalid(std::begin(group_addresses), std::end(group_addresses));
    invalid.insert(invalid.end(), {Ipv4Address(0, 0, 0, 0), Ipv4Address(0, 1, 2, 3),
                                   Ipv4Address(127, 0, 0, 1), Ipv4Address(240, 0, 0, 1)});
    for (const Ipv4Address address : invalid) {
        script.put(syn_packet({address, 40'000}, script.local), {});
        EXPECT_EQ(script.last_fate().kind, FateKind::dropped) << to_string(address);
        stack.sends_nothing();
    }
    EXPECT_EQ(script.core().tcp().half_open_count(), 0U);
}

}  // namespace berth::harness
