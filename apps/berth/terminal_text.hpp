// Text that came from elsewhere, made safe for a terminal: no control character gets through.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::app {

// Turns bytes into text in pieces; a UTF-8 character may be split between two pieces. Printable
// characters, tab and newline pass; carriage return before a newline goes; everything else (escape
// sequences, C1 controls, characters that reverse the writing direction, broken UTF-8) is \xNN.
class TerminalEscaper {
  public:
    std::string escape(std::string_view bytes);
    std::string finish();  // what an unfinished character left behind

  private:
    void take(std::string& out, char byte);
    void flush_pending(std::string& out);

    std::string pending_;   // bytes of a character that is not complete, or a carriage return
    unsigned missing_ = 0;  // bytes that the character still lacks
};

// One line: as above, and newlines become spaces.
std::string escaped_line(std::string_view text);

}  // namespace berth::app
