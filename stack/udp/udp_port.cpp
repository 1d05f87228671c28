#include "udp/udp_port.hpp"

#include <utility>

namespace berth::udp {

std::errc UdpPort::take_error() {
    return std::exchange(error_, std::errc{});
}

std::optional<Datagram> UdpPort::take_datagram() {
    if (queue_.empty()) return std::nullopt;
    Datagram datagram = std::move(queue_.front());
    queue_.pop_front();
    charged_bytes_ -= cost_of(datagram);
    queued_bytes_ -= datagram.length;
    return datagram;
}

bool UdpPort::enqueue(Datagram&& datagram) {
    const std::size_t cost = cost_of(datagram);
    if (!queue_.empty() && charged_bytes_ + cost > receive_limit_bytes) return false;
    charged_bytes_ += cost;
    queued_bytes_ += datagram.length;
    queue_.push_back(std::move(datagram));
    return true;
}

}  // namespace berth::udp
