// A host's inside: one stack, its devices, its clock, and the seat from which it is driven.
//
// Everything but the constructor and now() is called with the core lock held, unless it says
// otherwise. Calls of the socket API do: lock, begin_call(), work on sockets, end_call(), unlock.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "berth/host.hpp"
#include "drivers/callback.hpp"
#include "drivers/capture.hpp"
#include "host/control_server.hpp"
#include "host/core_lock.hpp"
#include "host/driving_seat.hpp"
#include "host/host_config.hpp"
#include "host/open_file.hpp"
#include "services/dhcp.hpp"
#include "services/link_prober.hpp"
#include "stack.hpp"

namespace berth::host {

// Packets that another thread gave to a callback link of a host with threads, until the driver
// fetches them. It has its own small lock, so that two hosts may feed one another.
class Inbox {
  public:
    static constexpr std::size_t limit_packets = 4096;

    bool push(std::span<const std::uint8_t> packet);
    std::deque<std::vector<std::uint8_t>> take();

  private:
    std::mutex mutex_;
    std::deque<std::vector<std::uint8_t>> packets_;
};

class Core final : public Driven, public std::enable_shared_from_this<Core> {
  public:
    explicit Core(const HostOptions& options, const HostConfig& config, const Seed& seed);
    ~Core() override;

    // Before the first socket. The error is a sentence.
    std::string open_capture(const std::string& file);
    std::string start(const std::string& control_name);  // lock not held
    // The end, in two steps; lock not held. No new sockets …
    void refuse_sockets() { closing_ = true; }
    // … and, once all are closed: wakes everybody and ends the threads.
    void shut_down();
    bool is_shut() const { return closing_; }
    bool is_over() const { return shut_; }  // the threads are going; lock held

    CoreLock& lock() { return lock_; }
    bool threads() const { return seat_ != nullptr; }
    DrivingSeat* seat() { return seat_.get(); }
    Stack& stack() { return stack_; }
    const Stack& stack() const { return stack_; }
    services::DhcpClients& dhcp() { return dhcp_; }
    // What names are looked up with: the servers of the options, then those of the leases.
    struct NameConfig {
        std::vector<Ipv4Address> servers;
        std::vector<std::string> search;  // domains to try a short name in
        std::string hosts_file;
    };
    NameConfig names() const;

    // Threads: CLOCK_MONOTONIC since the host was made. Embedded: the time of the last step or
    // input.
    Time now() const override;

    void begin_call();
    // What the call produced leaves at once (threads mode), and waiters learn what changed.
    void end_call();
    // For a non-blocking call that found nothing: looks at the links if nobody else does. False: it
    // did not.
    bool serve_if_idle();

    void touch(OpenFile& file);
    // Takes the file's socket away, to be closed by destroying it, and wakes those who wait for it.
    std::unique_ptr<socket::Socket> detach(OpenFile& file);

    Time next_deadline() override;
    void service(std::span<const epoll_event> events) override;

    struct Link {
        std::string name;
        std::unique_ptr<link::LinkDevice> device;
        drivers::CallbackLink* callback = nullptr;
        std::unique_ptr<Inbox> inbox;
        int descriptor = -1;
        bool impaired = false;
        bool wants_write = false;
        bool gone = false;
        int bad_rounds = 0;  // with an error event that the device says nothing of
    };
    // The interface's index; -1: the kernel will not wait for the link's descriptor.
    int add_link(std::string name, std::unique_ptr<link::LinkDevice> device,
                 const link::InterfaceConfig& config, drivers::CallbackLink* callback);
    std::span<const Link> links() const { return links_; }
    static constexpr std::size_t limit_links = 64;
    const std::string& link_error() const { return link_error_; }
    // Grows when a link is lost; berth_poll tells its caller by EINTR.
    std::uint64_t links_lost() const { return links_lost_; }
    Seed impairment_seed();

    // Embedded mode.
    bool input(std::size_t interface_index, std::span<const std::uint8_t> packet, Time when);
    void step(Time to);
    // Threads mode; lock not held.
    bool deliver(std::size_t interface_index, std::span<const std::uint8_t> packet);

    bool is_closing() const;  // a connection that was closed still has something to deliver

  private:
    static constexpr std::size_t transmit_budget_frames = 256;
    // When a link takes no more and has no descriptor to say when it will.
    static constexpr Duration retry_interval = milliseconds(1);
    static constexpr int bad_rounds_allowed = 100;
    // Rounds of one step() in which things happen but time does not move on.
    static constexpr std::size_t standstill_limit_rounds = 10'000;

    bool advance_services(Time at);
    void transmit_all();
    void after_transmit(std::size_t index);
    void check_links(std::span<const epoll_event> events);
    void fetch_inboxes();
    Time event_deadline() const;
    bool step_at(Time at);
    void lose_link(Link& link, std::string_view why);
    void settle();

    CoreLock lock_;
    std::unique_ptr<DrivingSeat> seat_;  // null: embedded
    std::int64_t epoch_ns_ = 0;          // of CLOCK_MONOTONIC: time 0 of the stack
    Time embedded_now_{};
    Random random_;  // of what is not the stack's: impairments
    // The devices outlive the stack, which is declared after them.
    std::vector<Link>
        links_;  // reserved for limit_links, so that deliver() may read without the lock
    std::atomic<std::size_t> link_count_{0};
    std::unique_ptr<drivers::CaptureObserver> capture_;
    Stack stack_;
    services::LinkProber prober_;
    services::DhcpClients dhcp_;  // its socket is the stack's
    std::vector<Ipv4Address> dns_servers_;
    std::string hosts_file_;
    std::vector<OpenFile*> touched_;
    Time retry_at_ = Time::never();
    std::string link_error_;
    std::uint64_t links_lost_ = 0;
    std::atomic<bool> closing_{false};
    bool shut_ = false;
    std::unique_ptr<ControlServer> control_;
};

}  // namespace berth::host
