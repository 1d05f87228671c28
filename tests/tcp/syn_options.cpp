// The options of our SYNs and SYN,ACKs, byte by byte, and hostile ones in the peer's.
#include "harness/script_fixture.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {
namespace {

class SynOptions : public ScriptTest {
  protected:
    // The kinds in order, as tcpdump would list them.
    static std::vector<int> kinds(const Heard& heard) {
        std::vector<int> found;
        std::size_t at = wire::ipv4_header_bytes + wire::tcp_header_bytes;
        const std::size_t end = wire::ipv4_header_bytes +
                                std::size_t{4} * (heard.packet[wire::ipv4_header_bytes + 12] >> 4);
        while (at < end) {
            found.push_back(heard.packet[at]);
            at += heard.packet[at] <= 1 ? 1 : heard.packet[at + 1];
        }
        return found;
    }
    static constexpr int nop = 1, mss = 2, scale = 3, sack = 4, timestamps = 8;
};

TEST_F(SynOptions, a_syn_has_them_in_linuxs_order_rfc9293_3_2) {
    app.connects();
    EXPECT_EQ(kinds(stack.sends({.syn = true})),
              (std::vector<int>{mss, sack, timestamps, nop, scale}));
}

TEST_F(SynOptions, a_syn_ack_too_rfc9293_3_2) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .wscale = 7, .sack_ok = true, .ts = Timestamps{1, 0}});
    EXPECT_EQ(kinds(stack.sends({.syn = true})),
              (std::vector<int>{mss, sack, timestamps, nop, scale}));
}

TEST_F(SynOptions, a_syn_ack_offers_only_what_the_syn_offered_rfc7323_1_3) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .sack_ok = true});
    EXPECT_EQ(kinds(stack.sends({.syn = true})), (std::vector<int>{mss, nop, nop, sack}));
    peer.starts_over(77);
    peer.endpoint.port = 40001;
    peer.sends({.syn = true, .wscale = 0});
    EXPECT_EQ(kinds(stack.sends({.syn = true})), (std::vector<int>{mss, nop, scale}));
}

TEST_F(SynOptions, what_is_off_is_neither_offered_nor_granted_linux_sysctls) {
    config.sack = config.timestamps = config.window_scaling = false;
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .wscale = 7, .sack_ok = true, .ts = Timestamps{1, 0}});
    EXPECT_EQ(kinds(stack.sends({.syn = true, .no_ts = true})), (std::vector<int>{mss}));
}

TEST_F(SynOptions, a_syn_sent_again_offers_the_same_rfc7323_1_3) {
    app.connects();
    stack.loses({.syn = true});
    const Heard again = stack.sends_within(seconds(1), {.seq = 0, .syn = true});
    EXPECT_EQ(kinds(again), (std::vector<int>{mss, sack, timestamps, nop, scale}));
}

TEST_F(SynOptions, a_syn_ack_sent_again_offers_the_same_rfc7323_1_3) {
    app.listens();
    peer.sends({.syn = true, .mss = 1460, .wscale = 7, .sack_ok = true, .ts = Timestamps{1, 0}});
    stack.loses({.syn = true});
    const Heard again = stack.sends_within(seconds(1), {.seq = 0, .syn = true, .sack_ok = true});
    EXPECT_EQ(kinds(again), (std::vector<int>{mss, sack, timestamps, nop, scale}));
}

TEST_F(SynOptions, a_window_scale_that_was_not_asked_for_is_ignored_rfc7323_2_2) {
    config.window_scaling = false;
    peer.window = 1000;
    open_connection({.mss = 1460, .wscale = 7});
    app.sends(5000);
    EXPECT_LE(stack.sends_something().payload.size(), 1000U);
    stack.sends_nothing();
}

TEST_F(SynOptions, sack_permitted_outside_a_syn_means_nothing_rfc2018_2) {
    accept_connection({.mss = 1460});
    peer.sends({.raw_options = {4, 2, 1, 1}});
    peer.sends({.seq = 101, .length = 10});
    const Heard heard = stack.sends({.ack = 1});
    EXPECT_EQ(heard.header.options.sack_block_count, 0U);
}

TEST_F(SynOptions, a_window_scale_outside_a_syn_means_nothing_rfc7323_2_2) {
    peer.window = 100;
    accept_connection({.mss = 1460, .wscale = 2});
    peer.sends({.raw_options = {3, 3, 14, 0}});
    app.sends(5000);
    stack.sends({.length = 400});
    stack.sends_nothing();
}

TEST_F(SynOptions, of_an_option_that_comes_twice_the_last_counts_rfc9293_3_2) {
    app.listens();
    peer.sends({.syn = true, .raw_options = {2, 4, 0x05, 0xb4, 2, 4, 0x02, 0xbc}});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    app.sends(1400);
    stack.sends_run(2, 700);
}

TEST_F(SynOptions, an_mss_of_one_does_not_cost_a_packet_a_byte_rfc9293_3_7_1) {
    accept_connection({.mss = 1});
    app.sends(300);
    EXPECT_GE(stack.sends_something().payload.size(), 48U);
    script.heard().clear();
}

}  // namespace
}  // namespace berth::harness
