// The socket calls of a packetdrill script, made on a stack.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "harness/packetdrill.hpp"
#include "harness/script.hpp"
#include "socket/sockets.hpp"

namespace berth::harness::packetdrill {

// The sysctls that scripts set before they begin; false: not one that is known.
bool apply(const Sysctl& sysctl, tcp::Config& config);

class Calls {
  public:
    struct Outcome {
        std::int64_t result = 0;
        std::string error;
        bool understood = true;
        bool would_block() const {
            return error == "EAGAIN" || error == "EINPROGRESS" || error == "EALREADY";
        }
    };

    Calls(Script& script, Endpoint remote) : script_(script), remote_(remote) {}

    Outcome make(const Call& call);
    // Where the stack's end is: the script's address and the port that "..." stands for, or what
    // the first SYN said.
    Endpoint local() const { return local_; }
    void learn_local(Endpoint local) { local_ = local; }

  private:
    struct Descriptor {
        std::unique_ptr<socket::Socket> socket;
        std::uint64_t written = 0;
        std::uint64_t read = 0;
    };

    Outcome on_socket(const Call& call, Descriptor& descriptor);
    Outcome accept(const Call& call, Descriptor& descriptor);
    Outcome connect(Descriptor& descriptor);
    Outcome write(const Call& call, Descriptor& descriptor);
    Outcome read(const Call& call, Descriptor& descriptor);
    Outcome option(const Call& call, Descriptor& descriptor);

    Script& script_;
    Endpoint remote_;
    Endpoint local_{Ipv4Address(192, 0, 2, 2), 8080};
    std::map<int, Descriptor> descriptors_;
};

}  // namespace berth::harness::packetdrill
