// The control socket of a host: a thread of its own, so that no client can hold up the stack.
//
// Clients are hostile until they have sent a line: there are at most `limit_clients` at a time, a
// request has at most `limit_request_bytes`, and whoever has not sent it or not taken the answer
// after `client_patience_ms` is cut off. Only the host's own user (and root) is let in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "drivers/unique_fd.hpp"
#include "host/event_set.hpp"

namespace berth::host {

class ControlServer {
  public:
    static constexpr std::size_t limit_clients = 16;
    static constexpr std::size_t limit_request_bytes = 256;
    static constexpr int client_patience_ms = 2000;

    using Answer = std::function<std::string(std::string_view request)>;

    // The error is a sentence: the name is bad or taken, or the folder is not ours.
    static Result<std::unique_ptr<ControlServer>, std::string> start(const std::string& name,
                                                                     Answer answer);
    ~ControlServer() { stop(); }
    void stop();

    const std::string& path() const { return path_; }

  private:
    struct Client {
        drivers::UniqueFd fd;
        std::int64_t deadline_ns = 0;
        std::string request;
        std::string reply;
        std::size_t sent = 0;
    };

    ControlServer(std::string path, drivers::UniqueFd listener, Answer answer);
    void run();
    void accept_clients();
    bool serve(Client& client, short events);  // false: it is done with
    bool read_request(Client& client);
    int patience_ms() const;

    std::string path_;
    drivers::UniqueFd listener_;
    Answer answer_;
    WakeDescriptor stop_;
    std::vector<Client> clients_;
    std::thread thread_;
};

}  // namespace berth::host
