#include "apps/berth/services/server.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <utility>

#include "apps/berth/command.hpp"
#include "apps/berth/services/http_session.hpp"
#include "apps/berth/services/small_services.hpp"
#include "berth/net.hpp"
#include "berth/socket.h"

namespace berth::app {
namespace {

using SessionMaker = std::function<std::unique_ptr<Activity>(TcpConnection, Moment)>;

// The passive socket. It stays what it is: each connection that it hears of becomes a session.
class Acceptor : public Activity {
  public:
    Acceptor(EventLoop& loop, TcpListener listener, SessionMaker make)
        : loop_(loop), listener_(std::move(listener)), make_(std::move(make)) {}

    int fd() const override { return listener_.fd(); }
    short events() const override {
        return pause_ || loop_.size() >= connection_limit ? short{0} : short{POLLIN};
    }
    bool is_finished() const override { return listener_.fd() < 0; }
    void begin_close(Moment) override { listener_.close(); }
    std::optional<Moment> deadline() const override { return pause_; }
    void on_deadline(Moment) override { pause_.reset(); }

    void on_ready(short, Moment now) override {
        for (int round = 0; round < accepts_per_turn && loop_.size() < connection_limit; ++round) {
            const int fd = berth_accept4(listener_.fd(), nullptr, nullptr, SOCK_NONBLOCK);
            if (fd < 0) {
                // One that was gone again already is no reason to stop; a full table is.
                if (errno == ECONNABORTED || errno == EINTR) continue;
                if (errno != EAGAIN) pause_ = now + pause_after_error;
                return;
            }
            auto session = make_(TcpConnection(fd), now);
            session->on_ready(0, now);  // some speak first
            if (!session->is_finished()) loop_.adopt(std::move(session));
        }
    }

  private:
    static constexpr int accepts_per_turn = 64;
    static constexpr std::chrono::milliseconds pause_after_error{100};

    EventLoop& loop_;
    TcpListener listener_;
    SessionMaker make_;
    std::optional<Moment> pause_{};
};

[[noreturn]] void cannot_serve(const ServiceSpec& service, Endpoint local,
                               std::string_view protocol, std::error_code why) {
    std::string advice;
    if (why == std::errc::address_in_use)
        advice = fmt::format("; another listener has it: choose another port with {}=PORT",
                             service.info().name);
    throw Failure(fmt::format("cannot serve {} on {} {}: {}{}", service.info().name, protocol,
                              to_string(local), why.message(), advice));
}

SessionMaker session_maker(const ServiceSpec& service) {
    if (service.kind == ServiceKind::http) {
        std::shared_ptr<const WebRoot> root;
        if (!service.directory.empty()) root = std::make_shared<WebRoot>(service.directory);
        return [root](TcpConnection connection, Moment now) {
            return std::make_unique<HttpSession>(std::move(connection), now, root);
        };
    }
    return [kind = service.kind](TcpConnection connection, Moment now) {
        return make_small_session(kind, std::move(connection), now);
    };
}

// One at the wildcard address, the other at an address of its own: both may listen at that port if
// both agree to, and the specific one wins.
bool overlap(Endpoint one, Endpoint other) {
    return one.port == other.port && one.address != other.address &&
           (one.address.is_unspecified() || other.address.is_unspecified());
}

TcpListener listener_of(Host& host, const ServiceSpec& service,
                        const std::vector<ServiceSpec>& services) {
    const bool shares =
        std::any_of(services.begin(), services.end(),
                    [&](const ServiceSpec& other) { return overlap(service.local, other.local); });
    if (shares) return {host, service.local, TcpListener::Shared{}, listener_backlog};
    return {host, service.local, listener_backlog};
}

void start_listener(EventLoop& loop, Host& host, const ServiceSpec& service,
                    const std::vector<ServiceSpec>& services) {
    SessionMaker make = session_maker(service);
    TcpListener listener = listener_of(host, service, services);
    if (!listener) cannot_serve(service, service.local, "tcp", listener.error());
    listener.set_nonblocking(true);
    loop.adopt(std::make_unique<Acceptor>(loop, std::move(listener), std::move(make)));
}

// A socket bound to one address does not hear datagrams to a broadcast address, a wildcard socket
// would. RFC 1122 §4.1.3.5 leaves it to the application to know them apart; this way it need not.
void start_datagram_services(EventLoop& loop, Host& host, const ServiceSpec& service,
                             const std::vector<Ipv4Address>& host_addresses,
                             const std::vector<Port>& service_ports) {
    std::vector<Ipv4Address> addresses{service.local.address};
    if (service.local.address.is_unspecified()) addresses = host_addresses;
    for (const auto address : addresses) {
        const Endpoint local{address, service.local.port};
        UdpSocket socket(host, local);
        // The service at this very address has been started already: the specific one wins.
        const bool has_its_own =
            socket.error() == std::errc::address_in_use && service.local.address != address;
        if (has_its_own) continue;
        if (!socket) cannot_serve(service, local, "udp", socket.error());
        socket.set_nonblocking(true);
        loop.adopt(make_small_datagram_service(service.kind, std::move(socket), service_ports));
    }
}

}  // namespace

void start_services(EventLoop& loop, Host& host, const std::vector<ServiceSpec>& services,
                    const std::vector<Ipv4Address>& host_addresses) {
    std::vector<Port> service_ports;
    for (const auto& service : services) {
        service_ports.push_back(service.local.port);
        start_listener(loop, host, service, services);
    }
    // Those with an address of their own come first.
    for (const bool wildcard : {false, true})
        for (const auto& service : services)
            if (service.info().has_udp && service.local.address.is_unspecified() == wildcard)
                start_datagram_services(loop, host, service, host_addresses, service_ports);
}

}  // namespace berth::app
