#include "drivers/unix_link.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

// Frames that one receive() passes between peers before it returns to its caller.
constexpr std::size_t frames_per_call = 512;
// Frames of one peer before the next one's turn.
constexpr std::size_t frames_per_turn = 32;
// How long to leave new peers waiting when the system has no descriptor for them.
constexpr Duration accept_pause = milliseconds(500);

constexpr std::size_t ethernet_header_bytes = 14;
constexpr SwitchPort every_port = ~SwitchPort{0};

MacAddress mac_at(Bytes frame, std::size_t at) {
    MacAddress mac;
    std::copy_n(frame.begin() + static_cast<std::ptrdiff_t>(at), mac.octets.size(),
                mac.octets.begin());
    return mac;
}

// The Ethernet header of a frame whose bytes may lie in several places; shorter if the frame is.
struct LeadingBytes {
    std::array<std::uint8_t, ethernet_header_bytes> bytes{};
    std::size_t size = 0;

    explicit LeadingBytes(const link::OutFrame& frame) {
        append(frame.header());
        for (const Bytes slice : frame.slices())
            append(slice);
    }
    void append(Bytes part) {
        const std::size_t count = std::min(part.size(), bytes.size() - size);
        std::copy_n(part.begin(), count, bytes.begin() + static_cast<std::ptrdiff_t>(size));
        size += count;
    }
};

}  // namespace

// Where received frames go during one receive().
struct UnixLink::Receiving {
    BufferPool& pool;
    std::span<link::Frame> burst;
    Time now;
    std::size_t count = 0;   // of the burst
    std::size_t passed = 0;  // in all
    bool full() const { return count == burst.size() || passed >= frames_per_call; }
};

UnixLink::UnixLink(std::string path, const UnixLinkOptions& options)
    : path_(std::move(path)), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    properties_.kind = link::LinkKind::ethernet;
    properties_.mtu = options.mtu;
}

Result<std::unique_ptr<UnixLink>, std::string> UnixLink::listen(const std::string& path,
                                                                const UnixLinkOptions& options) {
    auto listener = UnixListener::make(path);
    if (!listener) return Failure{listener.error()};
    std::unique_ptr<UnixLink> link(new UnixLink(path, options));
    link->listener_ = *std::move(listener);
    if (!link->watch(link->listener_.get(), own_port)) {
        return Failure{concat({"cannot listen at ", path, ": ", errno_text(errno)})};
    }
    return link;
}

Result<std::unique_ptr<UnixLink>, std::string> UnixLink::connect(const std::string& path,
                                                                 const UnixLinkOptions& options) {
    auto fd = connect_to(path);
    if (!fd) return Failure{fd.error()};
    std::unique_ptr<UnixLink> link(new UnixLink(path, options));
    if (!link->add_peer(*std::move(fd))) {
        return Failure{concat({"cannot connect to ", path, ": ", errno_text(errno)})};
    }
    return link;
}

Result<std::unique_ptr<UnixLink>, std::string> UnixLink::adopt(UniqueFd connected,
                                                               const UnixLinkOptions& options) {
    std::unique_ptr<UnixLink> link(new UnixLink("the socket given", options));
    if (!link->add_peer(std::move(connected))) {
        return Failure{concat({"cannot use the socket given: ", errno_text(errno)})};
    }
    return link;
}

bool UnixLink::watch(int fd, SwitchPort port) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u32 = port;
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

bool UnixLink::add_peer(UniqueFd fd) {
    const SwitchPort port = next_port_++;
    if (!watch(fd.get(), port)) return false;
    const auto added = peers_.emplace(std::piecewise_construct, std::forward_as_tuple(port),
                                      std::forward_as_tuple(std::move(fd)));
    added.first->second.readable = true;  // it may have spoken already
    return true;
}

// Asks the kernel who has something for us.
void UnixLink::look_around(Time now) {
    if (!is_switch()) {
        for (auto& [port, peer] : peers_)
            peer.readable = true;  // only one: reading it is asking
        return;
    }
    if (accept_again_ <= now) {
        accept_again_ = Time::never();
        watch(listener_.get(), own_port);
    }
    std::array<epoll_event, max_peers + 1> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
        const SwitchPort port = events[static_cast<std::size_t>(i)].data.u32;
        if (port == own_port) {
            accept_peers(now);
        } else if (const auto peer = peers_.find(port); peer != peers_.end()) {
            peer->second.readable = true;
        }
    }
}

void UnixLink::accept_peers(Time now) {
    // At most a backlog at a time: connecting and leaving in a circle must not keep us in here.
    for (int i = 0; i < UnixListener::backlog; ++i) {
        UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            if (errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS) return;
            // Level-triggered, the waiting peer would wake us for ever.
            ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener_.get(), nullptr);
            accept_again_ = now + accept_pause;
            return;
        }
        if (peers_.size() >= max_peers || !add_peer(std::move(fd))) {
            ++counters_.refused;
        } else {
            ++counters_.accepted;
        }
    }
}

std::size_t UnixLink::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    look_around(now);
    Receiving to{pool, burst, now};
    flush_all();
    bool progress = true;
    while (progress && !to.full()) {
        progress = false;
        // From next_turn_ to the end, then from the beginning.
        for (int lap = 0; lap < 2; ++lap) {
            for (auto& [port, peer] : peers_) {
                if ((port >= next_turn_) != (lap == 0) || to.full()) continue;
                progress = take_turn(port, peer, to) || progress;
                if (to.full()) next_turn_ = port + 1;
            }
        }
    }
    close_finished();
    flush_all();
    // No descriptor tells of frames that have been read already.
    const bool more = std::any_of(peers_.begin(), peers_.end(), [](const auto& entry) {
        return !entry.second.stream.front().empty();
    });
    next_arrival_ = more ? now : accept_again_;
    return to.count;
}

// Passes on some frames of one peer. True if there were any.
bool UnixLink::take_turn(SwitchPort port, Peer& peer, Receiving& to) {
    std::size_t frames = 0;
    while (frames < frames_per_turn && !to.full()) {
        const Bytes frame = peer.stream.front();
        if (frame.empty()) {
            if (!peer.readable || !peer.stream.fill()) break;
            peer.readable = !peer.stream.drained();
            continue;
        }
        if (!pass_on(port, frame, to)) break;
        peer.stream.consume();
        ++to.passed;
        ++frames;
    }
    return frames > 0;
}

// Which port a frame of a switch leaves by.
SwitchPort UnixLink::route(Bytes header, SwitchPort from) {
    stations_.learn(mac_at(header, 6), from);
    const MacAddress destination = mac_at(header, 0);
    const SwitchPort port =
        destination.is_group() ? every_port : stations_.find(destination).value_or(every_port);
    if (port == every_port) ++counters_.flooded;
    return port;
}

// To the own stack, to the peer behind which its destination lives, or to everybody else. False if
// there was no memory and it must be tried again.
bool UnixLink::pass_on(SwitchPort from, Bytes frame, Receiving& to) {
    SwitchPort port =
        own_port;  // also for frames without a whole header: the stack will name the drop
    if (is_switch() && frame.size() >= ethernet_header_bytes) port = route(frame, from);
    if (port == own_port || port == every_port) {
        link::Frame copy = link::Frame::copy_of(frame, to.pool, to.now);
        if (!copy.buffer) return false;
        to.burst[to.count++] = std::move(copy);
    }
    if (port == own_port) return true;
    for (auto& [number, peer] : peers_) {
        if (number != from && (port == every_port || port == number)) peer.stream.queue(frame);
    }
    return true;
}

std::size_t UnixLink::send(std::span<const link::OutFrame> burst, Time) {
    if (!error_.empty()) return 0;
    for (const link::OutFrame& frame : burst) {
        SwitchPort port = every_port;
        const LeadingBytes leading(frame);
        if (is_switch() && leading.size == ethernet_header_bytes) {
            port = route(leading.bytes, own_port);
        }
        for (auto& [number, peer] : peers_) {
            if (port == every_port || port == number) peer.stream.queue(frame);
        }
    }
    flush_all();
    return burst.size();
}

void UnixLink::flush_all() {
    for (auto& [port, peer] : peers_) {
        peer.stream.flush();
        if (peer.stream.has_output() == peer.waits_for_room) continue;
        peer.waits_for_room = !peer.waits_for_room;
        epoll_event event{};
        event.events = EPOLLIN | (peer.waits_for_room ? EPOLLOUT : 0U);
        event.data.u32 = port;
        ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, peer.stream.descriptor(), &event);
    }
}

void UnixLink::close_finished() {
    for (auto entry = peers_.begin(); entry != peers_.end();) {
        const auto& [port, peer] = *entry;
        if (!peer.stream.finished()) {
            ++entry;
            continue;
        }
        if (peer.stream.hostile()) ++counters_.hostile;
        if (!is_switch()) {
            error_ = concat({"the other end of ", path_,
                             peer.stream.hostile() ? " sent a length that no frame has"
                                                   : " has closed the link"});
        }
        counters_.output_dropped += peer.stream.dropped();
        stations_.forget(port);
        entry = peers_.erase(entry);
    }
}

UnixLinkCounters UnixLink::counters() const {
    UnixLinkCounters counters = counters_;
    for (const auto& [port, peer] : peers_)
        counters.output_dropped += peer.stream.dropped();
    return counters;
}

}  // namespace berth::drivers
