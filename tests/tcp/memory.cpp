// What a connection may cost, all in: measured by allocation, as bench/run memory does with a
// million (DESIGN §6).
// A sanitizer's allocator says nothing of what glibc's would hand out, and has other headers.
#ifndef __SANITIZE_ADDRESS__

#include <gtest/gtest.h>

#include "bench/memory/measure.hpp"
#include "tcp/half_open.hpp"
#include "tcp/time_wait.hpp"

namespace berth::bench {
namespace {

constexpr std::uint32_t entries = 20'000;

bool allocator_tells() {
    const std::size_t before = allocated_bytes();
    const auto block = std::make_unique<std::array<std::uint8_t, 100'000>>();
    const void* volatile seen = block.get();  // or the compiler does without it
    return seen != nullptr && allocated_bytes() >= before + block->size();
}

class Memory : public ::testing::TestWithParam<Kept> {
  protected:
    static double each(std::size_t bytes, const MemoryCost& cost) {
        return static_cast<double>(bytes) / static_cast<double>(cost.entries);
    }
};

class MemoryOfAConnection : public Memory {};

TEST_P(MemoryOfAConnection,
       is_512_bytes_at_most_with_its_socket_and_its_place_in_the_table_design_6) {
    if (!allocator_tells()) GTEST_SKIP() << "this allocator does not tell what it hands out";
    const MemoryCost cost = MemoryMeasurement(entries).cost_of(GetParam());
    ASSERT_GT(cost.entries, entries * 99 / 100);
    RecordProperty("bytes", std::to_string(each(cost.all_bytes, cost)));
    EXPECT_LE(each(cost.all_bytes, cost), 512);
    // It was really measured: there is a record, a socket and a place in the table.
    EXPECT_GE(each(cost.slab_bytes, cost), sizeof(tcp::Connection));
    EXPECT_GE(each(cost.other_bytes(), cost), sizeof(void*) * 8);
    EXPECT_GT(each(cost.table_bytes, cost), sizeof(void*));
}

INSTANTIATE_TEST_SUITE_P(Idle, MemoryOfAConnection,
                         ::testing::Values(Kept::established, Kept::established_used),
                         [](const auto& chosen) { return std::string(name_of(chosen.param)); });

class MemoryOfARecord : public Memory {};

TEST_P(MemoryOfARecord, keeps_to_its_bound_and_points_to_nothing_more_design_6) {
    if (!allocator_tells()) GTEST_SKIP() << "this allocator does not tell what it hands out";
    const std::size_t bound = GetParam() == Kept::half_open ? 96 : 64;
    const MemoryCost cost = MemoryMeasurement(entries).cost_of(GetParam());
    ASSERT_GT(cost.entries, entries * 99 / 100);
    EXPECT_LE(each(cost.slab_bytes, cost), static_cast<double>(bound) * 1.01);  // pages have edges
    EXPECT_LE(each(cost.other_bytes(), cost), 1);
}

INSTANTIATE_TEST_SUITE_P(Small, MemoryOfARecord,
                         ::testing::Values(Kept::half_open, Kept::time_wait),
                         [](const auto& chosen) { return std::string(name_of(chosen.param)); });

}  // namespace
}  // namespace berth::bench

#endif
