#include "ip/prefix_trie.hpp"

#include <array>
#include <bit>

namespace berth::ip {

namespace {

constexpr unsigned step_bits = 6;

// The address's bits from the top of a word, so that each step takes the highest six.
constexpr std::uint64_t from_the_top(Ipv4Address address) {
    return std::uint64_t{address.value} << 32;
}
constexpr std::uint32_t chunk_of(std::uint64_t rest) {
    return static_cast<std::uint32_t>(rest >> (64 - step_bits));
}
constexpr std::uint64_t bit_of(std::uint32_t number) {
    return std::uint64_t{1} << number;
}
constexpr std::uint32_t count(std::uint64_t bits) {
    return static_cast<std::uint32_t>(std::popcount(bits));
}
// The bits below this one.
constexpr std::uint64_t below(std::uint64_t bit) {
    return bit - 1;
}

// Where a prefix of `length` (1 to 5) bits stands in Node::shorter: longer ones higher, so that the
// highest bit of several matches is the longest prefix.
constexpr std::uint32_t shorter_number(std::uint32_t length, std::uint32_t chunk) {
    return (1U << length) - 2 + (chunk >> (step_bits - length));
}

// By six bits: all their prefixes of one to five bits.
constexpr auto make_ancestors() {
    std::array<std::uint64_t, 1U << step_bits> result{};
    for (std::uint32_t chunk = 0; chunk < result.size(); ++chunk)
        for (std::uint32_t length = 1; length < step_bits; ++length)
            result[chunk] |= bit_of(shorter_number(length, chunk));
    return result;
}
constexpr auto ancestors = make_ancestors();

}  // namespace

// The nodes that a prefix passes, and the bit it takes in each.
struct PrefixTrie::Way {
    std::array<NodeIndex, max_depth> node{};
    std::array<std::uint64_t, max_depth> bit{};
};

PrefixTrie::Place PrefixTrie::place_of(Ipv4Prefix prefix) {
    Place place;
    place.depth = (prefix.length - 1U) / step_bits;
    const std::uint32_t chunk =
        chunk_of(from_the_top(prefix.network()) << (step_bits * place.depth));
    const std::uint32_t length = prefix.length - step_bits * place.depth;
    place.is_full = length == step_bits;
    place.bit = bit_of(place.is_full ? chunk : shorter_number(length, chunk));
    return place;
}

bool PrefixTrie::has_value(const Node& node, const Place& place) {
    return ((place.is_full ? node.full : node.shorter) & place.bit) != 0;
}

std::uint32_t PrefixTrie::rank_of_value(const Node& node, const Place& place) {
    if (!place.is_full) return count(node.shorter & below(place.bit));
    return count(node.shorter) + count(node.full & below(place.bit));
}

std::uint32_t PrefixTrie::count_values(const Node& node) {
    return count(node.shorter) + count(node.full);
}

PrefixTrie::Value PrefixTrie::lookup(Ipv4Address address) const {
    const Node* node = &root_;
    const Node* match = nullptr;
    std::uint32_t match_chunk = 0;
    for (std::uint64_t rest = from_the_top(address);; rest <<= step_bits) {
        const std::uint32_t chunk = chunk_of(rest);
        const std::uint64_t bit = bit_of(chunk);
        if (((node->full & bit) | (node->shorter & ancestors[chunk])) != 0) {
            match = node;
            match_chunk = chunk;
        }
        if ((node->children & bit) == 0) break;
        node = &nodes_[node->first_child + count(node->children & below(bit))];
    }
    if (match == nullptr) return default_;
    Place place{0, (match->full & bit_of(match_chunk)) != 0, bit_of(match_chunk)};
    if (!place.is_full) place.bit = std::bit_floor(match->shorter & ancestors[match_chunk]);
    return values_[match->first_value + rank_of_value(*match, place)];
}

PrefixTrie::Value PrefixTrie::find(Ipv4Prefix prefix) const {
    if (prefix.length == 0) return default_;
    const Place place = place_of(prefix);
    const Node* node = &root_;
    std::uint64_t rest = from_the_top(prefix.network());
    for (std::uint32_t depth = 0; depth < place.depth; ++depth, rest <<= step_bits) {
        const std::uint64_t bit = bit_of(chunk_of(rest));
        if ((node->children & bit) == 0) return none;
        node = &nodes_[node->first_child + count(node->children & below(bit))];
    }
    if (!has_value(*node, place)) return none;
    return values_[node->first_value + rank_of_value(*node, place)];
}

// The child of that bit, made if it is not there.
PrefixTrie::NodeIndex PrefixTrie::child_of(NodeIndex index, std::uint64_t bit) {
    const Node node = at(index);
    const std::uint32_t rank = count(node.children & below(bit));
    if ((node.children & bit) != 0) return node.first_child + rank;
    const std::uint32_t first = nodes_.insert(node.first_child, count(node.children), rank, Node{});
    at(index).first_child = first;
    at(index).children |= bit;
    return first + rank;
}

void PrefixTrie::put(Ipv4Prefix prefix, Value value) {
    if (prefix.length == 0) {
        default_ = value;
        return;
    }
    const Place place = place_of(prefix);
    NodeIndex index = root_index;
    std::uint64_t rest = from_the_top(prefix.network());
    for (std::uint32_t depth = 0; depth < place.depth; ++depth, rest <<= step_bits)
        index = child_of(index, bit_of(chunk_of(rest)));
    Node& node = at(index);
    const std::uint32_t rank = rank_of_value(node, place);
    if (has_value(node, place)) {
        values_[node.first_value + rank] = value;
        return;
    }
    node.first_value = values_.insert(node.first_value, count_values(node), rank, value);
    (place.is_full ? node.full : node.shorter) |= place.bit;
}

void PrefixTrie::erase(Ipv4Prefix prefix) {
    if (prefix.length == 0) {
        default_ = none;
        return;
    }
    const Place place = place_of(prefix);
    Way way;
    NodeIndex index = root_index;
    std::uint64_t rest = from_the_top(prefix.network());
    for (std::uint32_t depth = 0; depth < place.depth; ++depth, rest <<= step_bits) {
        way.node[depth] = index;
        way.bit[depth] = bit_of(chunk_of(rest));
        const Node& node = at(index);
        index = node.first_child + count(node.children & below(way.bit[depth]));
    }
    Node& node = at(index);
    node.first_value =
        values_.erase(node.first_value, count_values(node), rank_of_value(node, place));
    (place.is_full ? node.full : node.shorter) &= ~place.bit;
    // Nodes that stand for nothing any more go, from the bottom up.
    for (std::uint32_t depth = place.depth; depth > 0 && at(index).is_empty(); --depth) {
        index = way.node[depth - 1];
        const std::uint64_t bit = way.bit[depth - 1];
        const Node parent = at(index);
        const std::uint32_t first = nodes_.erase(parent.first_child, count(parent.children),
                                                 count(parent.children & below(bit)));
        at(index).first_child = first;
        at(index).children &= ~bit;
    }
}

}  // namespace berth::ip
