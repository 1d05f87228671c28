// Urgent data as it arrives (RFC 9293 §3.8.5 and §3.10.7.4 sixth, RFC 6093).
#include <string>

#include "harness/inside.hpp"
#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

class UrgentReceiving : public ScriptTest {
  protected:
    tcp::Connection& connection() { return connection_of(script, peer); }
    void in_line() {
        change_options(script, peer, [](tcp::Options& o) { o.out_of_band_inline = true; });
    }
    // What one read gives.
    std::string reads_text(std::size_t most = 100, bool peek = false) {
        std::string text(most, '\0');
        std::vector<std::uint8_t> bytes(most);
        const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
        const std::size_t count = connection().receive(parts, peek);
        return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count)};
    }
    std::string urgent(bool peek = false) {
        const auto byte = connection().receive_urgent(peek);
        if (byte) return {static_cast<char>(*byte)};
        return byte.error() == std::errc::operation_would_block ? "EAGAIN" : "EINVAL";
    }
    void says(const std::string& text, std::optional<std::uint16_t> urg = {}) {
        peer.sends({.urg = urg, .text = text});
        advance(config.delayed_ack);
        script.heard().clear();
    }
};

TEST_F(UrgentReceiving, the_byte_before_the_pointer_is_taken_out_rfc6093_2_1) {
    accept_connection();
    says("abcX", 4);
    says("de");
    EXPECT_TRUE(connection().has_urgent());
    EXPECT_EQ(connection().readable_bytes(), 3U);
    EXPECT_EQ(reads_text(), "abc");
    EXPECT_TRUE(connection().at_mark());
    EXPECT_EQ(urgent(), "X");
    EXPECT_EQ(reads_text(), "de");
    EXPECT_FALSE(connection().at_mark());
    EXPECT_EQ(urgent(), "EINVAL");
}

TEST_F(UrgentReceiving, in_line_it_stays_in_the_stream_rfc6093_3_2) {
    accept_connection();
    in_line();
    says("abcX", 4);
    says("de");
    EXPECT_EQ(urgent(), "EINVAL");
    EXPECT_TRUE(connection().has_urgent());
    EXPECT_EQ(reads_text(), "abc");  // a read ends at the mark
    EXPECT_TRUE(connection().at_mark());
    EXPECT_EQ(reads_text(), "Xde");
    EXPECT_FALSE(connection().at_mark());
    EXPECT_FALSE(connection().has_urgent());
}

TEST_F(UrgentReceiving, urgent_data_of_any_length_is_marked_at_its_end_rfc9293_3_8_5_must_31) {
    accept_connection();
    in_line();
    std::string text(1000, 'u');
    says(text, 3000);
    EXPECT_TRUE(connection().receiver().expects_urgent());
    says(text, 2000);
    says(text, 1000);
    says("after");
    std::string before_mark;
    while (!connection().at_mark())
        before_mark += reads_text(700);
    EXPECT_EQ(before_mark.size(), 2999U);
    EXPECT_EQ(reads_text(), "uafter");
}

TEST_F(UrgentReceiving, the_user_hears_of_it_before_it_is_there_rfc9293_3_8_5_must_32) {
    accept_connection();
    says("ab", 10);
    EXPECT_EQ(urgent(), "EAGAIN");
    EXPECT_FALSE(connection().has_urgent());
    says("cdefghi");
    EXPECT_EQ(urgent(), "EAGAIN");
    says("Xk");
    EXPECT_TRUE(connection().has_urgent());
    EXPECT_EQ(urgent(true), "X");  // peeked at
    EXPECT_EQ(urgent(), "X");
    EXPECT_EQ(urgent(), "EINVAL");  // once only
    EXPECT_EQ(reads_text(), "abcdefghi");
    EXPECT_EQ(reads_text(), "k");
}

TEST_F(UrgentReceiving, it_counts_while_the_window_is_closed_rfc9293_3_10_7_4_must_66) {
    config.receive_buffer_bytes = 1000;
    config.moderate_receive_buffer = false;
    accept_connection();
    says(std::string(1000, 'a'));
    peer.sends({.length = 1, .urg = 1});
    stack.sends({.ack = 1001, .win = 0});
    EXPECT_EQ(urgent(), "EAGAIN");
}

TEST_F(UrgentReceiving, reading_past_the_mark_loses_the_byte_as_everywhere) {
    accept_connection();
    says("aXb", 2);
    EXPECT_EQ(reads_text(), "a");
    EXPECT_EQ(reads_text(), "b");
    EXPECT_EQ(urgent(), "EINVAL");
}

TEST_F(UrgentReceiving, the_byte_alone_is_nothing_to_read) {
    accept_connection();
    says("X", 1);
    app.is_readable(false);
    EXPECT_EQ(connection().readable_bytes(), 0U);
    EXPECT_EQ(urgent(), "X");
    EXPECT_EQ(reads_text(), "");
    says("a");
    EXPECT_EQ(reads_text(), "a");
}

TEST_F(UrgentReceiving, peeking_moves_nothing) {
    accept_connection();
    says("aXbc", 2);
    EXPECT_EQ(reads_text(100, true), "a");
    EXPECT_EQ(reads_text(), "a");
    EXPECT_EQ(reads_text(100, true), "bc");
    EXPECT_EQ(urgent(), "X");
    EXPECT_EQ(reads_text(), "bc");
}

TEST_F(UrgentReceiving, a_later_mark_takes_the_place_of_an_earlier_rfc6093_3_4) {
    accept_connection();
    says("aXb", 2);
    says("cYd", 2);
    EXPECT_EQ(urgent(), "Y");
    EXPECT_EQ(reads_text(), "aXbc");
    EXPECT_EQ(reads_text(), "d");
}

TEST_F(UrgentReceiving, a_pointer_that_recedes_is_ignored_rfc9293_3_8_5) {
    accept_connection();
    says("aX", 2);
    says("bcd", 0);
    peer.sends({.seq = 1, .length = 2, .urg = 1});
    script.heard().clear();
    EXPECT_EQ(urgent(), "X");
    EXPECT_EQ(reads_text(), "a");
    EXPECT_EQ(reads_text(), "bcd");
}

TEST_F(UrgentReceiving, an_early_segment_may_announce_it_rfc9293_3_10_7_4_sixth) {
    accept_connection();
    peer.sends({.seq = 4, .urg = 2, .text = "dX"});
    script.heard().clear();
    EXPECT_EQ(urgent(), "EAGAIN");
    peer.sends({.seq = 1, .text = "abc"});
    script.heard().clear();
    EXPECT_EQ(urgent(), "X");
    EXPECT_EQ(reads_text(), "abcd");
}

TEST_F(UrgentReceiving, hostile_pointers_leave_no_state_behind_rfc6093_6) {
    accept_connection();
    std::size_t most = 0;
    for (std::uint16_t i = 0; i < 2000 && script.goes_on(); ++i) {
        peer.sends({.urg = static_cast<std::uint16_t>(i * 31)});  // without text, ever further
        script.heard().clear();
        most = std::max(most, connection().receiver().memory_bytes());
    }
    EXPECT_LT(most, 1000U);
    EXPECT_EQ(reads_text(), "");
    says("abc", 0xffff);
    EXPECT_EQ(reads_text(), "abc");
    EXPECT_EQ(urgent(), "EAGAIN");
    // Beyond the FIN nothing will ever come.
    peer.sends({.fin = true, .urg = 500});
    script.heard().clear();
    EXPECT_EQ(urgent(), "EINVAL");
    EXPECT_EQ(connection().receiver().memory_bytes(), 0U);
    peer.sends({.seq = 5, .urg = 500});
    script.heard().clear();
    EXPECT_EQ(connection().receiver().memory_bytes(), 0U);
    app.reads_end();
}

}  // namespace
}  // namespace berth::harness
