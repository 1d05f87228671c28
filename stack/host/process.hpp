// What belongs to the process and not to one host: the descriptor table and the list of hosts.
//
// A child made by fork() has neither the threads nor the links' positions of its parent, so it gets
// an empty table and an empty list: its berth calls on inherited descriptors say EBADF, its
// parent's hosts are left alone, and it may make hosts of its own.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "host/core.hpp"
#include "host/descriptor_table.hpp"

namespace berth::host {

class Process {
  public:
    // The one of this process. Never destroyed: threads may use it until the very end.
    static Process& current();

    Process();
    DescriptorTable& descriptors() { return *descriptors_; }

    void add(const std::shared_ptr<Core>& core);
    void remove(const Core& core);
    // For berth_socket: the chosen host, else the oldest one there is; null: none.
    std::shared_ptr<Core> default_host();
    void choose(const std::shared_ptr<Core>& core);

  private:
    std::unique_ptr<DescriptorTable> descriptors_;
    std::mutex mutex_;
    std::vector<std::weak_ptr<Core>> hosts_;  // oldest first
    std::weak_ptr<Core> chosen_;
};

// The sentence of berth_host_error(), one for each thread.
void set_last_error(std::string sentence);
const char* last_error();

}  // namespace berth::host
