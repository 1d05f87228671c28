#include "services/dhcp.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "socket/sockets.hpp"

namespace berth::services {

// One client, and what its lease has changed in the stack.
class DhcpClients::Member final : public DhcpEnvironment {
  public:
    Member(DhcpClients& all, link::InterfaceIndex index, Random random)
        : all_(all),
          index_(index),
          client_(*this, all.stack_.interface_at(index).mac(), random, all.config_) {}

    link::InterfaceIndex index() const { return index_; }
    DhcpClient& client() { return client_; }
    const DhcpClient& client() const { return client_; }

    bool advance(Time now) {
        const bool due = next_deadline() <= now;
        if (keep_until_ <= now) take_away();
        client_.advance(now);
        return due;
    }
    Time next_deadline() const { return earlier(client_.next_deadline(), keep_until_); }

    void release(Time now) {
        releasing_at_ = now;
        client_.release();
        releasing_at_.reset();
    }
    bool is_releasing() const {
        if (keep_until_.is_never()) return false;
        const link::Interface& interface = all_.stack_.interface_at(index_);
        return interface.has_queued() || interface.neighbours().pending_packets() > 0;
    }

  private:
    void send(Bytes message, Ipv4Address source, Ipv4Address destination) override {
        socket::SendControl control;
        control.source = source;
        control.interface_index = index_;
        const std::array<Bytes, 1> parts{message};
        // One that cannot go now is sent again when it is due again, like one that is lost.
        static_cast<void>(
            all_.socket_->send_with(parts, Endpoint{destination, wire::dhcp_server_port}, control));
    }
    void probe(const Ipv4Prefix& address, Time now) override {
        by_hand_ = all_.stack_.ip().is_own(address.address);
        if (all_.prober_ != nullptr) return all_.prober_->probe(index_, address, now);
        client_.on_address_free(now);
    }
    void apply(const DhcpLease& lease) override;
    void withdraw() override {
        if (releasing_at_) {
            keep_until_ = *releasing_at_ + release_grace;
        } else {
            take_away();
        }
    }
    void take_away();
    void remove_routes();

    DhcpClients& all_;
    link::InterfaceIndex index_;
    DhcpClient client_;
    std::optional<Ipv4Prefix> address_;  // that was added
    bool by_hand_ = false;               // the host had the lease's address before
    std::vector<ip::Route> routes_;      // that were added
    std::optional<Time> releasing_at_;
    Time keep_until_ = Time::never();
};

void DhcpClients::Member::apply(const DhcpLease& lease) {
    Stack& stack = all_.stack_;
    keep_until_ = Time::never();
    // What somebody has given to the host by hand is not ours to take away.
    if (address_ != lease.address && !by_hand_) {
        take_away();
        // A prober may have claimed it already.
        if (!stack.ip().is_own(lease.address.address)) stack.add_address(index_, lease.address);
        address_ = lease.address;
    }
    remove_routes();
    for (const DhcpRoute& each : lease.routes) {
        const ip::Route route{each.destination, each.gateway, index_, 0};
        if (stack.add_route(route)) routes_.push_back(route);
    }
    stack.interface_at(index_).limit_mtu(lease.mtu);
}

void DhcpClients::Member::remove_routes() {
    for (const ip::Route& route : std::exchange(routes_, {}))
        all_.stack_.ip().routes().remove(route);
}

void DhcpClients::Member::take_away() {
    keep_until_ = Time::never();
    remove_routes();
    if (address_) all_.stack_.remove_address(index_, *address_);
    address_.reset();
    all_.stack_.interface_at(index_).limit_mtu(0);
}

DhcpClients::DhcpClients(Stack& stack, Random random, AddressProber* prober,
                         const DhcpConfig& config)
    : stack_(stack),
      random_(random),
      prober_(prober),
      config_(config),
      message_(DhcpClient::max_message_bytes) {}

DhcpClients::~DhcpClients() = default;

std::errc DhcpClients::open_socket() {
    auto opened = socket::open(stack_, socket::Type::datagram);
    static_cast<void>(opened->set_option(socket::Option::broadcast, 1));
    if (const auto error = opened->bind({{}, wire::dhcp_client_port}); error != std::errc{})
        return error;
    socket_ = std::move(opened);
    socket_->set_watcher(this);
    return {};
}

std::errc DhcpClients::add(link::InterfaceIndex interface_index, Time now) {
    const bool usable =
        interface_index < stack_.interface_count() &&
        stack_.interface_at(interface_index).device().properties().kind == link::LinkKind::ethernet;
    if (!usable || find(interface_index) != nullptr) return std::errc::invalid_argument;
    if (!socket_)
        if (const auto error = open_socket(); error != std::errc{}) return error;
    members_.push_back(
        std::make_unique<Member>(*this, interface_index, random_.fork(interface_index)));
    members_.back()->client().start(now);
    return {};
}

DhcpClients::Member* DhcpClients::find(link::InterfaceIndex interface_index) const {
    for (const auto& member : members_)
        if (member->index() == interface_index) return member.get();
    return nullptr;
}

void DhcpClients::on_readiness(socket::Socket&) {
    has_input_ = true;
}

bool DhcpClients::take_messages(Time now) {
    const std::array<MutableBytes, 1> parts{MutableBytes(message_)};
    for (std::size_t taken = 0; taken < limit_messages_at_once; ++taken) {
        const auto received = socket_->receive(parts, {});
        if (!received && received.error() == std::errc::operation_would_block) {
            has_input_ = false;
            return taken > 0;
        }
        if (!received) continue;  // an ICMP error about something that we sent
        if (Member* member = find(received->interface_index)) {
            member->client().receive(Bytes(message_).first(received->bytes), now);
        } else {
            ++strays_;
        }
    }
    return true;
}

bool DhcpClients::advance(Time now) {
    bool did_anything = has_input_ && take_messages(now);
    for (const auto& member : members_)
        did_anything = member->advance(now) || did_anything;
    return did_anything;
}

Time DhcpClients::next_deadline() const {
    if (has_input_) return stack_.now();
    Time next = Time::never();
    for (const auto& member : members_)
        next = earlier(next, member->next_deadline());
    return next;
}

bool DhcpClients::on_address_free(link::InterfaceIndex interface_index, Time now) {
    Member* member = find(interface_index);
    return member != nullptr && member->client().on_address_free(now);
}

void DhcpClients::on_address_in_use(link::InterfaceIndex interface_index, Time now) {
    if (Member* member = find(interface_index)) member->client().on_address_in_use(now);
}

void DhcpClients::release_all(Time now) {
    for (const auto& member : members_)
        member->release(now);
}

bool DhcpClients::is_releasing() const {
    return std::any_of(members_.begin(), members_.end(),
                       [](const auto& member) { return member->is_releasing(); });
}

const DhcpStatus* DhcpClients::status(link::InterfaceIndex interface_index) const {
    const Member* member = find(interface_index);
    return member == nullptr ? nullptr : &member->client().status();
}

bool DhcpClients::all_bound() const {
    return std::all_of(members_.begin(), members_.end(),
                       [](const auto& member) { return member->client().has_lease(); });
}

std::vector<Ipv4Address> DhcpClients::dns_servers() const {
    std::vector<Ipv4Address> all;
    for (const auto& member : members_) {
        if (!member->client().has_lease()) continue;
        for (const Ipv4Address server : member->client().status().lease->dns_servers)
            if (std::find(all.begin(), all.end(), server) == all.end()) all.push_back(server);
    }
    return all;
}

std::vector<std::string> DhcpClients::domains() const {
    std::vector<std::string> all;
    for (const auto& member : members_) {
        if (!member->client().has_lease()) continue;
        const std::string& domain = member->client().status().lease->domain;
        if (!domain.empty() && std::find(all.begin(), all.end(), domain) == all.end())
            all.push_back(domain);
    }
    return all;
}

}  // namespace berth::services
