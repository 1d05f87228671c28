// One TCP connection of a server: bytes in, a bounded buffer of bytes out, and a proper end.
//
// What a service does with the bytes is in its subclass; how a connection lives and ends is here:
//   open      read what the service wants, write what it has
//   flushing  the service is done: what is in the buffer still leaves
//   draining  our FIN is sent; input is thrown away until the peer's FIN, or a deadline (closing at
//             once with unread input would turn the goodbye into a reset, RFC 2525 §2.17)
//   closed
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "apps/berth/services/event_loop.hpp"
#include "berth/net.hpp"

namespace berth::app {

class StreamSession : public Activity {
  public:
    // Bytes waiting for the peer to read them; a service is asked for more only below this.
    static constexpr std::size_t output_limit_bytes = 64 * 1024;
    // One read: so much input is handed to the service at a time.
    static constexpr std::size_t input_chunk_bytes = 16 * 1024;
    // A connection on which nothing moved for this long is given up, unless the service has its
    // own.
    static constexpr std::chrono::seconds default_idle_limit{1800};
    // How long the peer may take to say its own goodbye.
    static constexpr std::chrono::seconds drain_limit{5};

    StreamSession(TcpConnection connection, Moment now, std::chrono::seconds idle_limit = {});

    int fd() const final { return connection_.fd(); }
    short events() const final;
    void on_ready(short events, Moment now) final;
    std::optional<Moment> deadline() const override { return deadline_; }
    void on_deadline(Moment now) override;
    void begin_close(Moment now) final;
    bool is_finished() const final { return state_ == State::closed; }

  protected:
    // Asked before reading; false leaves the bytes in the socket, and so the window closes.
    virtual bool wants_input() const { return !output_is_full(); }
    // The input lives only during the call.
    virtual void on_input(std::span<const std::uint8_t> input, Moment now) = 0;
    // The peer's FIN came.
    virtual void on_end_of_input(Moment) { finish(); }
    // Called while the output buffer has room: append() or finish(), or nothing.
    virtual void refill(Moment) {}

    void append(std::string_view text);
    void append(std::span<const std::uint8_t> bytes);
    // Room for `size` bytes at the end of the output buffer, for a read straight into it; then
    // commit() says how many were filled.
    std::span<std::uint8_t> prepare(std::size_t size);
    void commit(std::span<const std::uint8_t> prepared, std::size_t filled);
    bool output_is_full() const { return buffered() >= output_limit_bytes; }
    bool output_is_empty() const { return buffered() == 0; }
    // Nothing more from us: flush, then FIN.
    void finish();
    // No way to say goodbye: reset.
    void abort();
    bool is_open() const { return state_ == State::open; }
    const TcpConnection& connection() const { return connection_; }

  private:
    enum class State : std::uint8_t { open, flushing, draining, closed };

    // A connection may do so much in one turn of the loop; then the others have theirs.
    static constexpr int rounds_per_turn = 8;

    std::size_t buffered() const { return output_.size() - sent_; }
    void read_some(Moment now);
    bool write_some(Moment now);
    void start_draining(Moment now);
    void close();
    void moved(Moment now);

    TcpConnection connection_;
    State state_ = State::open;
    bool input_ended_ = false;
    std::vector<std::uint8_t> output_;
    std::size_t sent_ = 0;  // of output_
    std::chrono::seconds idle_limit_;
    Moment deadline_;
};

}  // namespace berth::app
