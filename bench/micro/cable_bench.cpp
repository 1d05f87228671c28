// cable/…: what a byte, and a question with its answer, cost through two whole stacks in one
// thread.
//
// The stacks are joined by a cable without latency and live in virtual time, so that what is
// measured is work and nothing else: sockets, TCP, IP, link and the copy in the cable, on both
// sides.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "bench/support.hpp"
#include "drivers/cable.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"

namespace berth::bench {
namespace {

constexpr Ipv4Prefix client_address{Ipv4Address(192, 0, 2, 1), 24};
constexpr Ipv4Prefix server_address{Ipv4Address(192, 0, 2, 2), 24};
constexpr Port server_port = 7;

StackConfig config(std::uint64_t label) {
    StackConfig config;
    config.seed = Seed::from(run_seed() * 2 + label);
    return config;
}

drivers::CableOptions cable_of(link::LinkKind kind) {
    drivers::CableOptions options;
    options.kind = kind;
    options.when_full = drivers::WhenFull::refuse;
    return options;
}

// A client and a server with an established connection between them.
class World {
  public:
    explicit World(link::LinkKind kind)
        : cable_(drivers::Cable::make(cable_of(kind))), client_(config(0)), server_(config(1)) {
        client_.add_address(client_.add_interface("client", *cable_.a), client_address);
        server_.add_address(server_.add_interface("server", *cable_.b), server_address);
        listener_ = socket::open(server_, socket::Type::stream);
        caller_ = socket::open(client_, socket::Type::stream);
        const Endpoint service{server_address.address, server_port};
        if (listener_->bind(service) != std::errc{} || listener_->listen(1) != std::errc{}) return;
        static_cast<void>(caller_->connect(service));
        for (int step = 0; step < handshake_steps && !answerer_; ++step) {
            run();
            if (auto accepted = listener_->accept()) answerer_ = std::move(*accepted);
        }
    }

    bool connected() const { return answerer_ != nullptr; }
    socket::Socket& caller() { return *caller_; }
    socket::Socket& answerer() { return *answerer_; }

    // Lets both stacks do what there is to do now; when that is nothing, time goes on to what is
    // next.
    void run() {
        const bool client_did = client_.poll(now_);
        const bool server_did = server_.poll(now_);
        if (client_did || server_did) return;
        const Time next = earlier(earlier(client_.next_deadline(), server_.next_deadline()),
                                  earlier(cable_.a->next_arrival(), cable_.b->next_arrival()));
        if (!next.is_never()) now_ = std::max(next, now_ + nanoseconds(1));
    }

  private:
    static constexpr int handshake_steps = 1000;

    drivers::Cable cable_;
    Stack client_;
    Stack server_;
    Time now_{};
    std::unique_ptr<socket::Socket> listener_;
    std::unique_ptr<socket::Socket> caller_;
    std::unique_ptr<socket::Socket> answerer_;
};

// Both return the bytes that went; zero when there was nothing to do.
std::size_t send_some(socket::Socket& socket, Bytes bytes) {
    if (bytes.empty()) return 0;
    const std::array<Bytes, 1> parts{bytes};
    const auto sent = socket.send(parts, std::nullopt);
    return sent ? *sent : 0;
}
std::size_t receive_some(socket::Socket& socket, MutableBytes bytes) {
    if (bytes.empty()) return 0;
    const std::array<MutableBytes, 1> parts{bytes};
    const auto received = socket.receive(parts, {});
    return received ? received->bytes : 0;
}

// Sends all of `bytes` from one socket to the other; false when it does not arrive.
bool transfer(World& world, socket::Socket& from, socket::Socket& to, Bytes bytes,
              MutableBytes arrived) {
    constexpr int idle_steps_allowed = 1000;
    std::size_t sent = 0;
    std::size_t received = 0;
    int idle_steps = 0;
    while (received < bytes.size()) {
        const std::size_t before = sent + received;
        sent += send_some(from, bytes.subspan(sent));
        world.run();
        received += receive_some(to, arrived.subspan(received));
        idle_steps = sent + received == before ? idle_steps + 1 : 0;
        if (idle_steps > idle_steps_allowed) return false;
    }
    return true;
}

std::vector<std::uint8_t> random_bytes(std::size_t count) {
    Random random = random_stream(count);
    std::vector<std::uint8_t> bytes(count);
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(random.next_u32());
    return bytes;
}

void set_rates(benchmark::State& state) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * state.range(0));
}

template <link::LinkKind kind>
void stream(benchmark::State& state) {
    World world(kind);
    if (!world.connected()) {
        state.SkipWithError("the stacks did not connect");
        return;
    }
    const auto bytes = random_bytes(static_cast<std::size_t>(state.range(0)));
    std::vector<std::uint8_t> arrived(bytes.size());
    for (auto _ : state) {
        if (transfer(world, world.caller(), world.answerer(), bytes, arrived)) continue;
        state.SkipWithError("the transfer came to a halt");
        return;
    }
    // The last one stands for all: a byte lost or doubled before it would have shifted it.
    if (arrived != bytes) state.SkipWithError("what arrived is not what was sent");
    set_rates(state);
}

template <link::LinkKind kind>
void round_trip(benchmark::State& state) {
    World world(kind);
    if (!world.connected()) {
        state.SkipWithError("the stacks did not connect");
        return;
    }
    auto question = random_bytes(static_cast<std::size_t>(state.range(0)));
    std::vector<std::uint8_t> heard(question.size());
    std::vector<std::uint8_t> answer(question.size());
    for (auto _ : state) {
        ++question[0];
        if (!transfer(world, world.caller(), world.answerer(), question, heard) ||
            !transfer(world, world.answerer(), world.caller(), heard, answer)) {
            state.SkipWithError("the exchange came to a halt");
            return;
        }
        if (answer != question) {
            state.SkipWithError("the answer is not the echo of the question");
            return;
        }
    }
    set_rates(state);
}

void copy(benchmark::State& state) {
    const auto bytes = random_bytes(static_cast<std::size_t>(state.range(0)));
    std::vector<std::uint8_t> to(bytes.size());
    for (auto _ : state) {
        benchmark::DoNotOptimize(bytes.data());
        std::memcpy(to.data(), bytes.data(), bytes.size());
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    if (to != bytes) state.SkipWithError("the copy is wrong");
    set_rates(state);
}

constexpr int transfer_bytes = 1 << 20;
BENCHMARK(copy)->Name("cable/stream/memcpy")->Arg(transfer_bytes);
BENCHMARK(stream<link::LinkKind::ethernet>)->Name("cable/stream/ethernet")->Arg(transfer_bytes);
BENCHMARK(stream<link::LinkKind::raw_ip>)->Name("cable/stream/raw_ip")->Arg(transfer_bytes);
BENCHMARK(round_trip<link::LinkKind::ethernet>)->Name("cable/round_trip/ethernet")->Arg(1);
BENCHMARK(round_trip<link::LinkKind::raw_ip>)->Name("cable/round_trip/raw_ip")->Arg(1);

}  // namespace
}  // namespace berth::bench
