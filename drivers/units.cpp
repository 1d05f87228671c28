#include "drivers/units.hpp"

#include <array>

namespace berth::drivers {
namespace {

constexpr std::uint64_t longest_duration_ns = 86'400'000'000'000;  // one day
constexpr std::uint64_t fastest_bits_per_second = 1'000'000'000'000;
constexpr std::size_t most_digits = 15;  // times the largest multiplier this stays below 2^64

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Splits "1.5ms" into 1.5 (as digits and a power of ten) and "ms".
struct Decimal {
    std::uint64_t digits = 0;
    std::uint64_t divisor = 1;
    std::string_view unit;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
    Decimal number;
    std::size_t at = 0;
    std::size_t seen = 0;
    bool fraction = false;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        if (c == '.' && !fraction && seen > 0) {
            fraction = true;
            continue;
        }
        if (!is_digit(c)) break;
        if (++seen > most_digits) return std::nullopt;
        number.digits = number.digits * 10 + static_cast<std::uint64_t>(c - '0');
        if (fraction) number.divisor *= 10;
    }
    if (seen == 0 || text[at - 1] == '.') return std::nullopt;
    number.unit = text.substr(at);
    return number;
}

struct Unit {
    std::string_view name;
    std::uint64_t multiplier;
};

// The value in the smallest unit; a fraction that does not come out even is refused.
template <std::size_t N>
std::optional<std::uint64_t> in_units(std::string_view text, const std::array<Unit, N>& units,
                                      std::uint64_t most) {
    const auto number = parse_decimal(text);
    if (!number) return std::nullopt;
    if (number->unit.empty() && number->digits == 0) return 0;
    for (const Unit& unit : units) {
        if (number->unit != unit.name) continue;
        // digits < 10^15 and multiplier <= 10^9: the product needs up to 80 bits, so bound it
        // first.
        if (number->digits / number->divisor > most / unit.multiplier) return std::nullopt;
        const std::uint64_t whole = number->digits / number->divisor * unit.multiplier;
        const std::uint64_t rest = number->digits % number->divisor;
        if (rest != 0 && unit.multiplier > UINT64_MAX / rest) return std::nullopt;
        if (rest * unit.multiplier % number->divisor != 0) return std::nullopt;
        const std::uint64_t value = whole + rest * unit.multiplier / number->divisor;
        if (value > most) return std::nullopt;
        return value;
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
    const auto number = parse_decimal(text);
    if (!number || number->divisor != 1 || !number->unit.empty()) return std::nullopt;
    if (text.find('.') != std::string_view::npos) return std::nullopt;
    return number->digits;
}

std::optional<std::uint32_t> parse_parts_per_million(std::string_view text) {
    static constexpr std::array<Unit, 2> units{{{"%", 10'000}, {"ppm", 1}}};
    const auto value = in_units(text, units, 1'000'000);
    if (!value) return std::nullopt;
    return static_cast<std::uint32_t>(*value);
}

std::optional<Duration> parse_duration(std::string_view text) {
    static constexpr std::array<Unit, 4> units{
        {{"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}}};
    const auto value = in_units(text, units, longest_duration_ns);
    if (!value) return std::nullopt;
    return nanoseconds(static_cast<std::int64_t>(*value));
}

std::optional<std::uint64_t> parse_bit_rate(std::string_view text) {
    static constexpr std::array<Unit, 4> units{
        {{"gbit", 1'000'000'000}, {"mbit", 1'000'000}, {"kbit", 1'000}, {"bit", 1}}};
    const auto value = in_units(text, units, fastest_bits_per_second);
    if (!value || *value == 0) return std::nullopt;
    return value;
}

}  // namespace berth::drivers
