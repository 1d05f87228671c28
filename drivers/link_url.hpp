// How a user names a link: kind:name,option=value,…
//
//   tap:tap0                       pcap:eth1,filter=arp or ip       cable:
//   pcapfile:in.pcap,out=out.pcap  unix:/tmp/hub,listen tap:tap0,loss=1%,delay=20ms,seed=7
//   tap:tap0,vlan=10
//
// Options of impairment go with every kind. A comma inside a name or value is written twice.
// Parsing touches nothing outside: what comes out is a value whose every field has been checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drivers/impaired_lane.hpp"
#include "wire/ethernet.hpp"

namespace berth::drivers {

enum class LinkUrlKind : std::uint8_t { tap, pcap, pcapfile, unix_socket, cable };

std::string_view name_of(LinkUrlKind kind);  // "tap", "unix", …

struct LinkOptions {
    std::optional<std::uint16_t> mtu;  // all but pcap; bytes of an IP packet
    std::string filter;                // pcap: what to hear, in pcap-filter(7)'s language
    std::string out;                   // pcapfile: where own frames go; empty: nowhere
    bool listen = false;               // unix: be the switch that others connect to
    bool raw = false;                  // cable: IP packets without Ethernet headers
    wire::VlanId vlan = 0;             // whose tags the frames bear, 1 … 4094; 0: none
    ImpairmentOptions impairment;
    std::optional<std::uint64_t> seed;  // of the impairment
};

struct LinkUrl {
    // The least MTU is IPv4's (RFC 791 §3.2: every link carries 68 bytes).
    static constexpr std::uint64_t least_mtu = 68;
    static constexpr std::uint64_t greatest_mtu = 65'535;
    static constexpr std::size_t longest_text = 4096;  // bytes of a whole link

    LinkUrlKind kind = LinkUrlKind::tap;
    std::string name;
    LinkOptions options;

    // The error is one line that says what is wrong and what would be right.
    static Result<LinkUrl, std::string> parse(std::string_view text);
};

}  // namespace berth::drivers
