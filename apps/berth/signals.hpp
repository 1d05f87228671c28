// SIGINT and SIGTERM as something to poll for, next to the sockets.
#pragma once

namespace berth::app {

// Blocks both signals in this thread and all it starts (so make it before the host), and gives a
// descriptor that is readable when one came.
class StopSignals {
  public:
    StopSignals();  // throws Failure
    ~StopSignals();
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;

    int fd() const { return fd_; }
    int take();  // the signal's number; 0: none came

  private:
    int fd_ = -1;
};

// Ends the program as the signal would have, so that a shell sees why.
[[noreturn]] void end_by(int signal_number);

}  // namespace berth::app
