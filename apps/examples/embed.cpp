// berth without threads and without a clock: one TCP exchange in virtual time.
//
// The host below never waits and never asks for the time. This program is its network and its
// clock: it makes raw IP packets by hand, feeds them in, steps the host from deadline to deadline,
// and gets packets out together with the moment at which each leaves. A segment is lost on purpose,
// so the retransmission can be seen. Two runs print the same lines, byte for byte.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "berth/host.hpp"
#include "berth/net.hpp"

namespace {

using Packet = std::vector<std::uint8_t>;
constexpr std::uint8_t FIN = 1, SYN = 2, PSH = 8, ACK = 16;
constexpr std::uint32_t client_address = 0xC0000201, server_address = 0xC0000202;  // 192.0.2.1, .2
constexpr std::uint16_t client_port = 40000, server_port = 80;

struct Segment {
    std::uint32_t seq = 0, ack = 0;
    std::uint8_t flags = 0;
    std::string data{};
};

void put(Packet& packet, std::uint32_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
        packet.push_back(static_cast<std::uint8_t>(value >> 8 * i));
}
std::uint32_t get(std::span<const std::uint8_t> packet, std::size_t at, int bytes) {
    std::uint32_t value = 0;
    for (int i = 0; i < bytes; ++i)
        value = value << 8 | packet[at++];
    return value;
}

// RFC 1071: the one's complement sum, in the packet's own bytes.
std::uint32_t sum(std::span<const std::uint8_t> bytes) {
    std::uint32_t total = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i)
        total += std::uint32_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
    return total;
}
void set_checksum(Packet& packet, std::size_t at, std::uint32_t total) {
    while (total >> 16 != 0)
        total = (total & 0xffff) + (total >> 16);
    packet[at] = static_cast<std::uint8_t>(~total >> 8);
    packet[at + 1] = static_cast<std::uint8_t>(~total);
}

// An IPv4 header (RFC 791) and a TCP header (RFC 9293) without options, from the client to the
// server.
Packet make(const Segment& s) {
    Packet p;
    const auto size = static_cast<std::uint32_t>(40 + s.data.size());
    put(p, 0x4500, 2), put(p, size, 2), put(p, 0x00004000, 4), put(p, 64 << 8 | 6, 2), put(p, 0, 2);
    put(p, client_address, 4), put(p, server_address, 4);
    put(p, client_port, 2), put(p, server_port, 2), put(p, s.seq, 4), put(p, s.ack, 4);
    put(p, 0x5000u | s.flags, 2), put(p, 65535, 2), put(p, 0, 4);
    p.insert(p.end(), s.data.begin(), s.data.end());
    const std::span<const std::uint8_t> bytes(p);
    set_checksum(p, 10, sum(bytes.first(20)));
    set_checksum(p, 36, sum(bytes.subspan(12)) + 6 + (size - 20));  // with the pseudo-header
    return p;
}

Segment read(std::span<const std::uint8_t> p) {
    const std::size_t data = 20 + 4 * (p[32] >> 4);
    return {get(p, 24, 4), get(p, 28, 4), p[33],
            std::string(p.begin() + static_cast<long>(data), p.end())};
}

void show(std::int64_t when_ns, const char* who, const Segment& s) {
    std::printf("%9.3f ms  %s%s%s%s%s %s%s\n", static_cast<double>(when_ns) / 1e6, who,
                s.flags & SYN ? " SYN" : "", s.flags & FIN ? " FIN" : "",
                s.flags & ACK ? " ACK" : "", s.data.empty() ? "" : ":", s.data.c_str(), "");
}

void expect(bool good, const char* what) {
    if (good) return;
    std::fprintf(stderr, "embed: this did not happen: %s\n", what);
    std::exit(1);
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    const void* data = text.data();
    return {static_cast<const std::uint8_t*>(data), text.size()};
}

}  // namespace

int main() {
    berth::HostOptions options;
    options.threads = false;
    options.seed = 1;
    auto made = berth::Host::create(options);
    expect(bool(made), "a host");
    berth::Host& host = **made;

    std::deque<Segment> out;
    host.add_callback_link(berth::CallbackLinkKind::raw_ip, 1500,
                           [&](auto packet, std::int64_t when_ns) {
                               out.push_back(read(packet));
                               show(when_ns, "server", out.back());
                               return true;
                           });
    host.add_address(0, {berth::Ipv4Address(192, 0, 2, 2), 24});
    berth::TcpListener listener(host, {{}, server_port});

    std::int64_t now_ns = 0;
    const auto client_sends = [&](const Segment& s) {
        now_ns += 1'000'000;  // the network takes a millisecond
        show(now_ns, "client", s);
        host.input(0, make(s), now_ns);
        host.step(now_ns);
    };
    const auto server_sent = [&](const char* what) {
        while (out.empty() && host.next_deadline_ns() != INT64_MAX)
            host.step(now_ns = host.next_deadline_ns());
        expect(!out.empty(), what);
        const Segment s = out.front();
        out.pop_front();
        return s;
    };

    client_sends({1000, 0, SYN});
    const Segment greeting = server_sent("SYN-ACK");
    expect(greeting.flags == (SYN | ACK) && greeting.ack == 1001, "an answer to the SYN");
    const std::uint32_t first = greeting.seq + 1;  // of the server's bytes
    client_sends({1001, first, ACK});

    berth::TcpConnection connection = listener.accept();
    expect(bool(connection), "an established connection");
    client_sends({1001, first, ACK | PSH, "hello"});
    std::array<std::uint8_t, 100> buffer{};
    expect(connection.receive(buffer).bytes == 5, "five bytes from the client");

    connection.send(bytes_of("welcome"));
    Segment reply = server_sent("data");
    while (reply.data.empty())
        reply = server_sent("data");
    std::puts("              (this segment is lost)");
    reply = server_sent("a retransmission");
    expect(reply.data == "welcome" && reply.seq == first, "the same data again");
    client_sends({1006, first + 7, ACK});

    connection.close();
    host.step(now_ns);
    const Segment farewell = server_sent("FIN");
    expect((farewell.flags & FIN) != 0 && farewell.seq == first + 7, "the server's FIN");
    client_sends({1006, first + 8, ACK | FIN});
    expect(server_sent("the last ACK").ack == 1007, "an acknowledgment of the client's FIN");
    for (const berth::SocketRow& row : host.sockets())
        std::printf("left: %s\n", row.state.c_str());
}
