// Why a packet was dropped: one enum, one table. There is no bare `return` on an ingress path;
// every packet that goes nowhere says which of these it met, and the counter of it moves.
//
// To add a reason, add a line: BERTH_DROP(name, layer, clause, sentence). `name` is what `berth
// drops`, captures and tests call it; the sentence completes "the packet was dropped because …".
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth {

// clang-format off
#define BERTH_DROP_REASONS(BERTH_DROP) \
  BERTH_DROP(none, "", "", "it was not dropped") \
  /* Ethernet and ARP */ \
  BERTH_DROP(ethernet_truncated, "ethernet", "RFC 894", "the frame is shorter than an Ethernet header") \
  BERTH_DROP(ethernet_not_for_us, "ethernet", "RFC 1122 2.4", "its destination is another station's address") \
  BERTH_DROP(ethernet_source_is_group, "ethernet", "IEEE 802.3 3.2.3", "its source address is a group address") \
  BERTH_DROP(ethernet_other_vlan, "ethernet", "IEEE 802.1Q 8.6", "it is tagged for another VLAN, or untagged where one is expected") \
  BERTH_DROP(ethernet_unknown_type, "ethernet", "RFC 1122 2.3.3", "nobody here speaks its EtherType") \
  BERTH_DROP(frame_oversized, "link", "RFC 1122 2.4", "it is larger than the link's MTU allows") \
  BERTH_DROP(arp_truncated, "arp", "RFC 826", "the ARP packet is shorter than its fields") \
  BERTH_DROP(arp_unsupported, "arp", "RFC 826", "the ARP packet is not Ethernet and IPv4, or has an unknown operation") \
  BERTH_DROP(arp_bad_sender, "arp", "RFC 826", "the ARP sender is a group, broadcast or unspecified address") \
  BERTH_DROP(arp_own_address, "arp", "RFC 5227 2.4", "another station claims our address") \
  BERTH_DROP(arp_not_for_us, "arp", "RFC 826", "the ARP packet asks for somebody else and tells nothing about a known neighbour") \
  BERTH_DROP(neighbour_pending_overflow, "arp", "RFC 1122 2.3.2.2", "too many packets already wait for that neighbour's address") \
  BERTH_DROP(neighbour_unreachable, "arp", "RFC 1122 2.3.2.1", "the neighbour did not answer ARP") \
  /* IPv4 */ \
  BERTH_DROP(ip_truncated, "ip", "RFC 791 3.1", "the packet is shorter than an IPv4 header") \
  BERTH_DROP(ip_bad_version, "ip", "RFC 1122 3.2.1.1", "its version is not 4") \
  BERTH_DROP(ip_bad_header_length, "ip", "RFC 791 3.1", "its header length is below 20 or beyond the packet") \
  BERTH_DROP(ip_bad_total_length, "ip", "RFC 791 3.1", "its total length is below the header's or beyond the frame") \
  BERTH_DROP(ip_bad_checksum, "ip", "RFC 1122 3.2.1.2", "its header checksum is wrong") \
  BERTH_DROP(ip_bad_option, "ip", "RFC 791 3.1", "an option's length does not fit the header") \
  BERTH_DROP(ip_source_routed, "ip", "RFC 1122 3.2.1.8", "it carries a source route, which is refused") \
  BERTH_DROP(ip_bad_source, "ip", "RFC 1122 3.2.1.3", "its source is a broadcast, multicast, loopback or reserved address") \
  BERTH_DROP(ip_own_source, "ip", "RFC 1122 3.2.1.3", "its source is one of our own addresses") \
  BERTH_DROP(ip_not_for_us, "ip", "RFC 1122 3.2.1.3", "its destination is not one of our addresses, and we do not forward") \
  BERTH_DROP(ip_fragment, "ip", "RFC 791 3.2", "it is a fragment addressed to a group or forwarded where none is taken") \
  BERTH_DROP(ip_fragment_overlap, "ip", "RFC 1858 3", "it overlaps another fragment of its datagram with different bytes: the datagram is discarded") \
  BERTH_DROP(ip_fragment_tiny, "ip", "RFC 1858 3", "it is a fragment too small to carry anything but an attack") \
  BERTH_DROP(ip_fragment_too_long, "ip", "RFC 791 3.2", "the datagram it belongs to would be longer than 65535 bytes, or its end moves") \
  BERTH_DROP(ip_fragment_ecn, "ip", "RFC 3168 5.3", "a piece of its datagram reports congestion and another cannot: the datagram is discarded") \
  BERTH_DROP(ip_fragment_timeout, "ip", "RFC 1122 3.3.2", "the rest of its datagram did not come in time") \
  BERTH_DROP(ip_fragment_memory, "ip", "RFC 1122 3.3.2", "fragments already hold as much memory as they may") \
  BERTH_DROP(ip_fragment_source_limit, "ip", "RFC 1122 3.3.2", "its source already has as many incomplete datagrams as it may") \
  BERTH_DROP(ip_ttl_exceeded, "ip", "RFC 1812 5.3.1", "its time to live ran out here") \
  BERTH_DROP(ip_fragmentation_needed, "ip", "RFC 1812 5.3.6", "it is larger than the next link takes and may not be fragmented") \
  BERTH_DROP(ip_not_forwardable, "ip", "RFC 1812 5.3.7", "its addresses, or the way it came, forbid forwarding it") \
  BERTH_DROP(ip_loopback_from_link, "ip", "RFC 1122 3.2.1.3", "a loopback address came in from a link") \
  BERTH_DROP(ip_not_member, "ip", "RFC 1112 7", "nobody here has joined its multicast group on that interface") \
  BERTH_DROP(ip_unknown_protocol, "ip", "RFC 1122 3.2.2.1", "nobody here speaks its protocol") \
  BERTH_DROP(ip_no_route, "ip", "RFC 1122 3.3.1", "there is no route to its destination") \
  BERTH_DROP(ip_no_source, "ip", "RFC 1122 3.3.4", "the interface it leaves by has no address") \
  BERTH_DROP(ip_too_big, "ip", "RFC 1191 3", "it is larger than the MTU of the link it must leave by") \
  BERTH_DROP(link_level_broadcast, "ip", "RFC 1122 3.3.6", "it came in a link broadcast but is addressed to one host") \
  BERTH_DROP(interface_down, "link", "", "the link of its interface is gone") \
  BERTH_DROP(address_tentative, "arp", "RFC 5227 2.1", "the address it would use is still being probed for") \
  BERTH_DROP(device_full, "link", "", "the device took no more frames and the reply was not kept") \
  BERTH_DROP(reply_queue_overflow, "link", "", "too many answers already wait to be sent") \
  /* ICMP */ \
  BERTH_DROP(icmp_truncated, "icmp", "RFC 792", "the ICMP message is shorter than its header") \
  BERTH_DROP(icmp_bad_checksum, "icmp", "RFC 792", "its ICMP checksum is wrong") \
  BERTH_DROP(icmp_unknown_type, "icmp", "RFC 1122 3.2.2", "its ICMP type is unknown") \
  BERTH_DROP(icmp_not_wanted, "icmp", "RFC 1122 3.2.2", "it is an ICMP answer or request that nobody here waits for") \
  BERTH_DROP(icmp_not_answered, "icmp", "RFC 1122 3.2.2.7", "it asks for the time, an address mask or a network number, which this host tells nobody") \
  BERTH_DROP(icmp_echo_limit, "icmp", "", "more echo requests come than this host answers in a second") \
  BERTH_DROP(icmp_echo_to_group, "icmp", "RFC 1122 3.2.2.6", "it is an echo request to a broadcast or multicast address") \
  BERTH_DROP(icmp_error_no_match, "icmp", "RFC 5927 4.1", "the packet that the ICMP error quotes belongs to no socket here") \
  BERTH_DROP(icmp_error_bad_quote, "icmp", "RFC 1122 3.2.2", "the packet that the ICMP error quotes is cut short or not ours") \
  BERTH_DROP(icmp_error_ignored, "icmp", "RFC 1122 3.2.2.2", "this ICMP error asks for nothing that this host does (a redirect or source quench)") \
  BERTH_DROP(icmp_mtu_refuted, "icmp", "RFC 5927 7.2", "the packet that it calls too big would have fitted, or is larger than anything in flight") \
  BERTH_DROP(icmp_redirect_refused, "icmp", "RFC 1122 3.2.2.2", "the redirect is not from the gateway in use, or redirects are not accepted") \
  BERTH_DROP(ping_queue_full, "icmp", "", "the ping socket's receive queue is full") \
  BERTH_DROP(raw_queue_full, "ip", "", "the raw socket's receive queue is full") \
  /* IGMP */ \
  BERTH_DROP(igmp_truncated, "igmp", "RFC 2236 2", "the IGMP message is shorter than its fields") \
  BERTH_DROP(igmp_bad_checksum, "igmp", "RFC 2236 2.3", "its IGMP checksum is wrong") \
  BERTH_DROP(igmp_bad_ttl, "igmp", "RFC 3376 4", "its TTL is not 1, so that it comes from another network") \
  BERTH_DROP(igmp_not_wanted, "igmp", "RFC 3376 6", "it is an IGMP message that a host without such a group ignores") \
  /* UDP */ \
  BERTH_DROP(udp_truncated, "udp", "RFC 768", "the datagram is shorter than a UDP header") \
  BERTH_DROP(udp_bad_length, "udp", "RFC 768", "its length field is below 8 or beyond the packet") \
  BERTH_DROP(udp_bad_checksum, "udp", "RFC 1122 4.1.3.4", "its UDP checksum is wrong") \
  BERTH_DROP(udp_port_zero, "udp", "RFC 768", "its destination port is zero") \
  BERTH_DROP(udp_no_socket, "udp", "RFC 1122 4.1.3.1", "no UDP socket has that port") \
  BERTH_DROP(udp_queue_full, "udp", "", "the socket's receive queue is full") \
  /* TCP */ \
  BERTH_DROP(tcp_truncated, "tcp", "RFC 9293 3.1", "the segment is shorter than a TCP header") \
  BERTH_DROP(tcp_bad_offset, "tcp", "RFC 9293 3.1", "its data offset is below 5 or beyond the segment") \
  BERTH_DROP(tcp_bad_checksum, "tcp", "RFC 9293 3.1 MUST-3", "its TCP checksum is wrong") \
  BERTH_DROP(tcp_port_zero, "tcp", "RFC 6335 6", "one of its ports is zero") \
  BERTH_DROP(tcp_to_group, "tcp", "RFC 9293 3.9.2.3 MUST-57", "it is addressed to a broadcast or multicast address") \
  BERTH_DROP(tcp_bad_source, "tcp", "RFC 9293 3.9.2.3 MUST-63", "it comes from a broadcast or multicast address") \
  BERTH_DROP(tcp_no_connection, "tcp", "RFC 9293 3.10.7.1", "no connection has its four-tuple and no listener may hear it") \
  BERTH_DROP(tcp_reset_in_listen, "tcp", "RFC 9293 3.10.7.2", "it is a reset, and the listener has nothing to reset") \
  BERTH_DROP(tcp_ack_in_listen, "tcp", "RFC 9293 3.10.7.2", "it acknowledges something that a listener never sent") \
  BERTH_DROP(tcp_no_syn_in_listen, "tcp", "RFC 9293 3.10.7.2", "a listener hears only a SYN") \
  BERTH_DROP(tcp_accept_queue_full, "tcp", "RFC 9293 3.10.7.2", "the listener's backlog is full") \
  BERTH_DROP(tcp_half_open_full, "tcp", "RFC 4987 3.1", "there are too many half-open connections") \
  BERTH_DROP(tcp_accept_deferred, "tcp", "tcp(7) TCP_DEFER_ACCEPT", "it completes a handshake without data, and the listener waits for data") \
  BERTH_DROP(tcp_no_memory, "tcp", "RFC 9293 3.10", "the bound on connections is reached") \
  BERTH_DROP(tcp_bad_ack_in_syn_sent, "tcp", "RFC 9293 3.10.7.3", "its acknowledgment is not of our SYN") \
  BERTH_DROP(tcp_useless_in_syn_sent, "tcp", "RFC 9293 3.10.7.3", "it has neither SYN nor RST while we wait for a SYN") \
  BERTH_DROP(tcp_out_of_window, "tcp", "RFC 9293 3.10.7.4", "its sequence numbers lie outside the receive window") \
  BERTH_DROP(tcp_duplicate, "tcp", "RFC 9293 3.10.7.4", "everything in it had been received before") \
  BERTH_DROP(tcp_paws, "tcp", "RFC 7323 5.3", "its timestamp is older than the last one seen") \
  BERTH_DROP(tcp_missing_timestamp, "tcp", "RFC 7323 3.2", "timestamps were agreed and it carries none") \
  BERTH_DROP(tcp_reset_not_exact, "tcp", "RFC 9293 3.10.7.4", "it is a reset in the window but not at RCV.NXT; a challenge ACK was owed") \
  BERTH_DROP(tcp_unexpected_syn, "tcp", "RFC 9293 3.10.7.4", "it is a SYN in a synchronized state; a challenge ACK was owed") \
  BERTH_DROP(tcp_no_ack, "tcp", "RFC 9293 3.10.7.4", "it has no ACK in a state that demands one") \
  BERTH_DROP(tcp_ack_of_unsent, "tcp", "RFC 9293 3.10.7.4", "it acknowledges what was never sent") \
  BERTH_DROP(tcp_ack_too_old, "tcp", "RFC 5961 5.2", "its acknowledgment lies further back than any window we were given") \
  BERTH_DROP(tcp_data_after_close, "tcp", "RFC 9293 3.6.1 MUST-17", "it brings data to a connection whose application has closed for good") \
  BERTH_DROP(tcp_data_after_fin, "tcp", "RFC 9293 3.10.7.4", "it brings data beyond the peer's FIN") \
  BERTH_DROP(tcp_receive_buffer_full, "tcp", "RFC 9293 3.8.6", "the receive buffer has no room for it") \
  BERTH_DROP(tcp_time_wait, "tcp", "RFC 9293 3.10.7.4", "the connection is in TIME-WAIT and it is not an acceptable SYN")
// clang-format on

enum class DropReason : std::uint8_t {
#define BERTH_DROP(name, layer, clause, sentence) name,
    BERTH_DROP_REASONS(BERTH_DROP)
#undef BERTH_DROP
};

struct DropReasonText {
    std::string_view name;      // "tcp_bad_checksum"
    std::string_view layer;     // "tcp"
    std::string_view clause;    // "RFC 9293 3.1 MUST-3"; empty where no standard speaks of it
    std::string_view sentence;  // "its TCP checksum is wrong"
};

inline constexpr DropReasonText drop_reason_texts[] = {
#define BERTH_DROP(name, layer, clause, sentence) {#name, layer, clause, sentence},
    BERTH_DROP_REASONS(BERTH_DROP)
#undef BERTH_DROP
};
inline constexpr std::size_t drop_reason_count = std::size(drop_reason_texts);

constexpr const DropReasonText& text_of(DropReason reason) {
    return drop_reason_texts[static_cast<std::size_t>(reason)];
}

// One counter for each reason.
class DropCounters {
  public:
    void add(DropReason reason) { ++counts_[static_cast<std::size_t>(reason)]; }
    std::uint64_t operator[](DropReason reason) const {
        return counts_[static_cast<std::size_t>(reason)];
    }
    std::uint64_t total() const {
        std::uint64_t sum = 0;
        for (std::size_t i = 1; i < counts_.size(); ++i)
            sum += counts_[i];
        return sum;
    }

  private:
    std::array<std::uint64_t, drop_reason_count> counts_{};
};

}  // namespace berth
