// Where control sockets lie, and whom they belong to.
#pragma once

#include <sys/un.h>

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "drivers/unique_fd.hpp"

namespace berth::host {

// 1 to 64 of A-Z a-z 0-9 . _ - and no dot in front: safe in a path and in a terminal.
bool is_control_name(std::string_view name);

// The folder's path, whether or not it is there.
std::string control_folder();
// Opens the folder after a look at its owner and mode. `create`: makes it (mode 0700). Errors are
// sentences; with `missing` given, a folder that is not there is no error but sets it.
Result<drivers::UniqueFd, std::string> open_control_folder(bool create, bool* missing = nullptr);
std::string control_path(std::string_view name);

// An address for bind and connect; false: the path is too long for one (107 bytes).
bool unix_address(const std::string& path, sockaddr_un& address);

// Connects without waiting; an empty descriptor and errno if that fails.
drivers::UniqueFd connect_control(const std::string& path);

}  // namespace berth::host
