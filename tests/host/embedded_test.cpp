// Embedded mode: no thread, no clock; packets made by hand, virtual time, and the same twice.
#include <array>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "berth/host.h"
#include "tests/host/pair.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::test {
namespace {

const Ipv4Address server_address(192, 0, 2, 2);
const Ipv4Address client_address(192, 0, 2, 1);
constexpr Port server_port = 80;
constexpr Port client_port = 40'000;

struct Sent {
    std::int64_t when_ns = 0;
    std::vector<std::uint8_t> packet;
    bool operator==(const Sent&) const = default;
};

struct Segment {
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    wire::TcpFlags flags{};
    std::string data{};
};

std::vector<std::uint8_t> packet_of(const Segment& segment) {
    wire::TcpHeader tcp;
    tcp.source_port = client_port;
    tcp.destination_port = server_port;
    tcp.seq = segment.seq;
    tcp.ack = segment.ack;
    tcp.flags = segment.flags;
    tcp.window = 65'535;
    const Bytes data = bytes_of(segment.data);
    std::vector<std::uint8_t> packet(wire::ipv4_header_bytes + wire::tcp_header_bytes);
    wire::write_tcp(tcp, client_address, server_address, {&data, 1},
                    MutableBytes(packet).subspan(wire::ipv4_header_bytes));
    packet.insert(packet.end(), data.begin(), data.end());
    wire::Ipv4Header ip;
    ip.total_length = static_cast<std::uint16_t>(packet.size());
    ip.protocol = 6;
    ip.source = client_address;
    ip.destination = server_address;
    wire::write(ip, packet);
    return packet;
}

Segment segment_of(const std::vector<std::uint8_t>& packet) {
    const auto ip = wire::Ipv4View::parse(packet);
    EXPECT_TRUE(ip);
    const auto tcp = wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), false);
    EXPECT_TRUE(tcp);
    const Bytes data = tcp->payload();
    return {tcp->seq(), tcp->ack(), tcp->flags(), std::string(data.begin(), data.end())};
}

class Embedded {
  public:
    explicit Embedded(std::uint64_t seed) {
        HostOptions options;
        options.threads = false;
        options.seed = seed;
        options.start_ns = 5'000'000'000;
        auto made = Host::create(options);
        EXPECT_TRUE(made) << made.error();
        host = std::move(*made);
        EXPECT_TRUE(host->add_callback_link(
            CallbackLinkKind::raw_ip, 1500, [this](auto packet, std::int64_t when) {
                if (refuses) return false;
                sent.push_back({when, {packet.begin(), packet.end()}});
                return true;
            }));
        EXPECT_TRUE(host->add_address(0, {server_address, 24}));
    }

    void client_sends(const Segment& segment) {
        now_ns += 1'000'000;
        EXPECT_TRUE(host->input(0, packet_of(segment), now_ns));
        host->step(now_ns);
    }
    // The next packet, at whatever deadline it takes.
    Segment server_sends() {
        for (int i = 0; i < 1000 && read == sent.size() && host->next_deadline_ns() != INT64_MAX;
             ++i)
            host->step(now_ns = std::max(now_ns, host->next_deadline_ns()));
        if (read == sent.size()) {
            ADD_FAILURE() << "nothing more was sent";
            return {};
        }
        return segment_of(sent[read++].packet);
    }

    std::unique_ptr<Host> host;
    std::vector<Sent> sent;
    std::size_t read = 0;
    std::int64_t now_ns = 5'000'000'000;
    bool refuses = false;
};

// Handshake, data both ways with a loss, and the close; all packets that left.
std::vector<Sent> whole_exchange(std::uint64_t seed) {
    Embedded embedded(seed);
    TcpListener listener(*embedded.host, {{}, server_port});
    EXPECT_TRUE(listener);
    EXPECT_EQ(listener.accept().error(), std::errc::operation_would_block);

    embedded.client_sends({1000, 0, {.syn = true}});
    const Segment greeting = embedded.server_sends();
    EXPECT_TRUE(greeting.flags.syn && greeting.flags.ack);
    EXPECT_EQ(greeting.ack, 1001u);
    const std::uint32_t first = greeting.seq + 1;
    embedded.client_sends({1001, first, {.ack = true}});
    TcpConnection connection = listener.accept();
    EXPECT_TRUE(connection) << connection.error().message();
    EXPECT_EQ(connection.remote(), (Endpoint{client_address, client_port}));

    embedded.client_sends({1001, first, {.psh = true, .ack = true}, "hello"});
    std::array<std::uint8_t, 100> buffer;
    EXPECT_EQ(connection.receive(buffer).bytes, 5u);
    EXPECT_EQ(connection.receive(buffer).error, std::errc::operation_would_block);

    EXPECT_EQ(connection.send(bytes_of("welcome")).bytes, 7u);
    Segment reply = embedded.server_sends();
    while (reply.data.empty())
        reply = embedded.server_sends();
    const std::int64_t first_time = embedded.sent[embedded.read - 1].when_ns;
    EXPECT_EQ(reply.data, "welcome");
    reply = embedded.server_sends();  // nobody acknowledged
    EXPECT_EQ(reply.data, "welcome");
    EXPECT_EQ(reply.seq, first);
    EXPECT_GE(embedded.sent[embedded.read - 1].when_ns - first_time, 200'000'000);
    embedded.client_sends({1006, first + 7, {.ack = true}});

    connection.close();
    EXPECT_LE(embedded.host->next_deadline_ns(), embedded.now_ns);
    EXPECT_TRUE(embedded.server_sends().flags.fin);
    embedded.client_sends({1006, first + 8, {.fin = true, .ack = true}});
    EXPECT_EQ(embedded.server_sends().ack, 1007u);
    const auto rows = embedded.host->sockets();
    EXPECT_EQ(rows.size(), 2u);
    EXPECT_TRUE(embedded.host->drain(0));
    return embedded.sent;
}

TEST(Embedded, AWholeExchangeInVirtualTime) {
    EXPECT_GE(whole_exchange(1).size(), 5u);
}

TEST(Embedded, TheSameSeedGivesTheSamePackets) {
    EXPECT_EQ(whole_exchange(7), whole_exchange(7));
    EXPECT_NE(whole_exchange(7), whole_exchange(8));
}

TEST(Embedded, PacketsLeaveOnlyInsideStep) {
    Embedded embedded(1);
    TcpListener listener(*embedded.host, {{}, server_port});
    EXPECT_TRUE(embedded.host->input(0, packet_of({1000, 0, {.syn = true}}), embedded.now_ns));
    EXPECT_TRUE(embedded.sent.empty());
    EXPECT_EQ(embedded.host->next_deadline_ns(), embedded.now_ns);
    embedded.host->step(embedded.now_ns);
    ASSERT_EQ(embedded.sent.size(), 1u);
    EXPECT_EQ(embedded.sent[0].when_ns, embedded.now_ns);
}

TEST(Embedded, AnIdleHostHasNoDeadline) {
    Embedded embedded(1);
    TcpListener listener(*embedded.host, {{}, server_port});
    EXPECT_EQ(embedded.host->next_deadline_ns(), INT64_MAX);
}

TEST(Embedded, ALateStepGivesEachPacketItsOwnTime) {
    Embedded embedded(1);
    TcpConnection connection(*embedded.host, {client_address, 9});
    EXPECT_EQ(connection.error(), std::errc::operation_in_progress);
    const std::int64_t start = embedded.now_ns;
    embedded.host->step(start + 3'500'000'000);  // SYN, and again after 1 s and 2 s more
    ASSERT_EQ(embedded.sent.size(), 3u);
    EXPECT_EQ(embedded.sent[0].when_ns, start);
    EXPECT_GE(embedded.sent[1].when_ns, start + 1'000'000'000);
    EXPECT_LT(embedded.sent[1].when_ns, start + 1'500'000'000);
    EXPECT_GE(embedded.sent[2].when_ns, start + 3'000'000'000);
}

TEST(Embedded, ARefusedPacketIsOfferedAgain) {
    Embedded embedded(1);
    TcpConnection connection(*embedded.host, {client_address, 9});
    embedded.refuses = true;
    embedded.host->step(embedded.now_ns);
    EXPECT_TRUE(embedded.sent.empty());
    const std::int64_t again = embedded.host->next_deadline_ns();
    EXPECT_GT(again, embedded.now_ns);  // so that a loop over deadlines does not stand still
    embedded.refuses = false;
    embedded.host->step(again);
    EXPECT_EQ(embedded.sent.size(), 1u);
}

TEST(Embedded, TimeDoesNotGoBack) {
    Embedded embedded(1);
    embedded.host->step(embedded.now_ns + 1000);
    embedded.host->step(0);
    EXPECT_TRUE(embedded.host->input(0, packet_of({1, 0, {.syn = true}}), 0));
    embedded.host->step(0);
    ASSERT_EQ(embedded.sent.size(), 1u);
    EXPECT_EQ(embedded.sent[0].when_ns, embedded.now_ns + 1000);
}

TEST(Embedded, GarbageIsCountedByName) {
    Embedded embedded(1);
    EXPECT_TRUE(embedded.host->input(0, bytes_of("garbage"), embedded.now_ns));
    const auto drops = embedded.host->drops();
    ASSERT_EQ(drops.size(), 1u);
    EXPECT_EQ(drops[0].name, "ip_truncated");
    EXPECT_EQ(drops[0].count, 1u);
    EXPECT_FALSE(embedded.host->input(0, {}, embedded.now_ns));
    EXPECT_FALSE(embedded.host->input(3, bytes_of("x"), embedded.now_ns));
    EXPECT_FALSE(embedded.host->input(-1, bytes_of("x"), embedded.now_ns));
}

TEST(Embedded, PollNeverWaits) {
    Embedded embedded(1);
    TcpListener listener(*embedded.host, {{}, server_port});
    pollfd one{listener.fd(), POLLIN, 0};
    EXPECT_EQ(berth_poll(&one, 1, -1), 0);
}

TEST(Embedded, FromC) {
    berth_host_options options{};
    options.size = sizeof options;
    options.has_seed = 1;
    options.seed = 1;
    options.sysctls = "net.ipv4.tcp_syn_retries=1,berth.tcp_rto_initial_ms=100";
    berth_host* host = berth_host_create(&options);
    ASSERT_NE(host, nullptr) << berth_host_error();
    std::vector<std::int64_t> times;
    const berth_output output = [](void* context, const std::uint8_t*, std::size_t,
                                   std::int64_t when) {
        static_cast<std::vector<std::int64_t>*>(context)->push_back(when);
        return 0;
    };
    EXPECT_EQ(berth_host_add_callback_link(host, BERTH_LINK_RAW_IP, 1500, nullptr, output, &times),
              0);
    EXPECT_EQ(berth_host_add_address(host, 0, "192.0.2.2/24"), 0);
    EXPECT_EQ(berth_host_add_route(host, "0.0.0.0/0", "192.0.2.1", -1), 0);
    const int fd = berth_host_socket(host, AF_INET, SOCK_STREAM, 0);
    const sockaddr_in to = address_of("198.51.100.7", 80);
    EXPECT_EQ(errno_of(berth_connect(fd, generic(to), sizeof to)), EINPROGRESS);
    for (std::int64_t next = 0; (next = berth_host_next_deadline(host)) != INT64_MAX;)
        ASSERT_EQ(berth_host_step(host, next), 0);
    EXPECT_EQ(times.size(), 2u);
    EXPECT_EQ(errno_of(berth_connect(fd, generic(to), sizeof to)), ETIMEDOUT);
    berth_host_destroy(host);
    EXPECT_EQ(errno_of(berth_close(fd)), EBADF);
}

TEST(Embedded, ErrorsFromCAreSentences) {
    berth_host_options options{};
    EXPECT_EQ(berth_host_create(&options), nullptr);
    EXPECT_STREQ(berth_host_error(), "berth_host_options.size must be sizeof(berth_host_options)");
    options.size = sizeof options;
    options.sysctls = "nonsense=1";
    EXPECT_EQ(berth_host_create(&options), nullptr);
    EXPECT_NE(std::string(berth_host_error()).find("there is no sysctl 'nonsense'"),
              std::string::npos);
    options.sysctls = nullptr;
    berth_host* host = berth_host_create(&options);
    ASSERT_NE(host, nullptr);
    EXPECT_EQ(berth_host_add_address(host, 0, "192.0.2.2/24"), -1);
    EXPECT_STREQ(berth_host_error(), "there is no interface 0; this host has 0, numbered from 0");
    EXPECT_EQ(berth_host_add_address(host, 0, "192.0.2.300"), -1);
    EXPECT_STREQ(berth_host_error(), "'192.0.2.300' is no address; write one like 192.0.2.2/24");
    EXPECT_EQ(berth_host_add_link(host, "nonsense:x", nullptr), -1);
    EXPECT_NE(std::string(berth_host_error()), "");
    EXPECT_EQ(berth_host_add_link(host, "tap:x", "zz"), -1);
    berth_host_destroy(host);
    berth_host_destroy(nullptr);
}

}  // namespace
}  // namespace berth::test
