// Blind ICMP errors (RFC 5927): whoever quotes what is not in flight is not believed, and nothing
// that ICMP says ends a synchronized connection.
#include "blind.hpp"

namespace berth::harness {
namespace {

class BlindIcmp : public BlindAttack {
  protected:
    void forge_error(IcmpType type, std::uint8_t code, std::uint32_t quoted_seq,
                     std::uint32_t rest = 0) {
        wire::TcpHeader header;
        header.source_port = script.local.port;
        header.destination_port = peer.endpoint.port;
        header.seq = quoted_seq;
        const Packet quoted = tcp_packet(header, script.local.address, peer.endpoint.address, {});
        script.put(icmp_packet(Ipv4Address(192, 0, 2, 77), script.local.address, {type, code, rest},
                               Bytes(quoted).first(28)),
                   {});
    }
};

TEST_P(BlindIcmp, no_error_ends_it_even_about_what_is_in_flight_rfc5927_5_2) {
    reach_with_open_window(GetParam());
    if (tcp::may_send(GetParam())) app.sends(500);
    script.heard().clear();
    const std::uint32_t una = victim().sender().snd().una.value;
    for (std::uint8_t code = 0; code <= 15; ++code)
        for (const IcmpType type : {IcmpType::destination_unreachable, IcmpType::time_exceeded,
                                    IcmpType::parameter_problem, IcmpType::source_quench}) {
            forge_error(type, code, una, 1400);
            script.heard().clear();
            state_is(GetParam());
        }
}

TEST_P(BlindIcmp, a_sweep_of_quoted_numbers_makes_no_segment_smaller_rfc5927_4_1) {
    reach_with_open_window(GetParam());
    const auto snd = victim().sender().snd();
    const std::uint16_t mss = victim().sender().mss();
    for (std::uint64_t offset = 0; offset < std::uint64_t{1} << 32; offset += 0x10'0000) {
        const std::uint32_t seq = snd.nxt.value + 1 + static_cast<std::uint32_t>(offset);
        forge_error(IcmpType::destination_unreachable, wire::icmp_code::fragmentation_needed, seq,
                    600);
        dropped(DropReason::icmp_error_no_match);
    }
    EXPECT_EQ(victim().sender().mss(), mss);
    EXPECT_GE(script.core().tcp().counters()[tcp::Count::out_of_window_icmps], 4096U);
    goes_on();
}

TEST_P(BlindIcmp, hard_errors_about_other_numbers_are_not_even_noted_rfc5927_4_1) {
    reach_with_open_window(GetParam());
    const auto snd = victim().sender().snd();
    for (const std::uint32_t seq :
         {snd.una.value - 1, snd.nxt.value, snd.nxt.value + 0x4000'0000}) {
        forge_error(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable, seq);
        dropped(DropReason::icmp_error_no_match);
    }
    app.error_is({});
    goes_on();
}

INSTANTIATE_TEST_SUITE_P(State, BlindIcmp, ::testing::ValuesIn(synchronized_states),
                         name_of_parameter);

class IcmpAboutRecords : public ScriptTest {};

TEST_F(IcmpAboutRecords, a_half_open_record_goes_on_waiting_rfc5927_5_2) {
    reach(State::syn_received);
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable);
    dropped(DropReason::icmp_error_ignored);
    state_is(State::syn_received);
    peer.sends({});
    state_is(State::established);
}

TEST_F(IcmpAboutRecords, time_wait_goes_on_waiting_rfc5927_5_2) {
    reach(State::time_wait);
    peer.sends_icmp(IcmpType::destination_unreachable, wire::icmp_code::port_unreachable);
    dropped(DropReason::icmp_error_ignored);
    state_is(State::time_wait);
}

}  // namespace
}  // namespace berth::harness
