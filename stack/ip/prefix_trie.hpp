// Longest prefix match over IPv4 prefixes: a tree bitmap (Eatherton, Dittia and Varghese, 2004) of
// six bits a step.
//
// A node stands for the prefix that led to it and knows, in bits, which prefixes of one to six more
// bits have a value and which have a node below them; values and children lie in arrays in the
// order of those bits, so that a population count finds them. A look-up reads one node of 32 bytes
// for each six bits of the longest prefix on its way (four for a /24), whatever the number of
// prefixes; a change touches the arrays of one node, besides nodes that come or go.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "berth/address.hpp"
#include "ip/block_arena.hpp"

namespace berth::ip {

class PrefixTrie {
  public:
    using Value = std::uint32_t;
    static constexpr Value none = std::numeric_limits<Value>::max();

    // The value of the longest prefix that contains the address.
    Value lookup(Ipv4Address address) const;
    // The value of this very prefix.
    Value find(Ipv4Prefix prefix) const;
    // Sets the value of a prefix (of at most 32 bits; host bits do not count), which is not `none`.
    void put(Ipv4Prefix prefix, Value value);
    // Takes a prefix out that is there.
    void erase(Ipv4Prefix prefix);

    std::size_t memory_bytes() const { return nodes_.memory_bytes() + values_.memory_bytes(); }

  private:
    struct Node {
        std::uint64_t full = 0;      // by six bits: prefixes that end with this step
        std::uint64_t shorter = 0;   // by length, then bits: prefixes of one to five bits more
        std::uint64_t children = 0;  // by six bits
        std::uint32_t first_child = 0;
        std::uint32_t first_value = 0;  // those of `shorter`, then those of `full`

        bool is_empty() const { return (full | shorter | children) == 0; }
    };
    // Where a prefix has its value: so many steps down, then in this bit of `full` or `shorter`.
    struct Place {
        std::uint32_t depth = 0;
        bool is_full = false;
        std::uint64_t bit = 0;
    };
    struct Way;  // from the root to a node
    using NodeIndex = std::uint32_t;
    static constexpr NodeIndex root_index = std::numeric_limits<NodeIndex>::max();
    static constexpr std::uint32_t max_depth = 6;  // steps that 32 bits take

    static std::uint32_t& link_of_node(Node& node) { return node.first_child; }
    static std::uint32_t& link_of_value(Value& value) { return value; }
    static Place place_of(Ipv4Prefix prefix);
    static bool has_value(const Node& node, const Place& place);
    static std::uint32_t rank_of_value(const Node& node, const Place& place);
    static std::uint32_t count_values(const Node& node);

    Node& at(NodeIndex index) { return index == root_index ? root_ : nodes_[index]; }
    NodeIndex child_of(NodeIndex index, std::uint64_t bit);

    Node root_;
    Value default_ = none;  // of 0.0.0.0/0
    BlockArena<Node, link_of_node> nodes_;
    BlockArena<Value, link_of_value> values_;
};

}  // namespace berth::ip
