#include "drivers/pcap_file.hpp"

#include <pcap/pcap.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

constexpr int snap_length = 262'144;  // what libpcap itself takes for "everything"
constexpr std::uint16_t ethertype_ipv4 = 0x0800;
constexpr std::int64_t ns_per_second = 1'000'000'000;
// A capture from the far end of the calendar must not overflow the sums.
constexpr std::int64_t latest_second = 4'000'000'000;

bool same_file(const std::string& a, const std::string& b) {
    struct stat first {};
    struct stat second {};
    return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 &&
           first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

void PcapFileLink::PcapCloser::operator()(pcap* p) const {
    ::pcap_close(p);
}
void PcapFileLink::DumperCloser::operator()(pcap_dumper* d) const {
    ::pcap_dump_close(d);
}

PcapFileLink::~PcapFileLink() = default;

Result<std::unique_ptr<PcapFileLink>, std::string> PcapFileLink::open(
    const std::string& in, const std::string& out, std::optional<std::uint16_t> mtu) {
    std::unique_ptr<PcapFileLink> link(new PcapFileLink);
    link->properties_.mtu = mtu.value_or(link->properties_.mtu);
    link->in_name_ = in;
    link->out_name_ = out;
    std::array<char, PCAP_ERRBUF_SIZE> why{};
    link->in_.reset(::pcap_open_offline_with_tstamp_precision(
        in.c_str(), PCAP_TSTAMP_PRECISION_NANO, why.data()));
    if (!link->in_) {
        // libpcap sometimes names the file and sometimes does not.
        const std::string_view text = why.data();
        const bool named = text.substr(0, in.size()) == in;
        return Failure{concat({"cannot read ", named ? "" : in, named ? "" : ": ", text,
                               "; give a pcap or pcapng file"})};
    }
    const int link_type = ::pcap_datalink(link->in_.get());
    if (!link->set_link_type(link_type)) {
        const char* const name = ::pcap_datalink_val_to_name(link_type);
        return Failure{concat({"cannot use ", in, ": its frames are of type ",
                               name == nullptr ? std::to_string(link_type) : std::string(name),
                               "; berth reads Ethernet, raw IP and Linux cooked captures"})};
    }
    if (!out.empty()) {
        if (std::string problem = link->open_output(in, out); !problem.empty()) {
            return Failure{std::move(problem)};
        }
    }
    link->read_ahead();
    return link;
}

bool PcapFileLink::set_link_type(int link_type) {
    properties_.kind = link::LinkKind::raw_ip;
    switch (link_type) {
        case DLT_EN10MB: properties_.kind = link::LinkKind::ethernet; return true;
        case DLT_RAW:
        case DLT_IPV4:
        case 101:  // LINKTYPE_RAW as it stands in files, should libpcap hand it through
            return true;
        case DLT_LINUX_SLL:
            cooked_header_bytes_ = 16;
            cooked_protocol_offset_ = 14;
            return true;
        case DLT_LINUX_SLL2:
            cooked_header_bytes_ = 20;
            cooked_protocol_offset_ = 0;
            return true;
        default: return false;
    }
}

std::string PcapFileLink::open_output(const std::string& in, const std::string& out) {
    if (in != "-" && out != "-" && same_file(in, out)) {
        return concat({"cannot write to ", out, ": it is the file that is read; choose another"});
    }
    const bool ethernet = properties_.kind == link::LinkKind::ethernet;
    out_form_.reset(::pcap_open_dead_with_tstamp_precision(
        ethernet ? DLT_EN10MB : DLT_RAW, snap_length, PCAP_TSTAMP_PRECISION_NANO));
    if (!out_form_) return concat({"cannot write to ", out, ": out of memory"});
    out_.reset(::pcap_dump_open(out_form_.get(), out.c_str()));
    if (out_) return {};
    const std::string_view text = ::pcap_geterr(out_form_.get());
    const bool named = text.substr(0, out.size()) == out;
    return concat({"cannot write to ", named ? "" : out, named ? "" : ": ", text,
                   "; choose a file that you may write"});
}

// Finds the next frame that can be used.
void PcapFileLink::read_ahead() {
    next_.clear();
    if (!error_.empty()) return;
    for (;;) {
        pcap_pkthdr* header = nullptr;
        const u_char* data = nullptr;
        const int got = ::pcap_next_ex(in_.get(), &header, &data);
        if (got != 1) {
            if (got == PCAP_ERROR) {
                error_ = concat({"cannot read on in ", in_name_, ": ", ::pcap_geterr(in_.get())});
            }
            return;
        }
        Bytes frame(data, header->caplen);
        const std::int64_t second =
            std::clamp(std::int64_t{header->ts.tv_sec}, std::int64_t{0}, latest_second);
        // With nanosecond precision asked for, tv_usec holds nanoseconds.
        const std::int64_t stamp = second * ns_per_second + header->ts.tv_usec;
        if (!have_first_) {
            have_first_ = true;
            first_stamp_ns_ = stamp;
        }
        if (header->caplen < header->len) ++cut_short_;
        if (cooked_header_bytes_ != 0) {
            const bool ipv4 = frame.size() > cooked_header_bytes_ &&
                              load_be16(frame, cooked_protocol_offset_) == ethertype_ipv4;
            frame = ipv4 ? frame.subspan(cooked_header_bytes_) : Bytes{};
        }
        if (frame.empty() || frame.size() > BufferPool::large_block_bytes) {
            ++skipped_;
            continue;
        }
        next_.assign(frame.begin(), frame.end());
        next_arrival_ = std::max(next_arrival_, Time{stamp - first_stamp_ns_});
        return;
    }
}

std::size_t PcapFileLink::receive(BufferPool& pool, std::span<link::Frame> burst, Time now) {
    std::size_t count = 0;
    while (count < burst.size() && next_arrival() <= now && !next_.empty()) {
        burst[count] = link::Frame::copy_of(next_, pool, next_arrival_);
        if (!burst[count].buffer) break;
        ++count;
        read_ahead();
    }
    return count;
}

std::size_t PcapFileLink::send(std::span<const link::OutFrame> burst, Time now) {
    if (!out_) return burst.size();
    for (const link::OutFrame& frame : burst) {
        whole_.resize(frame.size());
        frame.copy_to(whole_);
        const std::int64_t stamp = first_stamp_ns_ + std::max(now, frame.emission).ns;
        pcap_pkthdr header{};
        header.caplen = header.len = static_cast<bpf_u_int32>(whole_.size());
        header.ts.tv_sec = stamp / ns_per_second;
        header.ts.tv_usec = stamp % ns_per_second;
        ::pcap_dump(reinterpret_cast<u_char*>(out_.get()), &header, whole_.data());
    }
    if (::pcap_dump_flush(out_.get()) != 0) {
        error_ =
            concat({"cannot write to ", out_name_, ": the disk is full or the reader is gone"});
        out_.reset();
    }
    return burst.size();
}

}  // namespace berth::drivers
