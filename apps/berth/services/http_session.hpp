// One connection of the http service: HTTP/1.1 with keep-alive, GET and HEAD (RFC 9110, RFC 9112).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "apps/berth/services/http_request.hpp"
#include "apps/berth/services/stream_session.hpp"
#include "apps/berth/services/web_root.hpp"

namespace berth::app {

class HttpSession : public StreamSession {
  public:
    // A request line and its header fields; beyond it the answer is 431.
    static constexpr std::size_t request_limit_bytes = 16 * 1024;
    // From a request's first byte to its blank line; then 408.
    static constexpr std::chrono::seconds request_limit{20};
    // Between two requests, and for a peer that stopped reading.
    static constexpr std::chrono::seconds keep_alive_limit{60};

    // Without a root: the built-in page.
    HttpSession(TcpConnection connection, Moment now, std::shared_ptr<const WebRoot> root);

    std::optional<Moment> deadline() const override;
    void on_deadline(Moment now) override;

  private:
    struct Response {
        int status = 200;
        std::string_view media_type = "text/html; charset=utf-8";
        std::string extra_fields{};
    };

    bool wants_input() const override;
    void on_input(std::span<const std::uint8_t> input, Moment now) override;
    void on_end_of_input(Moment now) override;
    void refill(Moment now) override;

    void take_requests(Moment now);
    void answer(const HttpRequest& request);
    void answer_file(const HttpRequest& request, WebFile file);
    void refuse(int status);
    void send_page(const Response& response, std::string_view body);
    void send_head(const Response& response, std::uint64_t body_bytes);
    void end_response();
    void send_file_part();

    std::shared_ptr<const WebRoot> root_;
    std::string input_;
    std::optional<Moment> request_deadline_{};  // a request has begun to arrive
    bool input_ended_ = false;
    bool keep_alive_ = true;  // of the response under way
    bool is_head_ = false;
    drivers::UniqueFd file_;  // what is left of the response's body
    std::uint64_t file_offset_ = 0;
    std::uint64_t file_left_bytes_ = 0;
};

}  // namespace berth::app
