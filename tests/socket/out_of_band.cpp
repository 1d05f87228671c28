// Urgent data as a socket shows it: MSG_OOB, SO_OOBINLINE, SIOCATMARK, POLLPRI (RFC 9293 §3.8.5,
// RFC 6093, tcp(7)).
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "harness/script_fixture.hpp"

namespace berth::harness {
namespace {

using socket::Option;

class OutOfBand : public ScriptTest {
  protected:
    // The urgent pointer counts from the first byte of the text.
    void says(const std::string& text, std::optional<std::uint16_t> urgent = {}) {
        peer.sends({.urg = urgent, .text = text});
        advance(milliseconds(100));
        script.heard().clear();
    }
    struct Got {
        std::string text;
        bool at_mark = false;
        std::errc error{};
    };
    Got gets(socket::ReceiveFlags flags = {}, std::size_t most = 100) {
        std::vector<std::uint8_t> bytes(most);
        const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
        const auto received = app.socket().receive(parts, flags);
        if (!received) return {{}, false, received.error()};
        const auto end = bytes.begin() + static_cast<std::ptrdiff_t>(received->bytes);
        return {{bytes.begin(), end}, received->at_mark, {}};
    }
    Got gets_urgent(bool peek = false) { return gets({.peek = peek, .out_of_band = true}); }
    std::int64_t value_of(Option option) {
        const auto value = app.socket().get_option(option);
        return value ? *value : -1000;
    }
};

TEST_F(OutOfBand, the_urgent_byte_is_taken_out_of_its_turn_msg_oob) {
    accept_connection();
    says("abcX", 4);
    says("de");
    EXPECT_TRUE(app.socket().readiness().priority);
    EXPECT_EQ(gets_urgent().text, "X");
    EXPECT_FALSE(app.socket().readiness().priority);
    EXPECT_EQ(gets_urgent().error, std::errc::invalid_argument);  // told once
    EXPECT_EQ(gets().text, "abc");
    EXPECT_EQ(gets().text, "de");
}

TEST_F(OutOfBand, a_look_leaves_it_msg_peek) {
    accept_connection();
    says("abcX", 4);
    EXPECT_EQ(gets_urgent(true).text, "X");
    EXPECT_TRUE(app.socket().readiness().priority);
    EXPECT_EQ(gets_urgent().text, "X");
}

TEST_F(OutOfBand, a_receive_stops_at_the_mark_siocatmark) {
    accept_connection();
    says("abcX", 4);
    says("de");
    EXPECT_EQ(value_of(Option::at_mark), 0);
    EXPECT_EQ(value_of(Option::unread_bytes), 3);
    const Got looked = gets({.peek = true});
    EXPECT_EQ(looked.text, "abc");
    EXPECT_TRUE(looked.at_mark);
    EXPECT_FALSE(gets({}, 2).at_mark);  // it stopped for want of room
    EXPECT_EQ(value_of(Option::at_mark), 0);
    const Got rest = gets();
    EXPECT_EQ(rest.text, "c");
    EXPECT_TRUE(rest.at_mark);
    EXPECT_EQ(value_of(Option::at_mark), 1);
    EXPECT_EQ(gets().text, "de");
    EXPECT_EQ(value_of(Option::at_mark), 0);
}

TEST_F(OutOfBand, in_line_it_is_read_in_its_turn_so_oobinline) {
    accept_connection();
    app.sets(Option::out_of_band_inline, 1);
    says("abcX", 4);
    says("de");
    EXPECT_EQ(gets_urgent().error, std::errc::invalid_argument);
    EXPECT_EQ(gets().text, "abc");
    EXPECT_EQ(value_of(Option::at_mark), 1);
    EXPECT_EQ(gets().text, "Xde");
}

TEST_F(OutOfBand, where_there_is_none_it_is_einval) {
    app.listens();
    std::array<std::uint8_t, 1> byte{};
    const std::array<MutableBytes, 1> parts{MutableBytes(byte)};
    const socket::ReceiveFlags urgent{.out_of_band = true};
    EXPECT_EQ(app.listener().receive(parts, urgent).error(), std::errc::not_connected);
    auto fresh = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(fresh->receive(parts, urgent).error(), std::errc::invalid_argument);
    peer.sends({.syn = true, .mss = 1460});
    stack.sends({.syn = true});
    peer.sends({});
    app.accepts();
    says("nothing special");
    EXPECT_EQ(gets_urgent().error, std::errc::invalid_argument);
    EXPECT_FALSE(app.socket().readiness().priority);
}

TEST_F(OutOfBand, announced_but_not_here_yet_it_is_eagain_linux) {
    accept_connection();
    says("ab", 10);
    EXPECT_EQ(gets_urgent().error, std::errc::operation_would_block);
    EXPECT_FALSE(app.socket().readiness().priority);
    says("cdefghiX");
    EXPECT_TRUE(app.socket().readiness().priority);
    EXPECT_EQ(gets_urgent().text, "X");
}

}  // namespace
}  // namespace berth::harness
