#include "host/core.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "drivers/impairment.hpp"
#include "drivers/pcapng.hpp"
#include "host/clock.hpp"
#include "host/control_reports.hpp"
#include "host/measurement.hpp"
#include "socket/sockets.hpp"

namespace berth::host {

namespace {

// The labels of the streams drawn from a host's seed; the stack draws from the seed itself.
constexpr std::uint64_t host_stream = 0x686f7374;
constexpr std::uint64_t dhcp_stream = 0x64686370;

StackConfig stack_config(const HostOptions& options, const HostConfig& wanted, const Seed& seed) {
    StackConfig config;
    config.seed = seed;
    config.start = options.threads ? Time{} : Time{options.start_ns};
    config.tcp = wanted.tcp;
    config.ip = wanted.ip;
    return config;
}

}  // namespace

bool Inbox::push(std::span<const std::uint8_t> packet) {
    const std::lock_guard guard(mutex_);
    if (packets_.size() >= limit_packets) return false;
    packets_.emplace_back(packet.begin(), packet.end());
    return true;
}

std::deque<std::vector<std::uint8_t>> Inbox::take() {
    const std::lock_guard guard(mutex_);
    return std::exchange(packets_, {});
}

Core::Core(const HostOptions& options, const HostConfig& config, const Seed& seed)
    : epoch_ns_(options.threads ? monotonic_ns() : 0),
      embedded_now_{options.start_ns},
      random_(Random(seed).fork(host_stream)),
      stack_(stack_config(options, config, seed)),
      prober_(stack_),
      dhcp_(stack_, Random(seed).fork(dhcp_stream), &prober_),
      dns_servers_(options.dns_servers),
      hosts_file_(options.hosts_file) {
    links_.reserve(limit_links);
    if (options.threads) seat_ = std::make_unique<DrivingSeat>(lock_, *this);
}

Core::~Core() {
    control_.reset();
    seat_.reset();
    stack_.set_observer(nullptr);
}

std::string Core::open_capture(const std::string& file) {
    auto writer = drivers::PcapngWriter::open(file);
    if (!writer) return writer.error();
    const std::int64_t offset = threads() ? epoch_ns_ + wall_offset_ns() : 0;
    capture_ = std::make_unique<drivers::CaptureObserver>(
        *std::move(writer), std::vector<drivers::CaptureObserver::Interface>{}, offset);
    stack_.set_observer(capture_.get());
    return {};
}

std::string Core::start(const std::string& control_name) {
    if (!seat_->is_usable())
        return "cannot make a host: there are no file descriptors left; raise 'ulimit -n'";
    if (!control_name.empty()) {
        auto server = ControlServer::start(
            control_name,
            [this, control_name](std::string_view request) {
                return answer_control(*this, control_name, request);
            },
            [this](std::string_view request, const Conversation& conversation) {
                measure(*this, request, conversation);
            });
        if (!server) return server.error();
        control_ = *std::move(server);
    }
    seat_->start();
    return {};
}

void Core::shut_down() {
    if (control_) control_->stop();
    {
        const CoreGuard guard(lock_);
        shut_ = true;
        if (capture_) capture_->finish();
        if (seat_) seat_->signal_all();
    }
    if (seat_) seat_->stop();
}

Time Core::now() const {
    return seat_ ? Time{monotonic_ns() - epoch_ns_} : embedded_now_;
}

Core::NameConfig Core::names() const {
    NameConfig config{dns_servers_, dhcp_.domains(), hosts_file_};
    for (const Ipv4Address server : dhcp_.dns_servers()) {
        auto& all = config.servers;
        if (std::find(all.begin(), all.end(), server) == all.end()) all.push_back(server);
    }
    return config;
}

Seed Core::impairment_seed() {
    Seed seed;
    for (std::uint32_t& word : seed.words)
        word = random_.next_u32();
    return seed;
}

// ---- links
// ---------------------------------------------------------------------------------------

int Core::add_link(std::string name, std::unique_ptr<link::LinkDevice> device,
                   const link::InterfaceConfig& config, drivers::CallbackLink* callback) {
    Link link;
    link.name = std::move(name);
    link.device = std::move(device);
    link.callback = callback;
    link.impaired = dynamic_cast<drivers::ImpairedLink*>(link.device.get()) != nullptr;
    if (callback != nullptr && threads()) link.inbox = std::make_unique<Inbox>();
    const int fd = threads() ? link.device->descriptor() : -1;
    if (fd >= 0 && !seat_->events().add(fd, static_cast<std::uint32_t>(links_.size()))) return -1;
    link.descriptor = fd;
    const link::InterfaceIndex index = stack_.add_interface(link.name, *link.device, config);
    prober_.watch(index);
    if (capture_) capture_->add_interface({link.name, link.device->properties().kind});
    links_.push_back(std::move(link));
    link_count_.store(links_.size(), std::memory_order_release);
    return static_cast<int>(index);
}

void Core::lose_link(Link& link, std::string_view why) {
    if (link.descriptor >= 0) seat_->events().remove(link.descriptor);
    link.gone = true;
    link.descriptor = -1;
    ++links_lost_;
    if (link_error_.empty()) link_error_ = why;
    if (seat_) seat_->signal_all();
}

// A link that stays ready for nothing would have us spin, so errors that the device does not
// explain count against it.
void Core::check_links(std::span<const epoll_event> events) {
    for (Link& link : links_) {
        if (link.gone) continue;
        const std::string_view error = link.device->error();
        if (!error.empty()) lose_link(link, error);
    }
    for (const epoll_event& event : events) {
        if (event.data.u32 >= links_.size()) continue;
        Link& link = links_[event.data.u32];
        const bool bad = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        link.bad_rounds = bad ? link.bad_rounds + 1 : 0;
        if (!link.gone && link.bad_rounds > bad_rounds_allowed) {
            lose_link(link,
                      "the link " + link.name +
                          " reports errors and nothing else; see whether its other side is there");
        }
    }
}

// A link that took less than there was: the kernel says when it has room, or else we try again.
void Core::after_transmit(std::size_t index) {
    Link& link = links_[index];
    if (link.gone) return;
    const bool left = stack_.has_output(static_cast<link::InterfaceIndex>(index));
    const bool can_tell = link.descriptor >= 0 && link.device->wants_write_wakeup();
    const bool want = can_tell && (left || link.impaired);
    if (want != link.wants_write) {
        seat_->events().want_write(link.descriptor, static_cast<std::uint32_t>(index), want);
        link.wants_write = want;
    }
    if (left && !can_tell) retry_at_ = now() + retry_interval;
}

void Core::transmit_all() {
    retry_at_ = Time::never();
    stack_.run_loopback(stack_.now());
    for (std::size_t i = 0; i < links_.size(); ++i) {
        const auto index = static_cast<link::InterfaceIndex>(i);
        if (links_[i].gone) continue;
        while (stack_.has_output(index))
            if (stack_.transmit(index, stack_.now(), transmit_budget_frames) == 0) break;
        after_transmit(i);
    }
}

void Core::fetch_inboxes() {
    for (Link& link : links_) {
        if (!link.inbox) continue;
        for (const auto& packet : link.inbox->take())
            link.callback->inject(packet, stack_.now());
    }
}

bool Core::deliver(std::size_t interface_index, std::span<const std::uint8_t> packet) {
    if (interface_index >= link_count_.load(std::memory_order_acquire)) return false;
    const Link& link = links_[interface_index];
    if (!link.inbox || !link.inbox->push(packet)) return false;
    seat_->events().poke();
    return true;
}

// ---- calls
// ---------------------------------------------------------------------------------------

void Core::begin_call() {
    if (seat_ && !shut_) stack_.advance(now());
}

void Core::end_call() {
    if (!seat_ || shut_) return;
    transmit_all();
    settle();
    seat_->deadline_is(next_deadline());
}

bool Core::serve_if_idle() {
    if (!seat_ || shut_ || !seat_->is_empty()) return false;
    service({});
    return true;
}

void Core::touch(OpenFile& file) {
    file.touched = true;
    touched_.push_back(&file);
}

void Core::settle() {
    for (OpenFile* file : touched_) {
        file->touched = false;
        file->settle(*seat_);
    }
    touched_.clear();
}

std::unique_ptr<socket::Socket> Core::detach(OpenFile& file) {
    if (!file.socket) return nullptr;
    if (file.touched) std::erase(touched_, &file);
    file.touched = false;
    file.socket->set_watcher(nullptr);
    if (seat_) file.wake_all(*seat_);
    return std::move(file.socket);
}

// ---- driven
// --------------------------------------------------------------------------------------

bool Core::advance_services(Time at) {
    const bool told = prober_.deliver(dhcp_, at);
    return dhcp_.advance(at) || told;
}

Time Core::event_deadline() const {
    if (prober_.has_news()) return stack_.now();
    Time next = earlier(stack_.next_deadline(), dhcp_.next_deadline());
    for (const Link& link : links_)
        if (!link.gone) next = earlier(next, link.device->next_arrival());
    return next;
}

Time Core::next_deadline() {
    if (shut_) return Time::never();
    const Time next = earlier(event_deadline(), retry_at_);
    if (seat_ || !retry_at_.is_never()) return next;
    // Embedded: packets leave only inside step(), so one that waits to leave is due now.
    for (std::size_t i = 0; i < links_.size(); ++i)
        if (stack_.has_output(static_cast<link::InterfaceIndex>(i)))
            return earlier(next, embedded_now_);
    return next;
}

void Core::service(std::span<const epoll_event> events) {
    if (shut_) return;
    fetch_inboxes();
    stack_.poll(now());
    advance_services(stack_.now());
    check_links(events);
    transmit_all();
    settle();
    seat_->signal_every_round();
}

// ---- embedded
// ------------------------------------------------------------------------------------

bool Core::input(std::size_t interface_index, std::span<const std::uint8_t> packet, Time when) {
    if (interface_index >= links_.size() || links_[interface_index].callback == nullptr)
        return false;
    embedded_now_ = std::max(embedded_now_, when);
    stack_.advance(embedded_now_);
    Link& link = links_[interface_index];
    if (!link.callback->inject(packet, embedded_now_)) return false;
    std::array<link::Frame, 4> burst;
    while (const std::size_t count = link.device->receive(stack_.buffers(), burst, embedded_now_)) {
        stack_.receive(static_cast<link::InterfaceIndex>(interface_index), {burst.data(), count},
                       embedded_now_);
    }
    retry_at_ = Time::never();
    return true;
}

bool Core::step_at(Time at) {
    embedded_now_ = at;
    bool did_something = stack_.poll(at);
    did_something = advance_services(at) || did_something;
    transmit_all();
    return did_something;
}

void Core::step(Time to) {
    to = std::max(embedded_now_, to);
    step_at(embedded_now_);
    // Deadline by deadline, so that each packet leaves when it was due and not when we looked.
    std::size_t standstill = 0;
    for (Time due = event_deadline(); due <= to; due = event_deadline()) {
        standstill = due > embedded_now_ ? 0 : standstill + 1;
        const bool did_something = step_at(std::max(embedded_now_, due));
        if (standstill > 0 && (!did_something || standstill > standstill_limit_rounds)) break;
    }
    step_at(to);
    check_links({});
}

bool Core::is_closing() const {
    if (dhcp_.is_releasing()) return true;
    for (const socket::Row& row : socket::rows(stack_)) {
        if (row.protocol != Protocol::tcp) continue;
        for (const std::string_view state : {"FIN-WAIT-1", "FIN-WAIT-2", "CLOSING", "LAST-ACK"})
            if (row.state == state) return true;
    }
    return false;
}

}  // namespace berth::host
