#include "host/call.hpp"

#include <fcntl.h>

#include "berth/socket.h"
#include "host/process.hpp"

namespace berth::host {

int fail(int error) {
    errno = error;
    return -1;
}

Call::Call(int fd) : file_(Process::current().descriptors().find(fd)) {
    if (!file_) {
        const bool kernels = fd >= 0 && fd < BERTH_FIRST_DESCRIPTOR && ::fcntl(fd, F_GETFD) >= 0;
        error_ = kernels ? ENOTSOCK : EBADF;
        return;
    }
    guard_ = CoreGuard(file_->core->lock());
    if (!file_->socket) error_ = EBADF;  // closed between the two lines above
}

Patience Patience::of(const OpenFile& file, bool dont_wait, Duration timeout) {
    Patience patience;
    patience.blocks = !dont_wait && !file.nonblocking && file.core->threads();
    if (patience.blocks && timeout.ns > 0) patience.deadline = file.core->now() + timeout;
    return patience;
}

}  // namespace berth::host
