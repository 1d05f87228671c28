// parse/…: from the bytes of an Ethernet frame to a checked TCP header, and back.
#include <benchmark/benchmark.h>

#include <array>
#include <cstring>
#include <optional>
#include <vector>

#include "bench/support.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::bench {
namespace {

constexpr Ipv4Address source(198, 51, 100, 1);
constexpr Ipv4Address destination(192, 0, 2, 1);

wire::TcpHeader sample_header() {
    wire::TcpHeader header;
    header.source_port = 40000;
    header.destination_port = 80;
    header.seq = 0x12345678;
    header.ack = 0x9abcdef0;
    header.flags.ack = true;
    header.window = 501;
    header.options.timestamps = wire::TcpTimestamps{1'000'000, 2'000'000};
    return header;
}

// Writes headers in front of a payload that is already in its place.
std::size_t write_frame(const wire::TcpHeader& header, Bytes payload, MutableBytes frame) {
    const std::size_t tcp_bytes = wire::tcp_header_size(header.options);
    wire::write(wire::EthernetHeader{MacAddress{{2, 0, 0, 0, 0, 1}}, MacAddress{{2, 0, 0, 0, 0, 2}},
                                     wire::EtherType::ipv4},
                frame);
    wire::Ipv4Header ip;
    ip.total_length =
        static_cast<std::uint16_t>(wire::ipv4_header_bytes + tcp_bytes + payload.size());
    ip.dont_fragment = true;
    ip.protocol = static_cast<std::uint8_t>(Protocol::tcp);
    ip.source = source;
    ip.destination = destination;
    const MutableBytes packet = frame.subspan(wire::ethernet_header_bytes);
    wire::write(ip, packet);
    const std::array<Bytes, 1> slices{payload};
    wire::write_tcp(header, source, destination, slices, packet.subspan(wire::ipv4_header_bytes));
    return wire::ethernet_header_bytes + ip.total_length;
}

std::vector<std::uint8_t> sample_frame(std::size_t payload_bytes) {
    Random random = random_stream(payload_bytes);
    std::vector<std::uint8_t> payload(payload_bytes);
    for (auto& byte : payload)
        byte = static_cast<std::uint8_t>(random.next_u32());
    std::vector<std::uint8_t> frame(2048);
    const std::size_t length = write_frame(sample_header(), payload, frame);
    std::copy(payload.begin(), payload.end(),
              frame.begin() + static_cast<std::ptrdiff_t>(length - payload_bytes));
    frame.resize(length);
    return frame;
}

std::optional<wire::TcpHeader> parse_frame(Bytes frame, bool checksum_vouched) {
    const auto ethernet = wire::EthernetView::parse(frame);
    if (!ethernet || ethernet->type() != wire::EtherType::ipv4) return std::nullopt;
    const auto ip = wire::Ipv4View::parse(ethernet->payload());
    if (!ip || ip->is_fragment()) return std::nullopt;
    const auto tcp =
        wire::TcpView::parse(ip->payload(), ip->source(), ip->destination(), checksum_vouched);
    if (!tcp) return std::nullopt;
    return tcp->header();
}

void set_rates(benchmark::State& state, std::size_t frame_bytes) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(frame_bytes));
}

template <bool checksum_vouched>
void parse(benchmark::State& state) {
    const auto frame = sample_frame(static_cast<std::size_t>(state.range(0)));
    if (parse_frame(frame, checksum_vouched) != sample_header()) {
        state.SkipWithError("the frame was not parsed as it was written");
        return;
    }
    for (auto _ : state) {
        benchmark::DoNotOptimize(frame.data());
        benchmark::ClobberMemory();
        benchmark::DoNotOptimize(parse_frame(frame, checksum_vouched));
    }
    set_rates(state, frame.size());
}

void write(benchmark::State& state) {
    const auto frame = sample_frame(static_cast<std::size_t>(state.range(0)));
    const Bytes payload = Bytes(frame).last(static_cast<std::size_t>(state.range(0)));
    wire::TcpHeader header = sample_header();
    std::vector<std::uint8_t> to(2048);
    for (auto _ : state) {
        benchmark::DoNotOptimize(header);
        benchmark::DoNotOptimize(write_frame(header, payload, to));
        benchmark::ClobberMemory();
    }
    const std::size_t header_bytes = frame.size() - payload.size();
    if (std::memcmp(to.data(), frame.data(), header_bytes) != 0) state.SkipWithError("wrong bytes");
    set_rates(state, frame.size());
}

void copy(benchmark::State& state) {
    const auto frame = sample_frame(static_cast<std::size_t>(state.range(0)));
    std::vector<std::uint8_t> to(frame.size());
    for (auto _ : state) {
        benchmark::DoNotOptimize(frame.data());
        std::memcpy(to.data(), frame.data(), frame.size());
        benchmark::DoNotOptimize(to.data());
        benchmark::ClobberMemory();
    }
    if (to != frame) state.SkipWithError("the copy is wrong");
    set_rates(state, frame.size());
}

void payloads(benchmark::internal::Benchmark* benchmark) {
    for (const int size : {0, 512, 1448})
        benchmark->Arg(size);
}

BENCHMARK(copy)->Name("parse/memcpy")->Apply(payloads);
BENCHMARK(parse<false>)->Name("parse/checked")->Apply(payloads);
BENCHMARK(parse<true>)->Name("parse/checksum_vouched")->Apply(payloads);
BENCHMARK(write)->Name("parse/write")->Apply(payloads);

}  // namespace
}  // namespace berth::bench
