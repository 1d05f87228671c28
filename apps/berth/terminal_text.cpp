#include "apps/berth/terminal_text.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace berth::app {
namespace {

unsigned char octet(char byte) {
    return static_cast<unsigned char>(byte);
}

void append_hex(std::string& out, std::string_view bytes) {
    for (char byte : bytes)
        out += fmt::format("\\x{:02x}", octet(byte));
}

// How many continuation bytes follow this first byte; 0: it is none.
unsigned continuation_bytes(unsigned char first) {
    if (first >= 0xc2 && first <= 0xdf) return 1;
    if (first >= 0xe0 && first <= 0xef) return 2;
    if (first >= 0xf0 && first <= 0xf4) return 3;
    return 0;
}

std::uint32_t code_point(std::string_view character) {
    std::uint32_t value = octet(character[0]) & (0xffu >> (character.size() + 1));
    for (char byte : character.substr(1))
        value = value << 6 | (octet(byte) & 0x3fu);
    return value;
}

// C1 controls, overlong forms, surrogates, and the characters that turn the writing direction round
// (they let a line claim to be another one).
bool is_harmful(std::uint32_t point, std::size_t bytes) {
    if (point < 0xa0) return true;
    if (bytes == 3 && point < 0x800) return true;
    if (bytes == 4 && (point < 0x10000 || point > 0x10ffff)) return true;
    if (point >= 0xd800 && point <= 0xdfff) return true;
    if (point == 0x61c || point == 0x200e || point == 0x200f || point == 0xfeff) return true;
    return (point >= 0x2028 && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
}

}  // namespace

void TerminalEscaper::flush_pending(std::string& out) {
    append_hex(out, pending_);
    pending_.clear();
    missing_ = 0;
}

void TerminalEscaper::take(std::string& out, char byte) {
    const unsigned char value = octet(byte);
    if (missing_ > 0 && (value & 0xc0) == 0x80) {
        pending_ += byte;
        if (--missing_ > 0) return;
        if (is_harmful(code_point(pending_), pending_.size())) return flush_pending(out);
        out += pending_;
        pending_.clear();
        return;
    }
    if (pending_ == "\r" && byte == '\n') pending_.clear();
    flush_pending(out);
    if (byte == '\n' || byte == '\t' || (value >= 0x20 && value < 0x7f)) {
        out += byte;
    } else if (byte == '\r') {
        pending_ = byte;
    } else if (missing_ = continuation_bytes(value); missing_ > 0) {
        pending_ = byte;
    } else {
        append_hex(out, {&byte, 1});
    }
}

std::string TerminalEscaper::escape(std::string_view bytes) {
    std::string out;
    out.reserve(bytes.size());
    for (char byte : bytes)
        take(out, byte);
    return out;
}

std::string TerminalEscaper::finish() {
    std::string out;
    flush_pending(out);
    return out;
}

std::string escaped_line(std::string_view text) {
    TerminalEscaper escaper;
    std::string line = escaper.escape(text) + escaper.finish();
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

}  // namespace berth::app
