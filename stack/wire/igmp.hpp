// IGMP messages of all three versions (RFC 1112 Appendix I, RFC 2236 §2, RFC 3376 §4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.hpp"
#include "base/drop_reason.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"

namespace berth::wire {

enum class IgmpType : std::uint8_t {
    query = 0x11,
    report_v1 = 0x12,
    report_v2 = 0x16,
    leave = 0x17,
    report_v3 = 0x22,
};

enum class IgmpVersion : std::uint8_t { v1 = 1, v2 = 2, v3 = 3 };

inline constexpr std::size_t igmp_bytes = 8;            // of every message of versions 1 and 2
inline constexpr std::size_t igmp_v3_query_bytes = 12;  // without sources

class IgmpView {
  public:
    // Checks length, checksum and, in a query of version 3, that its sources are all there. An
    // unknown type parses.
    static Result<IgmpView, DropReason> parse(Bytes message);

    IgmpType type() const { return IgmpType{message_[0]}; }
    Ipv4Address group() const { return Ipv4Address(load_be32(message_, 4)); }

    // The rest of queries only. RFC 3376 §7.1: the version shows in length and code.
    IgmpVersion query_version() const;
    std::uint32_t max_response_tenths() const;  // of a second; version 1 says nothing: 100
    // Zero: not said (RFC 3376 §4.1.6, §4.1.7).
    std::uint8_t robustness() const { return is_v3() ? message_[8] & 0x07 : std::uint8_t{0}; }
    std::uint32_t query_interval_s() const;
    std::size_t source_count() const { return is_v3() ? load_be16(message_, 10) : std::size_t{0}; }
    Ipv4Address source(std::size_t index) const {
        return Ipv4Address(load_be32(message_, igmp_v3_query_bytes + 4 * index));
    }

  private:
    explicit IgmpView(Bytes message) : message_(message) {}
    bool is_v3() const { return message_.size() >= igmp_v3_query_bytes; }

    Bytes message_;
};

// Writes igmp_bytes: a report or leave of version 1 or 2.
void write_igmp(IgmpType type, Ipv4Address group, MutableBytes to);

// RFC 3376 §4.2.12.
enum class IgmpRecordType : std::uint8_t {
    is_include = 1,
    is_exclude = 2,
    to_include = 3,
    to_exclude = 4,
    allow_new = 5,
    block_old = 6,
};

struct IgmpRecord {
    IgmpRecordType type = IgmpRecordType::is_include;
    Ipv4Address group;
    std::span<const Ipv4Address> sources;

    constexpr std::size_t bytes() const { return igmp_bytes + 4 * sources.size(); }
};

// Writes a report of version 3 (RFC 3376 §4.2): igmp_bytes and the records' bytes, exactly.
void write_igmp_report(std::span<const IgmpRecord> records, MutableBytes to);

}  // namespace berth::wire
