// What a connection costs in each of the states in which there may be very many of them, by what
// the allocator says that it has handed out (its own headers and roundings included).
#pragma once

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "bench/memory/crowd.hpp"
#include "socket/sockets.hpp"
#include "stack.hpp"

namespace berth::bench {

// glibc's mallinfo2(): blocks in use with their headers, and blocks that have a mapping of their
// own.
inline std::size_t allocated_bytes() {
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

enum class Kept : std::uint8_t {
    established,       // accepted and idle, with its socket handle
    established_used,  // the same after a message each way
    half_open,         // a SYN came, the SYN,ACK went
    time_wait,         // we closed first
};
inline constexpr std::array all_kept{Kept::established, Kept::established_used, Kept::half_open,
                                     Kept::time_wait};
constexpr std::string_view name_of(Kept kept) {
    constexpr std::array<std::string_view, all_kept.size()> names{"established", "established_used",
                                                                  "half_open", "time_wait"};
    return names[static_cast<std::size_t>(kept)];
}

struct MemoryCost {
    std::size_t entries = 0;      // that there really were
    std::size_t all_bytes = 0;    // of all of them together, everything
    std::size_t slab_bytes = 0;   // of which in the slab of their records
    std::size_t table_bytes = 0;  // of which in the four-tuple table
    // What the table and the slab leave: the socket handle, with what it holds.
    std::size_t other_bytes() const { return all_bytes - slab_bytes - table_bytes; }
};

class MemoryMeasurement {
  public:
    explicit MemoryMeasurement(std::uint32_t entries) : entries_(entries), stack_(config(entries)) {
        stack_.add_address(stack_.add_interface("crowd", crowd_), Crowd::server_address);
        listener_ = socket::open(stack_, socket::Type::stream);
        static_cast<void>(listener_->bind(Crowd::service));
        static_cast<void>(listener_->listen(65'535));
        sockets_.reserve(entries);
    }

    MemoryCost cost_of(Kept kept) {
        crowd_.completes_handshakes = kept != Kept::half_open;
        crowd_.greeting_bytes = kept == Kept::established_used ? message_bytes : 0;
        // One round beforehand: what the first connection of a kind brings along once is not a cost
        // of each.
        fill(kept, batch);
        const std::size_t warm = count_of(kept);
        const std::size_t all = allocated_bytes();
        const std::size_t slab = slab_bytes(kept);
        const std::size_t table = stack_.tcp().table().memory_bytes();
        fill(kept, entries_ - batch);
        MemoryCost cost;
        cost.entries = count_of(kept) - warm;
        cost.all_bytes = allocated_bytes() - all;
        cost.slab_bytes = slab_bytes(kept) - slab;
        cost.table_bytes = stack_.tcp().table().memory_bytes() - table;
        return cost;
    }

  private:
    static constexpr std::uint32_t batch = 128;
    static constexpr std::size_t message_bytes = 100;

    static StackConfig config(std::uint32_t entries) {
        StackConfig config;
        config.seed = Seed::from(1);
        config.start = now;
        config.tcp.max_connections = config.tcp.max_half_open = config.tcp.max_time_wait =
            2 * entries;
        config.tcp.max_backlog = 65'535;
        return config;
    }

    void fill(Kept kept, std::uint32_t count) {
        while (count > 0) {
            const std::uint32_t together = std::min(count, batch);
            crowd_.calls(together);
            run();
            while (auto accepted = listener_->accept())
                answer(kept, std::move(*accepted));
            run();
            count -= together;
        }
    }
    void answer(Kept kept, std::unique_ptr<socket::Socket> accepted) {
        if (kept == Kept::time_wait) return;  // closes
        if (kept == Kept::established_used) {
            std::array<std::uint8_t, message_bytes> message{};
            const std::array<MutableBytes, 1> to{MutableBytes(message)};
            static_cast<void>(accepted->receive(to, {}));
            const std::array<Bytes, 1> from{Bytes(message)};
            static_cast<void>(accepted->send(from, std::nullopt));
        }
        sockets_.push_back(std::move(accepted));
    }
    // Until nobody has anything more to say. No time passes, so nothing expires.
    void run() {
        while (stack_.poll(now)) {
        }
    }

    std::size_t count_of(Kept kept) const {
        if (kept == Kept::half_open) return stack_.tcp().half_open_count();
        if (kept == Kept::time_wait) return stack_.tcp().time_wait_count();
        return stack_.tcp().connection_count();
    }
    std::size_t slab_bytes(Kept kept) const {
        const auto use = stack_.tcp().memory_use();
        if (kept == Kept::half_open) return use.half_open_bytes;
        if (kept == Kept::time_wait) return use.time_wait_bytes;
        return use.connection_bytes;
    }

    static constexpr Time now{1'000'000'000};

    std::uint32_t entries_;
    Crowd crowd_;
    Stack stack_;
    std::unique_ptr<socket::Socket> listener_;
    std::vector<std::unique_ptr<socket::Socket>> sockets_;
};

}  // namespace berth::bench
