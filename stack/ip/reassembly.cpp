#include "ip/reassembly.hpp"

namespace berth::ip {

std::variant<link::Frame, Fate> Reassembly::add(link::Frame&, const wire::Ipv4View&, Time) {
    return Fate::dropped(DropReason::ip_fragment);
}
void Reassembly::advance(Time, ProblemReceiver*) {}
Time Reassembly::next_deadline() const {
    return Time::never();
}
std::size_t Reassembly::datagrams() const {
    return 0;
}

}  // namespace berth::ip
