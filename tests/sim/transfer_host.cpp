#include "sim/transfer_host.hpp"

#include <algorithm>
#include <array>
#include <vector>

namespace berth::sim {
namespace {

constexpr std::size_t send_chunk_bytes = 32 * 1024;
constexpr std::size_t read_buffer_bytes = 64 * 1024;

// The content of a stream: each eight bytes depend on the seed and their place.
std::uint8_t content(std::uint64_t seed, std::size_t position) {
    std::uint64_t x = (seed + position / 8) * 0x9e3779b97f4a7c15ULL;
    x ^= x >> 29;
    return static_cast<std::uint8_t>(x >> (8 * (position % 8)));
}

std::vector<std::uint8_t> contents(std::uint64_t seed, std::size_t position, std::size_t bytes) {
    std::vector<std::uint8_t> data(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
        data[i] = content(seed, position + i);
    return data;
}

}  // namespace

TransferHost::TransferHost(const StackConfig& config, link::LinkDevice& device, Ipv4Prefix address,
                           const Program& program)
    : counted_(device),
      watch_(device.properties().kind == link::LinkKind::ethernet),
      program_(program),
      stack_(config) {
    stack_.add_interface("link0", counted_);
    stack_.add_address(0, address);
    stack_.set_observer(&watch_);
}

void TransferHost::fail(const std::string& what) {
    if (failure_.empty()) failure_ = what;
}

void TransferHost::run(Time now) {
    do {
        while (stack_.poll(now)) {
        }
    } while (failure_.empty() && !done_ && step(now));
    if (watch_.packets_in() != counted_.received) {
        fail(std::to_string(counted_.received) + " frames arrived and " +
             std::to_string(watch_.packets_in()) + " fates were told");
    }
    if (!watch_.complaint().empty()) fail(watch_.complaint());
}

Time TransferHost::next_deadline() const {
    const Time due = stack_.next_deadline();
    return !done_ && next_read_ > stack_.now() ? earlier(due, next_read_) : due;
}

bool TransferHost::step(Time now) {
    if (!connected_) {
        const bool worked = establish();
        if (!connected_) return worked;
    }
    bool worked = send_some();
    worked = read_some(now) || worked;
    if (failure_.empty() && sent_end_ && read_end_) {
        if (read_ != program_.bytes_to_read)
            fail("the stream ended after " + std::to_string(read_) + " bytes");
        socket_.reset();
        listener_.reset();
        done_ = true;
        return true;
    }
    return worked;
}

bool TransferHost::establish() {
    if (program_.listens) {
        if (!listener_) {
            listener_ = socket::open(stack_, socket::Type::stream);
            if (listener_->bind(program_.server) != std::errc{} ||
                listener_->listen(4) != std::errc{})
                fail("listen failed");
        }
        auto accepted = listener_->accept();
        if (!accepted) return false;
        socket_ = std::move(*accepted);
        connected_ = true;
        return true;
    }
    if (!socket_) {
        socket_ = socket::open(stack_, socket::Type::stream);
        if (socket_->connect(program_.server) != std::errc::operation_in_progress)
            fail("connect failed");
        return true;
    }
    const socket::Readiness readiness = socket_->readiness();
    if (readiness.error) {
        const auto error = socket_->get_option(socket::Option::error);
        // ARP has no repair of its own: its three requests may all be lost. The program tries
        // again.
        if (error && static_cast<std::errc>(*error) == std::errc::host_unreachable) {
            socket_.reset();
            return true;
        }
        fail("connect: " + (error ? std::make_error_code(static_cast<std::errc>(*error)).message()
                                  : "unknown error"));
        return false;
    }
    connected_ = readiness.writable;
    return connected_;
}

bool TransferHost::send_some() {
    if (sent_end_) return false;
    if (sent_ == program_.bytes_to_send) {
        const std::errc error = socket_->shutdown(socket::Shutdown::write);
        if (error != std::errc{}) fail("shutdown: " + std::make_error_code(error).message());
        sent_end_ = true;
        return true;
    }
    const std::size_t bytes = std::min(send_chunk_bytes, program_.bytes_to_send - sent_);
    const auto data = contents(program_.content_seed, sent_, bytes);
    const std::array<Bytes, 1> parts{Bytes(data)};
    const auto taken = socket_->send(parts, std::nullopt);
    if (!taken) {
        if (taken.error() != std::errc::operation_would_block)
            fail("send: " + std::make_error_code(taken.error()).message());
        return false;
    }
    sent_ += *taken;
    return *taken > 0;
}

bool TransferHost::read_some(Time now) {
    if (read_end_ || now < next_read_) return false;
    std::vector<std::uint8_t> data(program_.read_chunk_bytes != 0 ? program_.read_chunk_bytes
                                                                  : read_buffer_bytes);
    const std::array<MutableBytes, 1> parts{MutableBytes(data)};
    const auto received = socket_->receive(parts, {});
    if (!received) {
        if (received.error() != std::errc::operation_would_block)
            fail("receive: " + std::make_error_code(received.error()).message());
        return false;
    }
    data.resize(received->bytes);
    // Both directions of one seed differ: the listener's content is the other's with the bits
    // turned.
    if (data != contents(~program_.content_seed, read_, data.size()))
        fail("the contents differ after " + std::to_string(read_) + " bytes");
    read_ += received->bytes;
    read_end_ = received->bytes == 0;
    if (program_.read_chunk_bytes != 0) next_read_ = now + program_.read_interval;
    return true;
}

}  // namespace berth::sim
