#include "wire/icmp.hpp"

#include "wire/checksum.hpp"

namespace berth::wire {
namespace {

constexpr std::size_t type_at = 0;
constexpr std::size_t code_at = 1;
constexpr std::size_t checksum_at = 2;
constexpr std::size_t rest_at = 4;

}  // namespace

Result<IcmpView, DropReason> IcmpView::parse(Bytes message) {
    if (message.size() < icmp_header_bytes) return Failure{DropReason::icmp_truncated};
    if (checksum_of(message) != 0) return Failure{DropReason::icmp_bad_checksum};
    return IcmpView(message);
}

IcmpType IcmpView::type() const {
    return static_cast<IcmpType>(message_[type_at]);
}
std::uint8_t IcmpView::code() const {
    return message_[code_at];
}
std::uint32_t IcmpView::rest() const {
    return load_be32(message_, rest_at);
}
Bytes IcmpView::payload() const {
    return message_.subspan(icmp_header_bytes);
}

void write(const IcmpHeader& header, Bytes payload, MutableBytes to) {
    to[type_at] = static_cast<std::uint8_t>(header.type);
    to[code_at] = header.code;
    store_be16(to, checksum_at, 0);
    store_be32(to, rest_at, header.rest);
    Checksum checksum;
    checksum.add(to.first(icmp_header_bytes));
    checksum.add(payload);
    store_be16(to, checksum_at, checksum.finish());
}

}  // namespace berth::wire
