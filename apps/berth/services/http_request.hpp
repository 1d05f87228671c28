// One HTTP/1.1 request head, parsed (RFC 9112 §2 to §6); values only, no sockets and no files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace berth::app {

// "bytes=first-last", "bytes=first-" or "bytes=-suffix" (RFC 9110 §14.1.2).
struct ByteRange {
    std::optional<std::uint64_t> first{};
    std::optional<std::uint64_t> last{};
};

struct HttpRequest {
    bool is_head = false;    // HEAD: the same answer without its body
    bool keep_alive = true;  // another request may follow on this connection
    std::string path = "/";  // percent-decoded, without the query; begins with '/'
    std::optional<ByteRange> range{};
};

// Why a request is refused, as an HTTP status.
struct HttpRefusal {
    int status = 400;
};

// The bytes that the next request head occupies at the front of `input`, with its blank line;
// nullopt: it is not complete. Empty lines before it belong to it (RFC 9112 §2.2).
std::optional<std::size_t> request_head_size(std::string_view input);

std::variant<HttpRequest, HttpRefusal> parse_request(std::string_view head);

}  // namespace berth::app
