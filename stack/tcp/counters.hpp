// What TCP counts: one enum, one table. The names are those of RFC 4022's MIB (group "Tcp") and of
// Linux's TcpExt (group "TcpExt") where the meaning is the same, so that `berth nstat` reads like
// nstat; what only berth counts stands in the group "Berth".
//
// To count something new, add a line: BERTH_TCP_COUNTER(name, group, "Name", "what is counted").
// A test fails when a counter has a line here and is counted nowhere.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace berth::tcp {

// clang-format off
#define BERTH_TCP_COUNTERS(BERTH_TCP_COUNTER) \
  BERTH_TCP_COUNTER(active_opens, "Tcp", "ActiveOpens", "connections that began with an active OPEN") \
  BERTH_TCP_COUNTER(passive_opens, "Tcp", "PassiveOpens", "connections that a listener's handshake made") \
  BERTH_TCP_COUNTER(attempt_fails, "Tcp", "AttemptFails", "handshakes that ended without a connection") \
  BERTH_TCP_COUNTER(estab_resets, "Tcp", "EstabResets", "connections that went from ESTABLISHED or CLOSE-WAIT straight to CLOSED") \
  BERTH_TCP_COUNTER(in_segs, "Tcp", "InSegs", "segments received, bad ones as well") \
  BERTH_TCP_COUNTER(out_segs, "Tcp", "OutSegs", "segments sent, without those that hold only retransmitted bytes") \
  BERTH_TCP_COUNTER(retrans_segs, "Tcp", "RetransSegs", "segments sent again") \
  BERTH_TCP_COUNTER(out_rsts, "Tcp", "OutRsts", "resets sent") \
  BERTH_TCP_COUNTER(listen_overflows, "TcpExt", "ListenOverflows", "SYNs and last ACKs that found the accept queue full") \
  BERTH_TCP_COUNTER(listen_drops, "TcpExt", "ListenDrops", "SYNs and last ACKs that a listener dropped") \
  BERTH_TCP_COUNTER(embryonic_resets, "TcpExt", "EmbryonicRsts", "half-open connections that a reset or a SYN ended, or that were reset because the accept queue was full") \
  BERTH_TCP_COUNTER(syn_cookies_sent, "TcpExt", "SyncookiesSent", "SYN cookies sent") \
  BERTH_TCP_COUNTER(syn_cookies_received, "TcpExt", "SyncookiesRecv", "ACKs with a valid SYN cookie") \
  BERTH_TCP_COUNTER(syn_cookies_failed, "TcpExt", "SyncookiesFailed", "ACKs whose SYN cookie was not valid") \
  BERTH_TCP_COUNTER(request_queue_full_cookies, "TcpExt", "TCPReqQFullDoCookies", "SYNs answered with a cookie because too many were half-open") \
  BERTH_TCP_COUNTER(request_queue_full_drops, "TcpExt", "TCPReqQFullDrop", "SYNs dropped because too many were half-open") \
  BERTH_TCP_COUNTER(deferred_accepts, "TcpExt", "TCPDeferAcceptDrop", "last ACKs without data that a listener waiting for data did not use") \
  BERTH_TCP_COUNTER(acks_skipped_syn_received, "TcpExt", "TCPACKSkippedSynRecv", "answers that half-open connections left out for the limit on their rate") \
  BERTH_TCP_COUNTER(fast_open_active, "TcpExt", "TCPFastOpenActive", "SYNs whose data the SYN,ACK acknowledged") \
  BERTH_TCP_COUNTER(fast_open_active_failed, "TcpExt", "TCPFastOpenActiveFail", "SYNs whose data the SYN,ACK did not acknowledge") \
  BERTH_TCP_COUNTER(fast_open_passive, "TcpExt", "TCPFastOpenPassive", "connections that a valid Fast Open cookie made") \
  BERTH_TCP_COUNTER(fast_open_passive_failed, "TcpExt", "TCPFastOpenPassiveFail", "SYNs with a Fast Open cookie that was not valid") \
  BERTH_TCP_COUNTER(fast_open_listen_overflow, "TcpExt", "TCPFastOpenListenOverflow", "SYNs that wanted Fast Open while too many were unproven") \
  BERTH_TCP_COUNTER(fast_open_cookies_requested, "TcpExt", "TCPFastOpenCookieReqd", "SYNs that asked for a Fast Open cookie") \
  BERTH_TCP_COUNTER(fast_open_black_holes, "TcpExt", "TCPFastOpenBlackhole", "remote addresses for which Fast Open was given up for a while") \
  BERTH_TCP_COUNTER(timeouts, "TcpExt", "TCPTimeouts", "retransmission timeouts") \
  BERTH_TCP_COUNTER(syn_retrans, "TcpExt", "TCPSynRetrans", "SYNs and SYN,ACKs sent again") \
  BERTH_TCP_COUNTER(fast_retrans, "TcpExt", "TCPFastRetrans", "segments sent again in fast recovery") \
  BERTH_TCP_COUNTER(slow_start_retrans, "TcpExt", "TCPSlowStartRetrans", "segments sent again as acknowledgments came in after a timeout") \
  BERTH_TCP_COUNTER(reno_recovery, "TcpExt", "TCPRenoRecovery", "fast recoveries that duplicate ACKs began") \
  BERTH_TCP_COUNTER(orig_data_sent, "TcpExt", "TCPOrigDataSent", "segments with data sent for the first time") \
  BERTH_TCP_COUNTER(win_probe, "TcpExt", "TCPWinProbe", "probes of a closed window") \
  BERTH_TCP_COUNTER(keep_alive, "TcpExt", "TCPKeepAlive", "keep-alive probes") \
  BERTH_TCP_COUNTER(delivered_ce, "TcpExt", "TCPDeliveredCE", "segments acknowledged by ACKs that told of a router's mark (RFC 3168)") \
  BERTH_TCP_COUNTER(abort_on_data, "TcpExt", "TCPAbortOnData", "resets for data after close, or for SO_LINGER with zero") \
  BERTH_TCP_COUNTER(abort_on_close, "TcpExt", "TCPAbortOnClose", "resets because the user closed with unread data") \
  BERTH_TCP_COUNTER(abort_on_memory, "TcpExt", "TCPAbortOnMemory", "resets because too many connections had no socket") \
  BERTH_TCP_COUNTER(abort_on_timeout, "TcpExt", "TCPAbortOnTimeout", "connections given up: R2, user timeout, keep-alive") \
  BERTH_TCP_COUNTER(abort_on_linger, "TcpExt", "TCPAbortOnLinger", "resets in FIN-WAIT-2 because TCP_LINGER2 was negative") \
  BERTH_TCP_COUNTER(delayed_acks, "TcpExt", "DelayedACKs", "acknowledgments that the delay let go") \
  BERTH_TCP_COUNTER(out_of_order_queued, "TcpExt", "TCPOFOQueue", "segments that came ahead of a gap") \
  BERTH_TCP_COUNTER(out_of_order_dropped, "TcpExt", "TCPOFODrop", "segments ahead of a gap that the bound on their memory refused") \
  BERTH_TCP_COUNTER(out_of_order_pruned, "TcpExt", "OfoPruned", "held pieces ahead of a gap that went for nearer ones") \
  BERTH_TCP_COUNTER(receive_queue_drop, "TcpExt", "TCPRcvQDrop", "segments in the window that the full buffer refused") \
  BERTH_TCP_COUNTER(zero_window_drop, "TcpExt", "TCPZeroWindowDrop", "segments with text into a closed window") \
  BERTH_TCP_COUNTER(to_zero_window, "TcpExt", "TCPToZeroWindowAdv", "windows closed") \
  BERTH_TCP_COUNTER(from_zero_window, "TcpExt", "TCPFromZeroWindowAdv", "closed windows opened") \
  BERTH_TCP_COUNTER(dsack_old_sent, "TcpExt", "TCPDSACKOldSent", "duplicates of acknowledged data reported (RFC 2883)") \
  BERTH_TCP_COUNTER(dsack_out_of_order_sent, "TcpExt", "TCPDSACKOfoSent", "duplicates of out-of-order data reported (RFC 2883)") \
  BERTH_TCP_COUNTER(time_wait, "TcpExt", "TW", "connections that entered TIME-WAIT") \
  BERTH_TCP_COUNTER(time_wait_overflow, "TcpExt", "TCPTimeWaitOverflow", "connections that entered TIME-WAIT when there were as many as there may be") \
  BERTH_TCP_COUNTER(time_wait_recycled, "TcpExt", "TWRecycled", "four-tuples that an active OPEN took out of TIME-WAIT") \
  BERTH_TCP_COUNTER(time_wait_reopened, "Berth", "TimeWaitReopened", "four-tuples that a peer's SYN took out of TIME-WAIT") \
  BERTH_TCP_COUNTER(challenge_acks, "TcpExt", "TCPChallengeACK", "challenge ACKs sent (RFC 5961)") \
  BERTH_TCP_COUNTER(syn_challenges, "TcpExt", "TCPSYNChallenge", "challenge ACKs in answer to a SYN (RFC 5961 4.2)") \
  BERTH_TCP_COUNTER(ack_skipped_challenge, "TcpExt", "TCPACKSkippedChallenge", "challenge ACKs that a connection's limit held back") \
  BERTH_TCP_COUNTER(ack_skipped_seq, "TcpExt", "TCPACKSkippedSeq", "answers to empty segments outside the window that the limit held back") \
  BERTH_TCP_COUNTER(ack_skipped_paws, "TcpExt", "TCPACKSkippedPAWS", "answers to empty segments that PAWS refused that the limit held back") \
  BERTH_TCP_COUNTER(paws_rejected, "TcpExt", "PAWSEstab", "segments that PAWS refused (RFC 7323 5.3)") \
  BERTH_TCP_COUNTER(out_of_window_icmps, "TcpExt", "OutOfWindowIcmps", "ICMP errors about sequence numbers that are not in flight (RFC 5927 4.1)") \
  BERTH_TCP_COUNTER(challenge_acks_suppressed, "Berth", "ChallengeACKsSuppressed", "answers of half-open and TIME-WAIT records that their limit held back") \
  BERTH_TCP_COUNTER(path_mtu_reductions, "Berth", "PathMtuReductions", "flights sent again because ICMP said that they were too big") \
  BERTH_TCP_COUNTER(black_holes_suspected, "Berth", "BlackHolesSuspected", "connections that made their segments smaller after timeouts")
// clang-format on

enum class Count : std::uint8_t {
#define BERTH_TCP_COUNTER(name, group, mib, text) name,
    BERTH_TCP_COUNTERS(BERTH_TCP_COUNTER)
#undef BERTH_TCP_COUNTER
};

struct CounterInfo {
    std::string_view group;     // "Tcp", "TcpExt", "Berth"
    std::string_view name;      // "ActiveOpens"
    std::string_view sentence;  // what is counted
};
inline constexpr CounterInfo counter_infos[] = {
#define BERTH_TCP_COUNTER(name, group, mib, text) {group, mib, text},
    BERTH_TCP_COUNTERS(BERTH_TCP_COUNTER)
#undef BERTH_TCP_COUNTER
};
inline constexpr std::size_t counter_count = std::size(counter_infos);

class Counters {
  public:
    void add(Count what, std::uint64_t n = 1) { values_[static_cast<std::size_t>(what)] += n; }
    std::uint64_t operator[](Count what) const { return values_[static_cast<std::size_t>(what)]; }

  private:
    std::array<std::uint64_t, counter_count> values_{};
};

}  // namespace berth::tcp
