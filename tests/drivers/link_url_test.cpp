#include "drivers/link_url.hpp"

#include <gtest/gtest.h>

#include "drivers/open_link.hpp"
#include "drivers/units.hpp"

namespace berth::drivers {
namespace {

LinkUrl parsed(std::string_view text) {
    auto url = LinkUrl::parse(text);
    EXPECT_TRUE(url) << (url ? "" : url.error());
    return url ? *url : LinkUrl{};
}

std::string error_of(std::string_view text) {
    const auto url = LinkUrl::parse(text);
    EXPECT_FALSE(url) << text << " was accepted";
    return url ? "" : url.error();
}

TEST(LinkUrl, EachKindWithItsName) {
    EXPECT_EQ(parsed("tap:tap0").kind, LinkUrlKind::tap);
    EXPECT_EQ(parsed("tap:tap0").name, "tap0");
    EXPECT_EQ(parsed("pcap:eth1").kind, LinkUrlKind::pcap);
    EXPECT_EQ(parsed("pcapfile:in.pcap,out=out.pcap").name, "in.pcap");
    EXPECT_EQ(parsed("pcapfile:in.pcap,out=out.pcap").options.out, "out.pcap");
    EXPECT_EQ(parsed("unix:/tmp/hub,listen").kind, LinkUrlKind::unix_socket);
    EXPECT_TRUE(parsed("unix:/tmp/hub,listen").options.listen);
    EXPECT_FALSE(parsed("unix:/tmp/hub").options.listen);
    EXPECT_EQ(parsed("cable:").kind, LinkUrlKind::cable);
    EXPECT_TRUE(parsed("cable:left,raw").options.raw);
}

TEST(LinkUrl, ImpairmentGoesWithEveryKind) {
    const LinkUrl url = parsed(
        "tap:tap0,loss=1%,duplicate=250ppm,reorder=0.5%,corrupt=2%,flips=frame,delay=20ms,"
        "jitter=1.5ms,rate=10mbit,queue=50,seed=7,mtu=1400");
    const ImpairmentOptions& i = url.options.impairment;
    EXPECT_EQ(i.loss_ppm, 10'000U);
    EXPECT_EQ(i.duplicate_ppm, 250U);
    EXPECT_EQ(i.reorder_ppm, 5'000U);
    EXPECT_EQ(i.corrupt_ppm, 20'000U);
    EXPECT_EQ(i.flip_scope, FlipScope::frame);
    EXPECT_EQ(i.delay, milliseconds(20));
    EXPECT_EQ(i.jitter, microseconds(1'500));
    EXPECT_EQ(i.rate_bits_per_second, 10'000'000U);
    EXPECT_EQ(i.queue_frames, 50U);
    EXPECT_EQ(url.options.seed, 7U);
    EXPECT_EQ(url.options.mtu, 1400);
    for (const char* kind : {"pcap:x", "pcapfile:x", "unix:x", "cable:x"}) {
        EXPECT_TRUE(parsed(std::string(kind).append(",loss=1%")).options.impairment.any());
    }
    EXPECT_FALSE(parsed("tap:tap0").options.impairment.any());
}

TEST(LinkUrl, AVlanGoesWithEveryLinkThatHasEthernetHeaders) {
    EXPECT_EQ(parsed("tap:tap0").options.vlan, 0);
    EXPECT_EQ(parsed("tap:tap0,vlan=10").options.vlan, 10);
    EXPECT_EQ(parsed("pcap:eth1,vlan=1").options.vlan, 1);
    EXPECT_EQ(parsed("pcapfile:x,vlan=4094").options.vlan, 4094);
    EXPECT_EQ(parsed("unix:/tmp/hub,listen,vlan=7").options.vlan, 7);
    EXPECT_EQ(parsed("cable:x,vlan=7").options.vlan, 7);
    for (const char* bad : {"0", "4095", "4096", "65546", "-1", "ten", "", "10.5"}) {
        const std::string text = std::string("tap:tap0,vlan=") + bad;
        EXPECT_EQ(error_of(text), "link '" + text + "': bad value '" + bad +
                                      "' of option 'vlan': expected a VLAN's number from 1 to "
                                      "4094");
    }
    EXPECT_NE(error_of("tap:tap0,vlan=1,vlan=2").find("given twice"), std::string::npos);
    EXPECT_EQ(error_of("cable:x,raw,vlan=7"),
              "link 'cable:x,raw,vlan=7': a raw link has no Ethernet header to bear a VLAN's tag; "
              "leave out raw or vlan");
}

TEST(LinkUrl, DoubledCommaIsAComma) {
    EXPECT_EQ(parsed("pcapfile:a,,b,out=c,,d").name, "a,b");
    EXPECT_EQ(parsed("pcapfile:a,,b,out=c,,d").options.out, "c,d");
    EXPECT_EQ(parsed("pcap:eth0,filter=tcp port 80 or arp").options.filter, "tcp port 80 or arp");
    EXPECT_EQ(parsed("pcap:eth0,filter=ip[8]=64").options.filter, "ip[8]=64");
}

TEST(LinkUrl, ErrorsSayWhatWouldBeRight) {
    EXPECT_EQ(
        error_of("tap0"),
        "'tap0' is not a link; a link is written kind:name, as in tap:tap0, and the kinds are "
        "tap:, pcap:, pcapfile:, unix: and cable:");
    EXPECT_EQ(error_of("tep:tap0"),
              "unknown kind of link 'tep:' in 'tep:tap0'; the kinds are tap:, pcap:, pcapfile:, "
              "unix: and cable:");
    EXPECT_EQ(
        error_of("tap:tap0,lost=1%"),
        "link 'tap:tap0,lost=1%': unknown option 'lost' of a tap: link; its options are mtu, "
        "vlan, loss, duplicate, reorder, corrupt, flips, delay, jitter, rate, queue and seed");
    EXPECT_EQ(error_of("tap:tap0,loss=5"),
              "link 'tap:tap0,loss=5': bad value '5' of option 'loss': expected a probability such "
              "as 1%, 0.25% or 250ppm");
    EXPECT_EQ(error_of("tap:"), "link 'tap:' needs an interface's name, as in tap:tap0");
    EXPECT_NE(error_of("tap:tap0,listen").find("unknown option 'listen'"), std::string::npos);
    EXPECT_NE(error_of("unix:/x,listen=yes").find("takes no value"), std::string::npos);
    EXPECT_NE(error_of("tap:tap0,delay").find("needs a value: a time"), std::string::npos);
    EXPECT_NE(error_of("tap:tap0,delay=1ms,delay=2ms").find("given twice"), std::string::npos);
    EXPECT_NE(error_of("tap:tap0,").find("unknown option ''"), std::string::npos);
    EXPECT_NE(error_of("tap:t,mtu=67").find("from 68 to 65535"), std::string::npos);
    EXPECT_NE(error_of("tap:t,mtu=65536").find("from 68 to 65535"), std::string::npos);
    EXPECT_NE(error_of(std::string(5000, 'x')).find("too long"), std::string::npos);
    for (const char* text : {"tap0", "x:", "tap:", "tap:t,loss=x", "unix:/x,listen=1"}) {
        EXPECT_EQ(error_of(text).find('\n'), std::string::npos) << text;
    }
}

TEST(Units, Probabilities) {
    EXPECT_EQ(parse_parts_per_million("100%"), 1'000'000U);
    EXPECT_EQ(parse_parts_per_million("0.0001%"), 1U);
    EXPECT_EQ(parse_parts_per_million("0"), 0U);
    EXPECT_EQ(parse_parts_per_million("33.3333%"), 333'333U);
    for (const char* bad : {"", "%", "1", "101%", "-1%", "1 %", "1%%", ".5%", "5.%", "1.2.3%",
                            "0.00001%", "1000001ppm", "99999999999999999999%", "1e2%"}) {
        EXPECT_EQ(parse_parts_per_million(bad), std::nullopt) << bad;
    }
}

TEST(Units, DurationsRatesAndCounts) {
    EXPECT_EQ(parse_duration("1.5s"), milliseconds(1'500));
    EXPECT_EQ(parse_duration("20ms"), milliseconds(20));
    EXPECT_EQ(parse_duration("300us"), microseconds(300));
    EXPECT_EQ(parse_duration("7ns"), nanoseconds(7));
    EXPECT_EQ(parse_duration("86400s"), seconds(86'400));
    for (const char* bad : {"20", "1m", "86401s", "0.5ns", "1.0000000000000001s", "ms", "-1s"}) {
        EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(parse_bit_rate("1.5gbit"), 1'500'000'000U);
    EXPECT_EQ(parse_bit_rate("9600bit"), 9'600U);
    for (const char* bad : {"0", "0bit", "1", "1001gbit", "1mbps"}) {
        EXPECT_EQ(parse_bit_rate(bad), std::nullopt) << bad;
    }
    EXPECT_EQ(parse_count("42"), 42U);
    for (const char* bad : {"", "4.0", "42x", "-1", "1234567890123456"}) {
        EXPECT_EQ(parse_count(bad), std::nullopt) << bad;
    }
}

std::string open_error(std::string_view text, const OpenOptions& options = {}) {
    const auto link = open_link(parsed(text), options);
    EXPECT_FALSE(link) << text << " was opened";
    return link ? "" : link.error();
}

TEST(OpenLink, CablesComeOutOfABox) {
    EXPECT_NE(open_error("cable:").find("use unix:PATH"), std::string::npos);
    CableBox box;
    OpenOptions options;
    options.cables = &box;
    const auto a = open_link(parsed("cable:x,mtu=900,raw"), options);
    const auto b = open_link(parsed("cable:x,mtu=900,raw,delay=1ms"), options);
    ASSERT_TRUE(a);
    ASSERT_TRUE(b);
    EXPECT_EQ((*a)->properties().mtu, 900);
    EXPECT_EQ((*b)->properties().kind, link::LinkKind::raw_ip);
    EXPECT_EQ(open_error("cable:x", options),
              "both ends of cable:x are taken; a cable has two ends, so choose another name");
}

TEST(OpenLink, ErrorsNameTheThingAndTheWayOut) {
    OpenOptions options;
    options.peer_address = Ipv4Prefix{Ipv4Address(192, 0, 2, 1), 24};
    EXPECT_NE(open_error("unix:/x", options).find("leave --peer-address out"), std::string::npos);
    EXPECT_NE(open_error("tap:a/b").find("'a/b' cannot name a TAP"), std::string::npos);
    EXPECT_NE(open_error("tap:name-that-is-too-long").find("cannot name a TAP"), std::string::npos);
    EXPECT_NE(open_error("unix:/nonexistent/x").find(",listen"), std::string::npos);
    EXPECT_NE(open_error("pcapfile:/nonexistent").find("/nonexistent"), std::string::npos);
    EXPECT_NE(open_error("pcap:noSuchIf0").find("there is no interface noSuchIf0"),
              std::string::npos);
}

}  // namespace
}  // namespace berth::drivers
