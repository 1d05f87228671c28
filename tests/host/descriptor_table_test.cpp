// The native descriptor table.
#include "host/descriptor_table.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace berth::host {
namespace {

constexpr int first = 0x40000000;

// The table never looks into a file; these stand at addresses that nobody reads.
std::shared_ptr<OpenFile> file_number(std::uintptr_t number, std::atomic<int>* dropped = nullptr) {
    return {reinterpret_cast<OpenFile*>(number * 64 + 64), [dropped](OpenFile*) {
                if (dropped != nullptr) ++*dropped;
            }};
}

TEST(NativeDescriptors, TheLowestFreeNumberComesFirst) {
    NativeDescriptors table(first);
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(table.insert(file_number(1)), first + i);
    EXPECT_TRUE(table.remove(first + 7));
    EXPECT_TRUE(table.remove(first + 3));
    EXPECT_EQ(table.insert(file_number(2)), first + 3);
    EXPECT_EQ(table.insert(file_number(2)), first + 7);
    EXPECT_EQ(table.insert(file_number(2)), first + 10);
}

TEST(NativeDescriptors, NumbersThatAreNotOpenGiveNothing) {
    NativeDescriptors table(first);
    table.insert(file_number(1));
    for (const int fd : {-1, 0, 5, first - 1, first + 1, first + 1'000'000, 0x7fffffff}) {
        EXPECT_EQ(table.find(fd), nullptr) << fd;
        EXPECT_EQ(table.remove(fd), nullptr) << fd;
    }
    EXPECT_NE(table.remove(first), nullptr);
    EXPECT_EQ(table.remove(first), nullptr);
}

TEST(NativeDescriptors, AFoundFileOutlivesItsDescriptor) {
    std::atomic<int> dropped{0};
    NativeDescriptors table(first);
    const int fd = table.insert(file_number(1, &dropped));
    auto found = table.find(fd);
    table.remove(fd);
    EXPECT_EQ(dropped, 0);
    found.reset();
    EXPECT_EQ(dropped, 1);
}

TEST(NativeDescriptors, ItFillsUpAndHasRoomAgain) {
    constexpr std::size_t limit = NativeDescriptors::chunk_slots + 100;
    NativeDescriptors table(first, limit);
    for (std::size_t i = 0; i < limit; ++i)
        ASSERT_EQ(table.insert(file_number(i)), first + static_cast<int>(i));
    EXPECT_EQ(table.insert(file_number(1)), -1);
    EXPECT_EQ(table.insert(file_number(1)), -1);
    EXPECT_TRUE(table.remove(first + 5));
    EXPECT_EQ(table.insert(file_number(1)), first + 5);
    EXPECT_EQ(table.insert(file_number(1)), -1);
}

TEST(NativeDescriptors, RemoveIfTakesTheChosenOnes) {
    NativeDescriptors table(first);
    for (std::uintptr_t i = 0; i < 10'000; ++i)
        table.insert(file_number(i));
    const auto removed = table.remove_if([](const OpenFile& file) {
        return reinterpret_cast<std::uintptr_t>(&file) / 64 % 2 == 0;  // number + 1 is even
    });
    EXPECT_EQ(removed.size(), 5'000u);
    EXPECT_NE(table.find(first), nullptr);
    EXPECT_EQ(table.find(first + 1), nullptr);
    EXPECT_EQ(table.insert(file_number(1)), first + 1);
}

TEST(NativeDescriptors, ItBehavesAsASetOfNumbers) {
    constexpr unsigned seed = 20'240'601;
    std::mt19937 random(seed);
    NativeDescriptors table(first);
    std::set<int> open;
    std::set<int> free_below;
    int top = 0;
    for (int i = 0; i < 60'000; ++i) {
        if (open.empty() || random() % 100 < 55) {
            const int expected = free_below.empty() ? top++ : *free_below.begin();
            free_below.erase(expected);
            ASSERT_EQ(table.insert(file_number(static_cast<std::uintptr_t>(expected))),
                      first + expected);
            open.insert(expected);
        } else {
            auto chosen = open.lower_bound(static_cast<int>(random() % static_cast<unsigned>(top)));
            if (chosen == open.end()) chosen = open.begin();
            const auto file = table.remove(first + *chosen);
            ASSERT_EQ(file.get(), file_number(static_cast<std::uintptr_t>(*chosen)).get());
            free_below.insert(*chosen);
            open.erase(chosen);
        }
    }
}

TEST(NativeDescriptors, ThreadsMayUseItTogether) {
    constexpr int threads = 4;
    constexpr int turns = 5'000;
    NativeDescriptors table(first);
    std::atomic<int> dropped{0};
    std::atomic<int> wrong{0};
    std::vector<std::thread> pool;
    for (int t = 0; t < threads; ++t) {
        pool.emplace_back([&] {
            for (int i = 0; i < turns; ++i) {
                const int fd = table.insert(file_number(static_cast<std::uintptr_t>(i), &dropped));
                if (!table.find(fd)) ++wrong;
                table.find(first + i % 16);
                if (!table.remove(fd)) ++wrong;
            }
        });
    }
    for (std::thread& thread : pool)
        thread.join();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(dropped, threads * turns);
}

}  // namespace
}  // namespace berth::host
