// RFC 9293 §3.9.2 and §3.9.2.1: what TCP asks of IP, and what IP hands up.
#include <algorithm>

#include "rfc9293/requirements.hpp"
#include "wire/ipv4.hpp"

namespace berth::harness {
namespace {

constexpr std::uint8_t no_operation = 1;
constexpr std::uint8_t loose = 131;
constexpr std::uint8_t strict = 137;
constexpr std::uint8_t header_checksum_at = 10;

using OptionBytes = std::vector<std::uint8_t>;

// The option with this pointer and these addresses.
OptionBytes source_route(std::uint8_t kind, std::uint8_t pointer,
                         const std::vector<Ipv4Address>& addresses) {
    OptionBytes option{kind, static_cast<std::uint8_t>(3 + 4 * addresses.size()), pointer};
    for (const Ipv4Address address : addresses)
        for (const int shift : {24, 16, 8, 0})
            option.push_back(static_cast<std::uint8_t>(address.value >> shift));
    return option;
}

// The packet with these options in its IP header, filled up with zeros.
Packet with_options(const Packet& packet, OptionBytes options) {
    options.resize((options.size() + 3) / 4 * 4);
    Packet result(packet.size() + options.size());
    const auto header_end = packet.begin() + wire::ipv4_header_bytes;
    auto to = std::copy(packet.begin(), header_end, result.begin());
    to = std::copy(options.begin(), options.end(), to);
    std::copy(header_end, packet.end(), to);
    const std::size_t header_bytes = wire::ipv4_header_bytes + options.size();
    result[0] = static_cast<std::uint8_t>(0x40U | header_bytes / 4);
    store_be16(result, 2, static_cast<std::uint16_t>(result.size()));
    store_be16(result, header_checksum_at, 0);
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < header_bytes; i += 2)
        sum += load_be16(result, i);
    sum = (sum & 0xffffU) + (sum >> 16U);
    sum = (sum & 0xffffU) + (sum >> 16U);
    store_be16(result, header_checksum_at, static_cast<std::uint16_t>(~sum));
    return result;
}

Packet segment_from(const Peer& peer, std::uint32_t seq, wire::TcpFlags flags, std::size_t bytes) {
    wire::TcpHeader header;
    header.source_port = peer.endpoint.port;
    header.destination_port = peer.stack_endpoint.port;
    header.seq = peer.isn + seq;
    if (flags.ack) header.ack = peer.stack_isn() + 1;
    header.flags = flags;
    header.window = 65'535;
    if (flags.syn) header.options.mss = 1460;
    return tcp_packet(header, peer.endpoint.address, peer.stack_endpoint.address,
                      bytes == 0 ? OptionBytes{} : pattern(Source::peer, seq - 1, bytes));
}

constexpr Ipv4Address router_a{192, 0, 2, 11};
constexpr Ipv4Address router_b{198, 51, 100, 22};
constexpr Ipv4Address router_c{203, 0, 113, 33};

// What the stack said last: where the packet goes first, and its source route.
struct Way {
    Ipv4Address destination;
    OptionBytes option;
    bool operator==(const Way&) const = default;
};
Way way_of(const SentFrame& frame) {
    const auto ip = wire::Ipv4View::parse(frame.bytes);
    if (!ip) return {};
    OptionBytes option(ip->options().begin(), ip->options().end());
    while (!option.empty() && option.back() == 0)
        option.pop_back();
    return {ip->destination(), option};
}

// The checksum of a source-routed segment is over the final destination (§3.9.2.1).
bool checksum_is_for(const SentFrame& frame, Ipv4Address final_destination) {
    const auto ip = wire::Ipv4View::parse(frame.bytes);
    return ip && wire::TcpView::parse(ip->payload(), ip->source(), final_destination, false);
}

// A host that accepts source routes, and a caller whose segments come by routers.
class RoutedHost {
  public:
    static constexpr Endpoint local{Ipv4Address(192, 0, 2, 2), 80};
    static constexpr Endpoint caller{Ipv4Address(203, 0, 113, 77), 5000};

    RoutedHost() {
        host_.add_interface("link0", device_);
        host_.add_address(0, {local.address, 24});
        host_.add_route({{{}, 0}, router_a, 0, 0});
        listener = socket::open(host_, socket::Type::stream);
        EXPECT_EQ(listener->bind({{}, local.port}), std::errc{});
    }
    void listens() { EXPECT_EQ(listener->listen(5), std::errc{}); }
    // The caller's segment comes with this option.
    void says(std::uint32_t seq, wire::TcpFlags flags, std::size_t bytes,
              const OptionBytes& route) {
        wire::TcpHeader header;
        header.source_port = caller.port;
        header.destination_port = local.port;
        header.seq = 1000 + seq;
        header.ack = flags.ack ? isn_ + 1 : 0;
        header.flags = flags;
        header.window = 65'535;
        const OptionBytes text(bytes, 'x');
        const Packet packet = tcp_packet(header, caller.address, local.address, text);
        device_.put(route.empty() ? packet : with_options(packet, route));
        polls();
    }
    // The way of the next packet that the host has sent; its checksum is for the caller.
    Way answers() {
        const SentFrame frame = device_.take();
        EXPECT_TRUE(checksum_is_for(frame, caller.address));
        const auto ip = wire::Ipv4View::parse(frame.bytes);
        if (!ip) return {};
        const auto tcp = wire::TcpView::parse(ip->payload(), ip->source(), caller.address, false);
        if (tcp && tcp->flags().syn) isn_ = tcp->seq();
        return way_of(frame);
    }
    void connects(const OptionBytes& route, const Way& expected) {
        says(0, {.syn = true}, 0, route);
        EXPECT_EQ(answers(), expected);
        says(1, {.ack = true}, 0, {});
        auto accepted = listener->accept();
        ASSERT_TRUE(accepted);
        socket = std::move(*accepted);
        ASSERT_EQ(socket->set_option(socket::Option::no_delay, 1), std::errc{});
    }
    // The way of data that is sent now.
    Way speaks() {
        device_.sent.clear();
        const OptionBytes data(100, 'y');
        const std::array<Bytes, 1> parts{Bytes(data)};
        EXPECT_TRUE(socket->send(parts, std::nullopt));
        polls();
        return answers();
    }
    void aborts() {
        device_.sent.clear();
        EXPECT_EQ(socket->set_option(socket::Option::linger, 0), std::errc{});
        socket.reset();
        polls();
    }

  private:
    static StackConfig configuration() {
        StackConfig config{.seed = Seed::from(1), .start = Script::start};
        config.ip.accept_source_route = true;
        return config;
    }
    void polls() {
        while (host_.poll(Script::start)) {
        }
    }
    FakeDevice device_;
    Stack host_{configuration()};
    std::uint32_t isn_ = 0;

  public:  // behind the stack, which they must not outlive
    std::unique_ptr<socket::Socket> listener;
    std::unique_ptr<socket::Socket> socket;
};

// It came by a, then b: each has written the address by which it sent it on. So it goes back by b.
const OptionBytes by_a_and_b = source_route(loose, 12, {router_a, router_b});
const Way back_by_b_and_a{router_b, source_route(loose, 4, {router_a, RoutedHost::caller.address})};
const OptionBytes by_c = source_route(strict, 8, {router_c});
const Way back_by_c{router_c, source_route(strict, 4, {RoutedHost::caller.address})};

}  // namespace

TEST_F(Rfc9293, MUST_49_the_ttl_is_configurable) {
    EXPECT_EQ(script.core().ip().config().ttl, 64);
    accept_connection();
    app.sends(10);
    EXPECT_EQ(stack.sends({.length = 10}).ttl, 64);
    peer.sends({});
    for (const int ttl : {1, 77, 255}) {
        app.sets(socket::Option::ttl, ttl);
        app.sends(10);
        EXPECT_EQ(stack.sends({.length = 10}).ttl, ttl);
        peer.sends({});
    }
    peer.sends({.fin = true});
    EXPECT_EQ(stack.sends({}).ttl, 255) << "whatever the segment";
}

TEST_F(Rfc9293, MUST_50_ip_options_that_tcp_does_not_know_are_ignored) {
    app.listens();
    // A stream identifier, a security option, a router alert, an experiment, a no-operation …
    const std::vector<OptionBytes> lists = {{136, 4, 0, 1},
                                            {130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0},
                                            {148, 4, 0, 0},
                                            {no_operation, 158, 6, 1, 2, 3, 4, no_operation},
                                            // … a recorded route, a timestamp.
                                            {7, 7, 4, 0, 0, 0, 0},
                                            {68, 8, 5, 0, 0, 0, 0, 0}};
    script.put(with_options(segment_from(peer, 0, {.syn = true}, 0), lists[0]), {});
    ASSERT_EQ(script.heard().size(), 1U);
    EXPECT_TRUE(script.heard().front().header.flags.syn);
    EXPECT_TRUE(ip_options(script.heard().front()).empty()) << "and none is sent back";
    script.heard().clear();
    script.put(with_options(segment_from(peer, 1, {.ack = true}, 0), lists[1]), {});
    app.accepts();
    std::uint32_t seq = 1;
    for (const OptionBytes& list : lists) {
        script.put(with_options(segment_from(peer, seq, {.ack = true}, 100), list), {});
        EXPECT_EQ(script.last_fate().kind, FateKind::delivered) << int{list[0]};
        for (const Heard& heard : script.heard())
            EXPECT_TRUE(ip_options(heard).empty());
        script.heard().clear();
        seq += 100;
    }
    app.reads(100 * lists.size());
    script.heard().clear();
    advance(seconds(1));
    script.heard().clear();
}

TEST_F(Rfc9293, MUST_51_an_application_may_specify_a_source_route) {
    auto client = socket::open(script.core(), socket::Type::stream);
    ASSERT_EQ(client->set_ip_options(source_route(loose, 4, {router_a, router_b})), std::errc{});
    const Endpoint remote{router_c, 7};
    // Without a route of its own: the way there is by the first router.
    ASSERT_EQ(client->connect(remote), std::errc::operation_in_progress);
    const FourTuple tuple{client->local(), remote};
    script.core().poll(script.now());
    ASSERT_EQ(script.device().sent.size(), 1U);
    const SentFrame syn = script.device().take();
    const Way expected{router_a, source_route(loose, 4, {router_b, router_c})};
    EXPECT_EQ(way_of(syn), expected);
    EXPECT_TRUE(checksum_is_for(syn, remote.address));
    // Data too, in segments that leave room for it: 1460 - 12 (timestamps) - 12 (route).
    const auto ip = wire::Ipv4View::parse(syn.bytes);
    const auto sent = wire::TcpView::parse(ip->payload(), ip->source(), remote.address, false);
    wire::TcpHeader answer;
    answer.source_port = remote.port;
    answer.destination_port = tuple.local.port;
    answer.seq = 9000;
    answer.ack = sent->seq() + 1;
    answer.flags.syn = answer.flags.ack = true;
    answer.window = 65'535;
    answer.options.mss = 1460;
    answer.options.timestamps = wire::TcpTimestamps{1, sent->options().timestamps->value};
    script.device().put(tcp_packet(answer, remote.address, tuple.local.address, {}));
    script.core().poll(script.now());
    const auto data = pattern(Source::app, 0, 5000);
    const std::array<Bytes, 1> parts{Bytes(data)};
    ASSERT_TRUE(client->send(parts, std::nullopt));
    script.core().poll(script.now());
    ASSERT_GE(script.device().sent.size(), 3U);
    std::size_t largest = 0;
    while (!script.device().sent.empty()) {
        const SentFrame frame = script.device().take();
        EXPECT_EQ(way_of(frame), expected);
        EXPECT_TRUE(checksum_is_for(frame, remote.address));
        largest = std::max(largest, frame.bytes.size());
    }
    EXPECT_EQ(largest, 1500U) << "a full segment fills the packet, no more";
    // What is no source route is refused.
    auto other = socket::open(script.core(), socket::Type::stream);
    EXPECT_EQ(other->set_ip_options(OptionBytes{148, 4, 0, 0}), std::errc::invalid_argument);
    EXPECT_EQ(other->set_ip_options(source_route(loose, 8, {router_a})),
              std::errc::invalid_argument);
    EXPECT_EQ(other->set_ip_options(source_route(strict, 4, {router_a})), std::errc{});
    EXPECT_EQ(other->set_ip_options({}), std::errc{});
}

TEST_F(Rfc9293, MUST_52_the_applications_route_comes_before_the_one_received) {
    RoutedHost host;
    ASSERT_EQ(host.listener->set_ip_options(source_route(loose, 4, {router_c})), std::errc{});
    host.listens();
    const Way chosen{router_c, source_route(loose, 4, {RoutedHost::caller.address})};
    host.connects(by_a_and_b, chosen);
    EXPECT_EQ(host.speaks(), chosen);
    host.says(1, {.ack = true}, 10, by_a_and_b);
    EXPECT_EQ(host.speaks(), chosen);
    host.aborts();
    EXPECT_EQ(host.answers(), chosen);
}

TEST_F(Rfc9293, MUST_53_a_passive_side_answers_by_the_way_the_call_came) {
    RoutedHost host;
    host.listens();
    host.connects(by_a_and_b, back_by_b_and_a);
    // All segments go that way, whether or not the peer's later ones bring a route.
    EXPECT_EQ(host.speaks(), back_by_b_and_a);
    host.says(1, {.ack = true}, 10, {});
    EXPECT_EQ(host.speaks(), back_by_b_and_a);
    // One that is not completed is not ours to use.
    host.says(11, {.ack = true}, 10, source_route(loose, 8, {router_c, router_b}));
    EXPECT_EQ(host.speaks(), back_by_b_and_a);
    // The last word as well; with the connection it is forgotten.
    host.aborts();
    EXPECT_EQ(host.answers(), back_by_b_and_a);
    host.says(21, {.ack = true}, 0, {});
    EXPECT_EQ(host.answers(), (Way{RoutedHost::caller.address, {}}));
}

TEST_F(Rfc9293, SHLD_24_a_later_source_route_overrides_the_earlier_one) {
    RoutedHost host;
    host.listens();
    host.connects(by_a_and_b, back_by_b_and_a);
    host.says(1, {.ack = true}, 10, by_c);
    EXPECT_EQ(host.speaks(), back_by_c);
    // Only that of a segment that is taken: anybody could send one outside the window.
    host.says(2'000'000, {.ack = true}, 10, by_a_and_b);
    EXPECT_EQ(host.speaks(), back_by_c);
    // Also where the first segments brought none.
    RoutedHost other;
    other.listens();
    other.connects({}, {RoutedHost::caller.address, {}});
    other.says(1, {.ack = true}, 10, by_a_and_b);
    EXPECT_EQ(other.speaks(), back_by_b_and_a);
}

}  // namespace berth::harness
