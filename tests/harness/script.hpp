// The stage of a script: one whole stack on a raw-IP link that the test holds, in virtual time.
//
// Nothing happens between two lines of a script but what the script says. After each line the stack
// is polled at the present moment; what it sends is heard at once and must be named by the next
// `stack.sends(...)`, or the following line fails. The first failure prints the story so far and
// ends the script: the remaining lines do nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fate.hpp"
#include "harness/fake_device.hpp"
#include "harness/packets.hpp"
#include "harness/segment.hpp"
#include "harness/story.hpp"
#include "harness/where.hpp"
#include "stack.hpp"
#include "tcp/state.hpp"

namespace berth::harness {

class Peer;

class Script : private FateObserver {
  public:
    Script() = default;
    ~Script() override;
    Script(const Script&) = delete;
    Script& operator=(const Script&) = delete;

    // To be chosen before the first line that needs the stack. Delays are as they are later in a
    // connection's life: a script that wants quick ACKs at its beginning asks for them.
    tcp::Config config = without_quick_acks();
    std::uint16_t mtu = 1500;
    Seed seed = Seed::from(1);

    // The stack's side of every conversation of the script.
    Endpoint local{Ipv4Address(192, 0, 2, 2), 80};
    static constexpr std::uint8_t prefix_length = 24;
    static constexpr Ipv4Address second_address{198, 51, 100, 2};  // the stack has it too, as a /24

    Stack& core();
    FakeDevice& device() { return device_; }

    // Moves the clock. Everything that falls due on the way happens at its own moment.
    void advance(Duration duration, Where where = {});
    // Moves the clock to this long after the script's beginning, as packetdrill's "+" free times
    // do.
    void at(Duration since_start, Where where = {});
    Time now() const { return now_; }
    Duration elapsed() const { return now_ - start; }

    // The state of the conversation between `local` and the first peer; closed when there is none.
    void state_is(tcp::State state, Where where = {});
    tcp::State state_of(const FourTuple& four_tuple);

    // The fate of the latest packet that was put on the link.
    void dropped(DropReason reason, Where where = {});
    void delivered(Where where = {});
    void consumed(Where where = {});
    const Fate& last_fate() const { return last_fate_in_; }

    // --- for the actors ---

    // A packet reaches the stack, and the stack may answer.
    void put(const Packet& packet, Where where);
    // Lets the stack do what there is to do now, and hears what it says.
    void settle(Where where);
    // Fails if the stack has said something that no line has named.
    bool expect_quiet(Where where);
    // Waits for the stack to say something, at most `patience`.
    void await(Duration patience, Where where);
    std::deque<Heard>& heard() { return heard_; }
    void fail(Where where, const std::string& message);
    // False after a failure: the script is over.
    bool goes_on() const { return !failed_; }
    void tell(const std::string& what) { story_.tell(elapsed(), what); }
    void append(const std::string& what) { story_.append(what); }
    std::string story() const { return story_.text(); }
    void join(Peer& peer) { peers_.push_back(&peer); }
    void leave(Peer& peer) { std::erase(peers_, &peer); }
    Peer* peer_of(const FourTuple& four_tuple);

    // The clock's beginning: not zero, so that nobody mistakes it for "never set".
    static constexpr Time start{1'000'000'000'000};

  private:
    static tcp::Config without_quick_acks() {
        tcp::Config config;
        config.quick_ack_segments = 0;
        return config;
    }
    void on_packet(std::uint32_t interface_index, Direction direction, Time when, Bytes frame,
                   const Fate& fate) override;
    void run_until(Time target, const std::function<bool()>& enough, Where where);
    void hear(SentFrame frame, Where where);
    void expect_fates(Where where);

    // Rounds of poll at one moment, and events in one advance, after which the stack is said to
    // spin.
    static constexpr int rounds_limit = 10'000;
    static constexpr int events_limit = 1'000'000;

    FakeDevice device_;
    std::unique_ptr<Stack> core_;
    Time now_ = start;
    Story story_;
    std::vector<Peer*> peers_;
    std::deque<Heard> heard_;
    Fate last_fate_in_;
    std::uint64_t packets_put_ = 0;
    std::uint64_t fates_in_ = 0;
    bool failed_ = false;
};

// "delivered to ...", "dropped: tcp_out_of_window": a fate in a few words.
std::string fate_text(const Fate& fate);

}  // namespace berth::harness
