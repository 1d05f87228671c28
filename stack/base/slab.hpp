// Records of one type by the million: pages of 32 KiB cut into slots, without the allocator's
// header on each.
//
// A record keeps its address until destroyed. A page whose last record goes is given back, but for
// a few that are kept against the next rush. Destroying a slab gives back its pages without running
// destructors: whoever owns records destroys them first. Under AddressSanitizer every record is an
// allocation of its own, so that a use after free is found. Single-threaded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace berth {

// Slots of one size.
class SlabPages {
  public:
    // A page lies at a multiple of its size. glibc looks for one in twice the size, and gives what
    // reaches its threshold of 128 KiB a mapping that it cannot trim.
    static constexpr std::size_t page_bytes = std::size_t{32} * 1024;
    static constexpr std::size_t slot_alignment = 16;
    // Empty pages kept for reuse, of each slab.
    static constexpr std::size_t empty_pages_kept = 8;

    // 0 < slot_bytes, at most page_bytes / 8.
    explicit SlabPages(std::size_t slot_bytes);
    SlabPages(const SlabPages&) = delete;
    SlabPages& operator=(const SlabPages&) = delete;
    ~SlabPages();

    void* take();
    void give_back(void* slot);

    std::size_t slots_in_use() const { return in_use_; }
    // What was got from the allocator.
    std::size_t memory_bytes() const;

  private:
    struct FreeSlot {
        FreeSlot* next;
    };
    struct Page {
        Page* next = nullptr;
        Page* previous = nullptr;
        FreeSlot* free = nullptr;
        std::uint32_t used = 0;   // slots
        std::uint32_t fresh = 0;  // slots that were never used: those from this one on
    };
    static constexpr std::size_t header_bytes = 64;
    static_assert(sizeof(Page) <= header_bytes);
    // What lies between two pages is the allocator's, and its header fits there.
    static constexpr std::size_t usable_bytes = page_bytes - 64;

    static void link(Page*& list, Page& page);
    static void unlink(Page*& list, Page& page);
    static Page& page_of(void* slot);
    Page& page_with_room();
    void release(Page& page);

    std::size_t slot_bytes_;
    std::uint32_t slots_per_page_;
    std::size_t in_use_ = 0;
    std::size_t pages_ = 0;
    std::size_t empty_pages_ = 0;
    Page* with_room_ = nullptr;  // the empty ones too
    Page* full_ = nullptr;
};

template <class T>
class Slab {
  public:
    Slab() : pages_((sizeof(T) + 7) / 8 * 8) {
        static_assert(alignof(T) <= 8 || sizeof(T) % SlabPages::slot_alignment == 0);
        static_assert(alignof(T) <= SlabPages::slot_alignment);
    }

    template <class... Arguments>
    T* create(Arguments&&... arguments) {
        void* slot = pages_.take();
        try {
            return ::new (slot) T(std::forward<Arguments>(arguments)...);
        } catch (...) {
            pages_.give_back(slot);
            throw;
        }
    }
    void destroy(T& record) {
        record.~T();
        pages_.give_back(&record);
    }

    std::size_t size() const { return pages_.slots_in_use(); }
    std::size_t memory_bytes() const { return pages_.memory_bytes(); }

  private:
    SlabPages pages_;
};

}  // namespace berth
