// The protocol as a whole: who a segment is for, what exists, what is due, what wants to be sent.
//
// Demultiplexing and ingress are in tcp.cpp, listeners in listen.cpp, half-open records in
// half_open.cpp, Fast Open's servers in fast_open_server.cpp, TIME-WAIT records in time_wait.cpp,
// answers without a connection in closed.cpp, open and close in open.cpp, the pull in transmit.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "base/fate.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/siphash.hpp"
#include "base/slab.hpp"
#include "base/timer_wheel.hpp"
#include "demux/connection_table.hpp"
#include "demux/ephemeral_ports.hpp"
#include "demux/listener_table.hpp"
#include "demux/local_users.hpp"
#include "ip/error_report.hpp"
#include "ip/ipv4.hpp"
#include "tcp/config.hpp"
#include "tcp/connection.hpp"
#include "tcp/counters.hpp"
#include "tcp/fast_open.hpp"
#include "tcp/half_open.hpp"
#include "tcp/listener.hpp"
#include "tcp/source_routes.hpp"
#include "tcp/syn_cookies.hpp"
#include "tcp/time_wait.hpp"
#include "tcp/time_wait_queue.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

namespace berth::tcp {

class Tcp {
  public:
    Tcp(const Config& config, ip::Ipv4& ip, link::LinkContext context, Random random, Time start);
    ~Tcp();

    // --- user side (open.cpp, listen.cpp) ---
    // Reserves a local endpoint, beside others if all agree (LocalUsers::allows); port 0: an
    // ephemeral one. address_in_use, address_not_available.
    Result<Endpoint, std::errc> bind(Endpoint local, demux::Sharing sharing);
    void unbind(Endpoint local, demux::Sharing sharing);
    // Its user has changed its mind about sharing.
    void share(Endpoint bound, demux::Sharing before, demux::Sharing after);
    void share(Connection& connection, demux::Sharing sharing);
    void share(Listener& listener, demux::Sharing sharing);
    // Active OPEN. Unspecified parts of `local` are chosen: the address by the route, the port by
    // RFC 6056.
    Result<Connection*, std::errc> open(Endpoint local, Endpoint remote, const Options& options,
                                        ConnectionUser* user, Time now);
    // The reservation of a bound endpoint becomes the listener's; with address_in_use it stays.
    Result<Listener*, std::errc> listen(Endpoint bound, demux::Sharing sharing, std::size_t backlog,
                                        const Options& options, ListenerUser* user);
    void close(Listener& listener);
    // The oldest of the accept queue, now the user's; nullptr when it is empty.
    Connection* accept(Listener& listener, ConnectionUser* user);
    // The user lets go: the connection closes on its own. `reset`: SO_LINGER with zero.
    void release(Connection& connection, bool reset);

    // --- ingress (tcp.cpp) ---
    static FourTuple four_tuple_of(const wire::Ipv4View& packet, const wire::TcpView& segment);
    const demux::ConnectionTable& table() const { return table_; }
    [[nodiscard]] Fate receive(link::Frame& frame, const wire::Ipv4View& packet,
                               const wire::TcpView& view, demux::ConnectionTable::Hash hash,
                               Time now);
    // The first hop does not answer ARP.
    void on_unreachable(const FourTuple& four_tuple);
    [[nodiscard]] Fate on_icmp_error(const ip::ErrorReport& report, Time now);

    // --- time and egress (transmit.cpp) ---
    void advance(Time now);
    Time next_deadline() const {
        return earlier(wheel_.next_deadline(), time_waits_.next_deadline());
    }
    std::size_t transmit(link::InterfaceIndex interface_index, Time now, std::size_t budget);
    bool has_output(link::InterfaceIndex interface_index) const;

    // --- for connections ---
    const Config& config() const { return config_; }
    BufferPool& pool() { return context_.pool; }
    TimerWheel& wheel() { return wheel_; }
    ip::PathMtuCache& path_mtus() { return ip_.path_mtus(); }
    std::uint16_t link_mtu(const ip::Path& path) {
        return ip_.interface_at(path.interface_index).mtu();
    }
    // What source routes add to the IP header of its segments.
    std::size_t ip_option_bytes(const FourTuple& four_tuple) const;
    void forget_route(const FourTuple& four_tuple) { source_routes_.forget(four_tuple); }
    void count(Count what, std::uint64_t n = 1) { counters_.add(what, n); }
    const Counters& counters() const { return counters_; }
    Counters& counters() { return counters_; }
    Time now() const { return now_; }  // of the latest call
    const SipHashKey& timestamp_secret() const { return timestamp_secret_; }
    void mark_ready(Connection& connection);
    // Nothing came back: perhaps another first hop takes its segments (RFC 1122 §3.3.1.5).
    void reroute(Connection& connection);
    // Out of the tables; deleted once nobody uses it.
    void retire(Connection& connection);
    void enter_time_wait(Connection& connection, Time now);
    // RFC 9293 §3.10.7.1's answer to a segment that belongs to nobody.
    void reply_with_reset(const FourTuple& four_tuple, const Segment& segment, Time now);
    void send_reset(const FourTuple& four_tuple, SequenceNumber seq, SequenceNumber ack);
    bool may_challenge(Time now);  // for records (RFC 5961 §10): so many a second
    FastOpenCache& fast_open_cache() { return fast_open_cache_; }
    // A connection that a Fast Open cookie made: its handshake is complete, or a RST ended it.
    void on_proven(Connection& connection);
    void on_unproven_reset(Connection& connection, Time now);

    // --- for the socket table ---
    template <class Visitor>
    void for_each_listener(Visitor&& visit) const {
        listeners_.for_each([&](const demux::LocalBinding& binding) {
            visit(static_cast<const Listener&>(binding));
        });
    }
    std::size_t half_open_count() const { return half_open_count_; }
    std::size_t time_wait_count() const { return time_waits_.size(); }
    std::size_t connection_count() const { return connection_count_; }
    // What the records occupy, without what they point to; the table's share is table()'s to tell.
    struct MemoryUse {
        std::size_t connection_bytes;
        std::size_t half_open_bytes;
        std::size_t time_wait_bytes;
    };
    MemoryUse memory_use() const {
        return {connection_slab_.memory_bytes(), half_open_slab_.memory_bytes(),
                time_wait_slab_.memory_bytes()};
    }

  private:
    struct ReadyList {
        Connection* first = nullptr;
        Connection* last = nullptr;
    };

    Fate deliver(Connection& connection, Segment& segment, DemuxMatch match, Time now);
    Fate on_half_open(HalfOpen& record, Segment& segment, Time now);
    DropReason half_open_segment(HalfOpen& record, Segment& segment, Time now);
    DropReason on_repeated_syn(HalfOpen& record, const Segment& syn, Time now);
    DropReason on_last_ack(HalfOpen& record, const Segment& segment, Time now);
    void refuse_last_ack(const FourTuple& four_tuple, const Segment& segment, Time now);
    bool may_answer(HalfOpen& record, Time now);
    void challenge(HalfOpen& record, Time now);
    Connection* promote(HalfOpen& record, Time now);
    Connection* make_connection(const HalfOpen& offer, Time now,
                                const HalfOpen* in_table = nullptr);
    // Nothing: it may not pass.
    std::optional<Fate> pass_time_wait(TimeWait& record, const demux::ListenerTable::Match& match,
                                       Segment& segment, Time now);
    Fate on_time_wait(TimeWait& record, const Segment& segment, Time now);
    DropReason time_wait_segment(TimeWait& record, const Segment& segment, Time now);
    void wait_out(const TimeWait& as, Time now);
    // A SYN-RECEIVED ends with a RST: back to LISTEN, or to the TIME-WAIT that its SYN had passed.
    void back_to_listen(HalfOpen& attempt, Time now);
    void challenge(TimeWait& record, Time now);
    void expire_time_waits(Time now);
    bool may_reuse(const TimeWait& record, bool is_loopback, Time now) const;
    Fate on_listen(const demux::ListenerTable::Match& match, const FourTuple& four_tuple,
                   Segment& segment, Time now);
    struct Heard {
        DropReason reason = DropReason::none;
        State after = State::listen;
        Connection* by_cookie = nullptr;  // which sees the segment from the first step on
    };
    Heard listen_segment(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                         Time now);
    Heard on_ack_in_listen(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                           Time now);
    Heard on_syn_in_listen(Listener& listener, const FourTuple& four_tuple, Segment& segment,
                           Time now);
    bool has_room_for_connection() const;
    void take_offer(HalfOpen& record, const Segment& syn, Time now) const;
    void send_cookie(Listener& listener, const FourTuple& four_tuple, const Segment& syn, Time now);
    std::optional<std::uint16_t> cookie_mss(const Listener& listener, const FourTuple& four_tuple,
                                            const Segment& segment, Time now);
    void recall_offer(HalfOpen& record, std::uint16_t mss, const Segment& segment) const;
    struct FastOpenAnswer {
        bool accepted = false;
        std::optional<wire::TcpFastOpen> cookie = {};  // for the SYN,ACK, if not
    };
    FastOpenAnswer judge_fast_open(Listener& listener, const FourTuple& four_tuple,
                                   const Segment& syn, Time now);
    bool open_fast(const HalfOpen& offer, Segment& syn, Time now);
    void forget_unproven_of(const Listener& listener);
    std::uint32_t initial_window(const Listener& listener) const;
    void send_syn_ack(const HalfOpen& record, const std::optional<wire::TcpFastOpen>& cookie,
                      Time now);
    void send_syn_ack_again(HalfOpen& record, Time now);
    wire::TcpTimestamps timestamps_of(const HalfOpen& record, Time now) const;
    unsigned most_syn_ack_retries(const Listener& listener) const;
    unsigned syn_ack_retries(const Listener& listener) const;
    unsigned deferring_timeouts(const Listener& listener) const;
    void on_half_open_timer(HalfOpen& record, Time now);
    void forget(const HalfOpen& record);
    void destroy(HalfOpen& record);
    void destroy(TimeWait& record);
    void forget(TimeWait& record);  // it is out of the table already
    void acknowledge(const TimeWait& record, Time now);
    // A segment without text outside any connection, through the bounded reply queue.
    void reply(const FourTuple& four_tuple, const wire::TcpHeader& fields, const char* note,
               State state, Time now, Count as = Count::out_segs);
    struct Turn {
        std::size_t sent = 0;
        bool device_full = false;
    };
    Turn take_turn(Connection& connection, link::Interface& interface, Time now,
                   std::size_t budget);
    // source_routes.cpp
    using RouteOption = std::array<std::uint8_t, ip::SourceRoute::max_bytes>;
    Ipv4Address first_hop(const FourTuple& four_tuple) const;
    void address(ip::SendFields& fields, const FourTuple& four_tuple, RouteOption& room) const;
    void note_route(const Listener& listener, const FourTuple& four_tuple,
                    const ip::SourceRoute* way_back);
    void change_route(Connection& connection, const ip::SourceRoute& way_back);
    void unlink_ready(Connection& connection);
    void reap();
    bool is_port_free(const FourTuple& four_tuple, bool is_loopback) const;
    // A connection or TIME-WAIT record keeps its local endpoint in use from one to the other.
    void occupy(const demux::Entry& entry);
    void vacate(const demux::Entry& entry);
    static Fate fate_for(const FourTuple& four_tuple, DropReason reason, DemuxMatch match,
                         State before, State after);

    Config config_;
    ip::Ipv4& ip_;
    link::LinkContext context_;
    SipHashKey isn_secret_;
    SipHashKey timestamp_secret_;
    SynCookies syn_cookies_;
    FastOpenKeys fast_open_keys_;
    FastOpenCache fast_open_cache_;
    demux::ConnectionTable table_;
    demux::ListenerTable listeners_;
    demux::LocalUsers local_users_;
    demux::EphemeralPorts ephemeral_;
    Random random_;
    SourceRoutes source_routes_;
    TimerWheel wheel_;
    TimeWaitQueue time_waits_;
    Slab<Connection> connection_slab_;
    Slab<HalfOpen> half_open_slab_;
    Slab<TimeWait> time_wait_slab_;
    Time now_;
    std::vector<ReadyList> ready_;                         // by interface
    std::unordered_map<Connection*, Listener*> unproven_;  // made by Fast Open cookies
    std::vector<Connection*> graveyard_;  // to be deleted when the call in progress is over
    std::size_t half_open_count_ = 0;
    std::size_t connection_count_ = 0;
    std::size_t orphan_count_ = 0;
    std::int64_t challenge_second_ = -1;
    std::uint32_t challenges_left_ = 0;
    Counters counters_;

    // RFC 7413 §5.1: how long a connection that a RST ended before it was proven still counts.
    static constexpr Duration fast_open_slot_hold = seconds(60);

    static constexpr std::size_t batch_frames =
        16;  // of one connection before the next has its turn
    std::unique_ptr<std::array<link::OutFrame, batch_frames>> frames_;
    std::array<SegmentPlan, batch_frames> plans_{};
};

}  // namespace berth::tcp
