// A crowd of clients behind one link: each is a number, and remembers nothing. What a client says
// next follows from what it hears, so a million of them cost no memory of their own.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "link/link_device.hpp"
#include "wire/ipv4.hpp"
#include "wire/tcp.hpp"

namespace berth::bench {

class Crowd final : public link::LinkDevice {
  public:
    static constexpr Ipv4Prefix server_address{Ipv4Address(198, 18, 0, 1), 15};
    static constexpr Endpoint service{server_address.address, 80};

    Crowd() { properties_.kind = link::LinkKind::raw_ip; }

    // Do they answer a SYN,ACK; and with how many bytes?
    bool completes_handshakes = true;
    std::size_t greeting_bytes = 0;

    // The next `count` clients send their SYNs.
    void calls(std::uint32_t count) { to_call_ += count; }

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override {
        std::size_t count = 0;
        for (; count < burst.size() && to_call_ > 0; ++count, --to_call_)
            burst[count] = link::Frame::copy_of(first_word(called_++), pool, now);
        for (; count < burst.size() && said_ < answers_.size(); ++count)
            burst[count] = link::Frame::copy_of(answers_[said_++].bytes(), pool, now);
        if (said_ == answers_.size()) {
            answers_.clear();
            said_ = 0;
        }
        return count;
    }
    std::size_t send(std::span<const link::OutFrame> burst, Time) override {
        for (const link::OutFrame& frame : burst)
            hear(frame);
        return burst.size();
    }
    Time next_arrival() const override {
        return to_call_ > 0 || !answers_.empty() ? Time{} : Time::never();
    }

  private:
    static constexpr std::uint32_t ports_each = 50'000;
    static constexpr Port first_port = 10'000;
    static constexpr std::size_t largest_packet = 1500;

    struct Packet {
        std::array<std::uint8_t, largest_packet> room;
        std::size_t size = 0;
        Bytes bytes() const { return Bytes(room).first(size); }
    };

    static Endpoint client(std::uint32_t number) {
        return {Ipv4Address(server_address.address.value + 1 + number / ports_each),
                static_cast<Port>(first_port + number % ports_each)};
    }

    static void write(const wire::TcpHeader& fields, Endpoint from, std::size_t payload_bytes,
                      Packet& packet) {
        wire::TcpHeader header = fields;
        header.source_port = from.port;
        header.destination_port = service.port;
        const std::size_t tcp_bytes = wire::tcp_header_size(header.options);
        packet.size = wire::ipv4_header_bytes + tcp_bytes + payload_bytes;
        const MutableBytes all = MutableBytes(packet.room).first(packet.size);
        const MutableBytes payload = all.last(payload_bytes);
        std::fill(payload.begin(), payload.end(), std::uint8_t{'x'});
        wire::Ipv4Header ip;
        ip.total_length = static_cast<std::uint16_t>(packet.size);
        ip.protocol = static_cast<std::uint8_t>(Protocol::tcp);
        ip.source = from.address;
        ip.destination = service.address;
        wire::write(ip, all);
        const std::array<Bytes, 1> slices{Bytes(payload)};
        wire::write_tcp(header, ip.source, ip.destination, slices,
                        all.subspan(wire::ipv4_header_bytes));
    }

    // A SYN with the options of current Linux.
    Bytes first_word(std::uint32_t number) {
        wire::TcpHeader header;
        header.seq = number;
        header.flags.syn = true;
        header.window = 64'240;
        header.options.mss = std::uint16_t{1460};
        header.options.sack_permitted = true;
        header.options.timestamps = wire::TcpTimestamps{clock, 0};
        header.options.window_scale = std::uint8_t{7};
        write(header, client(number), 0, syn_);
        return syn_.bytes();
    }

    void hear(const link::OutFrame& frame) {
        const std::size_t size = frame.copy_to(heard_);
        const auto packet = wire::Ipv4View::parse(Bytes(heard_).first(size));
        if (!packet) return;
        const auto segment =
            wire::TcpView::parse(packet->payload(), packet->source(), packet->destination(), true);
        if (!segment) return;
        const wire::TcpFlags flags = segment->flags();
        const auto length = static_cast<std::uint32_t>(segment->payload().size()) +
                            (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0);
        if (length == 0 || flags.rst || (flags.syn && !completes_handshakes)) return;
        wire::TcpHeader header;
        header.seq = segment->ack();
        header.ack = segment->seq() + length;
        header.flags.ack = true;
        header.flags.fin = flags.fin;
        header.window = 502;
        if (const auto stamp = segment->options().timestamps)
            header.options.timestamps = wire::TcpTimestamps{clock, stamp->value};
        write(header, {packet->destination(), segment->destination_port()},
              flags.syn ? greeting_bytes : 0, answers_.emplace_back());
    }

    static constexpr std::uint32_t clock = 1'000'000;  // no time passes

    link::LinkProperties properties_;
    std::uint32_t called_ = 0;
    std::uint32_t to_call_ = 0;
    std::vector<Packet> answers_;
    std::size_t said_ = 0;
    Packet syn_{};
    std::array<std::uint8_t, largest_packet> heard_{};
};

}  // namespace berth::bench
