#include "apps/berth/services/small_services.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string>
#include <vector>

#include "apps/berth/services/stream_session.hpp"
#include "berth/socket.h"

namespace berth::app {
namespace {

// RFC 868 counts from 1900, the system from 1970: 70 years with 17 leap days.
constexpr std::uint32_t seconds_1900_to_1970 = 2'208'988'800;

std::string daytime_line() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 64> text{};
    const auto size =
        std::strftime(text.data(), text.size(), "%A, %B %d, %Y %H:%M:%S-UTC\r\n", &parts);
    return {text.data(), size};
}

// Four octets, most significant first; it wraps in 2036, as RFC 868 says.
std::string time_bytes() {
    const auto seconds = static_cast<std::uint32_t>(std::time(nullptr)) + seconds_1900_to_1970;
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes += static_cast<char>(static_cast<unsigned char>(seconds >> shift));
    return bytes;
}

class EchoSession : public StreamSession {
  public:
    using StreamSession::StreamSession;

  private:
    // Reads only while there is room to answer: a client that does not read is not read either.
    void on_input(std::span<const std::uint8_t> input, Moment) override { append(input); }
};

class DiscardSession : public StreamSession {
  public:
    using StreamSession::StreamSession;

  private:
    void on_input(std::span<const std::uint8_t>, Moment) override {}
};

// Says one thing and closes first, so the server's side passes through FIN-WAIT and TIME-WAIT.
class AnnouncementSession : public StreamSession {
  public:
    AnnouncementSession(TcpConnection peer, Moment now, std::string_view text)
        : StreamSession(std::move(peer), now) {
        append(text);
        finish();
    }

  private:
    void on_input(std::span<const std::uint8_t>, Moment) override {}
};

class ChargenSession : public StreamSession {
  public:
    using StreamSession::StreamSession;

  private:
    // RFC 864's recommended pattern: the 95 printable characters in a ring, each line of 72 of them
    // starting one further on.
    static constexpr unsigned ring = 95;
    static constexpr unsigned line_length = 72;

    void on_input(std::span<const std::uint8_t>, Moment) override {}
    // Until the user ends it: a half-closed client still listens.
    void on_end_of_input(Moment) override {}

    void refill(Moment) override {
        std::array<char, line_length + 2> line{};
        line[line_length] = '\r';
        line[line_length + 1] = '\n';
        while (!output_is_full()) {
            for (unsigned i = 0; i < line_length; ++i)
                line[i] = static_cast<char>(' ' + (first_ + i) % ring);
            append(std::string_view(line.data(), line.size()));
            first_ = (first_ + 1) % ring;
        }
    }

    unsigned first_ = 0;
};

class DatagramService : public Activity {
  public:
    DatagramService(ServiceKind kind, UdpSocket socket, std::span<const Port> service_ports)
        : kind_(kind), socket_(std::move(socket)) {
        for (const auto& info : known_services)
            silent_ports_.push_back(info.port);
        silent_ports_.insert(silent_ports_.end(), service_ports.begin(), service_ports.end());
        std::sort(silent_ports_.begin(), silent_ports_.end());
    }

    int fd() const override { return socket_.fd(); }
    short events() const override { return POLLIN; }
    bool is_finished() const override { return socket_.fd() < 0; }
    void begin_close(Moment) override { socket_.close(); }

    void on_ready(short, Moment) override {
        for (int round = 0; round < datagrams_per_turn; ++round) {
            Endpoint source;
            const IoResult got = socket_.receive_from(buffer_, source);
            if (got.error == std::errc::operation_would_block) return;
            // Any other error is an ICMP message's about an earlier answer: not ours to repair.
            if (got && may_answer(source)) answer(std::span(buffer_).first(got.bytes), source);
        }
    }

  private:
    static constexpr int datagrams_per_turn = 64;
    static constexpr std::size_t largest_datagram_bytes = 65'507;

    // Port 0 means that the sender wants no answer (RFC 768).
    bool may_answer(Endpoint source) const {
        return source.port != 0 &&
               !std::binary_search(silent_ports_.begin(), silent_ports_.end(), source.port);
    }

    void answer(std::span<const std::uint8_t> request, Endpoint source) {
        std::string text;
        if (kind_ == ServiceKind::echo) text.assign(request.begin(), request.end());
        if (kind_ == ServiceKind::daytime) text = daytime_line();
        if (kind_ == ServiceKind::time) text = time_bytes();
        if (kind_ == ServiceKind::discard) return;
        const std::vector<std::uint8_t> bytes(text.begin(), text.end());
        // A datagram that does not fit or finds the queue full is lost, as datagrams are.
        socket_.send_to(bytes, source);
    }

    ServiceKind kind_;
    UdpSocket socket_;
    std::vector<Port> silent_ports_;
    std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(largest_datagram_bytes);
};

}  // namespace

std::unique_ptr<Activity> make_small_session(ServiceKind kind, TcpConnection connection,
                                             Moment now) {
    switch (kind) {
        case ServiceKind::echo: return std::make_unique<EchoSession>(std::move(connection), now);
        case ServiceKind::chargen:
            return std::make_unique<ChargenSession>(std::move(connection), now);
        case ServiceKind::daytime:
            return std::make_unique<AnnouncementSession>(std::move(connection), now,
                                                         daytime_line());
        case ServiceKind::time:
            return std::make_unique<AnnouncementSession>(std::move(connection), now, time_bytes());
        case ServiceKind::discard:
        case ServiceKind::http: break;
    }
    return std::make_unique<DiscardSession>(std::move(connection), now);
}

std::unique_ptr<Activity> make_small_datagram_service(ServiceKind kind, UdpSocket socket,
                                                      std::span<const Port> service_ports) {
    return std::make_unique<DatagramService>(kind, std::move(socket), service_ports);
}

}  // namespace berth::app
