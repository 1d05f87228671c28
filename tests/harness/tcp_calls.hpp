// TCP's user calls without a socket, for tests that need options which no socket call sets, or
// that look at a connection before a program would: a listener, one connection and its bytes.
#pragma once

#include <gtest/gtest.h>

#include "harness/pattern.hpp"
#include "harness/script.hpp"
#include "tcp/tcp.hpp"

namespace berth::harness {

class TcpCalls : private tcp::ConnectionUser, private tcp::ListenerUser {
  public:
    explicit TcpCalls(Script& script) : script_(script) {}
    ~TcpCalls() override {
        if (connection != nullptr) script_.core().tcp().release(*connection, true);
        if (listener != nullptr) script_.core().tcp().close(*listener);
        script_.settle({__FILE__, __LINE__});
        script_.heard().clear();
    }

    tcp::Listener* listener = nullptr;
    tcp::Connection* connection = nullptr;
    int acceptable = 0;  // times that the listener's user was woken

    void listens(const tcp::Options& options, std::size_t backlog = 128) {
        listener = *tcp().listen({{}, script_.local.port}, backlog, options, this);
    }
    // False: there is nobody to accept.
    bool accepts() {
        connection = tcp().accept(*listener, this);
        return connection != nullptr;
    }
    void opens(Endpoint remote, const tcp::Options& options, Where where = {}) {
        script_.expect_quiet(where);
        auto opened = tcp().open(script_.local, remote, options, this, script_.now());
        ASSERT_TRUE(opened);
        connection = *opened;
        sent_ = read_ = 0;
        script_.settle(where);
    }
    void sends(std::size_t bytes, Where where = {}) {
        script_.expect_quiet(where);
        const auto data = pattern(Source::app, sent_, bytes);
        const std::array<Bytes, 1> parts{Bytes(data)};
        const auto taken = connection->send(parts, {});
        ASSERT_TRUE(taken);
        EXPECT_EQ(*taken, bytes);
        sent_ += *taken;
        script_.settle(where);
    }
    void reads(std::size_t bytes, Where where = {}) {
        script_.expect_quiet(where);
        std::vector<std::uint8_t> data(bytes);
        const std::array<MutableBytes, 1> parts{MutableBytes(data)};
        EXPECT_EQ(connection->receive(parts, false), bytes);
        EXPECT_EQ(data, pattern(Source::peer, read_, bytes));
        read_ += bytes;
        script_.settle(where);
    }
    // The connection is given up without a word, as by a program that was killed.
    void forgets(Where where = {}) {
        tcp().release(*connection, true);
        connection = nullptr;
        script_.settle(where);
        script_.heard().clear();
    }
    std::uint64_t counted(tcp::Count what) { return tcp().counters()[what]; }
    tcp::Tcp& tcp() { return script_.core().tcp(); }

  private:
    void on_connection_event(tcp::Connection&) override {}
    void on_acceptable(tcp::Listener&) override { ++acceptable; }

    Script& script_;
    std::uint64_t sent_ = 0;
    std::uint64_t read_ = 0;
};

}  // namespace berth::harness
