// Pieces of datagrams, any that one can think of, against an oracle that keeps every byte of every
// datagram in a map: what comes out of reassembly is what the oracle has, and comes when the oracle
// says so; the bounds hold and every buffer comes back.
//
// The input is a list of records of five bytes and their text; see Record.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <vector>

#include "harness/fragments.hpp"

namespace {

using namespace berth;
using harness::Packet;

constexpr std::size_t max_records = 400;
constexpr std::size_t limit_bytes = 200'000;
constexpr std::size_t limit_datagrams = 20;

void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz_reassembly: it does not hold that %s\n", what);
    std::abort();
}

// What a record says. The text of a piece is a function of the datagram and the place, so that
// overlaps agree, but for the records that ask for a byte to be another.
struct Record {
    static constexpr std::size_t bytes = 5;
    std::uint8_t datagram;  // four bits: which of sixteen
    bool more;
    bool tcp;
    bool differs;          // one byte of it is another
    bool advances;         // instead of all that, time passes: `length` seconds
    std::uint16_t offset;  // in units of eight bytes
    std::uint8_t ecn;
    std::uint16_t length;
    bool large_buffer;

    explicit Record(Bytes at)
        : datagram(at[0] & 0x0f),
          more((at[0] & 0x10) != 0),
          tcp((at[0] & 0x20) != 0),
          differs((at[0] & 0x40) != 0),
          advances((at[0] & 0x80) != 0),
          offset(load_be16(at, 1) & 0x1fff),
          ecn(static_cast<std::uint8_t>(at[1] >> 6)),
          length(static_cast<std::uint16_t>(at[3] * 8 + at[4] % 8)),
          large_buffer((at[4] & 0x80) != 0) {}
};

std::uint8_t text_at(std::uint8_t datagram, std::size_t place) {
    return static_cast<std::uint8_t>(place * 31 + place / 256 + datagram * 17);
}

// One datagram as a map of bytes.
struct Known {
    std::map<std::size_t, std::uint8_t> bytes;
    std::optional<std::size_t> end;
    std::size_t farthest_more = 0;
    bool given_up = false;
    Time deadline{};
    bool is_complete() const { return end && bytes.size() == *end; }
};

class Fuzz {
  public:
    Fuzz() : host_(limits()) {}

    void run(const Record& record) {
        if (record.advances) {
            host_.now = host_.now + seconds(record.length % 64);
            host_.reassembly.advance(host_.now, nullptr);
            std::erase_if(known_,
                          [&](const auto& each) { return each.second.deadline <= host_.now; });
            return look_at_bounds();
        }
        std::vector<std::uint8_t> text(record.length);
        const std::size_t begin = std::size_t{8} * record.offset;
        for (std::size_t i = 0; i < text.size(); ++i)
            text[i] = text_at(record.datagram, begin + i);
        if (record.differs && !text.empty()) text[text.size() / 2] ^= 0x55;
        wire::Ipv4Header header = harness::fragment_header(record.datagram);
        header.ecn = record.ecn;
        if (record.tcp) header.protocol = static_cast<std::uint8_t>(Protocol::tcp);
        if (!record.more && begin == 0) return;  // no fragment
        const Packet packet = harness::fragment(header, begin, text, record.more);
        const auto result =
            host_.add(packet, record.large_buffer ? BufferPool::large_block_bytes : 0);
        judge(record, begin, text, result);
        // Given up and then pushed out by younger ones: not counted, but no longer there.
        if (host_.reassembly.datagrams() != known_.size()) ambiguous_ = true;
        look_at_bounds();
    }

    void finish() {
        host_.reassembly.advance(host_.now + seconds(60), nullptr);
        check(host_.pool.outstanding() == 0, "every buffer comes back");
        check(host_.reassembly.bytes() == 0 && host_.reassembly.datagrams() == 0,
              "nothing is left");
        check(host_.reassembly.next_deadline().is_never(), "nothing is due");
    }

  private:
    static ip::Reassembly::Limits limits() {
        ip::Reassembly::Limits limits;
        limits.high_bytes = limit_bytes;
        limits.low_bytes = limit_bytes / 2;
        limits.datagrams_per_source = limit_datagrams;
        return limits;
    }

    void judge(const Record& record, std::size_t begin, Bytes text,
               const harness::FragmentResult& result) {
        check(result.whole || result.fate.kind == FateKind::consumed ||
                  result.fate.kind == FateKind::dropped,
              "a piece has a fate");
        const std::size_t end = begin + text.size();
        const bool malformed = text.empty() || (record.more && text.size() % 8 != 0) ||
                               20 + end > 65'535 ||
                               (record.tcp && (begin == 0 ? text.size() < 20 : begin < 20));
        if (malformed) {
            check(result.fate.kind == FateKind::dropped, "a malformed piece is dropped");
            return;
        }
        // Bounds took something out of the table and the oracle cannot tell what: from now on what
        // comes out is judged by its form only.
        const std::uint64_t evicted = host_.drops[DropReason::ip_fragment_memory] +
                                      host_.drops[DropReason::ip_fragment_source_limit];
        if (evicted != evicted_ || ambiguous_) {
            evicted_ = evicted;
            ambiguous_ = true;
            if (result.whole) look_at_whole(record, *result.whole, nullptr);
            return;
        }
        const unsigned key = record.datagram | (record.tcp ? 0x100U : 0U);
        Known& known = known_[key];
        if (known.deadline == Time{}) known.deadline = host_.now + seconds(60);
        if (!known.given_up) learn(known, record, begin, text);
        if (known.given_up) {
            check(result.fate.kind == FateKind::dropped, "what contradicts itself is given up");
            return;
        }
        if (result.fate.reason == DropReason::ip_fragment_ecn) {
            check(known.is_complete(), "marks are judged at the end");
            known_.erase(key);
            return;
        }
        if (result.fate.reason == DropReason::ip_fragment_tiny) {
            // Too many pieces; the oracle does not count them.
            known.given_up = true;
            return;
        }
        check(result.whole.has_value() == known.is_complete(),
              "a datagram comes out when its last hole is filled, and not before");
        if (!result.whole) return;
        look_at_whole(record, *result.whole, &known);
        known_.erase(key);
    }

    static void learn(Known& known, const Record& record, std::size_t begin, Bytes text) {
        const std::size_t end = begin + text.size();
        if (known.end) known.given_up = record.more ? end >= *known.end : end != *known.end;
        if (!known.end && !record.more) known.given_up = known.farthest_more >= end;
        for (std::size_t i = 0; i < text.size() && !known.given_up; ++i) {
            const auto [at, is_new] = known.bytes.emplace(begin + i, text[i]);
            known.given_up = at->second != text[i];
        }
        if (record.more) known.farthest_more = std::max(known.farthest_more, end);
        if (!record.more && !known.given_up) known.end = end;
    }

    void look_at_whole(const Record& record, const Packet& whole, const Known* known) {
        const auto view = wire::Ipv4View::parse(whole);
        check(view.has_value() && view->packet().size() == whole.size(),
              "the whole is well formed");
        check(!view->is_fragment(), "the whole is no fragment");
        check(view->header().identification == record.datagram, "the whole has its identification");
        check(view->source() == harness::fragments_from, "the whole has its source");
        if (known == nullptr) return;
        const Bytes payload = view->payload();
        check(payload.size() == known->bytes.size(), "the whole has its length");
        std::size_t i = 0;
        for (const auto& [place, byte] : known->bytes)
            check(place == i && payload[i++] == byte, "the whole has its text");
    }

    void look_at_bounds() const {
        check(host_.reassembly.bytes() <= limit_bytes, "memory is bounded");
        check(host_.reassembly.datagrams() <= limit_datagrams, "datagrams of a source are bounded");
        check(host_.pool.outstanding() * BufferPool::small_block_bytes <= limit_bytes,
              "what is held is charged");
    }

    harness::Fragments host_;
    std::map<unsigned, Known> known_;
    std::uint64_t evicted_ = 0;
    bool ambiguous_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes input(data, size);
    Fuzz fuzz;
    for (std::size_t i = 0; i < max_records && input.size() >= Record::bytes; ++i) {
        fuzz.run(Record(input));
        input = input.subspan(Record::bytes);
    }
    fuzz.finish();
    return 0;
}
