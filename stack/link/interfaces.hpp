// All interfaces of a stack: those that were added, numbered from 0, and the loopback interface.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "link/interface.hpp"

namespace berth::link {

class Interfaces {
  public:
    // Interfaces that may be added, so that the loopback interface has a number behind them all.
    static constexpr std::size_t limit = 64;
    static constexpr InterfaceIndex loopback_index = limit;

    static constexpr bool is_loopback(InterfaceIndex index) { return index == loopback_index; }

    void set_loopback(std::unique_ptr<Interface> loopback) { loopback_ = std::move(loopback); }
    void add(std::unique_ptr<Interface> interface) { added_.push_back(std::move(interface)); }

    std::size_t size() const { return added_.size(); }  // without the loopback interface
    bool has(InterfaceIndex index) const { return index < added_.size() || is_loopback(index); }
    Interface& at(InterfaceIndex index) const {
        return is_loopback(index) ? *loopback_ : *added_[index];
    }
    Interface& loopback() const { return *loopback_; }

    // Those that were added.
    auto begin() const { return added_.begin(); }
    auto end() const { return added_.end(); }

  private:
    std::vector<std::unique_ptr<Interface>> added_;
    std::unique_ptr<Interface> loopback_;
};

}  // namespace berth::link
