// Which number stands for which open file: one table for the process.
//
// It can be replaced: the native table gives numbers that cost no kernel object; a table that backs
// each socket with a kernel descriptor can stand behind the same interface. Thread-safe throughout.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "host/open_file.hpp"

namespace berth::host {

class DescriptorTable {
  public:
    virtual ~DescriptorTable() = default;
    // The lowest free number, or -1: there is none (EMFILE).
    virtual int insert(std::shared_ptr<OpenFile> file) = 0;
    // Null: not open. What comes back stays whole whatever other threads close meanwhile.
    virtual std::shared_ptr<OpenFile> find(int fd) const = 0;
    virtual std::shared_ptr<OpenFile> remove(int fd) = 0;
    // Takes out every file for which `which` is true.
    virtual std::vector<std::shared_ptr<OpenFile>> remove_if(
        const std::function<bool(const OpenFile&)>& which) = 0;
};

// Numbers from `first` upwards, the lowest free one first, in chunks that are made when they are
// needed: 16 bytes a descriptor. A chunk has its own lock, so that threads that use different
// descriptors rarely meet; the search for a free number goes through bitmaps.
class NativeDescriptors final : public DescriptorTable {
  public:
    static constexpr std::size_t chunk_slots = 4096;
    static constexpr std::size_t limit_chunks = 4096;
    static constexpr std::size_t limit_descriptors = chunk_slots * limit_chunks;  // 16.7 million

    explicit NativeDescriptors(int first, std::size_t limit = limit_descriptors);
    ~NativeDescriptors() override;

    int insert(std::shared_ptr<OpenFile> file) override;
    std::shared_ptr<OpenFile> find(int fd) const override;
    std::shared_ptr<OpenFile> remove(int fd) override;
    std::vector<std::shared_ptr<OpenFile>> remove_if(
        const std::function<bool(const OpenFile&)>& which) override;

  private:
    static constexpr std::size_t words = chunk_slots / 64;

    struct Chunk {
        mutable std::mutex mutex;
        std::array<std::shared_ptr<OpenFile>, chunk_slots> files{};
        std::array<std::uint64_t, words> used{};
        std::uint64_t full = 0;  // a bit for each word of `used` that has no free bit
    };

    static std::size_t take_slot(Chunk& chunk);
    std::shared_ptr<OpenFile> take_out(std::size_t chunk_index, std::size_t slot);
    Chunk* chunk_of(int fd, std::size_t& slot) const;

    const int first_;
    const std::size_t limit_;
    std::array<std::atomic<Chunk*>, limit_chunks> chunks_{};
    mutable std::mutex allocation_;  // taken before a chunk's
    std::array<std::uint64_t, limit_chunks / 64> full_chunks_{};
};

}  // namespace berth::host
