// A router with three links and a socket, fed with packets of any shape: options, pieces, sizes,
// addresses, times to live. Every frame has one fate; what goes out is well formed, fits its link
// and never bears an address that may not be on one; memory stays bounded and comes back.
//
// The input is a list of records: kind (one byte), length (one byte), that many bytes.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "harness/fake_device.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"
#include "wire/checksum.hpp"
#include "wire/ipv4.hpp"

namespace {

using namespace berth;

constexpr std::size_t max_records = 300;
// The three queues, the reassembly buffer (4 MB) in small blocks, and what one burst holds.
constexpr std::size_t max_blocks = 3 * link::Interface::queue_limit_packets + 2 * 2048 + 64;

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_ipv4: it does not hold that %s\n", what);
    std::abort();
}

class Fates final : public FateObserver {
  public:
    void on_packet(std::uint32_t, Direction direction, Time, Bytes, const Fate&) override {
        if (direction == Direction::in) ++in;
    }
    std::uint64_t in = 0;
};

// Hosts here and there, the router itself, and addresses that nobody may have.
constexpr std::array addresses{
    Ipv4Address(192, 0, 2, 1),       Ipv4Address(192, 0, 2, 2),   Ipv4Address(198, 51, 100, 1),
    Ipv4Address(198, 51, 100, 2),    Ipv4Address(203, 0, 113, 1), Ipv4Address(203, 0, 113, 2),
    Ipv4Address(198, 18, 0, 1),      Ipv4Address(192, 0, 2, 255), Ipv4Address(224, 0, 0, 1),
    Ipv4Address(255, 255, 255, 255), Ipv4Address(127, 0, 0, 1),   Ipv4Address(0, 0, 0, 0),
    Ipv4Address(240, 1, 2, 3),       Ipv4Address(169, 254, 1, 1), Ipv4Address(239, 1, 2, 3),
    Ipv4Address(198, 51, 100, 255),
};
constexpr std::array<std::uint16_t, 3> mtus{1500, 576, 68};

class Fuzz {
  public:
    Fuzz() {
        StackConfig config;
        config.seed = Seed::from(1);
        config.start = now_;
        config.ip.forward = true;
        stack_ = std::make_unique<Stack>(config);
        for (std::size_t i = 0; i < mtus.size(); ++i) {
            devices_[i] = std::make_unique<harness::FakeDevice>(link::LinkKind::raw_ip, mtus[i]);
            stack_->add_interface("link", *devices_[i]);
        }
        stack_->add_address(0, {Ipv4Address(192, 0, 2, 2), 24});
        stack_->add_address(1, {Ipv4Address(198, 51, 100, 2), 24});
        stack_->add_address(2, {Ipv4Address(203, 0, 113, 2), 24});
        stack_->add_route({{Ipv4Address(198, 18, 0, 0), 15}, Ipv4Address(203, 0, 113, 1), 2, 0});
        stack_->set_observer(&fates_);
        udp_ = socket::open(*stack_, socket::Type::datagram);
        check(udp_->bind({{}, 0x2121}) == std::errc{}, "the UDP port is bound");
    }

    void run(Bytes input) {
        for (std::size_t records = 0; input.size() >= 2 && records < max_records; ++records) {
            const std::size_t length = std::min<std::size_t>(input[1], input.size() - 2);
            act(input[0], input.subspan(2, length));
            input = input.subspan(2 + length);
            settle();
        }
        finish();
    }

  private:
    static std::uint8_t at(Bytes bytes, std::size_t i) {
        return i < bytes.size() ? bytes[i] : std::uint8_t{0};
    }

    void act(std::uint8_t kind, Bytes bytes) {
        const auto interface = static_cast<link::InterfaceIndex>(kind / 8 % mtus.size());
        switch (kind % 8) {
            case 0: return put(interface, {bytes.begin(), bytes.end()});
            case 1: return advance(milliseconds(std::int64_t{at(bytes, 0)} << (at(bytes, 1) % 10)));
            case 2:
                devices_[interface]->room =
                    at(bytes, 0) == 0 ? harness::FakeDevice::without_limit : at(bytes, 0) % 8;
                return;
            default: return put(interface, build(bytes));
        }
    }

    // Source, destination, TOS, fragment word, TTL, protocol, payload size, identification, then
    // options.
    static std::vector<std::uint8_t> build(Bytes bytes) {
        const std::size_t option_bytes =
            std::min<std::size_t>(bytes.size() > 9 ? bytes.size() - 9 : 0, 40) / 4 * 4;
        const std::size_t header_bytes = wire::ipv4_header_bytes + option_bytes;
        std::vector<std::uint8_t> packet(header_bytes + std::size_t{at(bytes, 7)} * 6, 0x21);
        wire::Ipv4Header header;
        header.source = addresses[at(bytes, 0) % addresses.size()];
        header.destination = addresses[at(bytes, 1) % addresses.size()];
        header.dscp = at(bytes, 2) >> 2;
        header.dont_fragment = (at(bytes, 3) & 0x40) != 0;
        header.more_fragments = (at(bytes, 3) & 0x20) != 0;
        header.fragment_offset_bytes =
            static_cast<std::uint16_t>(((at(bytes, 3) & 0x1fU) << 8 | at(bytes, 4)) * 8U);
        header.ttl = at(bytes, 5);
        constexpr std::array<std::uint8_t, 4> protocols{1, 6, 17, 89};
        header.protocol = protocols[at(bytes, 6) % protocols.size()];
        header.identification = at(bytes, 8) % 4;
        header.total_length = static_cast<std::uint16_t>(packet.size());
        wire::write(header, packet);
        packet[0] = static_cast<std::uint8_t>(0x40 | header_bytes / 4);
        for (std::size_t i = 0; i < option_bytes; ++i)
            packet[wire::ipv4_header_bytes + i] = bytes[9 + i];
        store_be16(packet, 10, 0);
        store_be16(packet, 10, wire::checksum_of(Bytes(packet).first(header_bytes)));
        return packet;
    }

    void put(link::InterfaceIndex interface, const std::vector<std::uint8_t>& packet) {
        ++packets_;
        std::array<link::Frame, 1> burst{link::Frame::copy_of(packet, stack_->buffers(), now_)};
        stack_->receive(interface, burst, now_);
        burst = {};
        check(fates_.in == packets_, "every frame has one fate");
    }

    void advance(Duration duration) {
        const Time end = now_ + duration;
        for (int events = 0; events < 10'000; ++events) {
            const Time due = stack_->next_deadline();
            if (due > end) break;
            now_ = std::max(due, now_ + nanoseconds(1));
            settle();
        }
        now_ = std::max(now_, end);
    }

    void settle() {
        int rounds = 0;
        while (stack_->poll(now_))
            check(++rounds < 10'000, "the stack comes to rest");
        for (std::size_t i = 0; i < mtus.size(); ++i) {
            while (!devices_[i]->sent.empty())
                look_at(devices_[i]->take().bytes, mtus[i]);
        }
        check(stack_->buffers().outstanding() <= max_blocks, "memory is bounded");
        check(stack_->ip().reassembly().bytes() <= 4 * 1024 * 1024, "reassembly is bounded");
    }

    static void look_at(Bytes frame, std::size_t mtu) {
        const auto packet = wire::Ipv4View::parse(frame);
        check(packet.has_value(), "packets sent are well formed");
        check(frame.size() <= mtu, "packets sent fit the link");
        check(packet->ttl() > 0, "no packet leaves with a TTL of zero");
        for (const Ipv4Address each : {packet->source(), packet->destination()}) {
            check(!each.is_loopback() && !each.is_this_network() && !each.is_reserved(),
                  "no such address is on a link");
        }
        check(!packet->source().is_multicast() && !packet->source().is_limited_broadcast(),
              "sources are single hosts");
    }

    // Nothing may be left once what is incomplete has timed out.
    void finish() {
        for (auto& device : devices_)
            device->room = harness::FakeDevice::without_limit;
        advance(minutes(3));
        std::vector<std::uint8_t> data(2000);
        const std::array<MutableBytes, 1> parts{MutableBytes(data)};
        while (udp_->receive(parts, {})) {
        }
        udp_.reset();
        settle();
        check(stack_->ip().reassembly().datagrams() == 0, "incomplete datagrams end");
        check(stack_->buffers().outstanding() == 0, "every buffer comes back");
    }

    Time now_{1'000'000'000};
    std::array<std::unique_ptr<harness::FakeDevice>, mtus.size()> devices_;
    Fates fates_;
    std::unique_ptr<Stack> stack_;
    std::unique_ptr<socket::Socket> udp_;
    std::uint64_t packets_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Fuzz().run(Bytes(data, size));
    return 0;
}
