// The control socket of a host: a thread of its own, so that no client can hold up the stack.
//
// Clients are hostile until they have sent a line: there are at most `limit_clients` at a time, a
// request has at most `limit_request_bytes`, and whoever has not sent it or not taken the answer
// after `client_patience_ms` is cut off. Only the host's own user (and root) is let in.
//
// A measurement (ping, traceroute) takes its time: it gets the client's connection and a thread of
// its own, answers line by line, and ends when the client closes its side or the host ends. There
// are at most `limit_measurements` at a time.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.hpp"
#include "drivers/unique_fd.hpp"
#include "host/conversation.hpp"
#include "host/event_set.hpp"

namespace berth::host {

class ControlServer {
  public:
    static constexpr std::size_t limit_clients = 16;
    static constexpr std::size_t limit_request_bytes = 512;
    static constexpr std::size_t limit_measurements = 8;
    static constexpr int client_patience_ms = 2000;

    using Answer = std::function<std::string(std::string_view request)>;
    // Runs in its own thread until it is done or conversation.is_over().
    using Measure = std::function<void(std::string_view request, const Conversation&)>;

    // The error is a sentence: the name is bad or taken, or the folder is not ours.
    static Result<std::unique_ptr<ControlServer>, std::string> start(const std::string& name,
                                                                     Answer answer,
                                                                     Measure measure = {});
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

    struct Measurement {
        drivers::UniqueFd fd;
        std::string request;
        std::atomic<bool> done{false};
        std::thread thread;
    };

    ControlServer(std::string path, drivers::UniqueFd listener, Answer answer, Measure measure);
    void run();
    void accept_clients();
    bool serve(Client& client, short events);  // false: it is done with
    bool read_request(Client& client);
    int patience_ms() const;
    bool begin_measurement(Client& client);
    void run_measurement(Measurement& measurement);
    void forget_measurements(bool all);

    std::string path_;
    drivers::UniqueFd listener_;
    Answer answer_;
    Measure measure_;
    std::atomic<bool> stopping_{false};
    std::list<Measurement> measurements_;  // of the server's thread
    WakeDescriptor stop_;
    std::vector<Client> clients_;
    std::thread thread_;
};

}  // namespace berth::host
