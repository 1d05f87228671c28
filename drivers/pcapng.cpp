#include "drivers/pcapng.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

// Block types.
constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t interface_statistics = 5;
constexpr std::uint32_t enhanced_packet = 6;
// Options; most codes mean something else in each block.
constexpr std::uint16_t opt_end = 0;
constexpr std::uint16_t opt_comment = 1;
constexpr std::uint16_t shb_user_application = 4;
constexpr std::uint16_t if_name = 2;
constexpr std::uint16_t if_time_resolution = 9;
constexpr std::uint16_t epb_flags = 2;
constexpr std::uint16_t isb_received = 4;
constexpr std::uint16_t isb_dropped = 5;

constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint16_t linktype_ethernet = 1;
constexpr std::uint16_t linktype_raw = 101;
constexpr std::uint8_t nanoseconds_resolution = 9;  // 10^-9

}  // namespace

// The writer's byte order is its own choice, told by the magic: little-endian here, on every
// machine.
void PcapngWriter::put16(std::uint16_t value) {
    block_.push_back(static_cast<std::uint8_t>(value));
    block_.push_back(static_cast<std::uint8_t>(value >> 8));
}

void PcapngWriter::put32(std::uint32_t value) {
    put16(static_cast<std::uint16_t>(value));
    put16(static_cast<std::uint16_t>(value >> 16));
}

void PcapngWriter::put_stamp(std::int64_t epoch_ns) {
    const auto stamp = static_cast<std::uint64_t>(std::max<std::int64_t>(epoch_ns, 0));
    put32(static_cast<std::uint32_t>(stamp >> 32));
    put32(static_cast<std::uint32_t>(stamp));
}

void PcapngWriter::put_padded(Bytes bytes) {
    block_.insert(block_.end(), bytes.begin(), bytes.end());
    while (block_.size() % 4 != 0)
        block_.push_back(0);
}

void PcapngWriter::put_option(std::uint16_t code, Bytes value) {
    put16(code);
    put16(static_cast<std::uint16_t>(value.size()));
    put_padded(value);
}

void PcapngWriter::put_option(std::uint16_t code, std::string_view value) {
    const std::string_view cut = value.substr(0, max_comment_bytes);
    put_option(code, Bytes(reinterpret_cast<const std::uint8_t*>(cut.data()), cut.size()));
}

void PcapngWriter::put_option64(std::uint16_t code, std::uint64_t value) {
    put16(code);
    put16(sizeof value);
    put32(static_cast<std::uint32_t>(value));
    put32(static_cast<std::uint32_t>(value >> 32));
}

void PcapngWriter::end_options() {
    put32(opt_end);
}

void PcapngWriter::begin_block(std::uint32_t type) {
    block_.clear();
    put32(type);
    put32(0);  // the length, known at the end
}

void PcapngWriter::write_block() {
    if (!error_.empty()) return;
    const auto length = static_cast<std::uint32_t>(block_.size() + 4);
    put32(length);
    for (std::size_t i = 0; i < 4; ++i)
        block_[4 + i] = static_cast<std::uint8_t>(length >> (8 * i));
    std::size_t written = 0;
    while (written < block_.size()) {  // once, unless a pipe takes less
        const ssize_t n = ::write(fd_.get(), block_.data() + written, block_.size() - written);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            error_ = concat({"cannot write the capture ", name_, ": ", errno_text(errno)});
            return;
        }
        written += static_cast<std::size_t>(n);
    }
}

Result<PcapngWriter, std::string> PcapngWriter::open(const std::string& path) {
    UniqueFd fd(path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!fd) {
        return Failure{concat({"cannot write the capture ", path, ": ", errno_text(errno),
                               "; choose a file that you may write"})};
    }
    PcapngWriter writer(std::move(fd), path);
    if (!writer.error().empty()) return Failure{writer.error()};
    return writer;
}

PcapngWriter::PcapngWriter(UniqueFd fd, std::string name)
    : fd_(std::move(fd)), name_(std::move(name)) {
    begin_block(section_header);
    put32(byte_order_magic);
    put16(1);  // version 1.0
    put16(0);
    put32(0xffffffff);  // the section's length is not known: 64 bits of ones
    put32(0xffffffff);
    put_option(shb_user_application, "berth");
    end_options();
    write_block();
}

std::uint32_t PcapngWriter::add_interface(std::string_view name, link::LinkKind kind) {
    begin_block(interface_description);
    put16(kind == link::LinkKind::ethernet ? linktype_ethernet : linktype_raw);
    put16(0);  // reserved
    put32(0);  // no snap length: packets are whole
    put_option(if_name, name);
    put_option(if_time_resolution, Bytes(&nanoseconds_resolution, 1));
    end_options();
    write_block();
    return interfaces_++;
}

void PcapngWriter::write_packet(std::uint32_t interface_index, Direction direction,
                                std::int64_t epoch_ns, Bytes frame, std::string_view comment) {
    begin_block(enhanced_packet);
    put32(interface_index);
    put_stamp(epoch_ns);
    put32(static_cast<std::uint32_t>(frame.size()));  // captured
    put32(static_cast<std::uint32_t>(frame.size()));  // on the link
    put_padded(frame);
    if (!comment.empty()) put_option(opt_comment, comment);
    // Its two lowest bits: 1 inbound, 2 outbound.
    const std::array<std::uint8_t, 4> flags{direction == Direction::in ? std::uint8_t{1}
                                                                       : std::uint8_t{2}};
    put_option(epb_flags, flags);
    end_options();
    write_block();
}

void PcapngWriter::write_statistics(std::uint32_t interface_index, std::int64_t epoch_ns,
                                    const InterfaceStatistics& statistics) {
    begin_block(interface_statistics);
    put32(interface_index);
    put_stamp(epoch_ns);
    if (!statistics.comment.empty()) put_option(opt_comment, statistics.comment);
    put_option64(isb_received, statistics.received);
    put_option64(isb_dropped, statistics.dropped);
    end_options();
    write_block();
}

}  // namespace berth::drivers
