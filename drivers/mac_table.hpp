// Which station lives behind which port of a switch, learned from the frames' sources.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>

#include "berth/address.hpp"

namespace berth::drivers {

using SwitchPort = std::uint32_t;
inline constexpr SwitchPort own_port = 0;  // the switch's own host

class MacTable {
  public:
    // Stations behind one port; further ones are not learned, so their frames are flooded.
    static constexpr std::size_t max_stations_per_port = 64;

    // `station` has just sent from `port`. A station may move, but nobody takes an address of our
    // own port.
    void learn(MacAddress station, SwitchPort port);
    std::optional<SwitchPort> find(MacAddress station) const;
    // The port is gone, and everything behind it.
    void forget(SwitchPort port);

    std::size_t size() const { return ports_.size(); }
    std::uint64_t not_learned() const { return not_learned_; }

  private:
    std::map<MacAddress, SwitchPort> ports_;
    std::map<SwitchPort, std::size_t> counts_;
    std::uint64_t not_learned_ = 0;
};

}  // namespace berth::drivers
