// A million SYNs from as many four-tuples that nobody stands behind, in virtual time: memory stays
// bounded, and a well-behaved client connects at once, in the middle of it and after it (RFC 4987).
//
// BERTH_TEST_SCALE=P sends P percent of them.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <vector>

#include "drivers/cable.hpp"
#include "harness/packets.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"
#include "wire/ipv4.hpp"

namespace berth::sim {
namespace {

constexpr std::size_t syns_in_all = 1'000'000;
constexpr std::size_t flood_burst = 100;
constexpr Duration flood_interval = milliseconds(1);  // 100,000 SYNs a second
constexpr Duration latency = milliseconds(10);
constexpr Endpoint server_endpoint{Ipv4Address(192, 0, 2, 1), 80};
constexpr Ipv4Address client_address(192, 0, 2, 2);
constexpr std::size_t transfer_bytes = 400'000;

// The server's link: what the client's cable brings, and the flood; what is meant for the flooders
// is counted and lost.
class FloodedLink final : public link::LinkDevice {
  public:
    explicit FloodedLink(link::LinkDevice& cable) : cable_(cable) {}

    std::size_t pending = 0;    // SYNs that are to arrive now
    std::size_t flooded = 0;    // that have arrived in all
    std::size_t to_nobody = 0;  // segments towards them
    std::size_t unproven_bytes = 0;
    std::optional<wire::TcpOptions> to_client;  // the options of the last SYN,ACK

    const link::LinkProperties& properties() const override { return cable_.properties(); }
    Time next_arrival() const override { return pending > 0 ? Time{} : cable_.next_arrival(); }

    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override {
        std::size_t count = cable_.receive(pool, burst, now);
        for (; count < burst.size() && pending > 0; ++count, --pending)
            burst[count] = link::Frame::copy_of(next_syn(), pool, now);
        return count;
    }

    std::size_t send(std::span<const link::OutFrame> burst, Time now) override {
        for (const link::OutFrame& frame : burst) {
            std::vector<std::uint8_t> bytes(frame.size());
            frame.copy_to(bytes);
            const auto packet = wire::Ipv4View::parse(bytes);
            if (!packet || packet->destination() == client_address) {
                if (packet) note(*packet);
                static_cast<void>(cable_.send({&frame, 1}, now));
            } else {
                ++to_nobody;
                unproven_bytes += bytes.size();
            }
        }
        return burst.size();
    }

  private:
    // Every one from another endpoint of 198.18.0.0/15.
    std::vector<std::uint8_t> next_syn() {
        const auto n = static_cast<std::uint32_t>(flooded++);
        wire::TcpHeader header;
        header.source_port = static_cast<Port>(1024 + n % 60'000);
        header.destination_port = server_endpoint.port;
        header.seq = n * 2'654'435'761U;
        header.flags.syn = true;
        header.window = 64'240;
        header.options.mss = 1460;
        header.options.sack_permitted = true;
        header.options.timestamps = wire::TcpTimestamps{n, 0};
        header.options.window_scale = std::uint8_t{7};
        const Ipv4Address source((198U << 24 | 18U << 16) + n / 60'000 + 1);
        return harness::tcp_packet(header, source, server_endpoint.address, {});
    }
    void note(const wire::Ipv4View& packet) {
        const auto segment =
            wire::TcpView::parse(packet.payload(), packet.source(), packet.destination(), true);
        if (segment && segment->flags().syn) to_client = segment->options();
    }

    link::LinkDevice& cable_;
};

std::uint64_t scale_percent() {
    const char* text = std::getenv("BERTH_TEST_SCALE");
    return text == nullptr || *text == '\0' ? 100 : std::strtoull(text, nullptr, 10);
}

class SynFlood : public ::testing::Test {
  protected:
    static constexpr Time start{1'000'000'000'000};
    Time now = start;
    drivers::Cable cable =
        drivers::Cable::make({.kind = link::LinkKind::raw_ip, .latency = latency});
    FloodedLink link{*cable.a};
    tcp::Config server_config;
    std::unique_ptr<Stack> server;
    std::unique_ptr<Stack> client;
    std::unique_ptr<socket::Socket> listener;

    void begin(int backlog) {
        server = std::make_unique<Stack>(
            StackConfig{.seed = Seed::from(1), .start = start, .tcp = server_config});
        server->add_interface("link0", link);
        server->add_address(0, {server_endpoint.address, 24});
        server->add_route({{Ipv4Address(198, 18, 0, 0), 15}, {}, 0, 0});
        client = std::make_unique<Stack>(StackConfig{.seed = Seed::from(2), .start = start});
        client->add_interface("link0", *cable.b);
        client->add_address(0, {client_address, 24});
        listener = socket::open(*server, socket::Type::stream);
        ASSERT_EQ(listener->bind(server_endpoint), std::errc{});
        ASSERT_EQ(listener->listen(backlog), std::errc{});
    }
    void poll() {
        while (server->poll(now) || client->poll(now)) {
        }
    }
    // One interval of the flood, and whatever falls due in it.
    void pass(std::size_t syns) {
        link.pending += syns;
        const Time end = now + flood_interval;
        while (true) {
            poll();
            Time due = earlier(cable.a->next_arrival(), cable.b->next_arrival());
            due = earlier(due, earlier(server->next_deadline(), client->next_deadline()));
            if (due > end) break;
            now = std::max(due, now + nanoseconds(1));
        }
        now = end;
        poll();
    }
    void flood(std::size_t syns) {
        for (std::size_t sent = 0; sent < syns; sent += flood_burst)
            pass(flood_burst);
    }
    // Nobody says anything for that long.
    void wait(Duration duration) {
        for (const Time end = now + duration; now < end; now = now + milliseconds(100))
            poll();
    }
    void expect_bounded() {
        const tcp::Tcp& tcp = server->tcp();
        const std::size_t limit = std::min<std::size_t>(server_config.max_half_open, 4096);
        EXPECT_LE(tcp.half_open_count(), limit);
        EXPECT_LE(tcp.table().size(), limit + tcp.connection_count() + tcp.time_wait_count());
        // Buckets of a cache line for seven entries, half empty right after growing.
        EXPECT_LE(tcp.table().memory_bytes(), limit * 64);
        EXPECT_LE(server->buffers().outstanding(), 1000U);
    }
    // Connects while the flood goes on, and moves some data both ways.
    void expect_a_client_gets_in() {
        link.to_client.reset();
        auto socket = socket::open(*client, socket::Type::stream);
        ASSERT_EQ(socket->connect(server_endpoint), std::errc::operation_in_progress);
        const Time began = now;
        while (!socket->readiness().writable && now < began + seconds(10))
            pass(flood_burst);
        // One round trip, to the precision of the flood's intervals.
        EXPECT_LE((now - began).milliseconds(), (2 * latency + flood_interval).milliseconds());
        ASSERT_TRUE(link.to_client);
        EXPECT_TRUE(link.to_client->window_scale);
        EXPECT_TRUE(link.to_client->sack_permitted);
        EXPECT_TRUE(link.to_client->timestamps);
        for (int i = 0; i < 20 && !listener->readiness().readable; ++i)
            pass(flood_burst);
        auto accepted = listener->accept();
        ASSERT_TRUE(accepted);
        expect_scaled(*socket);
        move(*socket, **accepted);
        move(**accepted, *socket);
        socket->set_option(socket::Option::linger, 0);
        socket.reset();
        for (int i = 0; i < 30; ++i)
            pass(flood_burst);
    }
    void expect_scaled(const socket::Socket& at_client) {
        const demux::Entry* entry =
            server->tcp().table().find({server_endpoint, at_client.local()});
        ASSERT_NE(entry, nullptr);
        ASSERT_EQ(entry->kind, demux::EntryKind::connection);
        const auto& connection = static_cast<const tcp::Connection&>(*entry);
        EXPECT_GT(connection.sender().scaled(1), 1U);
        EXPECT_EQ(connection.sender().mss(), 1448U);  // 1460 less the timestamps
    }
    void move(socket::Socket& from, socket::Socket& to) {
        std::vector<std::uint8_t> data(64 * 1024);
        const std::array<Bytes, 1> out{Bytes(data)};
        const std::array<MutableBytes, 1> in{MutableBytes(data)};
        std::size_t sent = 0;
        std::size_t received = 0;
        const Time began = now;
        while (received < transfer_bytes && now < began + seconds(20)) {
            if (sent < transfer_bytes)
                if (const auto taken = from.send(out, std::nullopt)) sent += *taken;
            while (true) {
                const auto got = to.receive(in, {});
                if (!got || got->bytes == 0) break;
                received += got->bytes;
            }
            pass(1);
        }
        EXPECT_GE(received, transfer_bytes);
        // A window of 64 KB takes six round trips for this; a scaled one is soon past it.
        EXPECT_LE((now - began).milliseconds(), 400);
    }
};

TEST_F(SynFlood, a_million_syns_do_no_harm_rfc4987_3_6) {
    begin(4096);
    expect_a_client_gets_in();  // an easy start: by a record
    const std::size_t half = syns_in_all * scale_percent() / 100 / 2;
    flood(half);
    expect_bounded();
    if (half >= 5000) {
        EXPECT_GT(server->tcp().counters()[tcp::Count::syn_cookies_sent], 0U);
    }
    expect_a_client_gets_in();
    flood(half);
    expect_bounded();
    expect_a_client_gets_in();
    EXPECT_GE(link.flooded, 2 * half);
    // At most the SYN,ACK and its five repetitions for each record, and one for each cookie.
    EXPECT_LE(link.to_nobody, link.flooded + 4096 * 20);
    EXPECT_LE(link.unproven_bytes, link.to_nobody * 60);
    EXPECT_EQ(server->tcp().counters()[tcp::Count::syn_cookies_failed], 0U);
    // Nothing of it is left when their time is over.
    wait(seconds(150));
    EXPECT_EQ(server->tcp().half_open_count(), 0U);
    EXPECT_EQ(server->tcp().table().size(), server->tcp().time_wait_count());
}

TEST_F(SynFlood, without_cookies_memory_is_bounded_all_the_same_rfc4987_3_1) {
    server_config.syn_cookies = 0;
    server_config.max_half_open = 1000;
    begin(4096);
    flood(syns_in_all * scale_percent() / 100 / 10);
    EXPECT_LE(server->tcp().half_open_count(), 1000U);
    EXPECT_LE(server->tcp().table().memory_bytes(), 64'000U);
    // Who has not answered goes early, so that there is room again.
    wait(seconds(15));
    EXPECT_LT(server->tcp().half_open_count(), 1000U);
}

TEST_F(SynFlood, with_cookies_always_no_record_is_ever_kept_rfc4987_3_6) {
    server_config.syn_cookies = 2;
    begin(4096);
    flood(syns_in_all * scale_percent() / 100 / 10);
    EXPECT_EQ(server->tcp().table().size(), 0U);
    EXPECT_EQ(link.to_nobody, link.flooded);
    expect_a_client_gets_in();
}

}  // namespace
}  // namespace berth::sim
