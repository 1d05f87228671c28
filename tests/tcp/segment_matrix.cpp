// What the stack makes of every kind of segment in every state: its answer, the next state and the
// fate, as a table that is compared with the one checked in. Its rows are those of RFC 9293
// §3.10.7; a change of any of them shows up as a changed line.
#include <string>
#include <vector>

#include "harness/script_fixture.hpp"
#include "harness/snapshot.hpp"

namespace berth::harness {
namespace {

struct Kind {
    const char* name;
    Segment segment;
};

// Relative to where the peer stands: 0 is RCV.NXT.
std::vector<Kind> kinds() {
    return {
        {"ACK", {}},
        {"ACK, old", {.ack = 0}},
        {"ACK, beyond", {.ack = 5000}},
        {"data", {.length = 10}},
        {"data without ACK", {.length = 10, .no_ack = true}},
        {"data ahead of a gap", {.seq = 100, .length = 10}},
        {"data beyond the window", {.seq = 1'000'000, .length = 10}},
        {"FIN", {.fin = true}},
        {"FIN ahead of a gap", {.seq = 100, .fin = true}},
        {"SYN", {.syn = true, .no_ack = true}},
        {"SYN in the window", {.seq = 50, .syn = true, .no_ack = true}},
        {"SYN-ACK", {.syn = true}},
        {"SYN-ACK, bad ACK", {.ack = 5000, .syn = true}},
        {"RST", {.rst = true}},
        {"RST without ACK", {.rst = true, .no_ack = true}},
        {"RST in the window", {.seq = 100, .rst = true}},
        {"RST beyond the window", {.seq = 1'000'000, .rst = true}},
        {"nothing set", {.no_ack = true}},
        {"SYN and FIN", {.syn = true, .fin = true, .no_ack = true}},
        {"SYN and RST", {.syn = true, .rst = true, .no_ack = true}},
    };
}

std::string padded(std::string text, std::size_t width) {
    if (text.size() < width) text.resize(width, ' ');
    return text;
}

class Probe : public ScriptTest {
  public:
    explicit Probe(State state) : state_(state) { reach(state); }

    std::string answer_to(Segment segment) {
        if (segment.seq) segment.seq = peer.sent_up_to() + *segment.seq;
        // Where nothing was said yet there is nothing to acknowledge: any number will do.
        if (!segment.no_ack && !segment.ack && (state_ == State::closed || state_ == State::listen))
            segment.ack = 1;
        peer.sends(segment);
        std::string line = padded(fate_text(script.last_fate()), 34) + padded(answers(), 40);
        const State next = script.state_of(peer.four_tuple());
        const State listened = state_ == State::listen ? State::closed : state_;
        return line + (next == listened ? "" : "-> " + std::string(tcp::name_of(next)));
    }

  private:
    void TestBody() override {}

    std::string answers() {
        if (script.heard().empty()) return "-";
        std::string text;
        for (const Heard& heard : script.heard()) {
            const wire::TcpFlags& flags = heard.header.flags;
            if (!text.empty()) text += " + ";
            text += flags.rst ? "RST" : flags.syn ? "SYN" : flags.fin ? "FIN" : "";
            if (flags.ack) text += text.empty() || text.back() == ' ' ? "ACK" : ",ACK";
            text += " seq " + std::to_string(heard.header.seq - peer.stack_isn());
            if (flags.ack) text += " ack " + std::to_string(heard.header.ack - peer.isn);
        }
        script.heard().clear();
        return text;
    }

    State state_;
};

std::string matrix() {
    std::string text =
        "What the stack makes of a segment: fate, answer, next state where it changes. The "
        "listener's own\n"
        "conversations begin in CLOSED; numbers are relative. Regenerate with "
        "BERTH_UPDATE_SNAPSHOTS=1.\n";
    for (std::size_t s = 0; s < tcp::state_count; ++s) {
        const auto state = static_cast<State>(s);
        text += "\n" + std::string(tcp::name_of(state)) + "\n";
        for (const Kind& kind : kinds()) {
            Probe probe(state);
            std::string line =
                padded(kind.name, 24).insert(0, "    ").append(probe.answer_to(kind.segment));
            line.erase(line.find_last_not_of(' ') + 1);
            text += line + "\n";
        }
    }
    return text;
}

TEST(SegmentMatrix, is_the_one_checked_in_rfc9293_3_10_7) {
    expect_snapshot("tests/tcp/segments.snapshot", matrix());
}

}  // namespace
}  // namespace berth::harness
