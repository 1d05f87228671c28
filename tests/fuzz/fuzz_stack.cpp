// The whole stack, fed with any packets and any calls at any times: a listener, connections, a UDP
// port. Every frame has one fate, what goes out is well formed and never an answer to a broadcast,
// memory stays bounded, and every buffer comes back.
//
// The input is a list of records: operation (one byte), length (one byte), that many bytes.
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
#include "wire/tcp.hpp"

namespace {

using namespace berth;

constexpr Ipv4Address our_address{192, 0, 2, 2};
constexpr Ipv4Address peer_address{192, 0, 2, 1};
constexpr Ipv4Address broadcast_address{192, 0, 2, 255};
constexpr Port peer_port = 40000;
constexpr std::size_t max_records = 300;
constexpr std::size_t max_sockets = 16;
// The most blocks that these few sockets may hold: their buffers, twice for the blocks' true cost,
// and the reply queue.
constexpr std::size_t max_blocks = 4096;

enum Operation : std::uint8_t {
    op_packet,   // as it is
    op_segment,  // built around the conversation that was heard last: flags, offsets, payload size
    op_broadcast,  // a segment or datagram to the broadcast address
    op_advance,
    op_send,
    op_receive,
    op_close,
    op_accept,
    op_connect,
    op_shutdown,
    op_abort,
    op_refuse,  // the device takes so many frames from now on
    op_count,
};

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_stack: it does not hold that %s\n", what);
    std::abort();
}

class Fates final : public FateObserver {
  public:
    void on_packet(std::uint32_t, Direction direction, Time, Bytes, const Fate&) override {
        if (direction == Direction::in) ++in;
    }
    std::uint64_t in = 0;
};

class Fuzz {
  public:
    Fuzz() {
        StackConfig config;
        config.seed = Seed::from(1);
        config.start = now_;
        config.tcp.receive_buffer_bytes = 32 * 1024;
        config.tcp.send_buffer_bytes = 32 * 1024;
        config.tcp.max_half_open = 32;
        config.tcp.max_connections = 64;
        stack_ = std::make_unique<Stack>(config);
        stack_->add_interface("link0", device_);
        stack_->add_address(0, {our_address, 24});
        stack_->set_observer(&fates_);
        listener_ = socket::open(*stack_, socket::Type::stream);
        check(listener_->bind({{}, 80}) == std::errc{} && listener_->listen(8) == std::errc{},
              "the listener listens");
        udp_ = socket::open(*stack_, socket::Type::datagram);
        check(udp_->bind({{}, 53}) == std::errc{}, "the UDP port is bound");
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
    static std::uint8_t at(Bytes bytes, std::size_t i) {
        return i < bytes.size() ? bytes[i] : std::uint8_t{0};
    }

    void act(Operation operation, Bytes bytes) {
        switch (operation) {
            case op_packet: return put(bytes);
            case op_segment: return put_segment(bytes, our_address);
            case op_broadcast: return put_broadcast(bytes);
            case op_advance:
                return advance(milliseconds(std::int64_t{at(bytes, 0)} << (at(bytes, 1) % 12)));
            case op_connect: return connect(bytes);
            case op_refuse:
                device_.room =
                    at(bytes, 0) == 0 ? harness::FakeDevice::without_limit : at(bytes, 0) % 8;
                return;
            case op_accept:
                if (auto accepted = listener_->accept(); accepted && sockets_.size() < max_sockets)
                    sockets_.push_back(std::move(*accepted));
                return;
            default: return use(operation, bytes);
        }
    }

    // A call on one of the sockets.
    void use(Operation operation, Bytes bytes) {
        if (sockets_.empty()) return;
        const std::size_t which = at(bytes, 0) % sockets_.size();
        socket::Socket& socket = *sockets_[which];
        if (operation == op_send) {
            const std::vector<std::uint8_t> data(std::size_t{at(bytes, 1)} * 64, 'x');
            const std::array<Bytes, 1> parts{Bytes(data)};
            static_cast<void>(socket.send(parts, std::nullopt));
        } else if (operation == op_receive) {
            std::vector<std::uint8_t> data(std::size_t{at(bytes, 1)} * 64);
            const std::array<MutableBytes, 1> parts{MutableBytes(data)};
            static_cast<void>(socket.receive(parts, {.peek = at(bytes, 2) % 4 == 0}));
        } else if (operation == op_shutdown) {
            socket.shutdown(static_cast<socket::Shutdown>(at(bytes, 1) % 3));
        } else {
            if (operation == op_abort) socket.set_option(socket::Option::linger, 0);
            sockets_.erase(sockets_.begin() + static_cast<std::ptrdiff_t>(which));
        }
    }

    void connect(Bytes bytes) {
        if (sockets_.size() == max_sockets) return;
        auto socket = socket::open(*stack_, socket::Type::stream);
        socket->set_option(socket::Option::reuse_address, 1);
        if (socket->bind({our_address, static_cast<Port>(81 + at(bytes, 0) % 4)}) != std::errc{})
            return;
        socket->connect({peer_address, peer_port});
        sockets_.push_back(std::move(socket));
    }

    // Bytes: flags, 2 of sequence offset, 2 of acknowledgment offset, window, payload size / 16,
    // port choice, options.
    void put_segment(Bytes bytes, Ipv4Address destination) {
        wire::TcpHeader header;
        header.source_port = peer_port;
        header.destination_port = static_cast<Port>(80 + at(bytes, 7) % 6);
        header.flags = wire::TcpFlags::from_byte(at(bytes, 0));
        header.seq = peer_next_ + static_cast<std::uint32_t>(
                                      static_cast<std::int16_t>(at(bytes, 1) << 8 | at(bytes, 2)));
        header.ack = stack_next_ + static_cast<std::uint32_t>(
                                       static_cast<std::int16_t>(at(bytes, 3) << 8 | at(bytes, 4)));
        header.window = static_cast<std::uint16_t>(at(bytes, 5) << 8);
        if ((at(bytes, 8) & 1) != 0)
            header.options.mss = static_cast<std::uint16_t>(at(bytes, 9) << 3);
        if ((at(bytes, 8) & 2) != 0) header.options.window_scale = at(bytes, 10);
        if ((at(bytes, 8) & 4) != 0)
            header.options.timestamps = wire::TcpTimestamps{at(bytes, 11), at(bytes, 12)};
        const std::vector<std::uint8_t> payload(std::size_t{at(bytes, 6)} * 6, 'p');
        std::vector<std::uint8_t> packet(wire::ipv4_header_bytes +
                                         wire::tcp_header_size(header.options));
        const std::array<Bytes, 1> slices{Bytes(payload)};
        wire::write_tcp(header, peer_address, destination, slices,
                        MutableBytes(packet).subspan(wire::ipv4_header_bytes));
        packet.insert(packet.end(), payload.begin(), payload.end());
        wire::Ipv4Header ip;
        ip.total_length = static_cast<std::uint16_t>(packet.size());
        ip.protocol = static_cast<std::uint8_t>(Protocol::tcp);
        ip.source = peer_address;
        ip.destination = destination;
        wire::write(ip, packet);
        put(packet);
    }

    void put_broadcast(Bytes bytes) {
        settle();
        device_.room = harness::FakeDevice::without_limit;
        settle();
        const std::uint64_t sent_before = stack_->interface_at(0).counters().frames_out;
        put_segment(bytes, broadcast_address);
        stack_->transmit(0, now_, 100);
        check(stack_->interface_at(0).counters().frames_out == sent_before,
              "a broadcast segment gets no answer");
    }

    void put(Bytes packet) {
        ++packets_;
        std::array<link::Frame, 1> burst{link::Frame::copy_of(packet, stack_->buffers(), now_)};
        stack_->receive(0, burst, now_);
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
        while (!device_.sent.empty())
            hear(device_.take().bytes);
        check(stack_->buffers().outstanding() <= max_blocks, "memory is bounded");
    }

    void hear(Bytes frame) {
        const auto ip = wire::Ipv4View::parse(frame);
        check(ip.has_value(), "packets sent are well formed");
        check(!ip->destination().is_multicast() && !ip->destination().is_limited_broadcast(),
              "answers go to one host");
        if (ip->protocol() != static_cast<std::uint8_t>(Protocol::tcp)) return;
        const auto tcp =
            wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), false);
        check(tcp.has_value(), "segments sent are well formed");
        const wire::TcpFlags flags = tcp->flags();
        check(!(flags.syn && flags.fin) && !(flags.syn && flags.rst), "flags sent make sense");
        if (flags.rst) return;
        stack_next_ = tcp->seq() + static_cast<std::uint32_t>(tcp->payload().size()) +
                      (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0);
        if (flags.ack) peer_next_ = tcp->ack();
    }

    // Everybody goes; after a while nothing may be left.
    void finish() {
        device_.room = harness::FakeDevice::without_limit;
        sockets_.clear();
        listener_.reset();
        udp_.reset();
        settle();
        advance(minutes(60 * 12));
        for (const socket::Row& row : socket::rows(*stack_)) {
            std::fprintf(stderr, "left over: %s %s %s, %zu unread, %zu unacknowledged\n",
                         to_string(row.local).c_str(), to_string(row.remote).c_str(),
                         std::string(row.state).c_str(), row.receive_queue, row.send_queue);
        }
        check(stack_->tcp().connection_count() == 0, "connections end");
        check(stack_->tcp().half_open_count() == 0, "half-open records end");
        check(stack_->tcp().time_wait_count() == 0, "TIME-WAIT ends");
        check(stack_->buffers().outstanding() == 0, "every buffer comes back");
    }

    Time now_{1'000'000'000};
    harness::FakeDevice device_{link::LinkKind::raw_ip};
    Fates fates_;
    std::unique_ptr<Stack> stack_;
    std::unique_ptr<socket::Socket> listener_;
    std::unique_ptr<socket::Socket> udp_;
    std::vector<std::unique_ptr<socket::Socket>> sockets_;
    std::uint64_t packets_ = 0;
    std::uint32_t peer_next_ = 1000;
    std::uint32_t stack_next_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Fuzz().run(Bytes(data, size));
    return 0;
}
