// berth/host.hpp.
#include "berth/host.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "drivers/impairment.hpp"
#include "drivers/open_link.hpp"
#include "drivers/tap.hpp"
#include "drivers/text.hpp"
#include "host/clock.hpp"
#include "host/control_reports.hpp"
#include "host/host_impl.hpp"
#include "host/make_socket.hpp"
#include "host/measurement.hpp"
#include "host/resolver.hpp"
#include "host/routes.hpp"
#include "host/sysctl.hpp"

namespace berth {

using drivers::concat;
using host::Core;
using host::CoreGuard;
using host::Process;

namespace {

constexpr std::uint16_t least_mtu = 68;  // RFC 791 §3.2
// How long the end of a host may wait for its last words.
constexpr int release_limit_ms = 500;

Maybe<int> failed(std::string why) {
    return Maybe<int>::failed(std::move(why));
}

std::string check_mac(const std::optional<MacAddress>& mac) {
    if (!mac || (!mac->is_group() && !mac->is_zero())) return {};
    return concat({to_string(*mac),
                   " cannot be a station's address; use one like 02:00:00:00:00:01, whose "
                   "first octet is even"});
}

std::string check_interface(const Core& core, int index) {
    const std::size_t count = core.links().size();
    if (index >= 0 && static_cast<std::size_t>(index) < count) return {};
    return concat({"there is no interface ", std::to_string(index), "; this host has ",
                   std::to_string(count), ", numbered from 0"});
}

std::string check_address(const Ipv4Prefix& prefix) {
    const Ipv4Address address = prefix.address;
    const char* what = nullptr;
    if (address.is_this_network()) what = "is no host's address";
    if (address.is_loopback()) what = "is a loopback address";
    if (address.is_multicast()) what = "is a multicast address";
    if (address.is_reserved()) what = "is a reserved address";
    if (address.is_limited_broadcast()) what = "is the broadcast address";
    if (what == nullptr && prefix.has_broadcast()) {
        if (address == prefix.network()) what = "names the whole network";
        if (address == prefix.broadcast()) what = "is the network's broadcast address";
    }
    if (prefix.length == 0) what = "has a network of all addresses";
    if (what == nullptr) return {};
    return concat({to_string(prefix), " ", what,
                   "; give a host's address and its network's length, like "
                   "192.0.2.2/24"});
}

drivers::TapLink* find_tap(link::LinkDevice& device) {
    if (auto* impaired = dynamic_cast<drivers::ImpairedLink*>(&device))
        return find_tap(impaired->below());
    return dynamic_cast<drivers::TapLink*>(&device);
}

}  // namespace

namespace {

// Until the condition is over (true), the time is, or a link is lost; an embedded host never waits.
template <class Condition>
bool wait_while(Core& core, int timeout_ms, Condition condition) {
    CoreGuard guard(core.lock());
    if (!core.threads()) return !condition();
    core.begin_call();
    core.end_call();
    host::Waiter waiter;
    waiter.set_every_round(true);
    const host::SeatVisit visit(*core.seat(), waiter);
    const Time deadline = timeout_ms < 0 ? Time::never() : core.now() + milliseconds(timeout_ms);
    while (condition()) {
        if (core.is_over() || !core.link_error().empty()) return false;
        if (core.seat()->wait(guard, waiter, deadline) == host::Woken::timed_out)
            return !condition();
    }
    return true;
}

}  // namespace

Host::Host(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Maybe<std::unique_ptr<Host>> Host::create(HostOptions options) {
    using Made = Maybe<std::unique_ptr<Host>>;
    host::HostConfig config;
    for (const std::string& sysctl : options.sysctls)
        if (std::string problem = host::apply_sysctl(sysctl, config); !problem.empty())
            return Made::failed(std::move(problem));
    auto& reassembly = config.ip.reassembly;
    reassembly.low_bytes = std::min(reassembly.low_bytes, reassembly.high_bytes);
    config.ip.forward = config.ip.forward || options.forward;
    const Seed seed = options.seed ? Seed::from(*options.seed) : host::system_seed();
    auto core = std::make_shared<Core>(options, config, seed);
    if (!options.capture_file.empty())
        if (std::string problem = core->open_capture(options.capture_file); !problem.empty())
            return Made::failed(std::move(problem));
    if (options.threads)
        if (std::string problem = core->start(options.name); !problem.empty())
            return Made::failed(std::move(problem));
    Process::current().add(core);
    return Made(std::unique_ptr<Host>(new Host(std::make_unique<Impl>(std::move(core)))));
}

Host::~Host() {
    if (impl_->process != &Process::current()) {
        // A child made by fork(): the threads are not here, and the locks may be held by them for
        // ever.
        static_cast<void>(impl_.release());
        return;
    }
    Core& core = *impl_->core;
    core.refuse_sockets();
    impl_->process->remove(core);
    auto files = impl_->process->descriptors().remove_if(
        [&core](const host::OpenFile& file) { return file.core.get() == &core; });
    {
        const CoreGuard guard(core.lock());
        core.begin_call();
        core.dhcp().release_all(core.now());
        for (const auto& file : files) {
            if (file->socket) file->socket->set_option(socket::Option::linger, 0);
            core.detach(*file).reset();
        }
        core.end_call();
    }
    // The RELEASE may have to wait for its server's hardware address.
    wait_while(core, release_limit_ms, [&core] { return core.dhcp().is_releasing(); });
    core.shut_down();
}

Maybe<int> Host::add_link(std::string_view url, std::optional<MacAddress> mac,
                          std::optional<Ipv4Prefix> peer_address) {
    if (std::string problem = check_mac(mac); !problem.empty()) return failed(std::move(problem));
    const auto parsed = drivers::LinkUrl::parse(url);
    if (!parsed) return failed(parsed.error());
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    if (core.links().size() == Core::limit_links) return failed("a host has at most 64 links");
    drivers::OpenOptions options;
    options.peer_address = peer_address;
    options.impairment_seed = core.impairment_seed();
    auto device = drivers::open_link(*parsed, options);
    if (!device) return failed(device.error());
    link::InterfaceConfig config;
    config.mac = mac.value_or(MacAddress{});
    config.vlan = parsed->options.vlan;
    const int index = core.add_link(std::string(url), *std::move(device), config, nullptr);
    if (index < 0)
        return failed(concat(
            {"cannot wait for packets on ", url, "; raise 'ulimit -n', or choose another link"}));
    core.end_call();
    return index;
}

Maybe<int> Host::add_callback_link(CallbackLinkKind kind, std::uint16_t mtu, Output output,
                                   std::optional<MacAddress> mac) {
    if (std::string problem = check_mac(mac); !problem.empty()) return failed(std::move(problem));
    if (!output) return failed("a callback link needs a function for the packets that leave");
    if (mtu < least_mtu) return failed("the MTU of a link is at least 68 bytes (RFC 791)");
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    if (core.links().size() == Core::limit_links) return failed("a host has at most 64 links");
    link::LinkProperties properties;
    properties.kind =
        kind == CallbackLinkKind::raw_ip ? link::LinkKind::raw_ip : link::LinkKind::ethernet;
    properties.mtu = mtu;
    auto device = std::make_unique<drivers::CallbackLink>(
        properties, [output = std::move(output)](Bytes frame, Time emission) {
            return output(frame, emission.ns);
        });
    drivers::CallbackLink* callback = device.get();
    link::InterfaceConfig config;
    config.mac = mac.value_or(MacAddress{});
    return core.add_link("callback:" + std::to_string(core.links().size()), std::move(device),
                         config, callback);
}

Maybe<int> Host::add_address(int interface_index, Ipv4Prefix address) {
    if (std::string problem = check_address(address); !problem.empty())
        return failed(std::move(problem));
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    if (std::string problem = check_interface(core, interface_index); !problem.empty())
        return failed(std::move(problem));
    if (core.stack().ip().is_own(address.address))
        return failed(concat({to_string(address.address), " is this host's address already"}));
    const auto index = static_cast<link::InterfaceIndex>(interface_index);
    core.begin_call();
    core.stack().add_address(index, address);
    // Neighbours who knew another station under the address ask again.
    core.stack().interface_at(index).announce(address.address, core.stack().now());
    core.end_call();
    return interface_index;
}

Maybe<int> Host::add_address_dhcp(int interface_index) {
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    if (std::string problem = check_interface(core, interface_index); !problem.empty())
        return failed(std::move(problem));
    core.begin_call();
    const auto error =
        core.dhcp().add(static_cast<link::InterfaceIndex>(interface_index), core.now());
    core.end_call();
    if (error == std::errc::address_in_use)
        return failed("UDP port 68 is taken by a socket of this host, and DHCP needs it");
    if (error != std::errc{})
        return failed(concat({"interface ", std::to_string(interface_index),
                              " cannot ask for an address: it does so already, or its link is "
                              "no Ethernet"}));
    return interface_index;
}

Maybe<int> Host::add_route(Ipv4Prefix destination, std::optional<Ipv4Address> gateway,
                           std::optional<int> interface_index, std::uint32_t metric) {
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    if (interface_index)
        if (std::string problem = check_interface(core, *interface_index); !problem.empty())
            return failed(std::move(problem));
    const auto index = host::add_route(core, destination, gateway, interface_index, metric);
    return index ? Maybe<int>(*index) : failed(index.error());
}

bool Host::input(int interface_index, std::span<const std::uint8_t> packet, std::int64_t now_ns) {
    if (interface_index < 0) return false;
    Core& core = *impl_->core;
    const auto index = static_cast<std::size_t>(interface_index);
    if (core.threads()) return core.deliver(index, packet);
    const CoreGuard guard(core.lock());
    return core.input(index, packet, Time{now_ns});
}

void Host::step(std::int64_t now_ns) {
    Core& core = *impl_->core;
    if (core.threads()) return;
    const CoreGuard guard(core.lock());
    core.step(Time{now_ns});
}

std::int64_t Host::next_deadline_ns() const {
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    return core.next_deadline().ns;
}

int Host::socket(int type) {
    return host::make_socket(impl_->core, AF_INET, type, 0);
}

std::vector<SocketRow> Host::sockets() const {
    return host::socket_rows(*impl_->core);
}

std::vector<DropRow> Host::drops() const {
    return host::drop_rows(*impl_->core);
}

std::vector<RouteRow> Host::routes() const {
    const CoreGuard guard(impl_->core->lock());
    return host::route_rows(*impl_->core);
}

std::vector<NeighbourRow> Host::neighbours() const {
    const CoreGuard guard(impl_->core->lock());
    return host::neighbour_rows(*impl_->core);
}

void Host::measure(std::string_view request, const std::function<bool(const std::string&)>& tell,
                   const std::function<bool()>& is_over, int stop_descriptor) {
    host::measure(*impl_->core, request, {tell, is_over, stop_descriptor});
}

std::string Host::link_error() const {
    const CoreGuard guard(impl_->core->lock());
    return impl_->core->link_error();
}

std::string Host::setup_hint() const {
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    std::string hints;
    for (std::size_t i = 0; i < core.links().size(); ++i) {
        const drivers::TapLink* tap = find_tap(*core.links()[i].device);
        if (tap == nullptr) continue;
        const auto own =
            core.stack().interface_at(static_cast<link::InterfaceIndex>(i)).addresses();
        const std::string hint =
            tap->setup_hint(own.empty() ? std::nullopt : std::optional(own.front()));
        if (!hint.empty() && !hints.empty()) hints += '\n';
        hints += hint;
    }
    return hints;
}

bool Host::drain(int timeout_ms) {
    Core& core = *impl_->core;
    return wait_while(core, timeout_ms, [&core] { return core.is_closing(); });
}

bool Host::wait_for_dhcp(int timeout_ms) {
    Core& core = *impl_->core;
    return wait_while(core, timeout_ms, [&core] { return !core.dhcp().all_bound(); });
}

void Host::release_dhcp() {
    Core& core = *impl_->core;
    const CoreGuard guard(core.lock());
    core.begin_call();
    core.dhcp().release_all(core.now());
    core.end_call();
}

std::vector<DhcpRow> Host::dhcp() const {
    return host::dhcp_rows(*impl_->core);
}

Maybe<ResolvedName> Host::resolve(std::string_view name, int stop_descriptor) {
    auto found = host::resolve_name(impl_->core, name, stop_descriptor);
    if (found.error != host::LookupError::none)
        return Maybe<ResolvedName>::failed(host::sentence_about(found.error, name));
    return ResolvedName{std::move(found.canonical_name), std::move(found.addresses)};
}

}  // namespace berth
