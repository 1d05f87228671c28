// A DNS server on a berth host, in a thread of its own, that answers what the tests need.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/host/pair.hpp"

namespace berth::test {

using Octets = std::vector<std::uint8_t>;

// One query as the server saw it.
struct DnsQuery {
    std::uint16_t id = 0;
    std::string name;  // in lower case, without the last dot
    std::uint16_t type = 0;
    Endpoint source;
    bool over_tcp = false;
    Octets question;
};

struct DnsRecord {
    std::string name;
    std::uint16_t type = 1;
    Octets data;
};

struct DnsAnswer {
    bool silent = false;
    bool truncated = false;
    std::uint8_t rcode = 0;
    std::uint16_t id_flipped_by = 0;  // a forger does not know the id
    std::vector<DnsRecord> records{};
};

inline Octets encoded_name(std::string_view name) {
    Octets bytes;
    while (!name.empty()) {
        const std::string_view label = name.substr(0, name.find('.'));
        bytes.push_back(static_cast<std::uint8_t>(label.size()));
        bytes.insert(bytes.end(), label.begin(), label.end());
        name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    bytes.push_back(0);
    return bytes;
}
inline Octets encoded_address(Ipv4Address address) {
    return {static_cast<std::uint8_t>(address.value >> 24),
            static_cast<std::uint8_t>(address.value >> 16),
            static_cast<std::uint8_t>(address.value >> 8),
            static_cast<std::uint8_t>(address.value)};
}

class FakeDns {
  public:
    using Behaviour = std::function<DnsAnswer(const DnsQuery&)>;

    FakeDns(Host& host, Ipv4Address address, Behaviour behaviour)
        : behaviour_(std::move(behaviour)),
          datagrams_(host, {address, 53}),
          listener_(host, {address, 53}),
          stop_(::eventfd(0, EFD_CLOEXEC)) {
        EXPECT_TRUE(datagrams_);
        EXPECT_TRUE(listener_);
        thread_ = std::thread([this] { run(); });
    }
    ~FakeDns() {
        const std::uint64_t one = 1;
        EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
        thread_.join();
        ::close(stop_);
    }

    std::vector<DnsQuery> queries() {
        const std::lock_guard guard(mutex_);
        return queries_;
    }

  private:
    static void put16(Octets& to, unsigned value) {
        to.push_back(static_cast<std::uint8_t>(value >> 8));
        to.push_back(static_cast<std::uint8_t>(value));
    }

    void run() {
        for (;;) {
            std::array<pollfd, 3> fds{
                {{stop_, POLLIN, 0}, {datagrams_.fd(), POLLIN, 0}, {listener_.fd(), POLLIN, 0}}};
            if (berth_poll(fds.data(), fds.size(), -1) < 0) continue;
            if (fds[0].revents != 0) return;
            if (fds[1].revents != 0) serve_datagram();
            if (fds[2].revents != 0) serve_connection();
        }
    }
    void serve_datagram() {
        std::array<std::uint8_t, 1500> bytes{};
        Endpoint source;
        const auto got = datagrams_.receive_from(bytes, source);
        if (!got) return;
        const Octets answer = answer_to(
            {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(got.bytes)}, source, false);
        if (!answer.empty()) datagrams_.send_to(answer, source);
    }
    void serve_connection() {
        TcpConnection connection = listener_.accept();
        std::array<std::uint8_t, 2> length{};
        if (!read_all(connection, length)) return;
        Octets query(static_cast<std::size_t>(length[0]) << 8 | length[1]);
        if (!read_all(connection, query)) return;
        const Octets answer = answer_to(query, connection.remote(), true);
        if (answer.empty()) return;
        Octets framed;
        put16(framed, static_cast<unsigned>(answer.size()));
        framed.insert(framed.end(), answer.begin(), answer.end());
        connection.send_all(framed);
    }
    static bool read_all(TcpConnection& connection, std::span<std::uint8_t> to) {
        while (!to.empty()) {
            const auto got = connection.receive(to);
            if (!got || got.bytes == 0) return false;
            to = to.subspan(got.bytes);
        }
        return true;
    }

    // Empty: the server says nothing.
    Octets answer_to(const Octets& query, Endpoint source, bool over_tcp) {
        DnsQuery seen;
        seen.source = source;
        seen.over_tcp = over_tcp;
        seen.id = static_cast<std::uint16_t>(query.at(0) << 8 | query.at(1));
        std::size_t at = 12;
        while (query.at(at) != 0) {
            if (!seen.name.empty()) seen.name += '.';
            for (std::size_t i = 1; i <= query.at(at); ++i)
                seen.name += static_cast<char>(std::tolower(query.at(at + i)));
            at += 1U + query.at(at);
        }
        seen.type = static_cast<std::uint16_t>(query.at(at + 1) << 8 | query.at(at + 2));
        seen.question.assign(query.begin() + 12,
                             query.begin() + static_cast<std::ptrdiff_t>(at + 5));
        {
            const std::lock_guard guard(mutex_);
            queries_.push_back(seen);
        }
        const DnsAnswer answer = behaviour_(seen);
        return answer.silent ? Octets{} : encoded(answer, seen);
    }
    static Octets encoded(const DnsAnswer& answer, const DnsQuery& query) {
        Octets bytes;
        put16(bytes, query.id ^ answer.id_flipped_by);
        put16(bytes, 0x8180U | (answer.truncated ? 0x0200U : 0U) | answer.rcode);
        put16(bytes, 1);
        put16(bytes, static_cast<unsigned>(answer.records.size()));
        put16(bytes, 0);
        put16(bytes, 0);
        bytes.insert(bytes.end(), query.question.begin(), query.question.end());
        for (const DnsRecord& record : answer.records) {
            const Octets name = encoded_name(record.name);
            bytes.insert(bytes.end(), name.begin(), name.end());
            put16(bytes, record.type);
            put16(bytes, 1);
            put16(bytes, 0);
            put16(bytes, 60);
            put16(bytes, static_cast<unsigned>(record.data.size()));
            bytes.insert(bytes.end(), record.data.begin(), record.data.end());
        }
        return bytes;
    }

    Behaviour behaviour_;
    UdpSocket datagrams_;
    TcpListener listener_;
    int stop_;
    std::mutex mutex_;
    std::vector<DnsQuery> queries_;
    std::thread thread_;
};

}  // namespace berth::test
