// The program above the stack in a script: one socket and, where it listens, the listener too.
#pragma once

#include <cstdint>
#include <memory>
#include <system_error>

#include "harness/peer.hpp"
#include "harness/script.hpp"
#include "socket/sockets.hpp"

namespace berth::harness {

class App {
  public:
    App(Script& script, Peer& peer) : script_(script), peer_(peer) {}

    // Listens at the wildcard address on the script's local port.
    void listens(int backlog = 128, Where where = {});
    void listens_at(Endpoint local, int backlog = 128, Where where = {});
    // Takes the next connection of the listener as its socket; it must be the peer's.
    void accepts(Where where = {});
    void accept_fails(std::errc error, Where where = {});
    // Binds the script's local endpoint and opens a connection to the peer.
    void connects(Where where = {});
    // Writes `bytes` of the stream; all of them must be taken.
    void sends(std::size_t bytes, Where where = {});
    // Writes as much as is taken of `bytes`; returns how much.
    std::size_t sends_some(std::size_t bytes, Where where = {});
    void send_fails(std::errc error, Where where = {});
    // Reads exactly `bytes` of what the peer sent, and compares.
    void reads(std::size_t bytes, Where where = {});
    // Reads the end of the stream.
    void reads_end(Where where = {});
    void read_fails(std::errc error, Where where = {});
    // close(): the socket is gone.
    void closes(Where where = {});
    void closes_listener(Where where = {});
    void shuts_down(socket::Shutdown how = socket::Shutdown::write, Where where = {});
    // close() with SO_LINGER 0.
    void aborts(Where where = {});
    void sets(socket::Option option, std::int64_t value, Where where = {});
    // SO_ERROR is this (and none afterwards).
    void error_is(std::errc error, Where where = {});
    void is_readable(bool readable = true, Where where = {});
    void is_writable(bool writable = true, Where where = {});

    bool shares_port = false;  // its listener says SO_REUSEPORT

    bool has_listener() const { return listener_ != nullptr; }
    bool has_socket() const { return socket_ != nullptr; }
    socket::Socket& socket() { return *socket_; }
    socket::Socket& listener() { return *listener_; }
    std::uint64_t sent_bytes() const { return sent_; }

  private:
    bool begins(const std::string& what, Where where);
    void ends(Where where) { script_.settle(where); }
    bool succeeded(std::errc error, const std::string& call, Where where);
    bool failed_with(std::errc error, std::errc expected, const std::string& call, Where where);

    Script& script_;
    Peer& peer_;
    std::unique_ptr<socket::Socket> listener_;
    std::unique_ptr<socket::Socket> socket_;
    std::uint64_t sent_ = 0;
    std::uint64_t read_ = 0;
};

// "EWOULDBLOCK"-like text of an error, for messages.
std::string error_text(std::errc error);

}  // namespace berth::harness
