// A berth host whose sockets a test script drives: a call a line on standard input, its result a
// line on standard output. Bytes are hexadecimal, "-" for none; levels, names and flags are numbers
// as the system has them.
//
//     berth_sockets LINK ADDRESS/LENGTH [peer=ADDRESS/LENGTH] [capture=FILE] [SYSCTL=VALUE ...]
//     ready
//     socket                       ok FD
//     bind FD ADDRESS PORT         ok 0
//     listen FD BACKLOG            ok 0
//     accept FD                    ok FD
//     connect FD ADDRESS PORT      ok 0
//     send FD BYTES FLAGS          ok COUNT
//     sendto FD BYTES FLAGS ADDRESS PORT
//     recv FD COUNT FLAGS          ok BYTES
//     set FD LEVEL NAME BYTES      ok 0
//     get FD LEVEL NAME SIZE       ok BYTES
//     nonblocking FD               ok 0
//     shutdown FD HOW              ok 0
//     close FD                     ok 0
//
// What fails says "errno NUMBER".
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "berth/host.hpp"
#include "berth/socket.h"

namespace {

using Bytes = std::vector<std::uint8_t>;

berth::Host* host = nullptr;

// One line's words, taken one after the other. What is missing is zero: the script is ours.
class Words {
  public:
    explicit Words(const std::string& line) : in_(line) {}
    std::string text() {
        std::string word;
        in_ >> word;
        return word;
    }
    int number() {
        int value = 0;
        in_ >> value;
        return value;
    }
    Bytes bytes() {
        const std::string hex = text();
        Bytes result;
        for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
            result.push_back(static_cast<std::uint8_t>(std::stoi(hex.substr(i, 2), nullptr, 16)));
        return result;
    }
    sockaddr_in address() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        ::inet_pton(AF_INET, text().c_str(), &address.sin_addr);
        address.sin_port = htons(static_cast<std::uint16_t>(number()));
        return address;
    }

  private:
    std::istringstream in_;
};

std::string result_of(ssize_t result) {
    return result < 0 ? "errno " + std::to_string(errno) : "ok " + std::to_string(result);
}

std::string result_of(ssize_t result, const Bytes& bytes) {
    if (result < 0) return "errno " + std::to_string(errno);
    static constexpr char digits[] = "0123456789abcdef";
    std::string hex;
    for (std::size_t i = 0; i < static_cast<std::size_t>(result); ++i) {
        hex += digits[bytes[i] >> 4];
        hex += digits[bytes[i] & 0xf];
    }
    return "ok " + (hex.empty() ? "-" : hex);
}

const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

std::string send(Words& words, bool to_somebody) {
    const int fd = words.number();
    const Bytes bytes = words.bytes();
    const int flags = words.number();
    if (!to_somebody) return result_of(berth_send(fd, bytes.data(), bytes.size(), flags));
    const sockaddr_in to = words.address();
    return result_of(berth_sendto(fd, bytes.data(), bytes.size(), flags, generic(to), sizeof to));
}

std::string receive(Words& words) {
    const int fd = words.number();
    Bytes bytes(static_cast<std::size_t>(words.number()));
    return result_of(berth_recv(fd, bytes.data(), bytes.size(), words.number()), bytes);
}

std::string set_option(Words& words) {
    const int fd = words.number(), level = words.number(), name = words.number();
    const Bytes value = words.bytes();
    return result_of(
        berth_setsockopt(fd, level, name, value.data(), static_cast<socklen_t>(value.size())));
}

std::string get_option(Words& words) {
    const int fd = words.number(), level = words.number(), name = words.number();
    Bytes value(static_cast<std::size_t>(words.number()));
    auto length = static_cast<socklen_t>(value.size());
    const int result = berth_getsockopt(fd, level, name, value.data(), &length);
    return result_of(result < 0 ? -1 : static_cast<ssize_t>(length), value);
}

std::string with_address(Words& words, int (*call)(int, const sockaddr*, socklen_t)) {
    const int fd = words.number();
    const sockaddr_in address = words.address();
    return result_of(call(fd, generic(address), sizeof address));
}

std::string with_number(Words& words, int (*call)(int, int)) {
    const int fd = words.number();
    return result_of(call(fd, words.number()));
}

const std::map<std::string, std::string (*)(Words&)> calls = {
    {"socket", [](Words&) { return result_of(host->socket(SOCK_STREAM)); }},
    {"bind", [](Words& words) { return with_address(words, berth_bind); }},
    {"connect", [](Words& words) { return with_address(words, berth_connect); }},
    {"listen", [](Words& words) { return with_number(words, berth_listen); }},
    {"accept",
     [](Words& words) { return result_of(berth_accept(words.number(), nullptr, nullptr)); }},
    {"send", [](Words& words) { return send(words, false); }},
    {"sendto", [](Words& words) { return send(words, true); }},
    {"recv", receive},
    {"set", set_option},
    {"get", get_option},
    {"nonblocking",
     [](Words& words) { return result_of(berth_fcntl(words.number(), F_SETFL, O_NONBLOCK)); }},
    {"shutdown", [](Words& words) { return with_number(words, berth_shutdown); }},
    {"close", [](Words& words) { return result_of(berth_close(words.number())); }},
};

int complain(const std::string& what) {
    std::fprintf(stderr, "berth_sockets: %s\n", what.c_str());
    return 1;
}

// Empty, or what is wrong.
std::string attach(berth::Host& made, const std::string& link, const std::string& address,
                   const std::string& peer) {
    const auto prefix = berth::parse_ipv4_prefix(address);
    if (!prefix) return "that address cannot be";
    std::optional<berth::Ipv4Prefix> other;
    if (!peer.empty()) other = berth::parse_ipv4_prefix(peer);
    if (const auto index = made.add_link(link, {}, other); !index) return index.error();
    const auto added = made.add_address(0, *prefix);
    return added ? "" : added.error();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) return complain("LINK ADDRESS/LENGTH, and perhaps more, are wanted");
    berth::HostOptions options;
    options.name = "sockets";
    std::string peer;
    for (const std::string& word : std::vector<std::string>(argv + 3, argv + argc)) {
        if (word.rfind("peer=", 0) == 0)
            peer = word.substr(5);
        else if (word.rfind("capture=", 0) == 0)
            options.capture_file = word.substr(8);
        else
            options.sysctls.push_back(word);
    }
    auto made = berth::Host::create(options);
    if (!made) return complain(made.error());
    host = made->get();
    if (const std::string why = attach(*host, argv[1], argv[2], peer); !why.empty())
        return complain(why);

    std::cout << "ready" << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        Words words(line);
        const auto call = calls.find(words.text());
        if (call == calls.end()) return complain("there is no call '" + line + "'");
        std::cout << call->second(words) << std::endl;
    }
    return 0;
}
