#include "wire/igmp.hpp"

#include <algorithm>

#include "wire/checksum.hpp"

namespace berth::wire {

namespace {

constexpr std::size_t code_at = 1;
constexpr std::size_t checksum_at = 2;
constexpr std::size_t group_at = 4;
constexpr std::size_t record_count_at = 6;
constexpr std::size_t interval_at = 9;

// RFC 3376 §4.1.1: above 127 a floating-point number of three bits and four.
constexpr std::uint32_t decode(std::uint8_t code) {
    if (code < 128) return code;
    const std::uint32_t mantissa = (code & 0x0fU) | 0x10U;
    return mantissa << ((code >> 4 & 0x07U) + 3);
}
static_assert(decode(127) == 127 && decode(0x80) == 128 && decode(0xff) == 31'744);

}  // namespace

Result<IgmpView, DropReason> IgmpView::parse(Bytes message) {
    if (message.size() < igmp_bytes) return Failure{DropReason::igmp_truncated};
    if (checksum_of(message) != 0) return Failure{DropReason::igmp_bad_checksum};
    const IgmpView view(message);
    if (view.type() == IgmpType::query && message.size() > igmp_bytes) {
        // RFC 3376 §7.1: a query of any other length is silently ignored.
        if (!view.is_v3()) return Failure{DropReason::igmp_truncated};
        if (message.size() < igmp_v3_query_bytes + 4 * view.source_count())
            return Failure{DropReason::igmp_truncated};
    }
    return view;
}

IgmpVersion IgmpView::query_version() const {
    if (is_v3()) return IgmpVersion::v3;
    return message_[code_at] == 0 ? IgmpVersion::v1 : IgmpVersion::v2;
}

std::uint32_t IgmpView::max_response_tenths() const {
    switch (query_version()) {
        case IgmpVersion::v1: return 100;  // RFC 2236 §4
        case IgmpVersion::v2: return message_[code_at];
        case IgmpVersion::v3: break;
    }
    return decode(message_[code_at]);
}

std::uint32_t IgmpView::query_interval_s() const {
    return is_v3() ? decode(message_[interval_at]) : 0;
}

void write_igmp(IgmpType type, Ipv4Address group, MutableBytes to) {
    to[0] = static_cast<std::uint8_t>(type);
    to[code_at] = 0;
    store_be16(to, checksum_at, 0);
    store_be32(to, group_at, group.value);
    store_be16(to, checksum_at, checksum_of(to.first(igmp_bytes)));
}

void write_igmp_report(std::span<const IgmpRecord> records, MutableBytes to) {
    std::fill(to.begin(), to.end(), std::uint8_t{0});
    to[0] = static_cast<std::uint8_t>(IgmpType::report_v3);
    store_be16(to, record_count_at, static_cast<std::uint16_t>(records.size()));
    MutableBytes rest = to.subspan(igmp_bytes);
    for (const IgmpRecord& record : records) {
        rest[0] = static_cast<std::uint8_t>(record.type);
        store_be16(rest, 2, static_cast<std::uint16_t>(record.sources.size()));
        store_be32(rest, 4, record.group.value);
        for (std::size_t i = 0; i < record.sources.size(); ++i)
            store_be32(rest, igmp_bytes + 4 * i, record.sources[i].value);
        rest = rest.subspan(record.bytes());
    }
    store_be16(to, checksum_at, checksum_of(to));
}

}  // namespace berth::wire
