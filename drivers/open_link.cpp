#include "drivers/open_link.hpp"

#include <utility>

#include "drivers/impairment.hpp"
#include "drivers/pcap_file.hpp"
#include "drivers/pcap_live.hpp"
#include "drivers/tap.hpp"
#include "drivers/text.hpp"
#include "drivers/unix_link.hpp"

namespace berth::drivers {
namespace {

using Opened = Result<std::unique_ptr<link::LinkDevice>, std::string>;

template <class Device>
Opened as_device(Result<std::unique_ptr<Device>, std::string> opened) {
    if (!opened) return Failure{opened.error()};
    return std::unique_ptr<link::LinkDevice>(*std::move(opened));
}

Opened open_tap(const LinkUrl& url, const OpenOptions& options) {
    auto tap = TapLink::open(url.name, {options.peer_address, url.options.mtu});
    if (tap && options.on_setup_hint) {
        const std::string hint = (*tap)->setup_hint(options.own_address);
        if (!hint.empty()) options.on_setup_hint(hint);
    }
    return as_device(std::move(tap));
}

Opened open_cable(const LinkUrl& url, const OpenOptions& options) {
    if (options.cables == nullptr) {
        return Failure<std::string>{
            "a cable: link joins hosts inside one program, such as a lab; use unix:PATH to join "
            "programs"};
    }
    CableOptions cable;
    cable.kind = url.options.raw ? link::LinkKind::raw_ip : link::LinkKind::ethernet;
    cable.mtu = url.options.mtu.value_or(cable.mtu);
    std::unique_ptr<link::LinkDevice> end = options.cables->take_end(url.name, cable);
    if (!end) {
        return Failure{concat({"both ends of cable:", url.name,
                               " are taken; a cable has two ends, so choose another name"})};
    }
    return end;
}

Opened open_plain(const LinkUrl& url, const OpenOptions& options) {
    switch (url.kind) {
        case LinkUrlKind::tap: return open_tap(url, options);
        case LinkUrlKind::pcap: return as_device(PcapLiveLink::open(url.name, url.options.filter));
        case LinkUrlKind::pcapfile:
            return as_device(PcapFileLink::open(url.name, url.options.out, url.options.mtu));
        case LinkUrlKind::unix_socket: {
            UnixLinkOptions unix_options;
            unix_options.mtu = url.options.mtu.value_or(unix_options.mtu);
            return as_device(url.options.listen ? UnixLink::listen(url.name, unix_options)
                                                : UnixLink::connect(url.name, unix_options));
        }
        case LinkUrlKind::cable: return open_cable(url, options);
    }
    return Failure<std::string>{"unknown kind of link"};
}

}  // namespace

Opened open_link(const LinkUrl& url, const OpenOptions& options) {
    if (options.peer_address && url.kind != LinkUrlKind::tap) {
        return Failure{concat({"a peer address is the kernel's side of a tap: link, and a ",
                               name_of(url.kind), ": link has none; leave --peer-address out"})};
    }
    Opened device = open_plain(url, options);
    const ImpairmentOptions& impairment = url.options.impairment;
    if (!device || !impairment.any()) return device;
    const Seed seed = url.options.seed ? Seed::from(*url.options.seed) : options.impairment_seed;
    return std::unique_ptr<link::LinkDevice>(
        std::make_unique<ImpairedLink>(*std::move(device), impairment, seed));
}

}  // namespace berth::drivers
