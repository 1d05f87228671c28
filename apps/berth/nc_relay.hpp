// What nc does once two ends are joined: standard input to the network, the network to standard
// output, both at once, until both are over.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/berth/signals.hpp"
#include "apps/berth/terminal_text.hpp"

namespace berth::app {

// Standard input and output as they outlast a connection (nc -k).
struct StandardStreams {
    StandardStreams();

    bool input_ended = false;
    bool output_gone = false;  // its reader has left
    bool input_is_terminal = false;
    bool output_is_terminal = false;  // then what is written is escaped
    bool output_is_file = false;      // then a write never waits
};

struct RelayOptions {
    bool is_datagram = false;
    bool is_listener = false;
    bool half_close = false;  // nc -N: the end of input is sent as FIN
    std::optional<std::chrono::seconds> idle_limit{};
};

enum class RelayEnd : std::uint8_t { done, idle, interrupted };

class Relay {
  public:
    // Bytes under way in each direction.
    static constexpr std::size_t buffer_limit_bytes = 64 * 1024;
    // UDP has no goodbye. After the end of input with -N, silence of this length is taken for one;
    // until then answers may come, and the last datagram may wait for its neighbour's address.
    static constexpr std::chrono::seconds datagram_silence{1};
    // One read of standard input becomes one datagram: what an Ethernet frame takes (RFC 894).
    static constexpr std::size_t datagram_bytes = 1472;

    // `fd` is a connected, non-blocking berth descriptor and stays the caller's.
    Relay(int fd, const RelayOptions& options, StandardStreams& streams, StopSignals& signals)
        : fd_(fd), options_(options), streams_(streams), signals_(signals) {}

    // Throws Failure when the network says no.
    RelayEnd run();
    int signal() const { return signal_; }

    // For a listener on UDP: the datagram that told who the peer is.
    void deliver(std::string_view bytes);

  private:
    bool is_over() const;
    void read_input();
    void read_network();
    void write_network();
    void write_output();
    void check_socket(short events);

    int fd_;
    RelayOptions options_;
    StandardStreams& streams_;
    StopSignals& signals_;
    TerminalEscaper escaper_;
    std::string to_network_;
    std::string to_output_;
    bool network_ended_ = false;  // the peer's FIN
    bool fin_sent_ = false;
    bool moved_ = false;  // something came or went in this turn
    int signal_ = 0;
};

}  // namespace berth::app
