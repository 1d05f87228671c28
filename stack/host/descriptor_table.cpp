#include "host/descriptor_table.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace berth::host {

namespace {

constexpr std::uint64_t bit(std::size_t at) {
    return std::uint64_t{1} << (at % 64);
}

}  // namespace

NativeDescriptors::NativeDescriptors(int first, std::size_t limit)
    : first_(first), limit_(std::min(limit, limit_descriptors)) {}

NativeDescriptors::~NativeDescriptors() {
    for (auto& chunk : chunks_)
        delete chunk.load();
}

// The lowest free slot of a chunk that has one, now marked used.
std::size_t NativeDescriptors::take_slot(Chunk& chunk) {
    const auto word = static_cast<std::size_t>(std::countr_one(chunk.full));
    const auto at = static_cast<std::size_t>(std::countr_one(chunk.used[word]));
    chunk.used[word] |= bit(at);
    if (~chunk.used[word] == 0) chunk.full |= bit(word);
    return word * 64 + at;
}

int NativeDescriptors::insert(std::shared_ptr<OpenFile> file) {
    const std::lock_guard allocation(allocation_);
    std::size_t index = 0;
    for (const std::uint64_t word : full_chunks_) {
        if (~word != 0) {
            index += static_cast<std::size_t>(std::countr_one(word));
            break;
        }
        index += 64;
    }
    if (index * chunk_slots >= limit_) return -1;
    Chunk* chunk = chunks_[index].load(std::memory_order_relaxed);
    if (chunk == nullptr) {
        chunk = new Chunk;
        chunks_[index].store(chunk, std::memory_order_release);
    }
    const std::lock_guard guard(chunk->mutex);
    const std::size_t slot = take_slot(*chunk);
    const std::size_t number = index * chunk_slots + slot;
    if (~chunk->full == 0) full_chunks_[index / 64] |= bit(index);
    if (number >= limit_) {
        chunk->used[slot / 64] &= ~bit(slot);
        chunk->full &= ~bit(slot / 64);
        full_chunks_[index / 64] &= ~bit(index);
        return -1;
    }
    chunk->files[slot] = std::move(file);
    return first_ + static_cast<int>(number);
}

NativeDescriptors::Chunk* NativeDescriptors::chunk_of(int fd, std::size_t& slot) const {
    if (fd < first_) return nullptr;
    const auto number = static_cast<std::size_t>(fd - first_);
    if (number >= limit_) return nullptr;
    slot = number % chunk_slots;
    return chunks_[number / chunk_slots].load(std::memory_order_acquire);
}

std::shared_ptr<OpenFile> NativeDescriptors::find(int fd) const {
    std::size_t slot = 0;
    const Chunk* chunk = chunk_of(fd, slot);
    if (chunk == nullptr) return {};
    const std::lock_guard guard(chunk->mutex);
    return chunk->files[slot];
}

// With the allocation lock held.
std::shared_ptr<OpenFile> NativeDescriptors::take_out(std::size_t chunk_index, std::size_t slot) {
    Chunk& chunk = *chunks_[chunk_index].load(std::memory_order_relaxed);
    const std::lock_guard guard(chunk.mutex);
    std::shared_ptr<OpenFile> file = std::exchange(chunk.files[slot], nullptr);
    if (!file) return file;
    chunk.used[slot / 64] &= ~bit(slot);
    chunk.full &= ~bit(slot / 64);
    full_chunks_[chunk_index / 64] &= ~bit(chunk_index);
    return file;
}

std::shared_ptr<OpenFile> NativeDescriptors::remove(int fd) {
    std::size_t slot = 0;
    const std::lock_guard allocation(allocation_);
    if (chunk_of(fd, slot) == nullptr) return {};
    return take_out(static_cast<std::size_t>(fd - first_) / chunk_slots, slot);
}

std::vector<std::shared_ptr<OpenFile>> NativeDescriptors::remove_if(
    const std::function<bool(const OpenFile&)>& which) {
    std::vector<std::shared_ptr<OpenFile>> removed;
    const std::lock_guard allocation(allocation_);
    for (std::size_t index = 0; index < limit_chunks; ++index) {
        const Chunk* chunk = chunks_[index].load(std::memory_order_relaxed);
        if (chunk == nullptr) continue;
        // Only this table's changes, which the allocation lock keeps away, could move a file.
        for (std::size_t slot = 0; slot < chunk_slots; ++slot) {
            const std::shared_ptr<OpenFile>& file = chunk->files[slot];
            if (file && which(*file)) removed.push_back(take_out(index, slot));
        }
    }
    return removed;
}

}  // namespace berth::host
