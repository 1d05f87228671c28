#include "fuzz/tcp/session.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "fuzz/tcp/story.hpp"

namespace berth::fuzz {

namespace {

constexpr std::size_t max_operations = 300;

constexpr const char* names[] = {
    "run",          "deliver", "drop", "duplicate", "hold back",    "change", "forge",
    "icmp",         "pass",    "hold", "connect",   "connect from", "accept", "send",
    "send flagged", "read",    "shut", "close",     "options",      "refuse", "listen"};
static_assert(std::size(names) == op_count);

Duration duration_of(std::uint8_t choice) {
    static constexpr std::int64_t steps_ms[] = {
        1, 5, 20, 40, 100, 200, 500, 1000, 2000, 5000, 15000, 60000, 120000, 600000, 7200000};
    return milliseconds(steps_ms[choice % std::size(steps_ms)]);
}

class Session {
  public:
    Session(Mode mode, Input& input) : input_(input), world_(mode, input) {}

    void run() {
        for (std::size_t i = 0; i < max_operations && !input_.empty(); ++i) {
            const auto operation = static_cast<Operation>(input_.below(op_count));
            tell(world_.now(), names[operation]);
            act(operation);
            world_.settle();
            world_.side(0).check_state(world_.now());
            world_.side(1).check_state(world_.now());
        }
        world_.finish();
    }

  private:
    void act(Operation operation) {
        if (operation == op_run) return world_.run();
        const std::uint8_t choice = input_.byte();
        const std::size_t which = choice & 1;
        const std::uint8_t amount = choice >> 1;
        switch (operation) {
            case op_deliver: return world_.deliver(which, 1 + amount % 16);
            case op_drop: return world_.drop(which);
            case op_duplicate: return world_.duplicate(which);
            case op_hold_back: return world_.hold_back(which, 1 + amount);
            case op_change: return world_.deliver_changed(which, input_);
            case op_forge: return world_.deliver_forged(which, input_);
            case op_icmp: return world_.deliver_icmp(which, input_);
            case op_pass: return world_.advance(duration_of(choice), false);
            case op_hold: return world_.advance(duration_of(choice), true);
            default: return use(operation, world_.side(which), amount);
        }
    }

    void use(Operation operation, Side& side, std::uint8_t amount) {
        switch (operation) {
            case op_connect: return side.connect(0, Side::service);
            case op_connect_from:
                return side.connect(
                    static_cast<Port>(8000 + amount % 2),
                    amount % 4 < 2 ? Side::service : static_cast<Port>(8000 + amount % 2));
            case op_accept: side.accept(); return;
            case op_refuse:
                side.device().room = amount == 0 ? harness::FakeDevice::without_limit : amount % 8U;
                return;
            case op_listen:
                if (amount % 4 == 0)
                    side.close_listener();
                else
                    side.listen(amount % 4);
                return;
            default: break;
        }
        if (side.ends().empty()) return;
        const std::size_t index = amount % side.ends().size();
        End& end = side.ends()[index];
        const std::uint8_t size = input_.byte();
        switch (operation) {
            case op_send: return side.send(end, size_of(size), {});
            case op_send_flagged:
                return side.send(end, size_of(size / 4),
                                 {.more = (size & 1) != 0, .urgent = (size & 2) != 0});
            case op_read: side.read(end, size_of(size), size % 8 == 7); return;
            case op_shut: return side.shut(end, static_cast<socket::Shutdown>(size % 3));
            case op_close: return side.close(index, size % 2 != 0);
            default: return side.set_options(end, input_);
        }
    }

    // Small ones one by one, larger ones in strides: up to 32 KB.
    static std::size_t size_of(std::uint8_t choice) {
        return choice < 64 ? choice : std::size_t{choice - 63U} * 170;
    }

    Input& input_;
    World world_;
};

}  // namespace

void play(Bytes bytes) {
    if (bytes.empty()) return;
    Input input(bytes);
    const auto mode = static_cast<Mode>(input.below(3));
    Session(mode, input).run();
}

}  // namespace berth::fuzz
