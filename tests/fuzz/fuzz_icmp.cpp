// ICMP and IGMP at a whole stack with ping, raw and UDP sockets open and groups joined. Every
// packet in has one fate; what goes out is well formed and never what the RFCs forbid; queues,
// caches and records stay within their bounds; every buffer comes back.
//
// The input is a list of records: operation, length, bytes. See Operation.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "harness/fake_device.hpp"
#include "socket/sockets.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/igmp.hpp"
#include "wire/ipv4.hpp"
#include "wire/udp.hpp"

namespace {

using namespace berth;
using Octets = std::vector<std::uint8_t>;
using socket::Option;

constexpr Ipv4Address our_ip{192, 0, 2, 2};
constexpr Ipv4Address broadcast_ip{192, 0, 2, 255};
constexpr Ipv4Address all_hosts{224, 0, 0, 1};
constexpr std::array<Ipv4Address, 4> peers{{{192, 0, 2, 1}, {192, 0, 2, 3}, {203, 0, 113, 9}, {}}};
constexpr std::array<Ipv4Address, 4> groups{
    {{233, 252, 0, 1}, {233, 252, 0, 2}, {224, 0, 0, 5}, {224, 0, 0, 1}}};
constexpr std::uint8_t ospf = 89;
constexpr std::size_t max_records = 300;
// Queues of all sockets, by true cost, and the interface's.
constexpr std::size_t max_blocks = 4096;

enum Operation : std::uint8_t {
    op_icmp,        // source, then a message whose checksum is put right
    op_icmp_about,  // type, code, second word, then changes to the packet that was sent last
    op_igmp,        // destination, then a message whose checksum is put right, with a TTL of 1
    op_packet,      // as it is
    op_udp,         // to a port
    op_advance,
    op_send,
    op_receive,
    op_option,
    op_membership,
    op_connect,
    op_refuse,  // the device takes so many frames from now on
    op_count,
};

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_icmp: it does not hold that %s\n", what);
    std::abort();
}

Octets ipv4_packet(Ipv4Address source, Ipv4Address destination, std::uint8_t protocol,
                   Bytes payload) {
    Octets packet(wire::ipv4_header_bytes);
    wire::Ipv4Header header;
    header.total_length = static_cast<std::uint16_t>(packet.size() + payload.size());
    header.protocol = protocol;
    header.source = source;
    header.destination = destination;
    wire::write(header, packet);
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
}
Octets udp_packet(Endpoint source, Endpoint destination, Bytes payload) {
    Octets datagram(wire::udp_header_bytes);
    const std::array<Bytes, 1> parts{payload};
    wire::write_udp(source, destination, parts, datagram);
    datagram.insert(datagram.end(), payload.begin(), payload.end());
    return ipv4_packet(source.address, destination.address, 17, datagram);
}

class Fates final : public FateObserver {
  public:
    void on_packet(std::uint32_t interface_index, Direction direction, Time, Bytes,
                   const Fate&) override {
        if (direction == Direction::in && interface_index == 0) ++in;
    }
    std::uint64_t in = 0;
};

std::uint8_t at(Bytes bytes, std::size_t i) {
    return i < bytes.size() ? bytes[i] : std::uint8_t{0};
}
Bytes after(Bytes bytes, std::size_t count) {
    return bytes.subspan(std::min(count, bytes.size()));
}

class Fuzz {
  public:
    explicit Fuzz(std::uint8_t variant) {
        StackConfig config;
        config.seed = Seed::from(1);
        config.start = now_;
        config.ip.forward = (variant & 1U) != 0;
        config.ip.accept_redirects = (variant & 2U) != 0;
        stack_ = std::make_unique<Stack>(config);
        stack_->add_interface("link0", device_);
        stack_->add_address(0, {our_ip, 24});
        stack_->add_route({{{}, 0}, peers[0], 0, 0});
        stack_->set_observer(&fates_);
        sockets_.push_back(socket::open(*stack_, socket::Type::ping));
        sockets_.push_back(socket::open(*stack_, socket::Type::ping));
        for (const std::uint8_t protocol : {std::uint8_t{1}, std::uint8_t{2}, ospf})
            sockets_.push_back(socket::open(*stack_, socket::Type::raw, protocol));
        sockets_.push_back(socket::open(*stack_, socket::Type::datagram));
        check(sockets_[0]->bind({{}, 0x1234}) == std::errc{}, "the identifier is free");
        check(sockets_[1]->connect({peers[2], 0}) == std::errc{}, "there is a way");
        check(sockets_[5]->bind({{}, 53}) == std::errc{}, "the port is free");
        for (const auto& each : sockets_)
            each->set_option(Option::receive_buffer, 16 * 1024);
        sockets_[0]->set_option(Option::receive_errors, 1);
        sockets_[4]->set_option(Option::receive_errors, 1);
        sockets_[4]->join({groups[0], link::InterfaceIndex{0}, {}});
    }

    void run(Bytes input) {
        for (std::size_t records = 0; input.size() >= 2 && records < max_records; ++records) {
            const auto operation = static_cast<Operation>(input[0] % op_count);
            const std::size_t length = std::min<std::size_t>(input[1], input.size() - 2);
            act(operation, input.subspan(2, length));
            input = input.subspan(2 + length);
            settle();
        }
        finish();
    }

  private:
    socket::Socket& chosen(Bytes bytes) { return *sockets_[at(bytes, 0) % sockets_.size()]; }

    void act(Operation operation, Bytes bytes) {
        switch (operation) {
            case op_icmp: return put_message(1, peers[at(bytes, 0) % 4], our_ip, after(bytes, 1));
            case op_icmp_about: return put_error(bytes);
            case op_igmp: return put_igmp(bytes);
            case op_packet: return put(bytes);
            case op_udp:
                return put(udp_packet({peers[at(bytes, 0) % 4], 1000}, {our_ip, Port{at(bytes, 1)}},
                                      after(bytes, 2)));
            case op_advance:
                return advance(milliseconds(std::int64_t{at(bytes, 0)} << (at(bytes, 1) % 12)));
            case op_send: return send(bytes);
            case op_receive: return receive(bytes);
            case op_option:
                // Any value of any option is taken or refused.
                chosen(bytes).set_option(static_cast<Option>(at(bytes, 1) % 25), at(bytes, 2));
                return;
            case op_membership: return change_membership(bytes);
            case op_connect:
                if (at(bytes, 1) == 0) {
                    chosen(bytes).disconnect();
                } else {
                    chosen(bytes).connect({peers[at(bytes, 1) % 4], Port{at(bytes, 2)}});
                }
                return;
            case op_refuse:
                device_.room =
                    at(bytes, 0) == 0 ? harness::FakeDevice::without_limit : at(bytes, 0) % 8;
                return;
            case op_count: break;
        }
    }

    void put(Bytes packet) {
        device_.put(packet);
        ++put_;
    }
    void put_message(std::uint8_t protocol, Ipv4Address source, Ipv4Address destination,
                     Bytes bytes) {
        Octets message(bytes.begin(), bytes.end());
        if (message.size() < 8) message.resize(8);
        store_be16(message, 2, 0);
        store_be16(message, 2, wire::checksum_of(message));
        put(ipv4_packet(source, destination, protocol, message));
    }
    void put_error(Bytes bytes) {
        Octets message(8);
        for (std::size_t i = 0; i < message.size(); ++i)
            message[i] = at(bytes, i);
        Octets quote = last_sent_;
        for (Bytes changes = after(bytes, 8); changes.size() >= 2; changes = changes.subspan(2))
            if (!quote.empty()) quote[changes[0] % quote.size()] ^= changes[1];
        message.insert(message.end(), quote.begin(), quote.end());
        put_message(1, peers[at(bytes, 2) % 4], our_ip, message);
    }
    void put_igmp(Bytes bytes) {
        const std::uint8_t where = at(bytes, 0);
        const std::size_t before = put_;
        Octets message(bytes.begin(), bytes.end());
        message.erase(message.begin(), message.begin() + (message.empty() ? 0 : 1));
        if (message.size() < 8) message.resize(8);
        store_be16(message, 2, 0);
        store_be16(message, 2, wire::checksum_of(message));
        Octets packet =
            ipv4_packet(peers[0], where % 2 == 0 ? all_hosts : groups[where / 2 % 4], 2, message);
        packet[8] = where < 0xf0 ? 1 : 2;
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(20)));
        put(packet);
        check(put_ == before + 1, "a packet is put once");
    }

    void send(Bytes bytes) {
        Octets message(bytes.begin(), bytes.end());
        message.resize(std::max<std::size_t>(message.size(), 8) + (at(bytes, 1) % 2) * 1600);
        if (at(bytes, 2) % 4 != 0) {
            message[0] = 8;
            message[1] = 0;
        }
        const std::array<Bytes, 1> parts{Bytes(message)};
        socket::SendControl control;
        if (at(bytes, 3) % 4 == 1) control.ttl = at(bytes, 4);
        if (at(bytes, 3) % 4 == 2) control.tos = at(bytes, 4);
        if (at(bytes, 3) % 4 == 3) control.source = our_ip;
        const Ipv4Address to = at(bytes, 5) % 8 < 4   ? peers[at(bytes, 5) % 4]
                               : at(bytes, 5) % 8 < 7 ? groups[at(bytes, 5) % 4]
                                                      : broadcast_ip;
        static_cast<void>(
            chosen(bytes).send_with(parts, Endpoint{to, Port{at(bytes, 6)}}, control));
    }
    void receive(Bytes bytes) {
        Octets into(at(bytes, 1) * std::size_t{8});
        const std::array<MutableBytes, 1> parts{MutableBytes(into)};
        const auto received = chosen(bytes).receive(parts, {.peek = at(bytes, 2) % 2 != 0});
        check(!received || received->bytes <= into.size(),
              "no more is received than there is room");
        if (at(bytes, 3) % 2 != 0) {
            const auto error = chosen(bytes).take_queued_error();
            check(!error || error->payload.size() <= ip::DatagramPort::limit_quoted_bytes,
                  "a quote is bounded");
        }
    }
    void change_membership(Bytes bytes) {
        const Ipv4Address source =
            at(bytes, 2) % 4 == 0 ? Ipv4Address{} : Ipv4Address(198, 51, 100, at(bytes, 2));
        const socket::Membership membership{
            Ipv4Address(groups[at(bytes, 1) % 4].value + at(bytes, 3)), link::InterfaceIndex{0},
            source};
        if (at(bytes, 4) % 2 == 0) {
            chosen(bytes).join(membership);
        } else {
            chosen(bytes).leave(membership);
        }
    }

    void advance(Duration duration) {
        const Time end = now_ + duration;
        for (int stops = 0; stops < 2000 && stack_->next_deadline() <= end; ++stops) {
            now_ = std::max(now_, stack_->next_deadline());
            settle();
        }
        now_ = end;
    }
    void settle() {
        stack_->poll(now_);
        look();
    }
    void finish() {
        device_.room = harness::FakeDevice::without_limit;
        settle();
        advance(minutes(15));
        settle();
        check(fates_.in == put_, "every packet in has one fate");
        for (auto& each : sockets_)
            each.reset();
        check(stack_->ip().groups().size() == 0, "who closes leaves");
        advance(minutes(2));  // seven reports (the largest robustness) of at most ten seconds each
        settle();
        check(stack_->igmp().size() == 0, "what was left is forgotten");
        check(stack_->buffers().outstanding() == 0, "every buffer comes back");
    }

    void look() {
        while (!device_.sent.empty()) {
            const harness::SentFrame sent = device_.take();
            last_sent_ = sent.bytes;
            const std::string_view note = sent.fate.note;
            if (note == "raw") continue;  // the program's own, perhaps with a header of its own
            look_at_packet(last_sent_);
            if (note == "icmp error") look_at_error(last_sent_);
            if (note == "igmp") look_at_igmp(last_sent_);
        }
        check(stack_->ip().redirects().size() <= ip::RedirectCache::limit_entries,
              "redirects are bounded");
        check(stack_->ip().groups().size() <= ip::GroupMemberships::limit_groups,
              "groups are bounded");
        check(stack_->igmp().size() <= ip::Igmp::limit_groups, "IGMP's records are bounded");
        check(stack_->buffers().outstanding() <= max_blocks, "buffers are bounded");
        const auto look_at_port = [](const ip::DatagramPort& port) {
            check(port.queue.charged_bytes() <=
                      port.queue.limit_bytes + BufferPool::large_block_bytes,
                  "a queue is bounded");
        };
        stack_->raw().for_each(look_at_port);
        stack_->icmp().ping_ports().for_each(look_at_port);
    }
    static void look_at_packet(Bytes bytes) {
        const auto packet = wire::Ipv4View::parse(bytes);
        check(packet.has_value() && packet->packet().size() == bytes.size(),
              "a sent packet is well formed");
        check(bytes.size() <= 1500, "a sent packet fits the link");
    }
    static void look_at_error(Bytes bytes) {
        const auto packet = wire::Ipv4View::parse(bytes);
        const auto error = wire::IcmpView::parse(packet->payload());
        check(error.has_value(), "an ICMP error is well formed");
        check(bytes.size() <= 576, "an ICMP error is short");
        const Ipv4Address to = packet->destination();
        check(!to.is_multicast() && !to.is_limited_broadcast() && !to.is_loopback() &&
                  !to.is_this_network() && !to.is_reserved() && to != broadcast_ip,
              "ICMP errors go to single hosts only");
        const Bytes quote = error->payload();
        const std::size_t header = std::size_t{4} * (quote[0] & 0x0fU);
        check(quote[9] != 1 || !wire::is_icmp_error(wire::IcmpType{quote[header]}),
              "no error is about an error");
        check((load_be16(quote, 6) & 0x1fffU) == 0, "no error is about a later fragment");
    }
    static void look_at_igmp(Bytes bytes) {
        const auto packet = wire::Ipv4View::parse(bytes);
        check(packet->ttl() == 1 && packet->header_bytes() == 24 &&
                  packet->destination().is_multicast() && packet->destination() != all_hosts,
              "IGMP stays on the link");
        check(wire::checksum_of(packet->payload()) == 0, "an IGMP message is well formed");
    }

    Time now_{1'000'000'000};
    harness::FakeDevice device_;
    Fates fates_;
    std::unique_ptr<Stack> stack_;
    std::vector<std::unique_ptr<socket::Socket>> sockets_;
    std::uint64_t put_ = 0;
    Octets last_sent_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    Fuzz fuzz(data[0]);
    fuzz.run(Bytes(data + 1, size - 1));
    return 0;
}
