// RFC 9293 §3.1 and §3.2: checksum, window field, options.
#include "rfc9293/requirements.hpp"
#include "wire/checksum.hpp"

namespace berth::harness {
namespace {

constexpr std::uint8_t end_of_list = 0;
constexpr std::uint8_t no_operation = 1;
constexpr std::uint8_t mss_kind = 2;
constexpr std::uint8_t known_kinds[] = {0, 1, 2, 3, 4, 5, 8, 34};

// The Internet checksum over pseudo-header and segment: all ones where the segment's own is right.
bool checksum_is_right(const Heard& heard) {
    if (heard.packet.empty()) return false;
    const std::size_t ip_bytes = std::size_t{4} * (heard.packet[0] & 0x0fU);
    const Bytes segment = Bytes(heard.packet).subspan(ip_bytes);
    std::uint32_t sum = 6 + static_cast<std::uint32_t>(segment.size());
    const auto add = [&sum](Bytes bytes) {
        for (std::size_t i = 0; i < bytes.size(); ++i)
            sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8U : bytes[i];
    };
    add(Bytes(heard.packet).subspan(12, 8));  // source and destination
    add(segment);
    while (sum > 0xffff)
        sum = (sum & 0xffffU) + (sum >> 16U);
    return sum == 0xffff;
}

// Walks options as RFC 9293 §3.1 lays them out; false where a length does not fit.
bool options_are_well_formed(Bytes options, const std::function<void(Bytes)>& each) {
    std::size_t at = 0;
    while (at < options.size()) {
        if (options[at] == end_of_list) {
            each(options.subspan(at));  // with what lies beyond it
            return true;
        }
        if (options[at] == no_operation) {
            ++at;
            continue;
        }
        if (at + 1 >= options.size()) return false;
        const std::size_t length = options[at + 1];
        if (length < 2 || at + length > options.size()) return false;
        each(options.subspan(at, length));
        at += length;
    }
    return true;
}

}  // namespace

TEST_F(Rfc9293, MUST_1_the_window_is_an_unsigned_number) {
    config.initial_window_segments = 100;
    config.receive_buffer_bytes = 65'535;
    peer.window = 0xffff;  // taken for a signed number it would be -1
    accept_connection();
    app.sends(70'000);
    EXPECT_GT(bytes_heard(), 65'535U - 1460) << "all of the window, beyond 32767 as well";
    peer.sends({.win = 0x8000});
    EXPECT_GT(bytes_heard(), 4000U);
    // And ours: text near the end of a window of 65,535 is inside it.
    peer.sends({.seq = 60'001, .length = 1000, .win = 0x8000});
    EXPECT_EQ(script.last_fate().kind, FateKind::delivered);
    all_heard();
    app.aborts();
    script.heard().clear();
}

TEST_F(Rfc9293, REC_1_windows_are_32_bits_wide) {
    static_assert(sizeof(tcp::Sender::Variables::wnd) == 4);
    static_assert(sizeof(std::declval<tcp::Receiver>().wnd()) == 4);
    config.receive_buffer_bytes = 8 * 1024 * 1024;
    config.receive_buffer_max_bytes = 8 * 1024 * 1024;
    accept_connection({.mss = 1460, .wscale = std::uint8_t{14}});
    EXPECT_EQ(connection().sender().snd().wnd, 65'535U << 14U);
    peer.sends({.length = 1460});
    peer.sends({.length = 1460});
    stack.sends({});
    EXPECT_GT(peer.stack_window(), 1'000'000U) << "our own window is no 16-bit number either";
    peer.sends({.seq = 2'000'001, .length = 100});
    EXPECT_EQ(script.last_fate().kind, FateKind::delivered) << "inside it, far beyond 65,535";
    stack.sends({.ack = 2921});
}

TEST_F(Rfc9293, MUST_2_every_segment_sent_has_the_right_checksum) {
    std::vector<Heard> sent;
    app.listens();
    peer.sends({.syn = true,
                .mss = 1460,
                .wscale = std::uint8_t{7},
                .sack_ok = true,
                .ts = Timestamps{1, 0}});
    sent.push_back(stack.sends({.syn = true}));
    peer.sends({});
    app.accepts();
    for (const std::size_t bytes : std::vector<std::size_t>{1, 2, 3, 1447, 1448}) {
        app.sends(bytes);
        sent.push_back(stack.sends({.length = bytes}));
        peer.sends({});
    }
    peer.sends({.seq = 100, .length = 7});  // answered with a SACK block or a bare ACK
    sent.push_back(stack.sends({.ack = 1}));
    app.sends(11);
    sent.push_back(stack.loses({.length = 11}));
    sent.push_back(within(seconds(5), {.seq = 2902, .length = 11}));
    app.aborts();
    sent.push_back(stack.sends({.ack = 1, .rst = true}));
    Peer nobody(script, {peer.endpoint.address, 40'001}, "nobody");
    nobody.stack_endpoint.port = 9;
    nobody.sends({.syn = true});
    sent.push_back(stack.sends_to(nobody, {.seq = 0, .ack = 1, .rst = true}));
    for (const Heard& heard : sent)
        EXPECT_TRUE(checksum_is_right(heard)) << to_text(heard.header, heard.payload.size(), {});
}

TEST_F(Rfc9293, MUST_3_a_segment_whose_checksum_is_wrong_is_discarded) {
    accept_connection();
    peer.sends({.length = 100, .bad_checksum = true});
    dropped(DropReason::tcp_bad_checksum);
    // Any single bit of header, options or text that has flipped on the way.
    wire::TcpHeader header;
    header.source_port = peer.endpoint.port;
    header.destination_port = script.local.port;
    header.seq = peer.isn + 1;
    header.ack = peer.stack_isn() + 1;
    header.flags.ack = header.flags.psh = true;
    header.window = 65'535;
    const auto text = pattern(Source::peer, 0, 9);
    const Packet good = tcp_packet(header, peer.endpoint.address, script.local.address, text);
    for (std::size_t bit = std::size_t{20} * 8; bit < good.size() * 8 && script.goes_on(); ++bit) {
        Packet bad = good;
        bad[bit / 8] = static_cast<std::uint8_t>(bad[bit / 8] ^ (1U << (bit % 8)));
        script.put(bad, {});
        ASSERT_EQ(script.last_fate().kind, FateKind::dropped) << "bit " << bit;
        ASSERT_TRUE(script.last_fate().reason == DropReason::tcp_bad_checksum ||
                    script.last_fate().reason == DropReason::tcp_bad_offset)
            << "bit " << bit;
    }
    stack.sends_nothing();
    app.read_fails(std::errc::operation_would_block);
    state_is(State::established);
}

TEST_F(Rfc9293, MUST_4_end_of_list_no_operation_and_mss_are_supported) {
    // NOP, MSS 1000, end of the list; an MSS of 500 behind it is no option any more.
    accepts_with_options({no_operation, mss_kind, 4, 3, 0xe8, end_of_list, mss_kind, 4, 1, 0xf4});
    app.sends(3000);
    next_carries(1000);
    next_carries(1000);
    next_carries(1000);
}

TEST_F(Rfc9293, MUST_5_an_option_may_come_in_any_segment) {
    const std::vector<std::uint8_t> options = {mss_kind, 4, 0, 100, 253, 4, 0xf9, 0x89};
    app.listens();
    peer.sends({.syn = true, .raw_options = options});
    stack.sends({.syn = true});
    peer.sends({.raw_options = options});  // the ACK of the handshake
    app.accepts();
    peer.sends({.length = 100, .raw_options = options});
    delivered();
    app.reads(100);
    app.sends(10);
    stack.sends({.length = 10});
    peer.sends({.raw_options = options});
    EXPECT_FALSE(app.socket().has_unacknowledged());
    peer.sends({.fin = true, .raw_options = options});
    stack.sends({});
    state_is(State::close_wait);
    peer.sends({.rst = true, .raw_options = options});
    state_is(State::closed);
}

TEST_F(Rfc9293, MUST_6_an_option_that_is_not_implemented_is_ignored) {
    // RFC 4727's experimental kind, then an MSS, which counts all the same.
    accepts_with_options({254, 8, 1, 2, 3, 4, 5, 6, mss_kind, 4, 3, 0xe8, 76, 4, 0, 0});
    app.sends(1000);
    next_carries(1000);
    peer.sends({.length = 50, .raw_options = {200, 6, 1, 2, 3, 4}});
    delivered();
    app.reads(50);
    within(milliseconds(500), {.ack = 51});
}

TEST_F(Rfc9293, MUST_7_an_illegal_option_length_is_survived) {
    app.listens();
    Port port = 41'000;
    for (const unsigned kind : {2U, 3U, 4U, 5U, 8U, 34U, 254U}) {
        for (const unsigned length : {0U, 1U, 2U, 3U, 5U, 9U, 11U, 39U, 41U, 255U}) {
            const auto option = static_cast<std::uint8_t>(kind);
            const auto size = static_cast<std::uint8_t>(length);
            // What stood before the illegal one counts; the segment is taken or named as dropped.
            Peer client(script, {peer.endpoint.address, port++}, "client");
            client.sends(
                {.syn = true,
                 .raw_options = {mss_kind, 4, 3, 0xe8, option, size, no_operation, no_operation}});
            stack.sends_to(client, {.syn = true});
            client.sends({.length = 10, .raw_options = {option, size, 0, 0}});
            ASSERT_NE(script.last_fate().kind, FateKind::dropped)
                << "kind " << kind << ", length " << length;
            auto accepted = app.listener().accept();
            ASSERT_TRUE(accepted);
            ASSERT_TRUE((*accepted)->readiness().readable);
            ASSERT_EQ((*accepted)->set_option(socket::Option::linger, 0), std::errc{});
            accepted->reset();
            script.settle({});
            script.heard().clear();
        }
    }
    // The last byte of the options is a kind whose length would lie outside.
    accept_connection();
    peer.sends({.length = 10, .raw_options = {1, 1, 1, mss_kind}});
    delivered();
    app.reads(10);
    script.settle({});
    within(milliseconds(500), {.ack = 11});
}

TEST_F(Rfc9293, MUST_64_options_need_not_begin_on_a_word_boundary) {
    // MSS at 1, window scale at 5, SACK permitted at 9, timestamps at 12.
    // clang-format off
    const std::vector<std::uint8_t> options = {
        no_operation, mss_kind, 4, 2, 0x58, 3, 3, 2, no_operation, 4, 2, no_operation,
        8, 10, 0, 0, 0, 9, 0, 0, 0, 0};
    // clang-format on
    app.listens();
    peer.sends({.syn = true, .raw_options = options});
    EXPECT_EQ(stack.sends({.syn = true}).header.options.timestamps->echo, 9U);
    peer.sends({.ts = Timestamps{10, 0}});
    app.accepts();
    const tcp::Connection& here = connection();
    EXPECT_EQ(here.sender().mss(), 600 - 12) << "MSS 600, less the timestamps";
    EXPECT_EQ(here.sender().scaled(1), 4U) << "window scale 2";
}

TEST_F(Rfc9293, MUST_65_mss_is_not_sent_without_syn) {
    accept_connection({.mss = 1460, .ts = Timestamps{1, 0}});
    app.sends(100);
    const Heard data = stack.loses({.length = 100});
    const Heard again = within(seconds(5), {.seq = 1, .length = 100});
    peer.sends({.length = 1400});
    const Heard ack = within(seconds(1), {.ack = 1401});
    app.reads(1400);
    script.heard().clear();
    app.shuts_down();
    const Heard fin = stack.sends({.fin = true});
    peer.sends({});
    peer.sends({.fin = true});
    const Heard last = stack.sends({});
    for (const Heard* heard : {&data, &again, &ack, &fin, &last}) {
        EXPECT_FALSE(heard->header.flags.syn);
        EXPECT_FALSE(heard->header.options.mss)
            << to_text(heard->header, heard->payload.size(), {});
    }
}

TEST_F(Rfc9293, MUST_68_every_option_but_two_has_a_length) {
    // What the stack sends: each option is as long as it says, and together they are the header.
    app.connects();
    const Heard syn = stack.sends({.syn = true});
    std::vector<std::uint8_t> kinds;
    EXPECT_TRUE(options_are_well_formed(raw_options(syn),
                                        [&](Bytes option) { kinds.push_back(option[0]); }));
    EXPECT_GE(kinds.size(), 4U) << "MSS, SACK permitted, timestamps, window scale";
    app.aborts();
    // What it hears: whatever the kind, known to anybody or not, the length leads to the next one.
    app.listens();
    Port port = 42'000;
    for (unsigned kind = 2; kind < 256; ++kind) {
        if (std::count(std::begin(known_kinds), std::end(known_kinds), kind) > 0) continue;
        Peer client(script, {peer.endpoint.address, port++}, "client");
        client.sends({.syn = true,
                      .raw_options = {static_cast<std::uint8_t>(kind), 5, mss_kind, 4, 1, mss_kind,
                                      4, 3, 0xe8}});
        stack.sends_to(client, {.syn = true});
        client.sends({});
        auto accepted = app.listener().accept();
        ASSERT_TRUE(accepted) << kind;
        EXPECT_EQ(*(*accepted)->get_option(socket::Option::maximum_segment), 1000) << kind;
        accepted->reset();
        script.settle({});
        script.heard().clear();
    }
}

TEST_F(Rfc9293, MUST_69_a_header_is_padded_with_zeros) {
    // Whatever options a segment has: what follows an end of the list is zero, up to the data
    // offset.
    const auto padding_is_zero = [](const Heard& heard) {
        bool zero = true;
        const bool good = options_are_well_formed(raw_options(heard), [&](Bytes option) {
            if (option[0] != end_of_list) return;
            for (const std::uint8_t byte : option)
                zero = zero && byte == 0;
        });
        return good && zero && raw_options(heard).size() % 4 == 0;
    };
    Port port = 43'000;
    app.listens();
    for (unsigned offered = 0; offered < 16; ++offered) {
        Peer client(script, {peer.endpoint.address, port++}, "client");
        Segment syn{.syn = true};
        if ((offered & 1U) != 0) syn.mss = 1460;
        if ((offered & 2U) != 0) syn.wscale = std::uint8_t{7};
        if ((offered & 4U) != 0) syn.sack_ok = true;
        if ((offered & 8U) != 0) syn.ts = Timestamps{1, 0};
        client.sends(syn);
        EXPECT_TRUE(padding_is_zero(stack.sends_to(client, {.syn = true}))) << offered;
        client.sends({});
        client.sends({.seq = 101, .length = 5});
        EXPECT_TRUE(padding_is_zero(stack.sends_to(client, {.ack = 1}))) << offered;
    }
}

}  // namespace berth::harness
