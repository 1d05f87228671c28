// Control sockets: names, folders, and clients that mean no good.
#include <dirent.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "berth/control.hpp"
#include "drivers/unique_fd.hpp"
#include "host/clock.hpp"
#include "host/control_path.hpp"
#include "host/control_server.hpp"

namespace berth::host {
namespace {

using drivers::UniqueFd;

class Control : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string pattern = "/tmp/berth-test-XXXXXX";
        ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
        folder_ = pattern;
        ::setenv("XDG_RUNTIME_DIR", folder_.c_str(), 1);
    }
    void TearDown() override {
        ::unsetenv("XDG_RUNTIME_DIR");
        std::filesystem::remove_all(folder_);
    }

    std::unique_ptr<ControlServer> serve(const std::string& name) {
        auto server = ControlServer::start(name, [this](std::string_view request) {
            last_request_ = request;
            if (request == "bad") return std::string(R"({"schema":1,"error":"no such request"})");
            return R"({"schema":1,"text":")" + std::string(size_, 'x') + "\"}";
        });
        if (!server) {
            ADD_FAILURE() << server.error();
            return nullptr;
        }
        return *std::move(server);
    }

    static mode_t mode_of(const std::string& path) {
        struct stat status {};
        EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
        return status.st_mode & 0777;
    }
    // True when the server has cut the connection, waiting for it.
    static bool is_cut(int fd) {
        pollfd one{fd, POLLIN, 0};
        char byte = 0;
        return ::poll(&one, 1, 60'000) == 1 && ::recv(fd, &byte, 1, 0) <= 0;
    }

    std::string folder_;
    std::string last_request_;
    std::size_t size_ = 3;
};

TEST_F(Control, ARequestIsAnswered) {
    auto server = serve("lab");
    auto answer = ask_host("lab", "ss");
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_EQ(*answer, R"({"schema":1,"text":"xxx"})");
    EXPECT_EQ(last_request_, "ss");
    EXPECT_TRUE(ask_host(server->path(), "ss"));
}

TEST_F(Control, ALongAnswerArrivesWhole) {
    size_ = 3'000'000;
    auto server = serve("lab");
    auto answer = ask_host("lab", "ss");
    ASSERT_TRUE(answer) << answer.error();
    EXPECT_GT(answer->size(), size_);
}

TEST_F(Control, TheFolderAndTheSocketAreTheUsersAlone) {
    auto server = serve("lab");
    EXPECT_EQ(mode_of(folder_ + "/berth"), 0700u);
    EXPECT_EQ(mode_of(folder_ + "/berth/lab.sock"), 0600u);
    server.reset();
    EXPECT_NE(::access((folder_ + "/berth/lab.sock").c_str(), F_OK), 0);
}

TEST_F(Control, AFolderThatOthersMayEnterIsRefused) {
    ASSERT_EQ(::mkdir((folder_ + "/berth").c_str(), 0755), 0);
    ::chmod((folder_ + "/berth").c_str(), 0755);
    const auto server = ControlServer::start("lab", [](std::string_view) { return std::string(); });
    ASSERT_FALSE(server);
    EXPECT_NE(server.error().find("is not yours alone"), std::string::npos) << server.error();
    EXPECT_FALSE(running_hosts());
}

TEST_F(Control, AFolderThatIsALinkIsRefused) {
    ASSERT_EQ(::mkdir((folder_ + "/other").c_str(), 0700), 0);
    ASSERT_EQ(::symlink("other", (folder_ + "/berth").c_str()), 0);
    EXPECT_FALSE(ControlServer::start("lab", [](std::string_view) { return std::string(); }));
}

TEST_F(Control, NamesAreSafe) {
    EXPECT_TRUE(is_control_name("lab-1.b_C"));
    for (const char* name : {"", ".", "..", ".x", "a/b", "a b", "a\nb", "a\x1b[1m"})
        EXPECT_FALSE(is_control_name(name)) << name;
    EXPECT_FALSE(is_control_name(std::string(65, 'a')));
    EXPECT_FALSE(ControlServer::start("../x", [](std::string_view) { return std::string(); }));
    EXPECT_FALSE(ask_host("..", "ss"));
}

TEST_F(Control, ANameIsTakenOnce) {
    auto server = serve("lab");
    const auto second = ControlServer::start("lab", [](std::string_view) { return std::string(); });
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), "a host named 'lab' is running already; choose another --name");
    EXPECT_TRUE(ask_host("lab", "ss"));
}

// What a host that was killed leaves behind.
void leave_stale_socket(const std::string& path) {
    sockaddr_un address;
    ASSERT_TRUE(unix_address(path, address));
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
}

TEST_F(Control, AStaleSocketIsReplaced) {
    ASSERT_TRUE(open_control_folder(true));
    leave_stale_socket(control_path("lab"));
    auto server = serve("lab");
    EXPECT_TRUE(ask_host("lab", "ss"));
}

TEST_F(Control, HostsAreListedAndStaleOnesRemoved) {
    auto none = running_hosts();
    ASSERT_TRUE(none) << none.error();
    EXPECT_TRUE(none->empty());
    auto b = serve("b");
    auto a = serve("a");
    leave_stale_socket(control_path("gone"));
    auto hosts = running_hosts();
    ASSERT_TRUE(hosts) << hosts.error();
    ASSERT_EQ(hosts->size(), 2u);
    EXPECT_EQ((*hosts)[0].name, "a");
    EXPECT_EQ((*hosts)[1].name, "b");
    EXPECT_EQ((*hosts)[1].path, b->path());
    EXPECT_NE(::access(control_path("gone").c_str(), F_OK), 0);
}

TEST_F(Control, ErrorsAreSentences) {
    EXPECT_NE(ask_host("nobody", "ss").error().find("no host answers at "), std::string::npos);
    auto server = serve("lab");
    EXPECT_NE(ask_host("lab", "bad").error().find("it says: no such request"), std::string::npos);
    EXPECT_FALSE(ask_host("lab", "two\nlines"));
}

TEST_F(Control, ARequestWithoutEndIsCut) {
    auto server = serve("lab");
    const UniqueFd fd = connect_control(server->path());
    ASSERT_TRUE(fd);
    const std::string endless(ControlServer::limit_request_bytes * 2, 'a');
    ::send(fd.get(), endless.data(), endless.size(), MSG_NOSIGNAL);
    EXPECT_TRUE(is_cut(fd.get()));
    EXPECT_TRUE(ask_host("lab", "ss"));
}

TEST_F(Control, ClientsThatHangUpDoNoHarm) {
    auto server = serve("lab");
    for (int i = 0; i < 100; ++i) {
        const UniqueFd fd = connect_control(server->path());
        if (i % 2 == 0) ::send(fd.get(), "s", 1, MSG_NOSIGNAL);
        if (i % 3 == 0) ::send(fd.get(), "s\n", 2, MSG_NOSIGNAL);
    }
    EXPECT_TRUE(ask_host("lab", "ss"));
}

TEST_F(Control, SilentClientsAreCutAndOthersServedThen) {
    auto server = serve("lab");
    std::vector<UniqueFd> silent;
    for (std::size_t i = 0; i < ControlServer::limit_clients; ++i)
        silent.push_back(connect_control(server->path()));
    // The seats are taken; this one waits in the backlog until the others' patience is over.
    auto answer = ask_host("lab", "ss", 60'000);
    EXPECT_TRUE(answer) << answer.error();
    EXPECT_TRUE(is_cut(silent.front().get()));
}

// A server whose measurements count upwards until they are told to end.
std::unique_ptr<ControlServer> counting_server(std::atomic<int>& ended,
                                               std::atomic<bool>* begun = nullptr) {
    auto server = ControlServer::start(
        "lab", [](std::string_view) { return std::string(R"({"schema":1})"); },
        [&ended, begun](std::string_view, const Conversation& conversation) {
            if (begun != nullptr) *begun = true;
            for (int i = 0; conversation.tell(std::to_string(i)) && !conversation.is_over(); ++i)
                ::poll(nullptr, 0, 1);
            conversation.tell("the end");
            ++ended;
        });
    EXPECT_TRUE(server);
    return *std::move(server);
}

TEST_F(Control, AMeasurementAnswersLineByLineAndEndsWhenItIsTold) {
    std::atomic<int> ended{0};
    auto server = counting_server(ended);
    std::vector<std::string> lines;
    const std::string problem = measure_on_host(
        "lab", "ping {}",
        [&](const std::string& line) {
            lines.push_back(line);
            return true;
        },
        [&] { return lines.size() > 3; });
    EXPECT_EQ(problem, "");
    ASSERT_GT(lines.size(), 4u);
    EXPECT_EQ(lines[0], "0");
    EXPECT_EQ(lines[1], "1");
    EXPECT_EQ(lines.back(), "the end");
    EXPECT_EQ(ended, 1);
}

TEST_F(Control, MeasurementsAreBoundedAndHoldNobodyUp) {
    std::atomic<int> ended{0};
    auto server = counting_server(ended);
    std::vector<UniqueFd> clients;
    for (std::size_t i = 0; i < ControlServer::limit_measurements; ++i) {
        clients.push_back(connect_control(server->path()));
        ::send(clients.back().get(), "ping {}\n", 8, MSG_NOSIGNAL);
        char byte = 0;
        pollfd one{clients.back().get(), POLLIN, 0};
        ASSERT_EQ(::poll(&one, 1, 60'000), 1);
        ASSERT_EQ(::recv(clients.back().get(), &byte, 1, MSG_PEEK), 1);
        ASSERT_EQ(byte, '0');
    }
    EXPECT_TRUE(ask_host("lab", "ss"));
    std::string refusal;
    const auto tell = [&](const std::string& line) {
        refusal = line;
        return true;
    };
    EXPECT_EQ(measure_on_host("lab", "ping {}", tell, [] { return false; }), "");
    EXPECT_NE(refusal.find("8 measurements under way"), std::string::npos) << refusal;
    clients.clear();
    while (ended < static_cast<int>(ControlServer::limit_measurements))
        std::this_thread::yield();
    const auto once = [&](const std::string& line) {
        refusal = line;
        return false;
    };
    // Each gives its place back a moment after its last word.
    do {
        EXPECT_EQ(measure_on_host("lab", "ping {}", once, [] { return false; }), "");
    } while (refusal.find("under way") != std::string::npos);
    EXPECT_EQ(refusal, "0");
}

TEST_F(Control, TheEndOfAHostEndsItsMeasurements) {
    std::atomic<int> ended{0};
    std::atomic<bool> begun{false};
    auto server = counting_server(ended, &begun);
    std::string last;
    const auto tell = [&](const std::string& line) {
        last = line;
        return true;
    };
    std::string problem = "not asked";
    std::thread client(
        [&] { problem = measure_on_host("lab", "traceroute {}", tell, [] { return false; }); });
    while (!begun)
        std::this_thread::yield();
    server.reset();
    client.join();
    EXPECT_EQ(problem, "");
    EXPECT_EQ(last, "the end");
    EXPECT_EQ(ended, 1);
}

TEST_F(Control, MeasurementsOfNobodyAreSentences) {
    const auto ignore = [](const std::string&) { return true; };
    EXPECT_NE(
        measure_on_host("nobody", "ping {}", ignore, [] { return false; }).find("no host answers"),
        std::string::npos);
    EXPECT_NE(measure_on_host("../x y", "ping {}", ignore, [] { return false; }), "");
}

}  // namespace
}  // namespace berth::host
