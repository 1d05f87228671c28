#include "drivers/fate_text.hpp"

#include <array>

#include "drivers/text.hpp"

namespace berth::drivers {
namespace {

constexpr std::array<std::string_view, 11> tcp_states{
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT"};

bool is_listener(DemuxMatch match) {
    return match == DemuxMatch::listener_address || match == DemuxMatch::listener_wildcard;
}

// TCP has connections and listeners; the others have sockets.
std::string_view receiver_word(const Fate& fate) {
    if (fate.association.protocol != Protocol::tcp) return "socket ";
    return is_listener(fate.match) ? "listener for " : "connection ";
}

std::string_view match_text(const Fate& fate) {
    const bool tcp = fate.association.protocol == Protocol::tcp;
    switch (fate.match) {
        case DemuxMatch::nobody: return "";
        case DemuxMatch::four_tuple: return " (four-tuple match)";
        case DemuxMatch::listener_address:
            return tcp ? " (listener at the address)" : " (socket bound to the address)";
        case DemuxMatch::listener_wildcard:
            return tcp ? " (wildcard listener)" : " (socket bound to the wildcard)";
    }
    return "";
}

std::string association_text(const Fate& fate) {
    return concat(
        {to_string(fate.association.protocol), " ", to_string(fate.association.four_tuple)});
}

std::string states_text(const Fate& fate) {
    if (!fate.has_association || fate.association.protocol != Protocol::tcp) return {};
    if (fate.state_before == fate.state_after) {
        return concat({"; in ", tcp_state_name(fate.state_after)});
    }
    return concat(
        {"; ", tcp_state_name(fate.state_before), " -> ", tcp_state_name(fate.state_after)});
}

// The static text beside the fate, set off from what is before it.
std::string note_text(const Fate& fate, std::string_view before) {
    const std::string_view note = fate.note == nullptr ? std::string_view{} : fate.note;
    return note.empty() ? std::string{} : concat({before, note});
}

std::string dropped_text(const Fate& fate) {
    const DropReasonText& why = text_of(fate.reason);
    std::string text = concat({"dropped: ", why.name, ": ", why.sentence});
    if (!why.clause.empty()) text.append(concat({" (", why.clause, ")"}));
    if (fate.has_association) text.append(concat({"; ", association_text(fate)}));
    return text.append(states_text(fate)).append(note_text(fate, "; "));
}

std::string delivered_text(const Fate& fate) {
    std::string text = "delivered";
    if (fate.has_association) {
        text.append(
            concat({" to ", receiver_word(fate), association_text(fate), match_text(fate)}));
    }
    text.append(states_text(fate));
    return text.append(note_text(fate, "; "));
}

}  // namespace

std::string_view tcp_state_name(std::uint8_t state) {
    return state < tcp_states.size() ? tcp_states[state] : "an unknown state";
}

std::string explain_fate(const Fate& fate, Direction direction) {
    switch (fate.kind) {
        case FateKind::dropped:
            return direction == Direction::out ? concat({"not sent; ", dropped_text(fate)})
                                               : dropped_text(fate);
        case FateKind::delivered: return delivered_text(fate);
        case FateKind::consumed: {
            std::string text = concat({"consumed by the stack", note_text(fate, ": ")});
            if (fate.has_association) text.append(concat({"; ", association_text(fate)}));
            return text.append(states_text(fate));
        }
        case FateKind::forwarded: return concat({"forwarded", note_text(fate, ": ")});
        case FateKind::sent: {
            std::string text = concat({"sent", note_text(fate, ": ")});
            if (fate.has_association) {
                text.append(
                    concat({note_text(fate, "").empty() ? " for " : "; ", association_text(fate)}));
            }
            return text.append(states_text(fate));
        }
    }
    return {};
}

}  // namespace berth::drivers
