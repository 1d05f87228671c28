// Writes captures in the pcapng format (draft-ietf-opsawg-pcapng), one block per system call: a
// program that is killed leaves a file of whole blocks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.hpp"
#include "base/fate.hpp"
#include "base/result.hpp"
#include "drivers/unique_fd.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

class PcapngWriter {
  public:
    // An option's length field has 16 bits; a comment beyond this is cut.
    static constexpr std::size_t max_comment_bytes = 4096;

    struct InterfaceStatistics {
        std::uint64_t received = 0;  // frames that came in
        std::uint64_t dropped = 0;   // of them, those that went nowhere
        std::string comment;         // empty: none
    };

    // "-" is the standard output. The file is made or emptied.
    static Result<PcapngWriter, std::string> open(const std::string& path);
    // Takes a descriptor that is open for writing.
    PcapngWriter(UniqueFd fd, std::string name);

    // Interfaces are numbered from 0 in the order of these calls; each is described before its
    // first packet. Stamps are nanoseconds since 1970.
    std::uint32_t add_interface(std::string_view name, link::LinkKind kind);
    void write_packet(std::uint32_t interface_index, Direction direction, std::int64_t epoch_ns,
                      Bytes frame, std::string_view comment);
    void write_statistics(std::uint32_t interface_index, std::int64_t epoch_ns,
                          const InterfaceStatistics& statistics);

    std::uint32_t interfaces() const { return interfaces_; }
    // Not empty once something could not be written; nothing more is written then.
    const std::string& error() const { return error_; }

  private:
    void begin_block(std::uint32_t type);
    void put16(std::uint16_t value);
    void put32(std::uint32_t value);
    void put_stamp(std::int64_t epoch_ns);
    void put_padded(Bytes bytes);
    void put_option(std::uint16_t code, Bytes value);
    void put_option(std::uint16_t code, std::string_view value);
    void put_option64(std::uint16_t code, std::uint64_t value);
    void end_options();
    void write_block();

    UniqueFd fd_;
    std::string name_;
    std::uint32_t interfaces_ = 0;
    std::vector<std::uint8_t> block_;
    std::string error_;
};

}  // namespace berth::drivers
