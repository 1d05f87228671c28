// A value or the reason why there is none. C++23's std::expected in the small, for g++ 12 and
// clang 14.
#pragma once

#include <utility>
#include <variant>

namespace berth {

template <class E>
struct Failure {
    E error;
};
template <class E>
Failure(E) -> Failure<E>;

template <class T, class E>
class [[nodiscard]] Result {
  public:
    constexpr Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
    constexpr Result(Failure<E> failure)
        : state_(std::in_place_index<1>, std::move(failure.error)) {}

    constexpr explicit operator bool() const { return state_.index() == 0; }
    constexpr bool has_value() const { return state_.index() == 0; }

    // Only after a check: asking the wrong side is a bug of ours, not of the wire's.
    constexpr const T& operator*() const& { return *std::get_if<0>(&state_); }
    constexpr T& operator*() & { return *std::get_if<0>(&state_); }
    constexpr T&& operator*() && { return std::move(*std::get_if<0>(&state_)); }
    constexpr const T* operator->() const { return std::get_if<0>(&state_); }
    constexpr T* operator->() { return std::get_if<0>(&state_); }
    constexpr const E& error() const { return *std::get_if<1>(&state_); }

  private:
    std::variant<T, E> state_;
};

}  // namespace berth
