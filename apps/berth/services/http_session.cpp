#include "apps/berth/services/http_session.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "apps/berth/services/http_pages.hpp"

namespace berth::app {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
    using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

// The part of a file that a range asks for; nullopt: there is none (416).
struct Part {
    std::uint64_t offset, size;
};
std::optional<Part> part_of(const ByteRange& range, std::uint64_t size) {
    if (!range.first) {  // the last so many bytes
        const auto suffix = std::min(*range.last, size);
        if (suffix == 0) return std::nullopt;
        return Part{size - suffix, suffix};
    }
    if (*range.first >= size) return std::nullopt;
    const auto last = std::min(range.last.value_or(size - 1), size - 1);
    return Part{*range.first, last - *range.first + 1};
}

}  // namespace

HttpSession::HttpSession(TcpConnection peer, Moment now, std::shared_ptr<const WebRoot> root)
    : StreamSession(std::move(peer), now, keep_alive_limit), root_(std::move(root)) {}

std::optional<Moment> HttpSession::deadline() const {
    const auto idle = StreamSession::deadline();
    return request_deadline_ ? std::min(*idle, *request_deadline_) : idle;
}

void HttpSession::on_deadline(Moment now) {
    if (request_deadline_ && *request_deadline_ <= now && is_open()) return refuse(408);
    StreamSession::on_deadline(now);
}

// While an answer is under way the next requests stay in the socket.
bool HttpSession::wants_input() const {
    return !file_ && !output_is_full() && input_.size() < request_limit_bytes;
}

void HttpSession::on_input(std::span<const std::uint8_t> input, Moment now) {
    input_.append(input.begin(), input.end());
    take_requests(now);
}

void HttpSession::on_end_of_input(Moment now) {
    input_ended_ = true;
    take_requests(now);
}

void HttpSession::refill(Moment now) {
    if (file_)
        send_file_part();
    else
        take_requests(now);
}

// Answers what has arrived completely, in order, as far as there is room (RFC 9112 §9.3.2).
void HttpSession::take_requests(Moment now) {
    while (is_open() && !file_ && !output_is_full()) {
        const auto size = request_head_size(input_);
        if (size.value_or(input_.size()) > request_limit_bytes ||
            (!size && input_.size() >= request_limit_bytes))
            return refuse(431);
        if (!size) {
            if (input_ended_) return finish();
            if (input_.empty())
                request_deadline_.reset();
            else if (!request_deadline_)
                request_deadline_ = now + request_limit;
            return;
        }
        request_deadline_.reset();
        const auto parsed = parse_request(std::string_view(input_).substr(0, *size));
        input_.erase(0, *size);
        if (const auto* refusal = std::get_if<HttpRefusal>(&parsed)) return refuse(refusal->status);
        answer(std::get<HttpRequest>(parsed));
    }
}

void HttpSession::answer(const HttpRequest& request) {
    keep_alive_ = request.keep_alive;
    is_head_ = request.is_head;
    if (!root_) {
        if (request.path != "/") return send_page({404}, error_page(404));
        return send_page({}, welcome_page(connection().four_tuple()));
    }
    WebResource resource = root_->open(request.path);
    std::visit(
        Overloaded{
            [&](WebFile& file) { answer_file(request, std::move(file)); },
            [&](WebDirectory& listing) { send_page({}, listing_page(request.path, listing)); },
            [&](WebRedirect& redirect) {
                send_page({301, "text/html; charset=utf-8",
                           fmt::format("Location: {}\r\n", redirect.path)},
                          error_page(301));
            },
            [&](WebError& error) { send_page({error.status}, error_page(error.status)); },
        },
        resource);
}

void HttpSession::answer_file(const HttpRequest& request, WebFile file) {
    Response response{
        200, file.media_type,
        fmt::format("Last-Modified: {}\r\nAccept-Ranges: bytes\r\n", http_date(file.modified))};
    Part part{0, file.size_bytes};
    if (request.range) {
        const auto wanted = part_of(*request.range, file.size_bytes);
        if (!wanted)
            return send_page({416, "text/html; charset=utf-8",
                              fmt::format("Content-Range: bytes */{}\r\n", file.size_bytes)},
                             error_page(416));
        part = *wanted;
        response.status = 206;
        response.extra_fields += fmt::format("Content-Range: bytes {}-{}/{}\r\n", part.offset,
                                             part.offset + part.size - 1, file.size_bytes);
    }
    send_head(response, part.size);
    if (is_head_ || part.size == 0) return end_response();
    file_ = std::move(file.fd);
    file_offset_ = part.offset;
    file_left_bytes_ = part.size;
}

void HttpSession::refuse(int status) {
    keep_alive_ = false;
    is_head_ = false;
    request_deadline_.reset();
    send_page({status, "text/html; charset=utf-8", status == 405 ? "Allow: GET, HEAD\r\n" : ""},
              error_page(status));
}

void HttpSession::send_page(const Response& response, std::string_view body) {
    send_head(response, body.size());
    if (!is_head_) append(body);
    end_response();
}

void HttpSession::send_head(const Response& response, std::uint64_t body_bytes) {
    append(
        fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\nServer: berth\r\nContent-Type: {}\r\n"
                    "Content-Length: {}\r\nX-Content-Type-Options: nosniff\r\n"
                    "Connection: {}\r\n{}\r\n",
                    response.status, reason_phrase(response.status), http_date(std::time(nullptr)),
                    response.media_type, body_bytes, keep_alive_ ? "keep-alive" : "close",
                    response.extra_fields));
}

void HttpSession::end_response() {
    file_.reset();
    if (!keep_alive_) finish();
}

void HttpSession::send_file_part() {
    const auto wanted = std::min<std::uint64_t>(file_left_bytes_, output_limit_bytes);
    const auto space = prepare(static_cast<std::size_t>(wanted));
    const auto got =
        ::pread(file_.get(), space.data(), space.size(), static_cast<off_t>(file_offset_));
    const auto filled = got > 0 ? static_cast<std::size_t>(got) : 0;
    commit(space, filled);
    // The file has shrunk or cannot be read: the promised length can only be taken back by a reset.
    if (filled == 0) return abort();
    file_offset_ += filled;
    file_left_bytes_ -= filled;
    if (file_left_bytes_ == 0) end_response();
}

}  // namespace berth::app
