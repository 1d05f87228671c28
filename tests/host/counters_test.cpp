// What `berth nstat` shows: each thing once, under the names of the MIBs and of Linux.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <thread>

#include "host/counter_reports.hpp"
#include "host/host_impl.hpp"
#include "pair.hpp"

namespace berth::test {
namespace {

std::map<std::string, std::uint64_t> counters_of(Host& host) {
    host::Core& core = *host.impl().core;
    const host::CoreGuard guard(core.lock());
    std::map<std::string, std::uint64_t> values;
    for (const host::CounterRow& row : host::counter_rows(core.stack()))
        values[std::string(row.group) + std::string(row.name)] = row.value;
    return values;
}

TEST(Counters, EachIsShownOnceAndEachOfTcpIsAmongThem) {
    auto host = Host::create({.threads = false});
    ASSERT_TRUE(host);
    const auto rows = host::counter_rows((*host)->impl().core->stack());
    std::set<std::string> names;
    for (const host::CounterRow& row : rows) {
        EXPECT_FALSE(row.name.empty());
        EXPECT_TRUE(names.insert(std::string(row.group) + std::string(row.name)).second)
            << row.group << row.name << " is there twice";
    }
    for (const tcp::CounterInfo& info : tcp::counter_infos)
        EXPECT_EQ(names.count(std::string(info.group) + std::string(info.name)), 1u) << info.name;
}

TEST(Counters, AConnectionIsCountedAtBothEnds) {
    HostPair pair;
    TcpListener listener(*pair.server, {{}, 7});
    TcpConnection client(*pair.client, Endpoint{*parse_ipv4_address("192.0.2.2"), 7});
    TcpConnection server = listener.accept();
    ASSERT_TRUE(server);
    ASSERT_TRUE(client.send_all(bytes_of("hello")));
    std::uint8_t buffer[16];
    ASSERT_EQ(server.receive(buffer).bytes, 5u);

    auto active = counters_of(*pair.client);
    auto passive = counters_of(*pair.server);
    EXPECT_EQ(active["TcpActiveOpens"], 1u);
    EXPECT_EQ(active["TcpPassiveOpens"], 0u);
    EXPECT_EQ(passive["TcpPassiveOpens"], 1u);
    EXPECT_EQ(active["TcpCurrEstab"], 1u);
    EXPECT_EQ(passive["TcpCurrEstab"], 1u);
    EXPECT_GE(passive["TcpInSegs"], 3u);
    EXPECT_EQ(passive["IpInDelivers"], passive["TcpInSegs"]);
    EXPECT_EQ(passive["TcpInErrs"], 0u);
    EXPECT_GE(active["LinkOutOctets"], 3u * 40u);
    EXPECT_EQ(active["TcpRtoMin"], 200u);
    EXPECT_EQ(active["TcpRtoMax"], 120'000u);
}

TEST(Counters, WhatCannotBeParsedIsAnErrorInAndCountsAsReceived) {
    auto created = Host::create({.threads = false});
    ASSERT_TRUE(created);
    Host& host = **created;
    ASSERT_TRUE(
        host.add_callback_link(CallbackLinkKind::raw_ip, 1500, [](auto, auto) { return true; }));
    ASSERT_TRUE(host.add_address(0, *parse_ipv4_prefix("192.0.2.2/24")));
    // 192.0.2.1 > 192.0.2.2, TCP, with a checksum of zero, which is wrong; then UDP of 4 bytes.
    const std::uint8_t segment[] = {0x45, 0, 0,   40, 0,    0, 0x40, 0, 64, 6, 0xb6, 0xcc, 192, 0,
                                    2,    1, 192, 0,  2,    2, 4,    0, 0,  7, 0,    0,    0,   1,
                                    0,    0, 0,   0,  0x50, 2, 1,    0, 0,  0, 0,    0};
    const std::uint8_t short_udp[] = {0x45, 0, 0, 24, 0,   0, 0x40, 0, 64, 17, 0xb6, 0xd1,
                                      192,  0, 2, 1,  192, 0, 2,    2, 4,  0,  0,    7};
    ASSERT_TRUE(host.input(0, segment, 0));
    ASSERT_TRUE(host.input(0, short_udp, 0));
    auto values = counters_of(host);
    EXPECT_EQ(values["TcpInErrs"], 1u);
    EXPECT_EQ(values["TcpInCsumErrors"], 1u);
    EXPECT_EQ(values["TcpInSegs"], 1u);
    EXPECT_EQ(values["UdpInErrors"], 1u);
    EXPECT_EQ(values["UdpInDatagrams"], 0u);
    EXPECT_EQ(values["IpInReceives"], 2u);
    EXPECT_EQ(values["IpInDelivers"], 2u);
    EXPECT_EQ(values["BerthDrops"], 2u);
}

TEST(Counters, DatagramsAreCountedWhereTheyArrive) {
    HostPair pair;
    UdpSocket server(*pair.server, {{}, 7});
    UdpSocket client(*pair.client, {{}, 6000});
    const Ipv4Address address = *parse_ipv4_address("192.0.2.2");
    ASSERT_TRUE(client.send_to(bytes_of("x"), {address, 7}));
    std::uint8_t buffer[16];
    Endpoint source;
    ASSERT_TRUE(server.receive_from(buffer, source));
    ASSERT_TRUE(client.send_to(bytes_of("x"), {address, 9}));
    while (counters_of(*pair.client)["IcmpInMsgs"] == 0)
        std::this_thread::yield();
    auto there = counters_of(*pair.server);
    EXPECT_EQ(there["UdpInDatagrams"], 1u);
    EXPECT_EQ(there["UdpNoPorts"], 1u);
    EXPECT_EQ(counters_of(*pair.client)["UdpOutDatagrams"], 2u);
}

}  // namespace
}  // namespace berth::test
