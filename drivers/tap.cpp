#include "drivers/tap.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "drivers/advice.hpp"
#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

constexpr const char* tun_path = "/dev/net/tun";
// What follows a small block when a longer frame is read: together the largest frame there is.
constexpr std::size_t overflow_bytes =
    BufferPool::large_block_bytes - BufferPool::small_block_bytes;

int attach(const UniqueFd& fd, const std::string& name, unsigned flags) {
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1));
    request.ifr_flags = static_cast<short>(flags);
    return ::ioctl(fd.get(), TUNSETIFF, &request) == 0 ? 0 : errno;
}

std::string attach_error(const std::string& name, bool existed, int error) {
    const std::string what = concat({"cannot attach to TAP ", name, ": "});
    if (error == EBUSY) {
        return concat({what, "another program holds it; end that program or choose another name"});
    }
    if (existed && error == EINVAL) {
        return concat({what, "an interface of that name exists and is not a TAP; choose another ",
                       "name, or use pcap:", name});
    }
    return concat({what, errno_text(error), "; ", advice_for_tap(error)});
}

// An address in own's network that is not own: what to call the kernel's side.
Ipv4Prefix neighbour_of(const Ipv4Prefix& own) {
    if (own.length >= 31) return {Ipv4Address(own.address.value ^ 1U), own.length};
    const Ipv4Address first(own.network().value + 1);
    return {first == own.address ? Ipv4Address(first.value + 1) : first, own.length};
}

}  // namespace

TapLink::TapLink(std::string name, UniqueFd fd, bool created)
    : name_(std::move(name)),
      interface_(name_),
      fd_(std::move(fd)),
      created_(created),
      overflow_(overflow_bytes) {}

Result<std::unique_ptr<TapLink>, std::string> TapLink::open(const std::string& name,
                                                            const TapOptions& options) {
    if (!InterfaceControl::is_name(name)) {
        return Failure{
            concat({"'", name, "' cannot name a TAP; a name has 1 to 15 letters, digits ",
                    "or dashes, as in tap:tap0"})};
    }
    UniqueFd fd(::open(tun_path, O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!fd) {
        const int error = errno;
        return Failure{concat(
            {"cannot open ", tun_path, ": ", errno_text(error), "; ", advice_for_tap(error)})};
    }
    const bool existed = InterfaceControl(name).exists();
    int error = attach(fd, name, IFF_TAP | IFF_NO_PI);
    // A persistent TAP made with several queues lets nobody in without that flag.
    if (error == EINVAL && existed) {
        error = attach(fd, name, IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE);
    }
    if (error != 0) return Failure{attach_error(name, existed, error)};

    std::unique_ptr<TapLink> link(new TapLink(name, std::move(fd), !existed));
    if (std::string problem = link->attach_problem(options); !problem.empty()) {
        return Failure{std::move(problem)};
    }
    return link;
}

// Brings the kernel's side into the state that the options ask for, and takes its MTU.
std::string TapLink::attach_problem(const TapOptions& options) {
    if (options.mtu && created_) {
        if (const int error = interface_.set_mtu(*options.mtu); error != 0) {
            return concat({"cannot give ", name_, " the MTU ", std::to_string(*options.mtu), ": ",
                           errno_text(error), "; choose a smaller one"});
        }
    }
    if (options.peer_address) {
        const std::string address = to_string(*options.peer_address);
        int error = 0;
        if (interface_.address() != options.peer_address) {
            error = interface_.set_address(*options.peer_address);
        }
        if (error != 0) {
            return concat({"cannot give ", name_, " the address ", address, ": ", errno_text(error),
                           "; run 'ip addr add ", address, " dev ", name_, "' as root"});
        }
        if (!interface_.is_up()) error = interface_.set_up();
        if (error != 0) {
            return concat({"cannot bring ", name_, " up: ", errno_text(error),
                           "; run 'ip link set ", name_, " up' as root"});
        }
    }
    properties_.kind = link::LinkKind::ethernet;
    properties_.mtu = options.mtu.value_or(peer_mtu());
    return {};
}

std::uint16_t TapLink::peer_mtu() const {
    return interface_.mtu().value_or(link::LinkProperties{}.mtu);
}

std::string TapLink::setup_hint(std::optional<Ipv4Prefix> own) const {
    std::string hint;
    if (!interface_.address() && !interface_.is_bridge_port()) {
        const Ipv4Prefix peer =
            own ? neighbour_of(*own) : Ipv4Prefix{Ipv4Address(192, 0, 2, 1), 24};
        hint.append(concat({"ip addr add ", to_string(peer), " dev ", name_, "\n"}));
    }
    if (!interface_.is_up()) hint.append(concat({"ip link set ", name_, " up\n"}));
    return hint;
}

std::size_t TapLink::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    std::size_t count = 0;
    while (count < burst.size() && error_.empty() && read_one(pool, burst[count], now))
        ++count;
    return count;
}

bool TapLink::read_one(BufferPool& pool, link::Frame& frame, Time now) {
    if (!spare_) spare_ = pool.take();
    if (!spare_) return false;
    std::array<iovec, 2> parts{
        {{spare_.data(), spare_.capacity()}, {overflow_.data(), overflow_bytes}}};
    ssize_t got = 0;
    do {
        got = ::readv(fd_.get(), parts.data(), static_cast<int>(parts.size()));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) {
        // Nothing there; the block goes back, for the pool may end before this device does.
        const int error = got == 0 ? ENODEV : errno;
        spare_.release();
        if (error != EAGAIN) fail(error);
        return false;
    }
    const auto length = static_cast<std::size_t>(got);
    if (length <= spare_.capacity()) {
        frame = link::Frame{};
        frame.buffer = std::move(spare_);
    } else {
        frame = link::Frame{};
        frame.buffer = pool.take(length);
        if (!frame.buffer) return false;
        const std::size_t head = spare_.capacity();
        std::memcpy(frame.buffer.data(), spare_.data(), head);
        std::memcpy(frame.buffer.data() + head, overflow_.data(), length - head);
        spare_.release();
    }
    frame.length = static_cast<std::uint32_t>(length);
    frame.arrival = now;
    return true;
}

std::size_t TapLink::send(std::span<const link::OutFrame> burst, Time) {
    std::size_t sent = 0;
    while (sent < burst.size() && error_.empty() && write_one(burst[sent]))
        ++sent;
    return sent;
}

bool TapLink::write_one(const link::OutFrame& frame) {
    std::array<iovec, link::OutFrame::slice_capacity + 1> parts;
    std::size_t count = 0;
    const auto add = [&](Bytes part) {
        // writev only reads, but its type does not say so.
        if (!part.empty()) parts[count++] = {const_cast<std::uint8_t*>(part.data()), part.size()};
    };
    add(frame.header());
    for (const Bytes slice : frame.slices())
        add(slice);

    ssize_t written = 0;
    do {
        written = ::writev(fd_.get(), parts.data(), static_cast<int>(count));
    } while (written < 0 && errno == EINTR);
    if (written >= 0) return true;
    switch (errno) {
        case EAGAIN: return false;
        case EBADFD:
        case EBADF:
        case ENODEV:
        case ENXIO: fail(errno); return false;
        default:
            // EIO: the kernel's side is down; EINVAL: it wants no such frame. As on a pulled-out
            // wire, the frame is lost, and asking again would only spin.
            ++rejected_;
            return true;
    }
}

void TapLink::fail(int error) {
    error_ = concat({"the TAP device ", name_, " is gone: ", errno_text(error)});
}

}  // namespace berth::drivers
