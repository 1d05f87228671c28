// One of the two hosts: a stack on a link that the fuzzer holds in its hands, a listener, and the
// users of its connections, who know what they sent and what must arrive.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <vector>

#include "fuzz/tcp/input.hpp"
#include "fuzz/tcp/mutation.hpp"
#include "harness/fake_device.hpp"
#include "sim/wire_watch.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"

namespace berth::fuzz {

// What should hold and does not.
class Broken : public std::runtime_error {
    using std::runtime_error::runtime_error;
};
void check(bool holds, const char* what);

// The bytes that one endpoint says to another: each depends on who, to whom and where in the
// stream.
std::vector<std::uint8_t> text_of(Endpoint sender, Endpoint receiver, std::uint32_t position,
                                  std::size_t size);

// One end of a connection, as its user sees it.
struct End {
    std::unique_ptr<socket::Socket> socket;
    Endpoint local;
    Endpoint remote;
    std::uint32_t sent = 0;
    std::uint32_t read = 0;
    bool established = false;
    bool sent_end = false;
    bool read_end = false;
    bool failed = false;     // an error was told
    bool discards = false;   // reads no more
    bool is_past = false;    // another connection has its four-tuple by now
    bool again = false;      // not the first of its four-tuple
    bool impatient = false;  // asked for an end before its time: keep-alives, a user timeout

    FourTuple four_tuple() const { return {local, remote}; }
};

class Watch final : public sim::WireWatch {
  public:
    explicit Watch(const char* host) : WireWatch(false), host_(host) { digests = false; }

    void on_packet(std::uint32_t interface_index, Direction direction, Time when, Bytes frame,
                   const Fate& fate) override;

  private:
    void on_text_sent(const FourTuple& four_tuple, std::uint32_t position, Bytes text) override;

    const char* host_;
};

struct Setup {
    tcp::Config config;
    std::uint16_t mtu = 1500;
};

class Side {
  public:
    Side(Ipv4Address own, Ipv4Address other, std::uint64_t seed, const Setup& setup, Time start);

    static constexpr std::size_t max_ends = 6;
    static constexpr Port service = 80;
    static constexpr std::uint32_t max_sent = 200'000;  // bytes of one stream

    Stack& stack() { return *stack_; }
    harness::FakeDevice& device() { return device_; }
    Watch& watch() { return watch_; }
    std::vector<End>& ends() { return ends_; }
    std::uint64_t packets_put() const { return packets_put_; }

    void listen(int backlog);
    void close_listener() { listener_.reset(); }
    void connect(Port local, Port remote);
    bool accept();
    void send(End& end, std::size_t size, tcp::Connection::SendFlags flags);
    // True: something came.
    bool read(End& end, std::size_t size, bool peek);
    void shut(End& end, socket::Shutdown how);
    void set_options(End& end, Input& input);
    void close(std::size_t which, bool abort);

    tcp::Connection* connection_of(const FourTuple& four_tuple) const;
    // The socket's own: when it is over, somebody else's may have the same four-tuple.
    tcp::Connection* connection_of(const End& end) const;
    // A packet arrives.
    void put(const Packet& packet, Time now);
    // What must hold whenever the stack has come to rest.
    void check_state(Time now);
    void check_nothing_is_left() const;

    bool compares = true;  // what is read is compared with what was sent
    bool urgent = false;   // urgent data was sent: bytes may have left the stream

  private:
    void check_connections() const;
    void check_promises();
    void add(End end);
    bool is_full() const { return ends_.size() == max_ends; }

    Ipv4Address own_;
    Ipv4Address other_;
    harness::FakeDevice device_;
    Watch watch_;
    std::unique_ptr<Stack> stack_;
    std::unique_ptr<socket::Socket> listener_;
    std::vector<End> ends_;
    std::vector<FourTuple> known_;  // of all ends that there ever were
    std::uint64_t packets_put_ = 0;
};

}  // namespace berth::fuzz
