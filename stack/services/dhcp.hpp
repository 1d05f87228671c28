// The DHCP clients of a host: one for each interface that asks for its address, all on one socket.
//
// Several sockets could not share the client's port, so the datagrams are told apart by the
// interface that they came by, and each goes out by the interface that it is about. This is also
// where a lease becomes addresses, routes and an MTU of the stack.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "base/random.hpp"
#include "base/time.hpp"
#include "services/dhcp_client.hpp"
#include "socket/socket.hpp"
#include "stack.hpp"

namespace berth::services {

// Who finds out whether an address is free on the link (RFC 5227 §2.1). The answer is a call of
// DhcpClients::on_address_free or on_address_in_use, at once or later. It may have given the
// address to the interface by then (a claim); from on_address_free on it is the lease's.
class AddressProber {
  public:
    virtual ~AddressProber() = default;
    virtual void probe(link::InterfaceIndex interface_index, const Ipv4Prefix& address,
                       Time now) = 0;
};

class DhcpClients final : private socket::Watcher {
  public:
    // Messages that one advance() takes from the socket; the others wait for the next.
    static constexpr std::size_t limit_messages_at_once = 64;
    // After a RELEASE its address stays for so long, so that the server can be asked for by ARP.
    static constexpr Duration release_grace = seconds(1);

    // Without a prober every address that a server gives counts as free.
    DhcpClients(Stack& stack, Random random, AddressProber* prober = nullptr,
                const DhcpConfig& config = {});
    ~DhcpClients() override;
    DhcpClients(const DhcpClients&) = delete;
    DhcpClients& operator=(const DhcpClients&) = delete;

    // Begins. address_in_use: a program has the client's port; invalid_argument: not an Ethernet
    // interface, or it has a client already.
    std::errc add(link::InterfaceIndex interface_index, Time now);
    bool is_empty() const { return members_.empty(); }

    // What arrived and what was due. True when there was anything.
    bool advance(Time now);
    Time next_deadline() const;

    // False: nobody waits for the answer any more, so the address is not to be kept.
    bool on_address_free(link::InterfaceIndex interface_index, Time now);
    void on_address_in_use(link::InterfaceIndex interface_index, Time now);

    // Gives all leases back and stops the clients.
    void release_all(Time now);
    // A RELEASE waits for its server's hardware address, or for the device.
    bool is_releasing() const;

    // nullptr: that interface has no client.
    const DhcpStatus* status(link::InterfaceIndex interface_index) const;
    bool all_bound() const;
    // Of all leases in force, in the order of the interfaces, none twice.
    std::vector<Ipv4Address> dns_servers() const;
    std::vector<std::string> domains() const;
    // Replies that came by an interface without a client.
    std::uint64_t strays() const { return strays_; }

  private:
    class Member;

    void on_readiness(socket::Socket& socket) override;
    std::errc open_socket();
    Member* find(link::InterfaceIndex interface_index) const;
    bool take_messages(Time now);

    Stack& stack_;
    Random random_;
    AddressProber* prober_;
    DhcpConfig config_;
    std::unique_ptr<socket::Socket> socket_;
    std::vector<std::unique_ptr<Member>> members_;
    std::vector<std::uint8_t> message_;  // the one in hand
    bool has_input_ = false;
    std::uint64_t strays_ = 0;
};

}  // namespace berth::services
