#include "drivers/pcap_live.hpp"

#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "drivers/advice.hpp"
#include "drivers/interface_control.hpp"
#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

constexpr int snap_length = 65'535 + 18;  // any IPv4 packet with a tagged Ethernet header
constexpr int kernel_buffer_bytes = 4 * 1024 * 1024;
constexpr int read_timeout_ms = 1;  // unused in immediate mode, but 0 means "for ever"
constexpr std::size_t source_offset = 6;
constexpr std::size_t ethernet_header_bytes = 14;

MacAddress source_of(Bytes frame) {
    MacAddress mac;
    std::copy_n(frame.begin() + source_offset, mac.octets.size(), mac.octets.begin());
    return mac;
}

}  // namespace

void PcapLiveLink::PcapCloser::operator()(pcap* p) const {
    ::pcap_close(p);
}

PcapLiveLink::~PcapLiveLink() = default;

Result<std::unique_ptr<PcapLiveLink>, std::string> PcapLiveLink::open(
    const std::string& interface_name, const std::string& filter) {
    if (!InterfaceControl::is_name(interface_name)) {
        return Failure{
            concat({"'", interface_name, "' cannot name an interface; 'ip link' lists them"})};
    }
    const InterfaceControl interface_control(interface_name);
    if (!interface_control.exists()) {
        return Failure{
            concat({"there is no interface ", interface_name, "; 'ip link' lists them"})};
    }
    if (!interface_control.is_up()) {
        return Failure{concat({"the interface ", interface_name, " is down; run 'ip link set ",
                               interface_name, " up' as root"})};
    }
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    std::unique_ptr<PcapLiveLink> link(new PcapLiveLink);
    link->name_ = interface_name;
    link->pcap_.reset(::pcap_create(interface_name.c_str(), why.data()));
    if (!link->pcap_)
        return Failure{concat({"cannot capture on ", interface_name, ": ", why.data()})};
    std::string problem = link->activate();
    if (problem.empty() && !filter.empty()) problem = link->set_filter(filter);
    if (!problem.empty()) return Failure{std::move(problem)};
    link->properties_.mtu = interface_control.mtu().value_or(link->properties_.mtu);
    return link;
}

std::string PcapLiveLink::activate() {
    pcap* const p = pcap_.get();
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    ::pcap_set_snaplen(p, snap_length);
    ::pcap_set_promisc(p, 1);
    ::pcap_set_immediate_mode(p, 1);
    ::pcap_set_timeout(p, read_timeout_ms);
    ::pcap_set_buffer_size(p, kernel_buffer_bytes);
    const int status = ::pcap_activate(p);
    if (status < 0) {
        const bool denied =
            status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED;
        const char* const text = denied ? "Operation not permitted" : ::pcap_geterr(p);
        return concat({"cannot capture on ", name_, ": ",
                       *text == '\0' ? ::pcap_statustostr(status) : text, "; ",
                       advice_for_capture(denied ? EPERM : 0)});
    }
    switch (::pcap_datalink(p)) {
        case DLT_EN10MB: properties_.kind = link::LinkKind::ethernet; break;
        case DLT_RAW: properties_.kind = link::LinkKind::raw_ip; break;
        default:
            return concat(
                {"cannot use ", name_,
                 ": its frames are neither Ethernet nor raw IP; choose another interface"});
    }
    if (::pcap_setnonblock(p, 1, why.data()) != 0) {
        return concat({"cannot capture on ", name_, ": ", why.data()});
    }
    hears_itself_ = ::pcap_setdirection(p, PCAP_D_IN) != 0;
    descriptor_ = ::pcap_get_selectable_fd(p);
    return {};
}

std::string PcapLiveLink::set_filter(const std::string& filter) {
    bpf_program program{};
    if (::pcap_compile(pcap_.get(), &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return concat(
            {"bad filter '", filter, "': ", ::pcap_geterr(pcap_.get()), "; see pcap-filter(7)"});
    }
    const int status = ::pcap_setfilter(pcap_.get(), &program);
    ::pcap_freecode(&program);
    if (status == 0) return {};
    return concat({"cannot set the filter '", filter, "': ", ::pcap_geterr(pcap_.get())});
}

std::size_t PcapLiveLink::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    std::size_t count = 0;
    // Frames passed over count as well, so that a flood of them cannot keep us in here.
    for (std::size_t seen = 0; seen < burst.size() && error_.empty(); ++seen) {
        pcap_pkthdr* header = nullptr;
        const u_char* data = nullptr;
        const int got = ::pcap_next_ex(pcap_.get(), &header, &data);
        if (got == 0) break;
        if (got < 0) {
            error_ = concat({"the capture on ", name_, " has ended: ", ::pcap_geterr(pcap_.get())});
            break;
        }
        const Bytes frame(data, header->caplen);
        if (hears_itself_ && is_own_echo(frame)) {
            ++counters_.own_echoes;
            continue;
        }
        burst[count] = link::Frame::copy_of(frame, pool, now);
        if (burst[count].buffer) ++count;
    }
    return count;
}

bool PcapLiveLink::is_own_echo(Bytes frame) const {
    return properties_.kind == link::LinkKind::ethernet && frame.size() >= ethernet_header_bytes &&
           !own_mac_.is_zero() && source_of(frame) == own_mac_;
}

std::size_t PcapLiveLink::send(std::span<const link::OutFrame> burst, Time) {
    std::size_t sent = 0;
    while (sent < burst.size() && error_.empty() && inject(burst[sent]))
        ++sent;
    return sent;
}

bool PcapLiveLink::inject(const link::OutFrame& frame) {
    whole_.resize(frame.size());
    frame.copy_to(whole_);
    if (properties_.kind == link::LinkKind::ethernet && whole_.size() >= ethernet_header_bytes) {
        own_mac_ = source_of(whole_);
    }
    errno = 0;
    if (::pcap_inject(pcap_.get(), whole_.data(), whole_.size()) >= 0) return true;
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return false;
    if (error == ENODEV || error == ENXIO) {
        error_ = concat({"the interface ", name_, " is gone: ", errno_text(error)});
        return false;
    }
    ++counters_.inject_failures;  // down, too large, no buffers: lost as on a wire
    return true;
}

PcapLiveCounters PcapLiveLink::counters() {
    pcap_stat stat{};
    PcapLiveCounters counters = counters_;
    if (::pcap_stats(pcap_.get(), &stat) == 0) {
        counters.kernel_received = stat.ps_recv;
        counters.kernel_dropped = stat.ps_drop;
        counters.interface_dropped = stat.ps_ifdrop;
    }
    return counters;
}

}  // namespace berth::drivers
