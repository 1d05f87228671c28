#include "base/slab.hpp"

#include <bit>
#include <cassert>
#include <memory>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define BERTH_EACH_SLOT_ALONE 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BERTH_EACH_SLOT_ALONE 1
#endif
#endif

namespace berth {

namespace {
#if defined(BERTH_EACH_SLOT_ALONE)
constexpr bool each_slot_alone = true;
#else
constexpr bool each_slot_alone = false;
#endif
constexpr std::align_val_t page_alignment{SlabPages::page_bytes};
}  // namespace

SlabPages::SlabPages(std::size_t slot_bytes)
    : slot_bytes_(slot_bytes),
      slots_per_page_(static_cast<std::uint32_t>((usable_bytes - header_bytes) / slot_bytes)) {
    assert(slot_bytes >= sizeof(FreeSlot) && slot_bytes <= page_bytes / 8);
}

SlabPages::~SlabPages() {
    for (Page** list : {&with_room_, &full_})
        while (*list != nullptr) {
            Page& page = **list;
            unlink(*list, page);
            release(page);
        }
}

void SlabPages::link(Page*& list, Page& page) {
    page.previous = nullptr;
    page.next = list;
    if (list != nullptr) list->previous = &page;
    list = &page;
}

void SlabPages::unlink(Page*& list, Page& page) {
    (page.previous == nullptr ? list : page.previous->next) = page.next;
    if (page.next != nullptr) page.next->previous = page.previous;
}

// A page lies at a multiple of its size.
SlabPages::Page& SlabPages::page_of(void* slot) {
    const auto offset = std::bit_cast<std::uintptr_t>(slot) % page_bytes;
    return *static_cast<Page*>(static_cast<void*>(static_cast<std::byte*>(slot) - offset));
}

SlabPages::Page& SlabPages::page_with_room() {
    if (with_room_ == nullptr) {
        auto* page = ::new (::operator new(usable_bytes, page_alignment)) Page;
        ++pages_;
        ++empty_pages_;
        link(with_room_, *page);
    }
    return *with_room_;
}

void* SlabPages::take() {
    if (each_slot_alone) {
        void* slot = ::operator new (slot_bytes_, std::align_val_t{slot_alignment});
        ++in_use_;
        return slot;
    }
    Page& page = page_with_room();
    void* slot = page.free;
    if (page.free != nullptr) {
        page.free = page.free->next;
    } else {
        slot = static_cast<std::byte*>(static_cast<void*>(&page)) + header_bytes +
               page.fresh * slot_bytes_;
        ++page.fresh;
    }
    ++in_use_;
    if (page.used == 0) --empty_pages_;
    if (++page.used == slots_per_page_) {
        unlink(with_room_, page);
        link(full_, page);
    }
    return slot;
}

void SlabPages::give_back(void* slot) {
    --in_use_;
    if (each_slot_alone) {
        ::operator delete (slot, std::align_val_t{slot_alignment});
        return;
    }
    Page& page = page_of(slot);
    page.free = ::new (slot) FreeSlot{page.free};
    if (page.used == slots_per_page_) {
        unlink(full_, page);
        link(with_room_, page);
    }
    if (--page.used > 0) return;
    if (empty_pages_ < empty_pages_kept) {
        ++empty_pages_;
        return;
    }
    unlink(with_room_, page);
    release(page);
}

void SlabPages::release(Page& page) {
    --pages_;
    std::destroy_at(&page);
    ::operator delete(static_cast<void*>(&page), page_alignment);
}

std::size_t SlabPages::memory_bytes() const {
    return each_slot_alone ? in_use_ * slot_bytes_ : pages_ * usable_bytes;
}

}  // namespace berth
