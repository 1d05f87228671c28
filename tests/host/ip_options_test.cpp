// The options of IP and of interfaces, with the structures that programs pass.
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::test {
namespace {

constexpr const char* group_text = "233.252.0.1";

class IpOptions : public ::testing::Test {
  protected:
    HostPair pair;

    int datagram() { return pair.server->socket(SOCK_DGRAM); }
    template <class T>
    static int set(int fd, int level, int name, const T& value) {
        return errno_of(berth_setsockopt(fd, level, name, &value, sizeof value));
    }
    static int get(int fd, int level, int name) {
        int value = -1;
        socklen_t length = sizeof value;
        EXPECT_EQ(berth_getsockopt(fd, level, name, &value, &length), 0);
        return value;
    }
    static in_addr address(const char* text) { return address_of(text, 0).sin_addr; }
};

TEST_F(IpOptions, WhatIsSetComesBack) {
    const int fd = datagram();
    for (const int name : {IP_RECVERR, IP_PKTINFO, IP_RECVTTL, IP_RECVTOS}) {
        EXPECT_EQ(get(fd, IPPROTO_IP, name), 0) << name;
        EXPECT_EQ(set(fd, IPPROTO_IP, name, 1), 0) << name;
        EXPECT_EQ(get(fd, IPPROTO_IP, name), 1) << name;
    }
    for (const int name : {IP_MULTICAST_LOOP, IP_MULTICAST_ALL}) {
        EXPECT_EQ(get(fd, IPPROTO_IP, name), 1) << name;
        EXPECT_EQ(set(fd, IPPROTO_IP, name, char{0}), 0) << "a byte will do";
        EXPECT_EQ(get(fd, IPPROTO_IP, name), 0) << name;
    }
    EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 0), 0);
    EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_TTL), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, -1), 0);
    EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_TTL), 1);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_TTL, 256), EINVAL);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_HDRINCL, 1), ENOPROTOOPT) << "raw sockets only";
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_OPTIONS, 1), ENOPROTOOPT);
}

TEST_F(IpOptions, MtuDiscoveryAndTheMtuOfAConnectedSocket) {
    const int fd = datagram();
    EXPECT_EQ(get(fd, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_WANT);
    for (const int value : {IP_PMTUDISC_DONT, IP_PMTUDISC_DO, IP_PMTUDISC_PROBE}) {
        EXPECT_EQ(set(fd, IPPROTO_IP, IP_MTU_DISCOVER, value), 0);
        EXPECT_EQ(get(fd, IPPROTO_IP, IP_MTU_DISCOVER), value);
    }
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MTU_DISCOVER, 4), EINVAL);
    int mtu = 0;
    socklen_t length = sizeof mtu;
    EXPECT_EQ(errno_of(berth_getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &length)), ENOTCONN);
    const sockaddr_in peer = address_of(HostPair::client_text, 9);
    ASSERT_EQ(berth_connect(fd, generic(peer), sizeof peer), 0);
    EXPECT_EQ(get(fd, IPPROTO_IP, IP_MTU), 1500);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MTU, 1000), ENOPROTOOPT);
}

TEST_F(IpOptions, MembershipsInAllTheirStructures) {
    const int fd = datagram();
    const ip_mreq by_address{address(group_text), address(HostPair::server_text)};
    const ip_mreqn by_number{address(group_text), {}, 2};
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, by_address), EADDRNOTAVAIL);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_address), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_number), EADDRINUSE);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_DROP_MEMBERSHIP, by_number), 0);
    const ip_mreq by_route{address(group_text), {}};
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_route), 0);
    group_req request{};
    request.gr_interface = 2;
    const sockaddr_in group = address_of(group_text, 0);
    std::memcpy(&request.gr_group, &group, sizeof group);
    EXPECT_EQ(set(fd, IPPROTO_IP, MCAST_JOIN_GROUP, request), EADDRINUSE);
    EXPECT_EQ(set(fd, IPPROTO_IP, MCAST_LEAVE_GROUP, request), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, MCAST_JOIN_GROUP, request), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, MCAST_LEAVE_GROUP, request), 0);

    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, ip_mreqn{address(group_text), {}, 9}), ENODEV);
    EXPECT_EQ(
        set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, ip_mreq{address(group_text), address("192.0.2.99")}),
        ENODEV);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, ip_mreq{address("192.0.2.1"), {}}), EINVAL);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, 1), EINVAL) << "too short";
    const int tcp = pair.server->socket(SOCK_STREAM);
    EXPECT_EQ(set(tcp, IPPROTO_IP, IP_ADD_MEMBERSHIP, by_route), ENOPROTOOPT);
}

TEST_F(IpOptions, SourceMemberships) {
    const int fd = datagram();
    const ip_mreq_source one{address(group_text), address(HostPair::server_text),
                             address("192.0.2.1")};
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, one), EADDRNOTAVAIL);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, one), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, one), EADDRNOTAVAIL);
    group_source_req request{};
    const sockaddr_in group = address_of(group_text, 0);
    const sockaddr_in source = address_of("192.0.2.3", 0);
    request.gsr_interface = 2;
    std::memcpy(&request.gsr_group, &group, sizeof group);
    std::memcpy(&request.gsr_source, &source, sizeof source);
    EXPECT_EQ(set(fd, IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, request), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, request), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, one), 0);
    const ip_mreq_source nobody{address(group_text), {}, {}};
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, nobody), EINVAL);
}

TEST_F(IpOptions, TheMulticastInterfaceInAllItsStructures) {
    const int fd = datagram();
    EXPECT_EQ(get(fd, IPPROTO_IP, IP_MULTICAST_IF), 0);
    const in_addr ours = address(HostPair::server_text);
    const auto chosen = [&] {
        return static_cast<in_addr_t>(get(fd, IPPROTO_IP, IP_MULTICAST_IF));
    };
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, ours), 0);
    EXPECT_EQ(chosen(), ours.s_addr);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, in_addr{}), 0);
    EXPECT_EQ(chosen(), 0u);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, ip_mreqn{{}, {}, 2}), 0);
    EXPECT_EQ(chosen(), ours.s_addr);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, ip_mreq{{}, {}}), 0);
    EXPECT_EQ(chosen(), 0u);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, address("127.0.0.1")), 0);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, address("192.0.2.99")), EADDRNOTAVAIL);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, ip_mreqn{{}, {}, 77}), EADDRNOTAVAIL);
    EXPECT_EQ(set(fd, IPPROTO_IP, IP_MULTICAST_IF, char{1}), EINVAL);
}

TEST_F(IpOptions, ASocketIsBoundToAnInterfaceByItsName) {
    const int fd = datagram();
    std::array<char, 64> name{};
    socklen_t length = name.size();
    EXPECT_EQ(berth_getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.data(), &length), 0);
    EXPECT_EQ(length, 0u);
    for (const std::string wanted : {"callback:0", "0", "lo"}) {
        EXPECT_EQ(berth_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, wanted.data(),
                                   static_cast<socklen_t>(wanted.size())),
                  0)
            << wanted;
        length = name.size();
        EXPECT_EQ(berth_getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.data(), &length), 0);
        EXPECT_STREQ(name.data(), wanted == "lo" ? "lo" : "callback:0");
    }
    EXPECT_EQ(errno_of(berth_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "eth9", 4)), ENODEV);
    length = 1;
    EXPECT_EQ(errno_of(berth_getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.data(), &length)),
              EINVAL);
    EXPECT_EQ(berth_setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 1), 0);
    length = name.size();
    EXPECT_EQ(berth_getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name.data(), &length), 0);
    EXPECT_EQ(length, 0u);
    const int tcp = pair.server->socket(SOCK_STREAM);
    EXPECT_EQ(errno_of(berth_setsockopt(tcp, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2)), ENOPROTOOPT)
        << "a stream that ignored it would be a trap";
}

TEST_F(IpOptions, InterfacesHaveNumbersAndNames) {
    EXPECT_EQ(berth_if_nametoindex("lo"), 1u);
    EXPECT_EQ(berth_if_nametoindex("callback:0"), 2u);
    EXPECT_EQ(berth_if_nametoindex("eth9"), 0u);
    EXPECT_EQ(errno, ENODEV);
    std::array<char, 32> name{};
    EXPECT_STREQ(berth_if_indextoname(1, name.data(), name.size()), "lo");
    EXPECT_STREQ(berth_if_indextoname(2, name.data(), name.size()), "callback:0");
    EXPECT_EQ(berth_if_indextoname(3, name.data(), name.size()), nullptr);
    EXPECT_EQ(errno, ENXIO);
    EXPECT_EQ(berth_if_indextoname(2, name.data(), 10), nullptr);
    EXPECT_EQ(errno, ERANGE);
}

TEST_F(IpOptions, Rfc6335_6_PortRanges) {
    EXPECT_EQ(berth_port_range(0), BERTH_PORT_WELL_KNOWN);
    EXPECT_EQ(berth_port_range(1023), BERTH_PORT_WELL_KNOWN);
    EXPECT_EQ(berth_port_range(1024), BERTH_PORT_REGISTERED);
    EXPECT_EQ(berth_port_range(49151), BERTH_PORT_REGISTERED);
    EXPECT_EQ(berth_port_range(49152), BERTH_PORT_DYNAMIC);
    EXPECT_EQ(berth_port_range(65535), BERTH_PORT_DYNAMIC);
}

}  // namespace
}  // namespace berth::test
