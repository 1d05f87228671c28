#include "demux/local_users.hpp"

#include <cassert>
#include <utility>

namespace berth::demux {

namespace {

constexpr std::size_t initial_cells = 16;

constexpr Endpoint any_address(Port port) {
    return {Ipv4Address(), port};
}

}  // namespace

// All ways of using one endpoint begin their search at the same cell.
std::size_t LocalUsers::home(const Endpoint& local) const {
    return static_cast<std::size_t>(siphash_1_3(key_, local.address.value, local.port)) &
           (cells_.size() - 1);
}

template <class Predicate>
bool LocalUsers::any_at(const Endpoint& local, Predicate predicate) const {
    if (cells_.empty()) return false;
    for (std::size_t i = home(local); cells_[i].count > 0; i = (i + 1) & (cells_.size() - 1)) {
        const Cell& cell = cells_[i];
        if (cell.address == local.address && cell.port == local.port && predicate(cell.way))
            return true;
    }
    return false;
}

void LocalUsers::add(const Endpoint& local, Use use, Sharing sharing) {
    count_one(local, {use, false, sharing});
    count_one(any_address(local.port), {use, true, sharing});
}

void LocalUsers::remove(const Endpoint& local, Use use, Sharing sharing) {
    discount_one(local, {use, false, sharing});
    discount_one(any_address(local.port), {use, true, sharing});
}

bool LocalUsers::allows(const Endpoint& local, Sharing sharing) const {
    const auto objects = [&](Way there) {
        const bool agree_on_address =
            sharing.address && there.sharing.address && there.use != Use::listening;
        const bool agree_on_port = sharing.port && there.sharing.port;
        return !agree_on_address && !agree_on_port;
    };
    const Endpoint wildcard = any_address(local.port);
    if (local.address.is_unspecified())
        return !any_at(wildcard, [&](Way there) { return there.at_any_address && objects(there); });
    const auto objects_here = [&](Way there) { return !there.at_any_address && objects(there); };
    return !any_at(local, objects_here) && !any_at(wildcard, objects_here);
}

bool LocalUsers::is_bound(const Endpoint& local) const {
    return any_at(local,
                  [](Way there) { return !there.at_any_address && there.use != Use::connected; });
}

bool LocalUsers::port_in_use(Port port) const {
    return any_at(any_address(port), [](Way) { return true; });
}

void LocalUsers::count_one(const Endpoint& local, Way way) {
    if (4 * (in_use_ + 1) > 3 * cells_.size()) grow();
    std::size_t i = home(local);
    while (cells_[i].count > 0) {
        Cell& cell = cells_[i];
        if (cell.address == local.address && cell.port == local.port && cell.way == way) {
            ++cell.count;
            return;
        }
        i = (i + 1) & (cells_.size() - 1);
    }
    cells_[i] = {local.address, local.port, way, 1};
    ++in_use_;
}

void LocalUsers::discount_one(const Endpoint& local, Way way) {
    for (std::size_t i = home(local);; i = (i + 1) & (cells_.size() - 1)) {
        Cell& cell = cells_[i];
        assert(cell.count > 0);
        if (cell.address != local.address || cell.port != local.port || !(cell.way == way))
            continue;
        if (--cell.count > 0) return;
        --in_use_;
        close_gap(i);
        return;
    }
}

// Moves cells back so that none is cut off from its home by the vacant one.
void LocalUsers::close_gap(std::size_t gap) {
    const std::size_t mask = cells_.size() - 1;
    for (std::size_t i = (gap + 1) & mask; cells_[i].count > 0; i = (i + 1) & mask) {
        const Endpoint local{cells_[i].address, cells_[i].port};
        if (((i - home(local)) & mask) < ((i - gap) & mask)) continue;
        cells_[gap] = std::exchange(cells_[i], Cell());
        gap = i;
    }
}

void LocalUsers::grow() {
    const std::size_t places = cells_.empty() ? initial_cells : 2 * cells_.size();
    const std::vector<Cell> old = std::exchange(cells_, std::vector<Cell>(places));
    for (const Cell& cell : old) {
        if (cell.count == 0) continue;
        std::size_t i = home({cell.address, cell.port});
        while (cells_[i].count > 0)
            i = (i + 1) & (places - 1);
        cells_[i] = cell;
    }
}

}  // namespace berth::demux
