// From a link's name to a device that is open.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"
#include "berth/address.hpp"
#include "drivers/cable.hpp"
#include "drivers/link_url.hpp"
#include "link/link_device.hpp"

namespace berth::drivers {

struct OpenOptions {
    // tap only: the kernel's side gets this address and comes up.
    std::optional<Ipv4Prefix> peer_address;
    // The stack's own address, if it is known: suggestions to the user are built around it.
    std::optional<Ipv4Prefix> own_address;
    // Of the impairment, where the link's name has no seed=.
    Seed impairment_seed{};
    // cable only: where the other end is to be found. Null: there are no cables.
    CableBox* cables = nullptr;
    // Told, at most once, the commands (one per line) that somebody has to run before packets flow.
    std::function<void(std::string_view commands)> on_setup_hint;
};

// The error is a whole line: what happened, to what, and what to do.
Result<std::unique_ptr<link::LinkDevice>, std::string> open_link(const LinkUrl& url,
                                                                 const OpenOptions& options);

}  // namespace berth::drivers
