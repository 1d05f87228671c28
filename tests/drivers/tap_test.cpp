// A TAP and a live capture against the kernel, each in a network namespace of its own.
#include "drivers/tap.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <fstream>

#include "drivers/open_link.hpp"
#include "drivers/pcap_live.hpp"
#include "support.hpp"
#include "wire/arp.hpp"
#include "wire/ethernet.hpp"
#include "wire/ipv4.hpp"
#include "wire/udp.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::send;
using test::station;

constexpr Ipv4Prefix kernel_side{Ipv4Address(192, 0, 2, 1), 24};
constexpr Ipv4Prefix our_side{Ipv4Address(192, 0, 2, 2), 24};
constexpr Port port = 7'777;

#define SKIP_WITHOUT_TUN() \
    if (::access("/dev/net/tun", R_OK | W_OK) != 0) GTEST_SKIP() << "no usable /dev/net/tun here"

std::unique_ptr<TapLink> tap_with_peer() {
    auto tap = TapLink::open("berth0", {kernel_side, std::nullopt});
    return tap ? *std::move(tap) : nullptr;
}

// The next frame of that EtherType; the kernel also sends IPv6's greetings of its own accord.
std::vector<std::uint8_t> next_frame(link::LinkDevice& device, std::uint16_t type) {
    BufferPool pool;
    while (test::readable(device.descriptor())) {
        link::Frame frame;
        const std::size_t count = device.receive(pool, std::span<link::Frame>(&frame, 1), Time{});
        if (count == 0 && !device.error().empty()) return {};
        const Bytes bytes = frame.bytes();
        if (count == 1 && load_be16(bytes, 12) == type) return {bytes.begin(), bytes.end()};
    }
    return {};
}

struct KernelSocket {
    UniqueFd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

    static sockaddr_in at(Ipv4Address address) {
        sockaddr_in where{};
        where.sin_family = AF_INET;
        where.sin_port = htons(port);
        where.sin_addr.s_addr = htonl(address.value);
        return where;
    }
    bool bind() const {
        const sockaddr_in own = at(kernel_side.address);
        return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0;
    }
    bool send_to_us(std::size_t bytes) const {
        const std::vector<char> payload(bytes, 'k');
        const sockaddr_in us = at(our_side.address);
        return ::sendto(fd.get(), payload.data(), payload.size(), 0,
                        reinterpret_cast<const sockaddr*>(&us),
                        sizeof us) == static_cast<ssize_t>(bytes);
    }
};

// Answers the kernel's question for our address.
bool answer_arp(link::LinkDevice& tap) {
    const auto question = next_frame(tap, 0x0806);
    if (question.empty()) return false;
    const auto arp =
        wire::ArpPacket{wire::ArpOperation::reply, station(2), our_side.address,
                        wire::EthernetView::parse(question)->source(), kernel_side.address};
    std::vector<std::uint8_t> answer(14 + wire::arp_packet_bytes);
    wire::write(wire::EthernetHeader{arp.target_mac, station(2), wire::EtherType::arp}, answer);
    wire::write(arp, MutableBytes(answer).subspan(14));
    return send(tap, answer);
}

TEST(Tap, CreatedWithAPeerAddressAndGoneAfterwards) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        const InterfaceControl control("berth0");
        {
            const auto tap = TapLink::open("berth0", {kernel_side, std::uint16_t{1300}});
            if (!tap) return tap.error();
            BERTH_HOLDS((*tap)->created());
            BERTH_HOLDS(control.is_up());
            BERTH_HOLDS(control.address() == kernel_side);
            BERTH_HOLDS(control.mtu() == 1300);
            BERTH_HOLDS((*tap)->properties().mtu == 1300);
            BERTH_HOLDS((*tap)->peer_mtu() == 1300);
            BERTH_HOLDS((*tap)->setup_hint(our_side).empty());
            const auto second = TapLink::open("berth0", {});
            BERTH_HOLDS(!second);
            BERTH_HOLDS(second.error().find("another program holds it") != std::string::npos);
        }
        BERTH_HOLDS(!control.exists());
        return {};
    });
}

TEST(Tap, SaysWhichCommandsAreMissing) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        std::string hint;
        OpenOptions options;
        options.own_address = our_side;
        options.on_setup_hint = [&](std::string_view commands) { hint = commands; };
        const auto url = LinkUrl::parse("tap:berth0,delay=1ms");
        const auto link = open_link(*url, options);
        if (!link) return link.error();
        BERTH_HOLDS(hint == "ip addr add 192.0.2.1/24 dev berth0\nip link set berth0 up\n");
        const InterfaceControl control("berth0");
        BERTH_HOLDS(control.set_address(kernel_side) == 0);
        BERTH_HOLDS(control.set_up() == 0);
        return {};
    });
}

TEST(Tap, PersistentOneIsAttachedToAndStays) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        for (const int flags : {IFF_TAP | IFF_NO_PI, IFF_TAP | IFF_NO_PI | IFF_MULTI_QUEUE}) {
            const std::string name = (flags & IFF_MULTI_QUEUE) != 0 ? "many0" : "one0";
            {
                const UniqueFd maker(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
                ifreq request{};
                std::memcpy(request.ifr_name, name.data(), name.size());
                request.ifr_flags = static_cast<short>(flags);
                BERTH_HOLDS(::ioctl(maker.get(), TUNSETIFF, &request) == 0);
                BERTH_HOLDS(::ioctl(maker.get(), TUNSETPERSIST, 1) == 0);
            }
            {
                const auto tap = TapLink::open(name, {});
                if (!tap) return tap.error();
                BERTH_HOLDS(!(*tap)->created());
            }
            BERTH_HOLDS(InterfaceControl(name).exists());
        }
        const auto loopback = TapLink::open("lo", {});
        BERTH_HOLDS(!loopback);
        BERTH_HOLDS(loopback.error().find("is not a TAP") != std::string::npos);
        return {};
    });
}

TEST(Tap, CarriesDatagramsBothWays) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        const auto tap = tap_with_peer();
        BERTH_HOLDS(tap != nullptr);
        const KernelSocket kernel;
        BERTH_HOLDS(kernel.bind());
        BERTH_HOLDS(kernel.send_to_us(100));
        BERTH_HOLDS(answer_arp(*tap));
        const auto datagram = next_frame(*tap, 0x0800);
        BERTH_HOLDS(datagram.size() == 14 + 20 + 8 + 100);
        const auto ip = wire::Ipv4View::parse(Bytes(datagram).subspan(14));
        BERTH_HOLDS(ip.has_value());
        BERTH_HOLDS(ip->source() == kernel_side.address);
        BERTH_HOLDS(datagram.back() == 'k');

        // The answer: three headers in front of a payload in two slices.
        const std::string text = "an answer from userspace";
        const Bytes payload(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
        const std::array<Bytes, 2> slices{payload.first(5), payload.subspan(5)};
        link::OutFrame frame;
        for (const Bytes slice : slices)
            frame.add_slice(slice);
        wire::write_udp({our_side.address, port}, {kernel_side.address, port}, slices,
                        frame.prepend(8));
        wire::Ipv4Header header;
        header.total_length = static_cast<std::uint16_t>(28 + text.size());
        header.protocol = 17;
        header.source = our_side.address;
        header.destination = kernel_side.address;
        wire::write(header, frame.prepend(20));
        wire::write(wire::EthernetHeader{wire::EthernetView::parse(datagram)->source(), station(2),
                                         wire::EtherType::ipv4},
                    frame.prepend(14));
        BERTH_HOLDS(tap->send(std::span<const link::OutFrame>(&frame, 1), Time{}) == 1);
        BERTH_HOLDS(test::readable(kernel.fd.get()));
        std::array<char, 100> got{};
        const ssize_t n = ::recv(kernel.fd.get(), got.data(), got.size(), 0);
        BERTH_HOLDS(std::string(got.data(), static_cast<std::size_t>(n)) == text);
        BERTH_HOLDS(tap->rejected() == 0);
        return {};
    });
}

TEST(Tap, FrameLargerThanASmallBlock) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        const auto opened = TapLink::open("berth0", {kernel_side, std::uint16_t{9000}});
        if (!opened) return opened.error();
        const KernelSocket kernel;
        BERTH_HOLDS(kernel.send_to_us(5'000));
        BERTH_HOLDS(answer_arp(**opened));
        const auto datagram = next_frame(**opened, 0x0800);
        BERTH_HOLDS(datagram.size() == 14 + 20 + 8 + 5'000);
        BERTH_HOLDS(std::count(datagram.begin() + 42, datagram.end(), 'k') == 5'000);
        return {};
    });
}

// RTM_DELLINK: what `ip link del` does.
bool delete_interface(const char* name) {
    const UniqueFd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    struct {
        nlmsghdr header;
        ifinfomsg info;
    } request{};
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_DELLINK;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    request.info.ifi_index = static_cast<int>(::if_nametoindex(name));
    if (::send(netlink.get(), &request, sizeof request, 0) != sizeof request) return false;
    struct {
        nlmsghdr header;
        nlmsgerr error;
        char rest[256];
    } answer{};
    return ::recv(netlink.get(), &answer, sizeof answer, 0) > 0 && answer.error.error == 0;
}

TEST(Tap, DownLosesFramesAndGoneIsAnError) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        const auto opened = TapLink::open("berth0", {});
        if (!opened) return opened.error();
        TapLink& tap = **opened;
        const auto frame = ethernet_frame(MacAddress::broadcast(), station(2));
        BERTH_HOLDS(send(tap, frame));
        BERTH_HOLDS(tap.rejected() == 1);
        BERTH_HOLDS(test::receive_all(tap).empty());
        BERTH_HOLDS(tap.error().empty());

        BERTH_HOLDS(delete_interface("berth0"));
        BERTH_HOLDS(test::readable(tap.descriptor(), 0));
        BERTH_HOLDS(test::receive_all(tap).empty());
        BERTH_HOLDS(tap.error().find("the TAP device berth0 is gone") == 0);
        BERTH_HOLDS(!send(tap, frame));
        return {};
    });
}

TEST(Tap, RefusalSaysWhatWorksHere) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        if (::setresuid(65'534, 65'534, 65'534) != 0) return {};  // already an ordinary user
        const auto tap = TapLink::open("berth0", {kernel_side, std::nullopt});
        BERTH_HOLDS(!tap);
        BERTH_HOLDS(tap.error().find("berth0") != std::string::npos ||
                    tap.error().find("/dev/net/tun") != std::string::npos);
        BERTH_HOLDS(tap.error().find("run as root") != std::string::npos);
        BERTH_HOLDS(tap.error().find("use --link unix:PATH") != std::string::npos);
        BERTH_HOLDS(tap.error().find('\n') == std::string::npos);
        return {};
    });
}

// The interface that is captured on is a TAP of ours: what berth injects there comes out of it, and
// what is written into it is what the interface hears.
struct LivePair {
    std::unique_ptr<TapLink> wire = tap_with_peer();
    std::unique_ptr<PcapLiveLink> live;
    std::string problem;

    explicit LivePair(const std::string& filter = "") {
        auto opened = PcapLiveLink::open("berth0", filter);
        if (opened)
            live = *std::move(opened);
        else
            problem = opened.error();
    }
};

TEST(PcapLive, HearsAndInjectsButNotItself) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        LivePair pair;
        if (!pair.live) return pair.problem;
        BERTH_HOLDS(pair.live->properties().kind == link::LinkKind::ethernet);
        BERTH_HOLDS(pair.live->properties().mtu == 1500);
        const auto heard = ethernet_frame(station(2), station(3), 200, 1);
        BERTH_HOLDS(send(*pair.wire, heard));
        BERTH_HOLDS(next_frame(*pair.live, 0x88b5) == heard);

        const auto injected = ethernet_frame(station(3), station(2), 300, 2);
        BERTH_HOLDS(send(*pair.live, injected));
        BERTH_HOLDS(next_frame(*pair.wire, 0x88b5) == injected);
        const auto marker = ethernet_frame(station(2), station(3), 60, 3);
        BERTH_HOLDS(send(*pair.wire, marker));
        BERTH_HOLDS(next_frame(*pair.live, 0x88b5) == marker);  // and nothing of our own before it
        const PcapLiveCounters counters = pair.live->counters();
        BERTH_HOLDS(counters.kernel_received >= 2);
        BERTH_HOLDS(counters.kernel_dropped == 0);
        BERTH_HOLDS(counters.inject_failures == 0);
        return {};
    });
}

TEST(PcapLive, FilterAndErrors) {
    SKIP_WITHOUT_TUN();
    BERTH_RUN_IN_OWN_NETWORK([]() -> std::string {
        LivePair pair("ether proto 0x88b6");
        if (!pair.live) return pair.problem;
        BERTH_HOLDS(send(*pair.wire, ethernet_frame(station(2), station(3))));
        const auto wanted = ethernet_frame(station(2), station(3), 60, 0, 0x88b6);
        BERTH_HOLDS(send(*pair.wire, wanted));
        BERTH_HOLDS(test::readable(pair.live->descriptor()));
        BERTH_HOLDS(test::receive_all(*pair.live) == test::Frames{wanted});

        const auto bad = PcapLiveLink::open("berth0", "tcp porrt 80");
        BERTH_HOLDS(!bad && bad.error().find("bad filter 'tcp porrt 80'") == 0);
        const auto down = PcapLiveLink::open("lo", "");
        BERTH_HOLDS(!down && down.error().find("ip link set lo up") != std::string::npos);

        pair.wire.reset();  // and with it the interface
        BERTH_HOLDS(test::readable(pair.live->descriptor()));
        test::receive_all(*pair.live);
        BERTH_HOLDS(pair.live->error().find("the capture on berth0 has ended") == 0);
        return {};
    });
}

}  // namespace
}  // namespace berth::drivers
