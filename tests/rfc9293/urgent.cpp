// RFC 9293 §3.8.5: the urgent mechanism, for those who still use it.
#include <filesystem>
#include <fstream>
#include <sstream>

#include "rfc9293/requirements.hpp"

namespace berth::harness {

TEST_F(Rfc9293, SHLD_13_nothing_here_employs_the_urgent_mechanism) {
    // The stack of its own accord never …
    accept_connection();
    for (const std::size_t bytes : std::vector<std::size_t>{1, 100, 1460, 5000}) {
        app.sends(bytes);
        while (script.goes_on() && connection().sender().has_outstanding()) {
            for (const Heard& heard : all_heard())
                EXPECT_FALSE(heard.header.flags.urg);
            peer.sends({});
        }
    }
    app.shuts_down();
    EXPECT_FALSE(stack.sends_something().header.flags.urg);
    app.aborts();
    EXPECT_FALSE(stack.sends_something().header.flags.urg);
    // … and none of the programs that come with it.
    const std::filesystem::path apps = std::filesystem::path(BERTH_SOURCE_DIR) / "apps";
    for (const auto& entry : std::filesystem::recursive_directory_iterator(apps)) {
        const std::string path = entry.path().string();
        // The preload library hands on what other people's programs say.
        if (entry.path().extension() != ".cpp" || path.find("/preload/") != std::string::npos)
            continue;
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        EXPECT_EQ(text.str().find("MSG_OOB"), std::string::npos) << path;
    }
}

TEST_F(Rfc9293, MUST_30_urgent_data_is_sent_and_received) {
    accept_connection();
    sends_urgently(0, 5);
    stack.sends({.length = 5, .urg = 5});
    peer.sends({});
    sends_with({}, 5, 5);
    stack.sends({.length = 5});  // no urgent data outstanding: no flag
    peer.sends({});
    peer.sends({.length = 10, .urg = 4});
    const auto urgent = connection().receive_urgent(false);
    ASSERT_TRUE(urgent);
    EXPECT_EQ(*urgent, pattern_byte(Source::peer, 3)) << "the byte before the pointer";
    EXPECT_FALSE(connection().receive_urgent(false)) << "it is read once";
    script.settle({});
    within(milliseconds(500), {.ack = 11});
}

TEST_F(Rfc9293, MUST_31_urgent_data_may_have_any_length) {
    config.initial_window_segments = 100;
    accept_connection();
    // 40,000 bytes in one call: every segment on the way says how far the urgent data reaches.
    peer.sends({.win = 0});
    sends_urgently(0, 40'000);
    stack.sends({.urg = 40'000});  // the news alone, since no data may go
    peer.sends({.win = 65'535});
    std::uint32_t heard_bytes = 0;
    for (const Heard& heard : all_heard()) {
        ASSERT_TRUE(heard.header.flags.urg) << heard_bytes;
        EXPECT_EQ(heard.header.seq - peer.stack_isn() + heard.header.urgent_pointer, 40'001U);
        heard_bytes += static_cast<std::uint32_t>(heard.payload.size());
    }
    EXPECT_EQ(heard_bytes, 40'000U);
    peer.sends({});
    // And heard: a pointer far ahead of what has arrived.
    peer.sends({.length = 1000, .urg = 30'000});
    script.heard().clear();
    EXPECT_EQ(urgent_error(), std::errc::operation_would_block);
    for (std::uint32_t seq = 1001; seq <= 30'000 && script.goes_on(); seq += 1000) {
        peer.sends({.seq = seq, .length = 1000, .urg = static_cast<std::uint16_t>(30'001 - seq)});
        script.heard().clear();
    }
    const auto urgent = connection().receive_urgent(false);
    ASSERT_TRUE(urgent);
    EXPECT_EQ(*urgent, pattern_byte(Source::peer, 29'999));
    script.heard().clear();
    advance(seconds(1));
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_32_the_application_hears_of_urgent_data_at_once) {
    accept_connection();
    Bell bell;
    app.socket().set_watcher(&bell);
    // Nothing was pending: the pointer alone is news, before the data is there (and even without
    // any).
    peer.sends({.urg = 5});
    EXPECT_EQ(bell.rings, 1);
    peer.sends({.urg = 5});
    EXPECT_EQ(bell.rings, 1) << "the same pointer again is no news";
    peer.sends({.urg = 9});
    EXPECT_EQ(bell.rings, 2) << "it advances";
    peer.sends({.urg = 3});
    EXPECT_EQ(bell.rings, 2) << "it never recedes";
    app.socket().set_watcher(nullptr);
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_33_the_application_can_learn_how_much_urgent_data_remains) {
    accept_connection();
    EXPECT_EQ(urgent_error(), std::errc::invalid_argument) << "none";
    peer.sends({.length = 10, .urg = 6});
    EXPECT_TRUE(connection().receive_urgent(true));
    // A read stops at the mark; there the rest is not urgent any more.
    EXPECT_FALSE(connection().at_mark());
    std::array<std::uint8_t, 20> bytes{};
    const std::array<MutableBytes, 1> parts{MutableBytes(bytes)};
    const std::size_t before_mark = connection().receive(parts, false);
    EXPECT_EQ(before_mark, 5U);
    EXPECT_TRUE(connection().at_mark());
    EXPECT_TRUE(connection().receive_urgent(false));
    EXPECT_EQ(connection().receive(parts, false), 4U);
    EXPECT_FALSE(connection().at_mark());
    within(milliseconds(500), {.ack = 11});
}

TEST_F(Rfc9293, MUST_62_the_pointer_is_the_number_after_the_urgent_data) {
    accept_connection();
    app.sends(100);
    stack.sends({.length = 100});
    sends_urgently(100, 7);
    // SEG.SEQ + 7 is the number of the next byte.
    stack.sends({.seq = 101, .length = 7, .urg = 7});
    peer.sends({});
    // Heard the same way: with a pointer of 1 the first byte is the urgent one.
    peer.sends({.length = 3, .urg = 1});
    const auto urgent = connection().receive_urgent(false);
    ASSERT_TRUE(urgent);
    EXPECT_EQ(*urgent, pattern_byte(Source::peer, 0));
    within(milliseconds(500), {.ack = 4});
}

}  // namespace berth::harness
