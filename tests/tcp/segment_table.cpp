// The whole of RFC 9293 §3.10.7 as a table: every combination of SYN, ACK, FIN and RST, at every
// place in and around the receive window, with and without text, with every kind of acknowledgment,
// in every state. Rows that differ in nothing are written as one. PSH and URG are tried as well and
// must make no difference to fate, answer and state.
//
// segments.snapshot beside it tells some of the same with numbers.
#include <array>
#include <string>
#include <vector>

#include "harness/script_fixture.hpp"
#include "harness/snapshot.hpp"

namespace berth::harness {
namespace {

// What a case is made of; each dimension's values have a name in the table.
enum Dimension : std::uint8_t { dim_flags, dim_place, dim_text, dim_ack, dim_count };

const std::array<std::vector<std::string>, dim_count> names = {{
    {"-", "S", "A", "SA", "F", "SF", "AF", "SAF", "R", "SR", "AR", "SAR", "FR", "SFR", "AFR",
     "SAFR"},
    {"old", "at RCV.NXT", "inside", "last inside", "first beyond", "far beyond"},
    {"no text", "text"},
    {"too old", "old", "SND.UNA", "SND.NXT", "unsent"},
}};
const std::array<std::string, dim_count> any = {"any", "anywhere", "with or without text",
                                                "any ACK"};
constexpr std::size_t text_bytes = 10;

struct Stage {
    const char* name;
    State state;
    bool simultaneous;
};

constexpr Stage stages[] = {
    {"CLOSED", State::closed, false},
    {"LISTEN", State::listen, false},
    {"SYN-SENT", State::syn_sent, false},
    {"SYN-RECEIVED, from LISTEN", State::syn_received, false},
    {"SYN-RECEIVED, from SYN-SENT", State::syn_received, true},
    {"ESTABLISHED", State::established, false},
    {"FIN-WAIT-1", State::fin_wait_1, false},
    {"FIN-WAIT-2", State::fin_wait_2, false},
    {"CLOSE-WAIT", State::close_wait, false},
    {"CLOSING", State::closing, false},
    {"LAST-ACK", State::last_ack, false},
    {"TIME-WAIT", State::time_wait, false},
};

using Case = std::array<std::size_t, dim_count>;

class Probe : public ScriptTest {
  public:
    explicit Probe(const Stage& stage) : stage_(stage) {
        // No answer may depend on what was answered before.
        config.challenge_interval = {};
        if (stage.simultaneous)
            open_simultaneously();
        else
            reach(stage.state);
    }

    std::string outcome_of(const Case& which, bool with_psh_and_urg) {
        const State before = script.state_of(peer.four_tuple());
        script.put(packet_of(which, with_psh_and_urg), {});
        std::string text = fate_text(script.last_fate());
        text.resize(std::max<std::size_t>(text.size(), 32), ' ');
        text += "  " + answers();
        const State after = script.state_of(peer.four_tuple());
        if (after != before) {
            text.resize(std::max<std::size_t>(text.size(), 44), ' ');
            text += "  -> " + std::string(tcp::name_of(after));
        }
        return text;
    }

  private:
    void TestBody() override {}

    void open_simultaneously() {
        app.connects();
        stack.sends({.syn = true});
        peer.sends({.syn = true, .no_ack = true, .mss = 1460});
        stack.sends({.syn = true});
    }

    Packet packet_of(const Case& which, bool with_psh_and_urg) {
        const std::size_t flags = which[dim_flags];
        wire::TcpHeader header;
        header.source_port = peer.endpoint.port;
        header.destination_port = script.local.port;
        header.flags.syn = (flags & 1) != 0;
        header.flags.ack = (flags & 2) != 0;
        header.flags.fin = (flags & 4) != 0;
        header.flags.rst = (flags & 8) != 0;
        header.flags.psh = header.flags.urg = with_psh_and_urg;
        header.urgent_pointer = with_psh_and_urg ? 5 : 0;
        header.window = 65535;
        header.seq = place(which[dim_place]);
        if (header.flags.ack) header.ack = acknowledgment(which[dim_ack]);
        const std::vector<std::uint8_t> text(which[dim_text] * text_bytes, 0x2e);
        return tcp_packet(header, peer.endpoint.address, script.local.address, text);
    }

    const tcp::Connection* connection() {
        const auto* entry = script.core().tcp().table().find(peer.four_tuple());
        if (entry == nullptr || entry->kind != demux::EntryKind::connection) return nullptr;
        return static_cast<const tcp::Connection*>(entry);
    }
    std::uint32_t place(std::size_t which) {
        const std::uint32_t nxt = peer.isn + peer.sent_up_to();
        const std::uint32_t window = connection() != nullptr && stage_.state != State::syn_sent
                                         ? connection()->receiver().wnd()
                                         : std::uint32_t{65535};
        const std::uint32_t places[] = {nxt - 100,        nxt,          nxt + 100,
                                        nxt + window - 1, nxt + window, nxt + 0x4000'0000};
        return places[which];
    }
    std::uint32_t acknowledgment(std::size_t which) {
        std::uint32_t una = peer.stack_isn() + peer.received_up_to();
        std::uint32_t nxt = una;
        std::uint32_t max_window = 65535;
        if (const auto* open = connection()) {
            una = open->sender().snd().una.value;
            nxt = open->sender().snd().nxt.value;
            max_window = open->sender().snd().max_wnd;
        } else if (stage_.state == State::syn_received) {
            una = peer.stack_isn();
        }
        const std::uint32_t values[] = {una - max_window - 10, una - 1, una, nxt, nxt + 1};
        return values[which];
    }

    std::string answers() {
        if (script.heard().empty()) return "-";
        std::string text;
        for (const Heard& heard : script.heard()) {
            const wire::TcpFlags& flags = heard.header.flags;
            if (!text.empty()) text += " + ";
            text += flags.rst ? "RST" : flags.syn ? "SYN" : flags.fin ? "FIN" : "";
            if (flags.ack) text += text.empty() || text.back() == ' ' ? "ACK" : ",ACK";
        }
        script.heard().clear();
        return text;
    }

    const Stage& stage_;
};

// Rows of the table: a set of values in each dimension, and what all of these cases come to.
struct Row {
    std::array<std::vector<bool>, dim_count> values;
    std::string outcome;
};

bool can_join(const Row& a, const Row& b, std::size_t dimension) {
    if (a.outcome != b.outcome) return false;
    for (std::size_t d = 0; d < dim_count; ++d)
        if (d != dimension && a.values[d] != b.values[d]) return false;
    return true;
}

// Joins rows that differ in one dimension only, as often as that is possible.
void collapse(std::vector<Row>& rows) {
    for (bool joined = true; joined;) {
        joined = false;
        for (const std::size_t dimension : {dim_ack, dim_text, dim_place, dim_flags})
            for (std::size_t i = 0; i < rows.size(); ++i)
                for (std::size_t j = rows.size() - 1; j > i; --j) {
                    if (!can_join(rows[i], rows[j], dimension)) continue;
                    for (std::size_t v = 0; v < names[dimension].size(); ++v)
                        if (rows[j].values[dimension][v]) rows[i].values[dimension][v] = true;
                    rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(j));
                    joined = true;
                }
    }
}

std::string text_of(const std::vector<bool>& values, std::size_t dimension) {
    std::string text;
    bool all = true;
    for (std::size_t v = 0; v < values.size(); ++v) {
        all = all && values[v];
        if (!values[v]) continue;
        if (!text.empty()) text += dimension == dim_flags ? " " : ", ";
        text += names[dimension][v];
    }
    return all ? any[dimension] : text;
}

std::string table_of(const Stage& stage) {
    std::vector<Row> rows;
    Case which{};
    for (which[dim_flags] = 0; which[dim_flags] < names[dim_flags].size(); ++which[dim_flags])
        for (which[dim_place] = 0; which[dim_place] < names[dim_place].size(); ++which[dim_place])
            for (which[dim_text] = 0; which[dim_text] < names[dim_text].size(); ++which[dim_text]) {
                const bool has_ack = (which[dim_flags] & 2) != 0;
                for (which[dim_ack] = 0; which[dim_ack] < (has_ack ? names[dim_ack].size() : 1);
                     ++which[dim_ack]) {
                    Row row;
                    row.outcome = Probe(stage).outcome_of(which, false);
                    EXPECT_EQ(Probe(stage).outcome_of(which, true), row.outcome)
                        << stage.name << ": PSH and URG make a difference";
                    for (std::size_t d = 0; d < dim_count; ++d) {
                        // Without ACK the acknowledgment may be anything.
                        const bool every = d == dim_ack && !has_ack;
                        row.values[d].assign(names[d].size(), every);
                        row.values[d][which[d]] = true;
                    }
                    rows.push_back(row);
                }
            }
    collapse(rows);
    std::string text = "\n" + std::string(stage.name) + "\n";
    for (const Row& row : rows) {
        std::string line;
        for (std::size_t d = 0; d < dim_count; ++d) {
            if (d > 0) line += "; ";
            line += text_of(row.values[d], d);
        }
        text += "    " + line + "\n        " + row.outcome + "\n";
    }
    return text;
}

TEST(SegmentTable, is_the_one_checked_in_rfc9293_3_10_7) {
    std::string text =
        "What becomes of every kind of segment in every state: its flags (S A F R); where it "
        "begins;\n"
        "text; what it acknowledges. Below: fate, answer, next state where it changes. PSH and "
        "URG\n"
        "make no difference. A SYN-RECEIVED that came from LISTEN goes back to it. Regenerate "
        "with\n"
        "BERTH_UPDATE_SNAPSHOTS=1.\n";
    for (const Stage& stage : stages)
        text += table_of(stage);
    expect_snapshot("tests/tcp/segment_table.snapshot", text);
}

}  // namespace
}  // namespace berth::harness
