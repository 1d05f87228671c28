// A link over Unix stream sockets: the way to run without root, without a TAP, in containers and
// CI.
//
// connect() joins whoever listens at a path: another berth, QEMU's `-netdev stream`, passt.
// listen() accepts several peers and joins them and the own stack as a switch does: it learns which
// station is behind which peer, sends frames there, and floods what it does not know.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "drivers/frame_stream.hpp"
#include "drivers/mac_table.hpp"
#include "drivers/unique_fd.hpp"
#include "drivers/unix_socket.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

struct UnixLinkOptions {
    std::uint16_t mtu = 1500;  // bytes of an IP packet that the own stack sends
};

struct UnixLinkCounters {
    std::uint64_t accepted = 0;        // peers
    std::uint64_t refused = 0;         // peers beyond max_peers
    std::uint64_t hostile = 0;         // peers cut off for a length that no frame has
    std::uint64_t output_dropped = 0;  // frames for a peer that does not read
    std::uint64_t flooded = 0;         // frames copied to every other port
};

class UnixLink final : public link::LinkDevice {
  public:
    // Peers of a listening link at one time; a further one is accepted and closed at once.
    static constexpr std::size_t max_peers = 64;

    static Result<std::unique_ptr<UnixLink>, std::string> listen(const std::string& path,
                                                                 const UnixLinkOptions& options);
    static Result<std::unique_ptr<UnixLink>, std::string> connect(const std::string& path,
                                                                  const UnixLinkOptions& options);
    // Over a stream socket that is already connected (a socketpair, an inherited descriptor).
    static Result<std::unique_ptr<UnixLink>, std::string> adopt(UniqueFd connected,
                                                                const UnixLinkOptions& options);

    const link::LinkProperties& properties() const override { return properties_; }
    std::size_t receive(BufferPool& pool, std::span<link::Frame> burst, Time now) override;
    // Takes every frame; what a peer does not read in time is lost and counted.
    std::size_t send(std::span<const link::OutFrame> burst, Time now) override;
    // One epoll descriptor for the listener and all peers. It turns readable also when a peer can
    // be written to again: receive() then goes on with what waits for it.
    int descriptor() const override { return epoll_.get(); }
    Time next_arrival() const override { return next_arrival_; }
    std::string_view error() const override { return error_; }

    std::size_t peers() const { return peers_.size(); }
    UnixLinkCounters counters() const;
    const MacTable& stations() const { return stations_; }

  private:
    struct Peer {
        explicit Peer(UniqueFd fd) : stream(std::move(fd)) {}
        FrameStream stream;
        bool readable = false;        // as far as we know
        bool waits_for_room = false;  // epoll is asked to say when it can be written to
    };
    using Peers = std::map<SwitchPort, Peer>;
    struct Receiving;

    UnixLink(std::string path, const UnixLinkOptions& options);

    bool is_switch() const { return static_cast<bool>(listener_); }
    bool watch(int fd, SwitchPort port);
    void look_around(Time now);
    void accept_peers(Time now);
    bool add_peer(UniqueFd fd);
    bool take_turn(SwitchPort port, Peer& peer, Receiving& to);
    SwitchPort route(Bytes header, SwitchPort from);
    bool pass_on(SwitchPort from, Bytes frame, Receiving& to);
    void close_finished();
    void flush_all();

    std::string path_;
    link::LinkProperties properties_;
    UniqueFd epoll_;
    UnixListener listener_;  // none: connected
    Peers peers_;
    MacTable stations_;
    SwitchPort next_port_ = own_port + 1;
    SwitchPort next_turn_ = own_port;    // whose turn it is first, so that nobody is starved
    Time accept_again_ = Time::never();  // the system had no descriptor for a new peer
    Time next_arrival_ = Time::never();
    UnixLinkCounters counters_;
    std::string error_;
};

}  // namespace berth::drivers
