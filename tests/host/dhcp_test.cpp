// DHCP through the host: embedded, step by step, and what the reports say.
#include <array>
#include <optional>
#include <vector>

#include "berth/host.h"
#include "harness/lower_layers.hpp"
#include "harness/packets.hpp"
#include "host/control_reports.hpp"
#include "host/host_impl.hpp"
#include "tests/host/pair.hpp"
#include "wire/dhcp.hpp"
#include "wire/udp.hpp"

namespace berth::test {
namespace {

namespace option = wire::dhcp_option;
using Octets = std::vector<std::uint8_t>;
using wire::DhcpMessageType;

constexpr MacAddress our_mac{{0x02, 0, 0, 0, 0, 0x07}};
constexpr MacAddress server_mac{{0x02, 0, 0, 0, 0, 0x01}};
constexpr Ipv4Address server_address{192, 0, 2, 1};
constexpr Ipv4Address leased{192, 0, 2, 77};
constexpr std::int64_t second = 1'000'000'000;

class EmbeddedDhcp : public ::testing::Test {
  protected:
    EmbeddedDhcp() {
        HostOptions options;
        options.threads = false;
        options.seed = 1;
        options.hosts_file.clear();
        host = std::move(*Host::create(options));
        link = *host->add_callback_link(
            CallbackLinkKind::ethernet, 1500,
            [this](auto packet, std::int64_t when) {
                sent.push_back({packet.begin(), packet.end()});
                sent_at = when;
                return true;
            },
            our_mac);
    }

    // The DHCP message of the oldest frame that left.
    std::optional<Octets> take() {
        while (!sent.empty()) {
            const Octets frame = sent.front();
            sent.erase(sent.begin());
            const auto packet = wire::Ipv4View::parse(Bytes(frame).subspan(14));
            if (!packet) continue;
            const auto udp = wire::UdpView::parse(packet->payload(), packet->source(),
                                                  packet->destination(), false);
            if (!udp) continue;
            return Octets(udp->payload().begin(), udp->payload().end());
        }
        return std::nullopt;
    }
    DhcpMessageType expect_message() {
        const auto message = take();
        EXPECT_TRUE(message);
        if (!message) return {};
        const auto view = wire::DhcpView::parse(*message);
        EXPECT_TRUE(view);
        xid = view->xid();
        return view->type();
    }
    void server_says(DhcpMessageType type, std::int64_t now) {
        Octets message(1000);
        wire::DhcpHeader header;
        header.reply = true;
        header.xid = xid;
        header.your_address = leased;
        header.hardware_address = our_mac;
        wire::DhcpWriter writer(message, header, type);
        writer.address(option::server_identifier, server_address)
            .u32(option::lease_time, 600)
            .u32(option::renewal_time, 100)
            .u32(option::subnet_mask, 0xffffff00)
            .address(option::dns_servers, server_address)
            .bytes(option::domain_name, Octets{'l', 'a', 'b'});
        message.resize(*writer.finish());
        const auto packet =
            harness::udp_packet({server_address, 67}, {{255, 255, 255, 255}, 68}, message);
        host->input(link,
                    harness::ethernet_frame(MacAddress::broadcast(), server_mac, 0x0800, packet),
                    now);
    }

    std::vector<Octets> sent;
    std::int64_t sent_at = 0;
    std::uint32_t xid = 0;
    std::unique_ptr<Host> host;
    int link = 0;
};

TEST_F(EmbeddedDhcp, a_lease_step_by_step_and_given_back) {
    ASSERT_TRUE(host->add_address_dhcp(link));
    EXPECT_TRUE(sent.empty()) << "packets leave in step() only";
    EXPECT_EQ(host->next_deadline_ns(), 0);
    host->step(0);
    EXPECT_EQ(expect_message(), DhcpMessageType::discover);
    EXPECT_FALSE(host->wait_for_dhcp(1000)) << "an embedded host never waits";
    server_says(DhcpMessageType::offer, second);
    EXPECT_LE(host->next_deadline_ns(), second) << "an answer is there to be read";
    host->step(second);
    EXPECT_EQ(expect_message(), DhcpMessageType::request);
    server_says(DhcpMessageType::ack, 2 * second);
    host->step(2 * second);
    EXPECT_FALSE(host->wait_for_dhcp(0)) << "RFC 2131 §4.4.1: the address is probed for first";
    EXPECT_EQ(host->dhcp()[0].state, "CHECKING");
    host->step(12 * second);
    EXPECT_TRUE(host->wait_for_dhcp(0));

    const auto rows = host->dhcp();
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].state, "BOUND");
    EXPECT_EQ(rows[0].address, (Ipv4Prefix{leased, 24}));
    EXPECT_EQ(rows[0].server, server_address);
    EXPECT_EQ(rows[0].dns_servers, std::vector{server_address});
    EXPECT_EQ(rows[0].domain, "lab");
    EXPECT_EQ(rows[0].renew_s, 89);
    EXPECT_EQ(rows[0].expires_s, 589);
    const auto names = host->impl().core->names();
    EXPECT_EQ(names.servers, std::vector{server_address});
    EXPECT_EQ(names.search, std::vector<std::string>{"lab"});

    // A late step still sends at the time at which it was due. The server's hardware address is
    // asked for first.
    sent.clear();
    host->step(101 * second + second / 2);
    ASSERT_FALSE(sent.empty());
    EXPECT_EQ(sent_at, 101 * second);

    host->release_dhcp();
    EXPECT_EQ(host->dhcp()[0].state, "STOPPED");
    EXPECT_FALSE(host->dhcp()[0].address);
}

TEST_F(EmbeddedDhcp, the_report_names_lease_and_timers) {
    ASSERT_TRUE(host->add_address_dhcp(link));
    host->step(0);
    expect_message();
    server_says(DhcpMessageType::offer, 0);
    host->step(0);
    expect_message();
    server_says(DhcpMessageType::ack, 0);
    host->step(10 * second);
    const std::string report = host::answer_control(*host->impl().core, "x", "info");
    EXPECT_NE(report.find(R"("dhcp":[{"interface":0,"state":"BOUND","address":"192.0.2.77/24")"
                          R"(,"server":"192.0.2.1","dns_servers":["192.0.2.1"],"domain":"lab")"
                          R"(,"renew_s":90)"),
              std::string::npos)
        << report;
}

TEST_F(EmbeddedDhcp, what_cannot_ask_for_an_address_is_told_why) {
    EXPECT_NE(host->add_address_dhcp(7).error().find("there is no interface 7"), std::string::npos);
    ASSERT_TRUE(host->add_address_dhcp(link));
    EXPECT_NE(host->add_address_dhcp(link).error().find("does so already"), std::string::npos);
    const auto raw = host->add_callback_link(CallbackLinkKind::raw_ip, 1500,
                                             [](auto, std::int64_t) { return true; });
    EXPECT_NE(host->add_address_dhcp(1).error().find("no Ethernet"), std::string::npos);
}

TEST(DhcpInC, servers_of_the_options_are_checked) {
    berth_host_options options{};
    options.size = sizeof options;
    options.dns_servers = "192.0.2.1,nonsense";
    EXPECT_EQ(berth_host_create(&options), nullptr);
    EXPECT_STREQ(berth_host_error(),
                 "'nonsense' is no DNS server; write an address like 192.0.2.53");
    options.dns_servers = "192.0.2.1,192.0.2.2";
    options.hosts_file = "";
    berth_host* made = berth_host_create(&options);
    ASSERT_NE(made, nullptr);
    EXPECT_EQ(berth_host_add_dhcp(made, 0), -1);
    EXPECT_EQ(berth_host_wait_dhcp(made, 0), 0) << "nothing asks for an address";
    berth_host_destroy(made);
}

}  // namespace
}  // namespace berth::test
