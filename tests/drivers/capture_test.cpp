#include "drivers/capture.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <optional>

#include "drivers/fate_text.hpp"
#include "support.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::station;

// One block of a little-endian pcapng file, taken apart.
struct Block {
    std::uint32_t type = 0;
    std::vector<std::uint8_t> body;                // fixed part
    std::map<std::uint16_t, std::string> options;  // by code
};

std::uint16_t le16(Bytes b, std::size_t at) {
    return static_cast<std::uint16_t>(b[at] | b[at + 1] << 8);
}
std::uint32_t le32(Bytes b, std::size_t at) {
    return le16(b, at) | std::uint32_t{le16(b, at + 2)} << 16;
}

// `fixed_bytes` precede the options; both lengths of the block must agree with its size.
std::optional<Block> parse_block(Bytes bytes, std::size_t fixed_bytes) {
    if (bytes.size() < 12 || bytes.size() % 4 != 0) return std::nullopt;
    if (le32(bytes, 4) != bytes.size() || le32(bytes, bytes.size() - 4) != bytes.size()) {
        return std::nullopt;
    }
    Block block;
    block.type = le32(bytes, 0);
    const Bytes inner = bytes.subspan(8, bytes.size() - 12);
    if (inner.size() < fixed_bytes) return std::nullopt;
    block.body.assign(inner.begin(), inner.begin() + static_cast<long>(fixed_bytes));
    for (std::size_t at = fixed_bytes; at + 4 <= inner.size();) {
        const std::uint16_t code = le16(inner, at);
        const std::size_t length = le16(inner, at + 2);
        if (code == 0) return at + 4 == inner.size() ? std::optional(block) : std::nullopt;
        if (at + 4 + length > inner.size()) return std::nullopt;
        const Bytes value = inner.subspan(at + 4, length);
        block.options[code] = std::string(value.begin(), value.end());
        at += 4 + (length + 3) / 4 * 4;
    }
    return std::nullopt;  // the list of options has no end
}

// A capture into a socket that keeps each write() apart: one message, one block.
class Sink {
  public:
    Sink() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        near_ = UniqueFd(ends[0]);
        far_ = UniqueFd(ends[1]);
    }
    PcapngWriter writer() { return PcapngWriter(std::move(near_), "sink"); }
    std::vector<std::uint8_t> next_write() const {
        std::vector<std::uint8_t> bytes(100'000);
        const ssize_t n = ::recv(far_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }

  private:
    UniqueFd near_;
    UniqueFd far_;
};

Fate delivered_to_connection() {
    Fate fate;
    fate.kind = FateKind::delivered;
    fate.match = DemuxMatch::four_tuple;
    fate.has_association = true;
    fate.state_before = 4;
    fate.state_after = 7;
    fate.association = {Protocol::tcp,
                        {{Ipv4Address(192, 0, 2, 2), 80}, {Ipv4Address(192, 0, 2, 1), 40'000}}};
    return fate;
}

TEST(FateText, EachKindOfFate) {
    Fate fate = delivered_to_connection();
    EXPECT_EQ(explain_fate(fate, Direction::in),
              "delivered to connection tcp 192.0.2.2:80 <-> 192.0.2.1:40000 (four-tuple match); "
              "ESTABLISHED -> CLOSE-WAIT");
    fate.state_after = 4;
    EXPECT_EQ(explain_fate(fate, Direction::in),
              "delivered to connection tcp 192.0.2.2:80 <-> 192.0.2.1:40000 (four-tuple match); in "
              "ESTABLISHED");
    fate.match = DemuxMatch::listener_wildcard;
    fate.state_before = 1;
    fate.state_after = 3;
    EXPECT_EQ(explain_fate(fate, Direction::in),
              "delivered to listener for tcp 192.0.2.2:80 <-> 192.0.2.1:40000 (wildcard listener); "
              "LISTEN -> SYN-RECEIVED");
    fate.association.protocol = Protocol::udp;
    fate.match = DemuxMatch::listener_address;
    EXPECT_EQ(explain_fate(fate, Direction::in),
              "delivered to socket udp 192.0.2.2:80 <-> 192.0.2.1:40000 (socket bound to the "
              "address)");
    EXPECT_EQ(explain_fate(Fate::dropped(DropReason::tcp_bad_checksum), Direction::in),
              "dropped: tcp_bad_checksum: its TCP checksum is wrong (RFC 9293 3.1 MUST-3)");
    EXPECT_EQ(
        explain_fate(Fate::dropped(DropReason::device_full), Direction::out),
        "not sent; dropped: device_full: the device took no more frames and the reply was not "
        "kept");
    EXPECT_EQ(explain_fate(Fate::consumed("arp reply sent"), Direction::in),
              "consumed by the stack: arp reply sent");
    Fate sent = delivered_to_connection();
    sent.kind = FateKind::sent;
    sent.state_after = sent.state_before;
    EXPECT_EQ(explain_fate(sent, Direction::out),
              "sent for tcp 192.0.2.2:80 <-> 192.0.2.1:40000; in ESTABLISHED");
    sent.note = "retransmission";
    EXPECT_EQ(explain_fate(sent, Direction::out),
              "sent: retransmission; tcp 192.0.2.2:80 <-> 192.0.2.1:40000; in ESTABLISHED");
}

TEST(FateText, StatesInTheOrderOfTheRfc) {
    EXPECT_EQ(tcp_state_name(0), "CLOSED");
    EXPECT_EQ(tcp_state_name(4), "ESTABLISHED");
    EXPECT_EQ(tcp_state_name(10), "TIME-WAIT");
    EXPECT_EQ(tcp_state_name(11), "an unknown state");
}

TEST(Capture, EachBlockIsOneWrite) {
    Sink sink;
    constexpr std::int64_t epoch = 1'700'000'000'000'000'000;
    const auto frame = ethernet_frame(station(2), station(1), 61);  // 75 bytes: padded to 76
    {
        CaptureObserver capture(
            sink.writer(), {{"tap0", link::LinkKind::ethernet}, {"raw", link::LinkKind::raw_ip}},
            epoch);
        capture.on_packet(0, Direction::in, Time{7}, frame, delivered_to_connection());
        capture.on_packet(0, Direction::out, Time{8}, frame,
                          Fate::dropped(DropReason::device_full));
        capture.on_packet(1, Direction::in, Time{9}, frame,
                          Fate::dropped(DropReason::tcp_bad_checksum));
        capture.on_packet(2, Direction::in, Time{9}, frame, {});
        EXPECT_EQ(capture.not_written(), 1U) << "there is no interface 2";
        capture.finish();
        EXPECT_EQ(capture.error(), "");
    }
    const auto header = parse_block(sink.next_write(), 16);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->type, 0x0a0d0d0aU);
    EXPECT_EQ(le32(header->body, 0), 0x1a2b3c4dU);

    for (const auto& [name, type] : {std::pair{"tap0", 1}, std::pair{"raw", 101}}) {
        const auto described = parse_block(sink.next_write(), 8);
        ASSERT_TRUE(described);
        EXPECT_EQ(described->type, 1U);
        EXPECT_EQ(le16(described->body, 0), type);
        EXPECT_EQ(described->options.at(2), name);
        EXPECT_EQ(described->options.at(9), "\x09") << "nanoseconds";
    }

    const auto packet = parse_block(sink.next_write(), 20 + 76);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->type, 6U);
    EXPECT_EQ(le32(packet->body, 0), 0U);
    const std::uint64_t stamp = std::uint64_t{le32(packet->body, 4)} << 32 | le32(packet->body, 8);
    EXPECT_EQ(stamp, static_cast<std::uint64_t>(epoch + 7));
    EXPECT_EQ(le32(packet->body, 12), frame.size());
    EXPECT_EQ(le32(packet->body, 16), frame.size());
    EXPECT_TRUE(std::equal(frame.begin(), frame.end(), packet->body.begin() + 20));
    EXPECT_EQ(packet->options.at(1), explain_fate(delivered_to_connection(), Direction::in));
    EXPECT_EQ(packet->options.at(2), std::string("\x01\0\0\0", 4)) << "inbound";

    EXPECT_EQ(parse_block(sink.next_write(), 20 + 76)->options.at(2), std::string("\x02\0\0\0", 4));
    EXPECT_EQ(le32(parse_block(sink.next_write(), 20 + 76)->body, 0), 1U);

    const auto first = parse_block(sink.next_write(), 12);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->type, 5U);
    EXPECT_EQ(le32(Bytes(reinterpret_cast<const std::uint8_t*>(first->options.at(4).data()), 8), 0),
              1U);
    EXPECT_EQ(first->options.at(5), std::string(8, '\0'));
    const auto second = parse_block(sink.next_write(), 12);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->options.at(1), "dropped: tcp_bad_checksum 1");
    EXPECT_EQ(second->options.at(5)[0], 1);
    EXPECT_TRUE(sink.next_write().empty()) << "finish() writes once";
}

TEST(Capture, ErrorsAreKeptNotRepeated) {
    const auto nowhere = PcapngWriter::open("/nonexistent/x.pcapng");
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().find("choose a file"), std::string::npos);

    const auto full = PcapngWriter::open("/dev/full");
    ASSERT_FALSE(full);
    EXPECT_NE(full.error().find("/dev/full"), std::string::npos);
    EXPECT_NE(full.error().find("No space left"), std::string::npos);
}

TEST(Capture, LongCommentIsCut) {
    Sink sink;
    PcapngWriter writer = sink.writer();
    writer.add_interface("x", link::LinkKind::ethernet);
    writer.write_packet(0, Direction::in, 0, std::vector<std::uint8_t>(4),
                        std::string(70'000, 'c'));
    sink.next_write();
    sink.next_write();
    const auto packet = parse_block(sink.next_write(), 24);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet->options.at(1).size(), PcapngWriter::max_comment_bytes);
}

}  // namespace
}  // namespace berth::drivers
