// Small helpers for the sentences that drivers say when something is wrong.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>

namespace berth::drivers {

inline std::string concat(std::initializer_list<std::string_view> parts) {
    std::string text;
    for (const std::string_view part : parts)
        text.append(part);
    return text;
}

// The system's sentence for an errno value.
inline std::string errno_text(int error) {
    return std::generic_category().message(error);
}

// "a", "a and b", "a, b and c".
template <class Strings>
std::string list_of(const Strings& words) {
    std::string text;
    std::size_t index = 0;
    for (const auto& word : words) {
        if (index != 0) text.append(index + 1 == words.size() ? " and " : ", ");
        text.append(word);
        ++index;
    }
    return text;
}

}  // namespace berth::drivers
