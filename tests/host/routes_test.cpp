// Routes and neighbours: their words, and what a host says of them.
#include "host/routes.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "host/control_reports.hpp"
#include "host/host_impl.hpp"
#include "host/route_text.hpp"
#include "tests/host/pair.hpp"

namespace berth::host {
namespace {

using Json = nlohmann::json;

Ipv4Prefix prefix(const char* text) {
    return *parse_ipv4_prefix(text);
}

TEST(RouteText, TheWordsOfIp) {
    const auto whole = parse_route("198.51.100.0/24 via 192.0.2.1 dev tap:tap0 metric 10");
    ASSERT_TRUE(whole) << whole.error();
    EXPECT_EQ(whole->destination, prefix("198.51.100.0/24"));
    EXPECT_EQ(whole->gateway, parse_ipv4_address("192.0.2.1"));
    EXPECT_EQ(whole->device, "tap:tap0");
    EXPECT_EQ(whole->metric, 10u);
    const auto other = parse_route("  default   via 192.0.2.1 ");
    ASSERT_TRUE(other) << other.error();
    EXPECT_EQ(other->destination, prefix("0.0.0.0/0"));
    EXPECT_TRUE(parse_route("203.0.113.0/24 dev tap:tap0"));
    EXPECT_TRUE(parse_route("203.0.113.0/24", false));
}

TEST(RouteText, WrongOnesSayWhatWouldBeRight) {
    for (const char* text :
         {"", "default", "192.0.2.0/24", "192.0.2.1/24 via 192.0.2.9", "192.0.2.0/33 dev x",
          "default via", "default via nobody", "default via 192.0.2.1 metric -1",
          "default via 192.0.2.1 metric 99999999999", "default via 192.0.2.1 color blue"}) {
        const auto parsed = parse_route(text);
        ASSERT_FALSE(parsed) << text;
        EXPECT_NE(parsed.error().find("write it like"), std::string::npos) << parsed.error();
    }
}

TEST(NeighbourText, TheWordsOfIp) {
    const auto added =
        parse_neighbour("192.0.2.7 lladdr 02:00:00:00:00:07 dev tap:tap0", NeighbourVerb::add);
    ASSERT_TRUE(added) << added.error();
    EXPECT_EQ(added->address, parse_ipv4_address("192.0.2.7"));
    EXPECT_EQ(added->mac, parse_mac_address("02:00:00:00:00:07"));
    EXPECT_EQ(added->device, "tap:tap0");
    EXPECT_FALSE(parse_neighbour("192.0.2.7", NeighbourVerb::add));
    EXPECT_FALSE(parse_neighbour("192.0.2.7 lladdr 1:2", NeighbourVerb::add));
    EXPECT_TRUE(parse_neighbour("192.0.2.7", NeighbourVerb::del));
    EXPECT_FALSE(parse_neighbour("", NeighbourVerb::del));
    EXPECT_FALSE(parse_neighbour("192.0.2.7 lladdr 02:00:00:00:00:07", NeighbourVerb::del));
    EXPECT_TRUE(parse_neighbour("", NeighbourVerb::flush));
    EXPECT_FALSE(parse_neighbour("dev", NeighbourVerb::flush));
}

TEST(LinkNames, OptionsAreLeftOut) {
    EXPECT_EQ(short_link_name("unix:/tmp/lab.sock,listen,loss=1%"), "unix:/tmp/lab.sock");
    EXPECT_EQ(short_link_name("tap:tap0"), "tap:tap0");
}

// A host without threads, on two links, asked as its control socket is.
class RoutesOfAHost : public ::testing::Test {
  protected:
    RoutesOfAHost() {
        auto made = Host::create({.threads = false, .seed = 1});
        host_ = std::move(*made);
        for (const char* address : {"192.0.2.2/24", "198.51.100.2/24"}) {
            const auto nowhere = [](auto, std::int64_t) { return true; };
            auto index = host_->add_callback_link(CallbackLinkKind::ethernet, 1400, nowhere);
            host_->add_address(*index, prefix(address));
        }
    }

    Json ask(const std::string& request) {
        return Json::parse(answer_control(*host_->impl().core, "lab", request));
    }
    std::string error_of(const std::string& request) { return ask(request).value("error", ""); }

    std::unique_ptr<Host> host_;
};

TEST_F(RoutesOfAHost, AreShownWithTheirSources) {
    EXPECT_EQ(error_of("route add default via 192.0.2.1 metric 5"), "");
    const Json rows = ask("route")["routes"];
    ASSERT_EQ(rows.size(), 3u);
    EXPECT_EQ(rows[0]["destination"], "0.0.0.0/0");
    EXPECT_EQ(rows[0]["gateway"], "192.0.2.1");
    EXPECT_EQ(rows[0]["link"], "callback:0");
    EXPECT_EQ(rows[0]["metric"], 5);
    EXPECT_TRUE(rows[0]["source"].is_null());
    EXPECT_EQ(rows[1]["destination"], "192.0.2.0/24");
    EXPECT_EQ(rows[1]["source"], "192.0.2.2");
    EXPECT_TRUE(rows[1]["gateway"].is_null());
    EXPECT_EQ(rows[2]["link"], "callback:1");
    EXPECT_EQ(host_->routes().size(), 3u);
}

// RFC 1122 §3.3.4.3: the route picks the link and the local address.
TEST_F(RoutesOfAHost, Rfc1122_3_3_4_3_TheRoutePicksTheLocalAddress) {
    const auto get = [this](const std::string& words) {
        return ask("route get " + words)["route"];
    };
    EXPECT_EQ(get("192.0.2.9")["source"], "192.0.2.2");
    EXPECT_EQ(get("198.51.100.9")["source"], "198.51.100.2");
    EXPECT_EQ(get("198.51.100.9")["link"], "callback:1");
    EXPECT_EQ(get("198.51.100.9")["mtu"], 1400);
    EXPECT_EQ(get("198.51.100.9 from 192.0.2.2")["source"], "192.0.2.2");
    EXPECT_EQ(get("127.0.0.1")["kind"], "local");
    EXPECT_EQ(get("192.0.2.2")["link"], "lo");
    EXPECT_EQ(get("192.0.2.255")["kind"], "broadcast");
    EXPECT_EQ(get("203.0.113.1")["reachable"], false);
    EXPECT_EQ(get("192.0.2.9 from 203.0.113.1")["reachable"], false);
    EXPECT_NE(error_of("route get"), "");
    EXPECT_NE(error_of("route get nobody"), "");
    EXPECT_NE(error_of("route get 192.0.2.9 to 192.0.2.2"), "");
}

TEST_F(RoutesOfAHost, ComeAndGo) {
    EXPECT_EQ(error_of("route add 203.0.113.0/24 via 198.51.100.1"), "");
    EXPECT_NE(error_of("route add 203.0.113.0/24 via 198.51.100.1").find("there already"),
              std::string::npos);
    EXPECT_EQ(ask("route get 203.0.113.1")["route"]["gateway"], "198.51.100.1");
    EXPECT_NE(error_of("route del 203.0.113.0/24 via 198.51.100.7"), "");
    EXPECT_NE(error_of("route del 203.0.113.0/24 dev callback:0"), "");
    EXPECT_EQ(error_of("route del 203.0.113.0/24 dev callback:1"), "");
    EXPECT_EQ(ask("route get 203.0.113.1")["route"]["reachable"], false);
    EXPECT_NE(error_of("route add 203.0.113.0/24 via 203.0.113.1"), "");
    EXPECT_NE(error_of("route add 203.0.113.0/24 via 192.0.2.2"), "");
    EXPECT_NE(error_of("route add 203.0.113.0/24 dev tap:tap7").find("callback:0 and callback:1"),
              std::string::npos);
    EXPECT_NE(error_of("route frobnicate"), "");
}

TEST_F(RoutesOfAHost, NeighboursComeAndGo) {
    EXPECT_NE(error_of("neigh add 192.0.2.7 lladdr 02:00:00:00:00:07"), "");  // which link?
    EXPECT_EQ(error_of("neigh add 192.0.2.7 lladdr 02:00:00:00:00:07 dev callback:0"), "");
    const Json rows = ask("neigh")["neighbours"];
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0]["mac"], "02:00:00:00:00:07");
    EXPECT_EQ(rows[0]["state"], "PERMANENT");
    EXPECT_EQ(rows[0]["link"], "callback:0");
    EXPECT_EQ(host_->neighbours().size(), 1u);
    EXPECT_EQ(error_of("neigh flush"), "");
    EXPECT_EQ(ask("neigh")["neighbours"].size(), 1u);
    EXPECT_NE(error_of("neigh del 192.0.2.7 dev callback:1"), "");
    EXPECT_EQ(error_of("neigh del 192.0.2.7"), "");
    EXPECT_EQ(ask("neigh")["neighbours"].size(), 0u);
    EXPECT_NE(error_of("neigh add 192.0.2.7 lladdr 01:00:00:00:00:07 dev callback:0"), "");
    EXPECT_NE(error_of("neigh frobnicate"), "");
}

TEST_F(RoutesOfAHost, InfoTellsWhatIpHasDone) {
    const Json ip = ask("info")["ip"];
    EXPECT_EQ(ip["forwarding"], false);
    EXPECT_EQ(ip["forwarded"], 0);
    EXPECT_EQ(ip["reassembly_bytes"], 0);
    EXPECT_TRUE(ip["path_mtus"].is_array());
}

TEST(HostOptionsForward, MakesARouter) {
    auto made = Host::create({.threads = false, .forward = true});
    ASSERT_TRUE(made) << made.error();
    EXPECT_TRUE((*made)->impl().core->stack().ip().config().forward);
    auto by_sysctl = Host::create({.threads = false, .sysctls = {"net.ipv4.ip_forward=1"}});
    ASSERT_TRUE(by_sysctl) << by_sysctl.error();
    EXPECT_TRUE((*by_sysctl)->impl().core->stack().ip().config().forward);
}

}  // namespace
}  // namespace berth::host
