#include "fuzz/tcp/side.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include "fuzz/tcp/story.hpp"
#include "socket/tcp_socket.hpp"
#include "tcp/sequence.hpp"

namespace berth::fuzz {

namespace {
// The most blocks that these few connections may hold: their buffers, twice for the blocks' true
// cost, and the reply queue.
constexpr std::size_t max_blocks = 4096;
}  // namespace

void check(bool holds, const char* what) {
    if (!holds) throw Broken(std::string("it does not hold that ") + what);
}

std::vector<std::uint8_t> text_of(Endpoint sender, Endpoint receiver, std::uint32_t position,
                                  std::size_t size) {
    const std::uint64_t key = std::uint64_t{sender.port} << 40 ^
                              std::uint64_t{receiver.port} << 24 ^ sender.address.value;
    std::vector<std::uint8_t> text(size);
    for (std::size_t i = 0; i < size; ++i)
        text[i] = static_cast<std::uint8_t>((key + position + i) * 0x9e37'79b9'7f4a'7c15ULL >> 56);
    return text;
}

void Watch::on_packet(std::uint32_t interface_index, Direction direction, Time when, Bytes frame,
                      const Fate& fate) {
    if (tells_story()) tell_packet(host_, direction, when, frame, fate);
    WireWatch::on_packet(interface_index, direction, when, frame, fate);
}

void Watch::on_text_sent(const FourTuple& four_tuple, std::uint32_t position, Bytes text) {
    const auto expected = text_of(four_tuple.local, four_tuple.remote, position, text.size());
    if (!std::equal(text.begin(), text.end(), expected.begin()))
        complain("text was sent that the user did not give");
}

Side::Side(Ipv4Address own, Ipv4Address other, std::uint64_t seed, const Setup& setup, Time start)
    : own_(own),
      other_(other),
      device_(link::LinkKind::raw_ip, setup.mtu),
      watch_(seed == 1 ? "left" : "right") {
    StackConfig stack_config;
    stack_config.seed = Seed::from(seed);
    stack_config.start = start;
    stack_config.tcp = setup.config;
    stack_ = std::make_unique<Stack>(stack_config);
    stack_->add_interface("link0", device_);
    stack_->add_address(0, {own, 24});
    stack_->set_observer(&watch_);
}

void Side::listen(int backlog) {
    if (!listener_) {
        listener_ = socket::open(*stack_, socket::Type::stream);
        listener_->set_option(socket::Option::reuse_address, 1);
        if (listener_->bind({{}, service}) != std::errc{}) {
            listener_.reset();
            return;
        }
    }
    if (listener_->listen(backlog) != std::errc{}) listener_.reset();
}

void Side::connect(Port local, Port remote) {
    if (is_full()) return;
    End end;
    end.socket = socket::open(*stack_, socket::Type::stream);
    if (local != 0) {
        end.socket->set_option(socket::Option::reuse_address, 1);
        if (end.socket->bind({own_, local}) != std::errc{}) return;
    }
    end.remote = {other_, remote};
    if (end.socket->connect(end.remote) != std::errc::operation_in_progress) return;
    end.local = end.socket->local();
    add(std::move(end));
}

bool Side::accept() {
    if (!listener_ || is_full()) return false;
    auto accepted = listener_->accept();
    if (!accepted) return false;
    End end;
    end.socket = std::move(*accepted);
    end.local = end.socket->local();
    if (const auto remote = end.socket->remote()) end.remote = *remote;
    add(std::move(end));
    return true;
}

void Side::add(End end) {
    end.again = std::find(known_.begin(), known_.end(), end.four_tuple()) != known_.end();
    known_.push_back(end.four_tuple());
    for (End& other : ends_)
        other.is_past = other.is_past || other.four_tuple() == end.four_tuple();
    ends_.push_back(std::move(end));
}

void Side::send(End& end, std::size_t size, tcp::Connection::SendFlags flags) {
    if (end.sent + size > max_sent) return;
    const auto text = text_of(end.local, end.remote, end.sent, size);
    const std::array<Bytes, 1> parts{Bytes(text)};
    std::size_t taken = 0;
    if (flags.more || flags.urgent) {
        tcp::Connection* connection = connection_of(end);
        if (connection == nullptr) return;
        urgent = urgent || flags.urgent;
        if (const auto result = connection->send(parts, flags)) taken = *result;
    } else if (const auto result = end.socket->send(parts, std::nullopt)) {
        taken = *result;
    } else if (result.error() != std::errc::operation_would_block &&
               result.error() != std::errc::broken_pipe &&
               result.error() != std::errc::not_connected) {
        end.failed = true;
    }
    check(taken <= size, "no more is taken than was given");
    end.sent += static_cast<std::uint32_t>(taken);
}

bool Side::read(End& end, std::size_t size, bool peek) {
    std::vector<std::uint8_t> text(size);
    const std::array<MutableBytes, 1> parts{MutableBytes(text)};
    const auto received = end.socket->receive(parts, {.peek = peek});
    if (!received) {
        if (received.error() != std::errc::operation_would_block &&
            received.error() != std::errc::not_connected)
            end.failed = true;
        return false;
    }
    if (received->bytes == 0) {
        if (size > 0) end.read_end = true;
        return false;
    }
    check(!end.read_end, "nothing comes after the end");
    text.resize(received->bytes);
    if (compares && !end.failed && !urgent)
        check(text == text_of(end.remote, end.local, end.read, text.size()),
              "what is read is what was sent");
    if (!peek) end.read += static_cast<std::uint32_t>(text.size());
    return !peek;
}

void Side::shut(End& end, socket::Shutdown how) {
    if (end.socket->shutdown(how) != std::errc{}) return;
    if (how != socket::Shutdown::read) end.sent_end = true;
    if (how != socket::Shutdown::write) end.discards = true;
}

void Side::set_options(End& end, Input& input) {
    tcp::Connection* connection = connection_of(end);
    if (connection == nullptr) return;
    const std::uint8_t bits = input.byte();
    const std::uint8_t amount = input.byte();
    tcp::Options options = connection->options();
    options.no_delay = (bits & 1) != 0;
    options.cork = (bits & 2) != 0;
    options.out_of_band_inline = (bits & 4) != 0;
    options.keep_alive = (bits & 8) != 0;
    if ((bits & 0x10) != 0) options.receive_buffer_bytes = 2048U + std::uint32_t{amount} * 256;
    if ((bits & 0x20) != 0) options.window_clamp = std::uint32_t{amount} * 64;
    if ((bits & 0x40) != 0) options.user_timeout = milliseconds(std::int64_t{amount} * 100);
    if ((bits & 0x80) != 0) options.notsent_low_water = std::uint32_t{amount} * 16;
    options.keep_idle_s = amount;
    end.impatient = end.impatient || options.keep_alive || options.user_timeout.ns > 0;
    connection->set_options(options);
}

void Side::close(std::size_t which, bool abort) {
    if (abort) ends_[which].socket->set_option(socket::Option::linger, 0);
    ends_.erase(ends_.begin() + static_cast<std::ptrdiff_t>(which));
}

tcp::Connection* Side::connection_of(const FourTuple& four_tuple) const {
    demux::Entry* entry = stack_->tcp().table().find(four_tuple);
    if (entry == nullptr || entry->kind != demux::EntryKind::connection) return nullptr;
    return static_cast<tcp::Connection*>(entry);
}

tcp::Connection* Side::connection_of(const End& end) const {
    tcp::Connection* found = end.is_past ? nullptr : connection_of(end.four_tuple());
    const auto& socket = static_cast<const socket::TcpSocket&>(*end.socket);
    return found == socket.connection() ? found : nullptr;
}

void Side::put(const Packet& packet, Time now) {
    ++packets_put_;
    std::array<link::Frame, 1> burst{link::Frame::copy_of(packet, stack_->buffers(), now)};
    stack_->receive(0, burst, now);
    burst = {};
    check(watch_.packets_in() == packets_put_, "every frame has one fate");
}

void Side::check_state(Time now) {
    if (device_.room == harness::FakeDevice::without_limit) {
        check(stack_->next_deadline() > now, "nothing is due once the stack has come to rest");
        watch_.check_debts(now);
    } else {
        watch_.forgive_debts();
    }
    if (!watch_.complaint().empty()) throw Broken(watch_.complaint());
    check(stack_->buffers().outstanding() <= max_blocks, "memory is bounded");
    check_connections();
    check_promises();
}

void Side::check_connections() const {
    std::size_t count = 0;
    stack_->tcp().table().for_each([&](const demux::Entry& entry) {
        if (entry.kind != demux::EntryKind::connection) return;
        ++count;
        const auto& connection = static_cast<const tcp::Connection&>(entry);
        check(
            connection.state() != tcp::State::closed && connection.state() != tcp::State::time_wait,
            "what is over has left the table");
        const auto& snd = connection.sender().snd();
        check(!after(snd.una, snd.nxt), "una <= nxt");
        if (tcp::is_synchronized(connection.state()))
            check(snd.nxt - snd.una <= snd.max_wnd + 2, "nxt <= una + the largest window");
    });
    check(count == stack_->tcp().connection_count(), "the count of connections is right");
}

// What was acknowledged is there for the user, or was read.
void Side::check_promises() {
    for (End& end : ends_) {
        end.established = end.established || end.socket->remote().has_value();
        const tcp::Connection* connection = connection_of(end);
        if (connection == nullptr || end.discards || !tcp::is_synchronized(connection->state()))
            continue;
        const tcp::Receiver& receiver = connection->receiver();
        const std::uint32_t taken =
            receiver.rcv().nxt - receiver.rcv().irs - 1 - (receiver.fin_received() ? 1 : 0);
        const std::size_t held = end.read + receiver.queued_bytes();
        if (held == taken || (held < taken && (urgent || !compares))) continue;
        throw Broken(to_string(end.four_tuple()) + ": " + std::to_string(taken) +
                     " bytes are acknowledged, " + std::to_string(end.read) + " were read and " +
                     std::to_string(receiver.queued_bytes()) + " can be");
    }
}

void Side::check_nothing_is_left() const {
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

}  // namespace berth::fuzz
