// berth nc: netcat on a host of its own.
#include <CLI/CLI.hpp>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "apps/berth/command.hpp"
#include "apps/berth/host_options.hpp"
#include "apps/berth/name_lookup.hpp"
#include "apps/berth/nc_relay.hpp"
#include "apps/berth/service_names.hpp"
#include "apps/berth/signals.hpp"
#include "berth/net.hpp"
#include "berth/socket.h"

namespace berth::app {
namespace {

// How long the last bytes and the goodbye may take.
constexpr int drain_limit_ms = 10'000;
constexpr int drain_after_signal_ms = 1'000;

struct NcArguments {
    std::unique_ptr<HostArguments> host;
    bool listen = false, udp = false, keep_listening = false, half_close = false;
    bool only_connect = false, verbose = false;
    std::string source_address, source_port;
    std::optional<unsigned> wait_seconds{};
    std::vector<std::string> where;
};

// What was asked for, once it makes sense.
struct NcPlan {
    Endpoint local;
    std::string remote_host;  // of a client: an address or a name
    Endpoint remote;          // its address, once it has been looked up
    RelayOptions relay;
};

Ipv4Address address_from(const std::string& text) {
    const auto address = parse_ipv4_address(text);
    if (!address)
        throw UsageError(
            fmt::format("{}: not an IPv4 address of this host; write it like 192.0.2.1", text));
    return *address;
}

Port port_from(const std::string& text, bool udp, bool zero_allowed) {
    auto port = parse_port(text);
    if (!port) port = service_port(text, udp ? "udp" : "tcp");
    if (!port || (*port == 0 && !zero_allowed))
        throw UsageError(
            fmt::format("{}: not a port; give a number from 1 to 65535 or a service's name", text));
    return *port;
}

NcPlan plan_of(const NcArguments& arguments, const HostPlan& host) {
    NcPlan plan;
    auto where = arguments.where;
    auto source_port = arguments.source_port;
    auto source_address = arguments.source_address;
    if (arguments.listen) {
        if (where.size() == 2) source_address = where.front();
        if (!where.empty() && source_port.empty()) source_port = where.back();
        if (source_port.empty())
            throw UsageError("-l needs a port to listen on; write 'berth nc -l -p PORT'");
        if (arguments.only_connect) throw UsageError("-z connects, -l listens; choose one");
    } else {
        if (where.size() != 2)
            throw UsageError("write whom to talk to: 'berth nc … HOST PORT', or -l to listen");
        if (arguments.keep_listening) throw UsageError("-k goes with -l only");
        plan.remote_host = where[0];
        plan.remote.port = port_from(where[1], arguments.udp, false);
    }
    if (!source_address.empty()) plan.local.address = address_from(source_address);
    if (!plan.local.address.is_unspecified() && !host.has_address(plan.local.address) &&
        !host.uses_dhcp())
        throw UsageError(fmt::format("{} is not an address of this host; give it with --address",
                                     to_string(plan.local.address)));
    if (!source_port.empty()) plan.local.port = port_from(source_port, arguments.udp, true);
    if (host.options.capture_file == "-")
        throw UsageError("--capture -: standard output belongs to nc's data; name a file");
    plan.relay = {arguments.udp, arguments.listen, arguments.half_close, {}};
    if (arguments.wait_seconds)
        plan.relay.idle_limit = std::chrono::seconds(*arguments.wait_seconds);
    return plan;
}

sockaddr_in socket_address(Endpoint endpoint) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(endpoint.address.value);
    return address;
}

Endpoint endpoint_of(const sockaddr_in& address) {
    return {Ipv4Address(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
}

const sockaddr* generic(const sockaddr_in& address) {
    return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

sockaddr* generic(sockaddr_in& address) {
    return static_cast<sockaddr*>(static_cast<void*>(&address));
}

// One run of the command: its host, its sockets.
class Netcat {
  public:
    Netcat(const NcArguments& arguments, const NcPlan& plan, Host& host, StopSignals& signals)
        : arguments_(arguments), plan_(plan), host_(host), signals_(signals) {}

    int run() { return arguments_.listen ? run_listener() : run_client(); }
    int signal() const { return signal_; }

  private:
    int run_client();
    int run_listener();
    SocketHandle bound_socket(int type);
    // False: a signal came, or the limit of -w passed.
    bool wait_for(int fd, short events);
    [[noreturn]] void cannot_connect(int why) const;
    TcpConnection next_connection(TcpListener& listener);
    int relay(int fd, std::string_view first = {});
    int relay_datagrams();
    void close_properly(SocketHandle& socket);
    void say(const std::string& what) const {
        if (arguments_.verbose) fmt::print(stderr, "berth nc: {}\n", what);
    }

    const NcArguments& arguments_;
    const NcPlan& plan_;
    Host& host_;
    StopSignals& signals_;
    StandardStreams streams_;
    int signal_ = 0;
};

SocketHandle Netcat::bound_socket(int type) {
    SocketHandle socket(host_.socket(type | SOCK_NONBLOCK));
    if (!socket) throw Failure(fmt::format("cannot make a socket: {}", std::strerror(errno)));
    const sockaddr_in local = socket_address(plan_.local);
    const bool named = plan_.local != Endpoint{};
    if (named && berth_bind(socket.fd(), generic(local), sizeof local) != 0)
        throw Failure(fmt::format("cannot use {}: {}; choose another with -s and -p",
                                  to_string(plan_.local), std::strerror(errno)));
    return socket;
}

bool Netcat::wait_for(int fd, short events) {
    std::array<struct pollfd, 2> polled{{{signals_.fd(), POLLIN, 0}, {fd, events, 0}}};
    int timeout_ms = -1;
    if (plan_.relay.idle_limit && !arguments_.listen)
        timeout_ms = static_cast<int>(std::chrono::milliseconds(*plan_.relay.idle_limit).count());
    while (true) {
        const int ready = berth_poll(polled.data(), polled.size(), timeout_ms);
        if (ready < 0 && errno != EINTR)
            throw Failure(fmt::format("cannot wait for events: {}", std::strerror(errno)));
        if (ready == 0) return false;
        if (ready > 0 && polled[0].revents != 0 && (signal_ = signals_.take()) != 0) return false;
        if (ready > 0 && polled[1].revents != 0) return true;
    }
}

void Netcat::cannot_connect(int why) const {
    const auto whom = to_string(plan_.remote);
    switch (why) {
        case ECONNREFUSED:
            throw Failure(fmt::format("{} refused the connection: nobody listens there", whom));
        case ETIMEDOUT:
            throw Failure(fmt::format("{} does not answer: the connection timed out", whom));
        case EHOSTUNREACH:
            throw Failure(fmt::format("{} cannot be reached: no such host on this link", whom));
        case ENETUNREACH: throw Failure(fmt::format("no route to {}; give --gateway", whom));
        default: throw Failure(fmt::format("cannot connect to {}: {}", whom, std::strerror(why)));
    }
}

void Netcat::close_properly(SocketHandle& socket) {
    if (!arguments_.udp) berth_shutdown(socket.fd(), SHUT_WR);
    socket.close();
    host_.drain(signal_ != 0 ? drain_after_signal_ms : drain_limit_ms);
}

int Netcat::relay(int fd, std::string_view first) {
    Relay relay(fd, plan_.relay, streams_, signals_);
    relay.deliver(first);
    relay.run();
    signal_ = relay.signal();
    return exit_done;
}

int Netcat::run_client() {
    SocketHandle socket = bound_socket(arguments_.udp ? SOCK_DGRAM : SOCK_STREAM);
    const sockaddr_in remote = socket_address(plan_.remote);
    if (berth_connect(socket.fd(), generic(remote), sizeof remote) != 0) {
        if (errno != EINPROGRESS) cannot_connect(errno);
        const bool answered = wait_for(socket.fd(), POLLOUT);
        if (signal_ != 0) return exit_failed;
        int error = answered ? 0 : ETIMEDOUT;
        socklen_t length = sizeof error;
        if (answered) berth_getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &length);
        if (error != 0) cannot_connect(error);
    }
    say(fmt::format("connected: {}", to_string(FourTuple{socket.local(), plan_.remote})));
    const int code = arguments_.only_connect ? exit_done : relay(socket.fd());
    close_properly(socket);
    return code;
}

TcpConnection Netcat::next_connection(TcpListener& listener) {
    while (wait_for(listener.fd(), POLLIN)) {
        TcpConnection connection(berth_accept4(listener.fd(), nullptr, nullptr, SOCK_NONBLOCK));
        if (connection) return connection;
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
            throw Failure(fmt::format("cannot accept: {}", std::strerror(errno)));
    }
    return {};
}

int Netcat::run_listener() {
    if (arguments_.udp) return relay_datagrams();
    TcpListener listener(host_, plan_.local);
    if (!listener)
        throw Failure(fmt::format("cannot listen on {}: {}", to_string(plan_.local),
                                  listener.error().message()));
    listener.set_nonblocking(true);
    say(fmt::format("listening on {}", to_string(listener.local())));
    do {
        TcpConnection connection = next_connection(listener);
        if (!connection) break;
        // Without -k there is only one, and whoever comes later is refused.
        if (!arguments_.keep_listening) listener.close();
        say(fmt::format("connected: {}", to_string(connection.four_tuple())));
        relay(connection.fd());
        close_properly(connection);
    } while (arguments_.keep_listening && signal_ == 0 && !streams_.output_gone);
    return exit_done;
}

// The first datagram says who the peer is; from then on the socket is connected to it.
int Netcat::relay_datagrams() {
    SocketHandle socket = bound_socket(SOCK_DGRAM);
    say(fmt::format("listening on {}", to_string(socket.local())));
    std::array<char, Relay::buffer_limit_bytes> first;
    sockaddr_in source{};
    while (wait_for(socket.fd(), POLLIN)) {
        socklen_t length = sizeof source;
        const auto got = berth_recvfrom(socket.fd(), first.data(), first.size(), MSG_DONTWAIT,
                                        generic(source), &length);
        if (got < 0) continue;
        if (berth_connect(socket.fd(), generic(source), sizeof source) != 0)
            throw Failure(fmt::format("cannot talk to {}: {}", to_string(endpoint_of(source)),
                                      std::strerror(errno)));
        say(fmt::format("talking: {}", to_string(FourTuple{socket.local(), endpoint_of(source)})));
        return relay(socket.fd(), {first.data(), static_cast<std::size_t>(got)});
    }
    return exit_done;
}

int run_nc(const NcArguments& arguments) {
    const HostPlan host_plan = arguments.host->plan();
    NcPlan plan = plan_of(arguments, host_plan);
    StopSignals signals;
    int code = exit_done;
    int signal = 0;
    {
        const auto host = make_host(host_plan);
        if (!arguments.listen)
            plan.remote.address = resolve_host(*host, plan.remote_host, signals.fd());
        Netcat netcat(arguments, plan, *host, signals);
        code = netcat.run();
        signal = netcat.signal();
    }
    if (signal != 0) end_by(signal);
    return code;
}

}  // namespace

void register_nc(CLI::App& tool, int& exit_code) {
    auto* command = tool.add_subcommand(
        "nc", "Netcat on a host of its own: standard input to a connection and back");
    auto arguments = std::make_shared<NcArguments>();
    command->add_flag("-l", arguments->listen, "Listen instead of connecting");
    command->add_flag("-u", arguments->udp, "UDP instead of TCP");
    command->add_option("-s", arguments->source_address, "The local address to use")
        ->type_name("ADDRESS");
    command->add_option("-p", arguments->source_port, "The local port to use; 0: any free one")
        ->type_name("PORT");
    command->add_flag("-k", arguments->keep_listening, "With -l: one connection after the other");
    command->add_flag("-N", arguments->half_close,
                      "Send the end of input to the peer (FIN); with -u: end a second later");
    command
        ->add_option("-w", arguments->wait_seconds,
                     "Give up connecting, or end, when nothing moved for so long")
        ->type_name("SECONDS")
        ->check(CLI::Range(1u, 86'400u));
    command->add_flag("-z", arguments->only_connect, "Connect and end: is the port open?");
    command->add_flag("-v", arguments->verbose, "Say on standard error who is connected");
    command->add_option("where", arguments->where, "Whom to talk to; with -l: [ADDRESS] PORT")
        ->option_text("HOST PORT")
        ->expected(0, 2);
    arguments->host = std::make_unique<HostArguments>(*command);
    command->footer(
        "Received text is escaped where standard output is a terminal.\n"
        "Examples:\n"
        "  berth nc --link tap:tap0 --address 192.0.2.2/24 192.0.2.1 7\n"
        "  berth nc --link unix:/tmp/lab.sock --address 192.0.2.3/24 -v 192.0.2.2 echo\n"
        "  berth nc --link tap:tap0 --address dhcp server.example http\n"
        "  berth nc --link unix:/tmp/lab.sock --address 192.0.2.4/24 -l -p 5000 > received\n"
        "  printf 'GET / HTTP/1.0\\r\\n\\r\\n' | berth nc --link … --address … -N 192.0.2.2 80");
    command->callback([arguments, &exit_code] { exit_code = run_nc(*arguments); });
}

}  // namespace berth::app
