// The DHCP client against a server that says anything: a whole stack on an Ethernet, in virtual
// time. Whatever comes, the client stays in its bounds: what it uses is an address that a host can
// have, its timers are in order, it does not flood the network, and once it has let go of
// everything nothing is left behind.
//
// The input is a list of records: operation, length (two bytes), bytes. See Operation.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <vector>

#include "drivers/callback.hpp"
#include "services/dhcp.hpp"
#include "stack.hpp"
#include "wire/ethernet.hpp"
#include "wire/udp.hpp"

namespace {

using namespace berth;
using Octets = std::vector<std::uint8_t>;

constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x02}};
constexpr MacAddress server_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr Ipv4Address server_address{192, 0, 2, 1};
constexpr Ipv4Address everybody{255, 255, 255, 255};
constexpr std::size_t max_records = 100;

// The low three bits of a record's first byte.
enum Operation : std::uint8_t {
    op_message,          // a datagram for the client's port, as it is
    op_message_mended,   // with the header of an answer to what the client said last
    op_answer,           // an OFFER or ACK (by the first byte) that makes sense, then these options
    op_advance,          // by as many units of 64 ms as the first two bytes say
    op_advance_to_next,  // to the next deadline
    op_free,             // the prober's answers
    op_in_use,
    op_frame,  // anything else that may come by
};

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_dhcp: it does not hold that %s\n", what);
    std::abort();
}

class NobodyAnswers final : public services::AddressProber {
  public:
    void probe(link::InterfaceIndex, const Ipv4Prefix&, Time) override {}
};

class Fuzz {
  public:
    explicit Fuzz(bool with_prober)
        : device_({.kind = link::LinkKind::ethernet, .mtu = 1500, .mac = our_mac},
                  [this](Bytes frame, Time) {
                      look_at(frame);
                      return true;
                  }),
          stack_(StackConfig{.seed = Seed::from(1), .start = now_}),
          dhcp_(stack_, Random(Seed::from(2)), with_prober ? &prober_ : nullptr) {
        stack_.add_interface("if0", device_, {.mac = our_mac});
        check(dhcp_.add(0, now_) == std::errc{}, "a client can be made");
        settle();
    }

    void run(std::uint8_t operation, Bytes bytes) {
        switch (static_cast<Operation>(operation & 7)) {
            case op_message: hear(Octets(bytes.begin(), bytes.end())); break;
            case op_message_mended: hear(mended(Octets(bytes.begin(), bytes.end()))); break;
            case op_answer: hear(answer(bytes)); break;
            case op_advance:
                if (bytes.size() >= 2) advance_to(now_ + milliseconds(64) * load_be16(bytes, 0));
                break;
            case op_advance_to_next: advance_to(next_deadline()); break;
            case op_free: dhcp_.on_address_free(0, now_); break;
            case op_in_use:
                ++heard_;
                dhcp_.on_address_in_use(0, now_);
                break;
            case op_frame: put(Octets(bytes.begin(), bytes.end())); break;
        }
        settle();
        look_at_state();
    }

    void finish() {
        dhcp_.release_all(now_);
        settle();
        advance_to(now_ + seconds(120));
        check(stack_.interface_at(0).addresses().empty(), "a released address is gone");
        check(stack_.ip().routes().routes().empty(), "and so are its routes");
        check(stack_.interface_at(0).mtu() == 1500, "and its MTU");
        check(dhcp_.next_deadline().is_never(), "a stopped client has nothing due");
        check(stack_.buffers().outstanding() == 0, "every buffer comes back");
    }

  private:
    Time next_deadline() const { return earlier(stack_.next_deadline(), dhcp_.next_deadline()); }
    void settle() {
        for (int round = 0; round < 1000; ++round) {
            const bool moved = stack_.poll(now_);
            if (!dhcp_.advance(now_) && !moved) return;
        }
        check(false, "it comes to rest");
    }
    void advance_to(Time then) {
        if (then.is_never()) return;
        std::size_t steps = 0;
        while (next_deadline() <= then) {
            now_ = std::max(now_ + nanoseconds(1), next_deadline());
            settle();
            check(++steps < 200'000, "time passes");
        }
        now_ = std::max(now_, then);
        settle();
    }

    void hear(const Octets& message) {
        const Endpoint from{server_address, 67};
        const Endpoint to{everybody, 68};
        Octets datagram(wire::udp_header_bytes);
        const Bytes slice = message;
        wire::write_udp(from, to, {&slice, 1}, datagram);
        datagram.insert(datagram.end(), message.begin(), message.end());
        wire::Ipv4Header ip;
        ip.total_length = static_cast<std::uint16_t>(wire::ipv4_header_bytes + datagram.size());
        ip.protocol = 17;
        ip.source = from.address;
        ip.destination = to.address;
        Octets frame(wire::ethernet_header_bytes + wire::ipv4_header_bytes);
        wire::write({MacAddress::broadcast(), server_mac, wire::EtherType::ipv4}, frame);
        wire::write(ip, MutableBytes(frame).subspan(wire::ethernet_header_bytes));
        frame.insert(frame.end(), datagram.begin(), datagram.end());
        put(frame);
    }
    void put(const Octets& frame) {
        ++heard_;
        device_.inject(frame, now_);
    }

    Octets mended(Octets bytes) const {
        Octets head(wire::dhcp_least_bytes);
        wire::DhcpHeader header;
        header.reply = true;
        header.xid = xid_;
        header.your_address = {192, 0, 2, 77};
        header.hardware_address = our_mac;
        wire::DhcpWriter writer(head, header, wire::DhcpMessageType::offer);
        head.resize(wire::dhcp_fixed_bytes);
        head.insert(head.end(), bytes.begin(), bytes.end());
        return head;
    }
    Octets answer(Bytes bytes) const {
        const std::uint8_t choice = bytes.empty() ? std::uint8_t{0} : bytes[0];
        Octets options{53, 1, static_cast<std::uint8_t>(choice % 8),  54, 4, 192, 0, 2, 1, 51, 4,
                       0,  0, static_cast<std::uint8_t>(choice >> 6), 120};
        if (!bytes.empty()) options.insert(options.end(), bytes.begin() + 1, bytes.end());
        return mended(options);
    }

    void look_at(Bytes frame) {
        const auto ethernet = wire::EthernetView::parse(frame);
        check(ethernet.has_value() && ethernet->source() == our_mac, "a sent frame is ours");
        if (ethernet->type() != wire::EtherType::ipv4) return;
        const auto packet = wire::Ipv4View::parse(ethernet->payload());
        check(packet.has_value(), "a sent packet is well formed");
        if (packet->protocol() != 17) return;
        const auto udp =
            wire::UdpView::parse(packet->payload(), packet->source(), packet->destination(), false);
        check(udp.has_value(), "a sent datagram is well formed");
        if (udp->source_port() != 68) return;
        const auto message = wire::DhcpView::parse(udp->payload());
        check(message.has_value() && !message->is_reply(), "a sent message is a client's");
        check(message->hardware_address() == our_mac, "a sent message is ours");
        check(packet->source().is_unspecified() || packet->source() == message->client_address() ||
                  message->client_address().is_unspecified(),
              "a message is not sent from an address that it does not name");
        xid_ = message->xid();
        ++sent_;
    }

    void look_at_state() {
        // Nobody makes us say more than we hear, apart from what time makes us say.
        const auto seconds_passed = static_cast<std::size_t>((now_ - begin_).seconds());
        check(sent_ <= 2 * heard_ + 4 * seconds_passed + 10, "the network is not flooded");
        const services::DhcpStatus& status = *dhcp_.status(0);
        if (!status.lease) {
            check(stack_.interface_at(0).addresses().empty(),
                  "without a lease there is no address");
            check(stack_.ip().routes().routes().empty(), "and no route");
            return;
        }
        const services::DhcpLease& lease = *status.lease;
        const Ipv4Address address = lease.address.address;
        check(!address.is_this_network() && !address.is_loopback() && !address.is_multicast() &&
                  !address.is_reserved() && !address.is_limited_broadcast(),
              "the address is one that a host can have");
        check(stack_.ip().is_own(address), "the lease's address is in use");
        check(lease.routes.size() <= services::DhcpLease::limit_routes, "routes are bounded");
        check(lease.dns_servers.size() <= services::DhcpLease::limit_dns_servers,
              "DNS servers are bounded");
        check(lease.domain.size() <= services::DhcpLease::limit_domain_bytes,
              "the domain is bounded");
        for (const char c : lease.domain)
            check(c > ' ' && c < 0x7f, "the domain is fit to be shown");
        check(stack_.interface_at(0).mtu() >= services::DhcpLease::least_mtu_bytes,
              "the MTU stays usable");
        if (lease.is_infinite()) return;
        check(status.renew_at <= status.rebind_at && status.rebind_at < status.expires_at,
              "T1, T2 and the end are in order");
        check(now_ < status.expires_at, "a lease that is over is not in use");
    }

    static constexpr Time begin_{1'000'000'000};
    Time now_ = begin_;
    NobodyAnswers prober_;
    std::uint32_t xid_ = 0;
    std::size_t sent_ = 0;
    std::size_t heard_ = 1;
    drivers::CallbackLink device_;
    Stack stack_;
    services::DhcpClients dhcp_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input(data, size);
    // The parser by itself, with every option.
    if (const auto view = wire::DhcpView::parse(input)) {
        std::array<std::uint8_t, 64> room{};
        for (int code = 0; code < 256; ++code)
            view->copy_option(static_cast<std::uint8_t>(code), room);
        static_cast<void>(services::parse_lease(*view));
    }
    Fuzz fuzz(size > 0 && (data[0] & 0x80) != 0);
    for (std::size_t record = 0; record < max_records && input.size() >= 3; ++record) {
        const std::size_t length = std::min<std::size_t>(load_be16(input, 1), input.size() - 3);
        fuzz.run(input[0], input.subspan(3, length));
        input = input.subspan(3 + length);
    }
    fuzz.finish();
    return 0;
}
