// What a lease brings besides the address (RFC 2132, RFC 3442), and what of it is not obeyed.
#include "tests/services/dhcp_lab.hpp"

namespace berth::dhcp_test {
namespace {

Octets joined(std::initializer_list<Octets> pieces) {
    Octets all;
    for (const Octets& piece : pieces)
        all.insert(all.end(), piece.begin(), piece.end());
    return all;
}

Ipv4Address next_hop(DhcpLab& lab, Ipv4Address destination) {
    const auto path = lab.stack().ip().route(destination);
    return path ? path->next_hop : Ipv4Address{};
}

TEST(Rfc2132_3_5, the_first_router_is_the_default_gateway) {
    DhcpLab lab;
    lab.bind({.options = {
                  {option::router, joined({octets_of(server_address), octets_of(other_server)})}}});
    EXPECT_EQ(next_hop(lab, {203, 0, 113, 1}), server_address);
    EXPECT_EQ(lab.status().lease->routes.size(), 1U);
}

TEST(Rfc3442, classless_routes_take_the_place_of_the_router) {
    DhcpLab lab;
    const Octets routes =
        joined({Octets{24, 198, 51, 100}, octets_of(other_server), Octets{0},
                octets_of(server_address), Octets{16, 198, 18}, octets_of(Ipv4Address{})});
    lab.bind({.options = {{option::router, octets_of(Ipv4Address(192, 0, 2, 200))},
                          {option::classless_routes, routes}}});
    EXPECT_EQ(next_hop(lab, {198, 51, 100, 9}), other_server);
    EXPECT_EQ(next_hop(lab, {203, 0, 113, 1}), server_address);
    EXPECT_EQ(next_hop(lab, {198, 18, 3, 4}), Ipv4Address(198, 18, 3, 4));  // on the link
}

TEST(Rfc3442, bits_beyond_the_mask_do_not_count) {
    DhcpLab lab;
    lab.bind({.options = {{option::classless_routes,
                           joined({Octets{20, 198, 51, 0xff}, octets_of(other_server)})}}});
    ASSERT_EQ(lab.status().lease->routes.size(), 1U);
    EXPECT_EQ(lab.status().lease->routes[0].destination, (Ipv4Prefix{{198, 51, 0xf0, 0}, 20}));
}

TEST(Rfc3442, a_list_that_makes_no_sense_ends_where_it_does) {
    const Octets good = joined({Octets{24, 198, 51, 100}, octets_of(other_server)});
    for (const Octets& bad : {Octets{33, 1, 2, 3, 4, 5, 6, 7, 8, 9}, Octets{24},
                              Octets{24, 198, 51}, Octets{0, 192, 0, 2}}) {
        DhcpLab lab;
        lab.bind({.options = {{option::classless_routes, joined({good, bad})}}});
        ASSERT_TRUE(lab.status().lease);
        EXPECT_EQ(lab.status().lease->routes.size(), 1U);
    }
}

TEST(Rfc3442, routes_are_bounded) {
    Octets routes;
    for (int i = 0; i < 200; ++i) {
        const Octets one =
            joined({Octets{24, 198, 18, static_cast<std::uint8_t>(i)}, octets_of(other_server)});
        routes.insert(routes.end(), one.begin(), one.end());
    }
    routes.resize(150 * 8);  // what a message can hold
    DhcpLab lab;
    lab.bind({.options = {{option::classless_routes, routes}}});
    ASSERT_TRUE(lab.status().lease);
    EXPECT_EQ(lab.status().lease->routes.size(), services::DhcpLease::limit_routes);
}

TEST(Rfc3442, routes_of_loopback_and_multicast_networks_are_refused) {
    DhcpLab lab;
    lab.bind({.options = {{option::classless_routes,
                           joined({Octets{8, 127}, octets_of(other_server), Octets{4, 224},
                                   octets_of(other_server), Octets{8, 10},
                                   octets_of(Ipv4Address(224, 0, 0, 1))})}}});
    EXPECT_TRUE(lab.status().lease->routes.empty());
}

TEST(Rfc2132_3_8, dns_servers_and_domain) {
    DhcpLab lab;
    lab.bind({.options = {{option::dns_servers,
                           joined({octets_of(server_address), octets_of(other_server),
                                   octets_of(server_address), octets_of(Ipv4Address{})})},
                          {option::domain_name, octets_of("lab.example")}}});
    EXPECT_EQ(lab.dhcp.dns_servers(), (std::vector{server_address, other_server}));
    EXPECT_EQ(lab.dhcp.domains(), std::vector<std::string>{"lab.example"});
}

TEST(Rfc2132_3_8, dns_servers_are_bounded_and_go_with_the_lease) {
    Octets many;
    for (std::uint8_t i = 1; i <= 60; ++i) {
        const Octets one = octets_of(Ipv4Address(198, 51, 100, i));
        many.insert(many.end(), one.begin(), one.end());
    }
    DhcpLab lab;
    lab.bind({.options = {{option::dns_servers, many}}});
    EXPECT_EQ(lab.dhcp.dns_servers().size(), services::DhcpLease::limit_dns_servers);
    lab.dhcp.release_all(lab.now);
    EXPECT_TRUE(lab.dhcp.dns_servers().empty());
}

TEST(Rfc2132_3_17, a_domain_that_is_no_name_is_not_used) {
    for (const std::string_view name :
         {"lab example", "a..b", ".lab", "lab\n.example", "", "-\x1b[2J", "exa\0mple"}) {
        DhcpLab lab;
        lab.bind({.options = {{option::domain_name, octets_of(name)}}});
        ASSERT_TRUE(lab.status().lease) << name;
        EXPECT_TRUE(lab.dhcp.domains().empty() || name == "exa") << name;
    }
    DhcpLab with_end;  // some servers count the C string's end
    with_end.bind({.options = {{option::domain_name, Octets{'l', 'a', 'b', '.', 0}}}});
    EXPECT_EQ(with_end.dhcp.domains(), std::vector<std::string>{"lab"});
}

TEST(Rfc2132_5_1, an_mtu_lowers_the_interfaces_and_goes_with_the_lease) {
    DhcpLab lab;
    lab.bind({.options = {{option::interface_mtu, Octets{0x05, 0x00}}}});
    EXPECT_EQ(lab.stack().interface_at(0).mtu(), 1280);
    EXPECT_EQ(lab.stack().ip().route({192, 0, 2, 9})->mtu, 1280);
    lab.dhcp.release_all(lab.now);
    lab.pass(seconds(2));
    EXPECT_EQ(lab.stack().interface_at(0).mtu(), 1500);
}

TEST(Rfc2132_5_1, an_mtu_that_is_larger_or_absurdly_small_changes_nothing) {
    for (const Octets& mtu : {Octets{0x23, 0x28}, Octets{0x00, 0x44}, Octets{0x02, 0x3f},
                              Octets{0, 0}, Octets{5}, Octets{5, 0, 0}}) {
        DhcpLab lab;
        lab.bind({.options = {{option::interface_mtu, mtu}}});
        EXPECT_EQ(lab.stack().interface_at(0).mtu(), 1500);
    }
}

TEST(Rfc2132_3_3, without_a_mask_the_address_has_its_classs) {
    DhcpLab lab;
    lab.bind({.mask = std::nullopt});
    EXPECT_EQ(lab.status().lease->address, (Ipv4Prefix{offered_address, 24}));
}

TEST(Rfc2131_4_4_5, a_renewal_may_change_everything_but_the_address) {
    DhcpLab lab;
    lab.bind({.lease_s = 100, .options = {{option::router, octets_of(server_address)}}});
    lab.wait_until_it_speaks();
    lab.next();
    lab.server_says({.type = DhcpMessageType::ack,
                     .lease_s = 100,
                     .mask = 0xffff0000,
                     .options = {{option::router, octets_of(other_server)}},
                     .to = offered_address});
    EXPECT_EQ(lab.status().lease->address, (Ipv4Prefix{offered_address, 16}));
    EXPECT_EQ(next_hop(lab, {203, 0, 113, 1}), other_server);
    EXPECT_EQ(next_hop(lab, {192, 0, 77, 1}), Ipv4Address(192, 0, 77, 1));
    EXPECT_EQ(lab.stack().ip().routes().routes().size(), 2U);
}

TEST(Rfc2131_4_4_5, routes_that_others_made_stay) {
    DhcpLab lab;
    const ip::Route by_hand{{{}, 0}, server_address, 0, 0};
    ASSERT_TRUE(lab.stack().add_route(by_hand));
    lab.bind({.lease_s = 10, .options = {{option::router, octets_of(server_address)}}});
    lab.pass(seconds(10));
    EXPECT_FALSE(lab.has_address());
    ASSERT_EQ(lab.stack().ip().routes().routes().size(), 1U);
    EXPECT_EQ(lab.stack().ip().routes().routes()[0], by_hand);
}

// ---- one host, several clients ----

TEST(Rfc2131_4_4, each_interface_asks_for_itself) {
    DhcpLab lab;
    harness::FakeDevice second(link::LinkKind::ethernet, 1500, server_mac);
    lab.stack().add_interface("if1", second, {.mac = {{2, 0, 0, 0, 0, 9}}});
    lab.bind();
    ASSERT_EQ(lab.dhcp.add(1, lab.now), std::errc{});
    lab.settle();
    EXPECT_TRUE(lab.is_silent()) << "the first interface has its lease";
    ASSERT_EQ(second.sent.size(), 1U);
    EXPECT_TRUE(lab.dhcp.status(1)->state == DhcpState::selecting);
    EXPECT_FALSE(lab.dhcp.all_bound());
    // An offer that comes by the first interface is not the second's.
    lab.server_says({.hardware_address = {{2, 0, 0, 0, 0, 9}}});
    EXPECT_TRUE(lab.dhcp.status(1)->state == DhcpState::selecting);
    EXPECT_EQ(lab.ignored(DhcpIgnored::other_hardware), 1U);
}

TEST(Rfc2131_4_4, an_interface_asks_once_and_only_on_ethernet) {
    DhcpLab lab;
    harness::FakeDevice raw(link::LinkKind::raw_ip);
    lab.stack().add_interface("raw", raw);
    lab.start();
    EXPECT_EQ(lab.dhcp.add(0, lab.now), std::errc::invalid_argument);
    EXPECT_EQ(lab.dhcp.add(1, lab.now), std::errc::invalid_argument);
    EXPECT_EQ(lab.dhcp.add(7, lab.now), std::errc::invalid_argument);
}

TEST(Rfc2131_4_1, a_program_that_has_the_clients_port_is_named_as_the_reason) {
    DhcpLab lab;
    const auto taken = socket::open(lab.stack(), socket::Type::datagram);
    ASSERT_EQ(taken->bind({{}, 68}), std::errc{});
    EXPECT_EQ(lab.dhcp.add(0, lab.now), std::errc::address_in_use);
    EXPECT_TRUE(lab.dhcp.is_empty());
}

}  // namespace
}  // namespace berth::dhcp_test
