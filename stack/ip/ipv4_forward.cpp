// Somebody else's packet on its way through (RFC 1812 §5.2, §5.3).
#include "ip/ipv4.hpp"

namespace berth::ip {

Fate Ipv4::forward(link::Frame&, const wire::Ipv4View&, link::InterfaceIndex, bool, Time) {
    return Fate::dropped(DropReason::ip_not_forwardable);
}

}  // namespace berth::ip
