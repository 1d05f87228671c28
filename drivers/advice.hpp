// What a user can do when the system refuses a device: only ways that work on this machine.
#pragma once

#include <string>

namespace berth::drivers {

// True if this process could make a user and network namespace and a TAP in it. Tried in a child.
bool can_unshare_for_tap();

// How to get at a TAP device after errno value `error`; begins with a verb, without full stop.
std::string advice_for_tap(int error);
// How to get at a live capture; the same form.
std::string advice_for_capture(int error);

}  // namespace berth::drivers
