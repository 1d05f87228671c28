// A DHCP client for one interface (RFC 2131 §4.4): the states of its figure 5, and their timers.
//
// It reads no socket and changes no interface itself: what it says and does goes through
// DhcpEnvironment, which dhcp.cpp implements over a stack. Time is an argument; jitter and
// transaction identifiers come from the injected generator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "services/dhcp_lease.hpp"

namespace berth::services {

enum class DhcpState : std::uint8_t {
    stopped,     // not asked for, or released
    init,        // waits before it begins (again)
    selecting,   // DISCOVER sent
    requesting,  // REQUEST sent for the chosen offer
    checking,    // acknowledged; whether anybody has the address is being found out (RFC 5227)
    bound,
    renewing,   // since T1: asks the leasing server
    rebinding,  // since T2: asks all
};
std::string_view name_of(DhcpState state);  // "INIT" … as RFC 2131 writes them

// Why a server's message was passed over. Each is counted.
enum class DhcpIgnored : std::uint8_t {
    malformed,       // no DHCP message
    not_a_reply,     // from another client
    other_hardware,  // chaddr is not ours
    other_xid,       // no answer to what was asked last
    other_server,    // not the server that was chosen
    unexpected,      // a type that means nothing in this state
    unacceptable,    // what it offers cannot be used (LeaseProblem), or another address
    count_,
};

struct DhcpConfig {
    // RFC 2131 §4.4.1 would have a host wait for up to ten seconds before it begins, lest all of a
    // building's begin at once after a power cut.
    Duration start_delay_max{};
};

struct DhcpStatus {
    DhcpState state = DhcpState::stopped;
    std::optional<DhcpLease> lease{};  // in use: bound, renewing, rebinding
    Time leased_at{};                  // when the request was sent that won it
    Time renew_at = Time::never();     // T1
    Time rebind_at = Time::never();    // T2
    Time expires_at = Time::never();
    Time next_at = Time::never();  // what it waits for at the latest
    std::uint64_t discovers = 0, requests = 0, declines = 0, releases = 0;  // sent
    std::uint64_t offers = 0, acks = 0, naks = 0;                           // taken
    std::uint64_t expiries = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(DhcpIgnored::count_)> ignored{};
};

class DhcpEnvironment {
  public:
    virtual ~DhcpEnvironment() = default;
    // To the server's port. An unspecified source: the interface has no address yet.
    virtual void send(Bytes message, Ipv4Address source, Ipv4Address destination) = 0;
    // Finds out whether anybody else on the link has the address; the answer is a call of
    // on_address_free or on_address_in_use, now or later.
    virtual void probe(const Ipv4Prefix& address, Time now) = 0;
    // The lease is in force (again); the one before, if any, is not.
    virtual void apply(const DhcpLease& lease) = 0;
    // The address and all that came with it must not be used any more.
    virtual void withdraw() = 0;
};

class DhcpClient {
  public:
    // RFC 2131 §4.1: 4, 8, 16, 32, 64 seconds, each plus or minus one.
    static constexpr std::int64_t first_retry_s = 4;
    static constexpr int limit_doublings = 4;
    // §3.1: so many requests, about a minute in all, before it begins again.
    static constexpr int limit_requests = 4;
    static constexpr Duration decline_delay = seconds(10);  // §3.1 (5)
    // Lest a server that refuses what it has just offered keeps us busy: doubled up to a minute.
    static constexpr Duration first_nak_delay = seconds(1);
    static constexpr Duration least_renewal_wait = seconds(60);  // §4.4.5
    // The largest message that we take: a UDP payload in an Ethernet frame (option 57).
    static constexpr std::uint16_t max_message_bytes = 1472;

    DhcpClient(DhcpEnvironment& environment, MacAddress mac, Random random,
               const DhcpConfig& config = {});

    void start(Time now);
    // A datagram for the client's port.
    void receive(Bytes message, Time now);
    bool on_address_free(Time now);  // false: the answer comes too late
    // Also later: somebody else uses the address (RFC 5227 §2.4).
    void on_address_in_use(Time now);
    void advance(Time now);
    Time next_deadline() const { return status_.next_at; }
    // Gives the lease back; the client stops.
    void release();

    const DhcpStatus& status() const { return status_; }
    bool has_lease() const { return status_.lease.has_value(); }

  private:
    void enter_init(Time at);
    void discover(Time now);
    void send_discover(Time now);
    void send_request(Time now);
    void renew(Time now);
    void decline();
    void wait_to_retry(Time now);
    void bind(Time now);
    void lose_lease();
    void on_deadline(Time now);
    void on_offer(const wire::DhcpView& message, Time now);
    void on_ack(const wire::DhcpView& message, Time now);
    void on_nak(const wire::DhcpView& message, Time now);
    void set_timers();
    void ignore(DhcpIgnored why) { ++status_.ignored[static_cast<std::size_t>(why)]; }
    bool is_extending() const {
        return status_.state == DhcpState::renewing || status_.state == DhcpState::rebinding;
    }
    wire::DhcpHeader header() const;
    void write_common(wire::DhcpWriter& writer) const;
    void finish_and_send(wire::DhcpWriter& writer, Ipv4Address source, Ipv4Address destination);

    DhcpEnvironment& environment_;
    MacAddress mac_;
    Random random_;
    DhcpConfig config_;
    DhcpStatus status_;
    DhcpLease offered_;  // in requesting and checking
    std::uint32_t xid_ = 0;
    Time begun_at_{};         // the first DISCOVER's
    std::uint16_t secs_ = 0;  // as the last DISCOVER said
    Time requested_at_{};
    int tries_ = 0;
    int naks_in_a_row_ = 0;
    std::array<std::uint8_t, wire::dhcp_least_bytes + 100> out_{};
};

}  // namespace berth::services
