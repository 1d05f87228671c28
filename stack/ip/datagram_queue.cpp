#include "ip/datagram_queue.hpp"

#include <algorithm>

namespace berth::ip {

Datagram Datagram::keep(link::Frame& frame, Bytes payload, BufferPool& pool) {
    const std::size_t capacity = frame.buffer.capacity();
    const bool could_shrink = capacity > BufferPool::small_block_bytes;
    if (payload.empty() || (could_shrink && payload.size() < capacity / 2)) {
        Datagram copy = copy_of(payload, pool);
        if (payload.empty() || (copy.buffer && copy.buffer.capacity() < capacity)) return copy;
    }
    Datagram datagram;
    datagram.length = static_cast<std::uint32_t>(payload.size());
    datagram.offset = static_cast<std::uint32_t>(payload.data() - frame.buffer.data());
    datagram.buffer = std::move(frame.buffer);
    return datagram;
}

Datagram Datagram::copy_of(Bytes payload, BufferPool& pool) {
    Datagram datagram;
    datagram.length = static_cast<std::uint32_t>(payload.size());
    if (payload.empty()) return datagram;
    datagram.buffer = pool.take(payload.size());
    if (datagram.buffer) std::copy(payload.begin(), payload.end(), datagram.buffer.data());
    return datagram;
}

bool DatagramQueue::push(Datagram&& datagram) {
    const std::size_t cost = cost_of(datagram);
    if (!datagrams_.empty() && charged_bytes_ + cost > limit_bytes) {
        ++dropped_;
        return false;
    }
    charged_bytes_ += cost;
    queued_bytes_ += datagram.length;
    datagrams_.push_back(std::move(datagram));
    return true;
}

std::optional<Datagram> DatagramQueue::pop() {
    if (datagrams_.empty()) return std::nullopt;
    Datagram datagram = std::move(datagrams_.front());
    datagrams_.pop_front();
    charged_bytes_ -= cost_of(datagram);
    queued_bytes_ -= datagram.length;
    return datagram;
}

void DatagramQueue::push_error(QueuedError&& error) {
    if (errors_.size() < limit_errors) errors_.push_back(std::move(error));
}

std::optional<QueuedError> DatagramQueue::pop_error() {
    if (errors_.empty()) return std::nullopt;
    QueuedError error = std::move(errors_.front());
    errors_.pop_front();
    return error;
}

// Linux keeps the soft ones (network, host) from sockets that did not ask; the BSDs and RFC 1122 do
// not. Protocol unreachable is ENOPROTOOPT in both.
std::errc errc_of(const ErrorReport& report) {
    using namespace wire::icmp_code;
    if (report.type == wire::IcmpType::time_exceeded) return std::errc::host_unreachable;
    if (report.type == wire::IcmpType::parameter_problem) return std::errc::protocol_error;
    switch (report.code) {
        case net_unreachable: return std::errc::network_unreachable;
        case protocol_unreachable: return std::errc::no_protocol_option;
        case port_unreachable: return std::errc::connection_refused;
        case fragmentation_needed: return std::errc::message_size;
        case source_route_failed: return std::errc::operation_not_supported;
        case net_unknown:
        case net_prohibited:
        case net_unreachable_for_tos: return std::errc::network_unreachable;
        default: return std::errc::host_unreachable;
    }
}

}  // namespace berth::ip
