// Short arrays of many lengths in one allocation, addressed by index: the nodes and the values of a
// prefix trie. An array of n elements lies in a block of the next size class, so that most
// insertions move its tail and nothing else; blocks that were left are used again.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace berth::ip {

// `link_of(T&)` names a 32-bit field of an element that is free for use while the element is not.
template <class T, std::uint32_t& (*link_of)(T&)>
class BlockArena {
  public:
    static constexpr std::uint32_t max_count = 128;  // elements of one array

    T& operator[](std::uint32_t at) { return items_[at]; }
    const T& operator[](std::uint32_t at) const { return items_[at]; }
    std::size_t memory_bytes() const { return items_.capacity() * sizeof(T); }

    // Puts `item` at `position` of the array of `count` elements at `begin`; where the array is
    // afterwards. An array of none is nowhere: `begin` does not count.
    std::uint32_t insert(std::uint32_t begin, std::uint32_t count, std::uint32_t position,
                         const T& item) {
        const std::uint32_t to = moved(begin, count, count + 1);
        for (std::uint32_t i = count; i > position; --i)
            items_[to + i] = items_[to + i - 1];
        items_[to + position] = item;
        return to;
    }
    // Takes it out again.
    std::uint32_t erase(std::uint32_t begin, std::uint32_t count, std::uint32_t position) {
        for (std::uint32_t i = position; i + 1 < count; ++i)
            items_[begin + i] = items_[begin + i + 1];
        return moved(begin, count, count - 1);
    }

  private:
    static constexpr std::uint32_t nowhere = std::numeric_limits<std::uint32_t>::max();
    // Exact up to four, then in steps of four.
    static constexpr std::uint32_t class_of(std::uint32_t count) {
        return count <= 4 ? count : (count + 3) / 4 + 3;
    }
    static constexpr std::uint32_t capacity_of(std::uint32_t size_class) {
        return size_class <= 4 ? size_class : (size_class - 3) * 4;
    }

    // The first min(count, wanted) elements in a block that fits `wanted`.
    std::uint32_t moved(std::uint32_t begin, std::uint32_t count, std::uint32_t wanted) {
        if (class_of(count) == class_of(wanted)) return begin;
        const std::uint32_t to = take(class_of(wanted));
        for (std::uint32_t i = 0; i < std::min(count, wanted); ++i)
            items_[to + i] = items_[begin + i];
        give_back(begin, class_of(count));
        return to;
    }
    std::uint32_t take(std::uint32_t size_class) {
        if (size_class == 0) return 0;
        const std::uint32_t free = free_[size_class];
        if (free != nowhere) {
            free_[size_class] = link_of(items_[free]);
            return free;
        }
        const auto begin = static_cast<std::uint32_t>(items_.size());
        items_.resize(items_.size() + capacity_of(size_class));
        return begin;
    }
    void give_back(std::uint32_t begin, std::uint32_t size_class) {
        if (size_class == 0) return;
        link_of(items_[begin]) = free_[size_class];
        free_[size_class] = begin;
    }
    static constexpr auto all_nowhere() {
        std::array<std::uint32_t, class_of(max_count) + 1> result{};
        result.fill(nowhere);
        return result;
    }

    std::vector<T> items_;
    std::array<std::uint32_t, class_of(max_count) + 1> free_ = all_nowhere();
};

}  // namespace berth::ip
