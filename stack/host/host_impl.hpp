// What stands behind berth::Host.
#pragma once

#include <memory>

#include "berth/host.hpp"
#include "host/core.hpp"
#include "host/process.hpp"

namespace berth {

class Host::Impl {
  public:
    explicit Impl(std::shared_ptr<host::Core> made)
        : core(std::move(made)), process(&host::Process::current()) {}

    const std::shared_ptr<host::Core> core;
    host::Process* const process;  // a child made by fork() has another one
};

}  // namespace berth
