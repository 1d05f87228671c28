#include "harness/app.hpp"

#include <array>

#include "harness/pattern.hpp"

namespace berth::harness {

std::string error_text(std::errc error) {
    if (error == std::errc{}) return "success";
    return std::string("'").append(std::make_error_code(error).message()).append("'");
}

bool App::begins(const std::string& what, Where where) {
    if (!script_.expect_quiet(where)) return false;
    script_.core();
    script_.tell("app: " + what);
    return true;
}

bool App::succeeded(std::errc error, const std::string& call, Where where) {
    return failed_with(error, std::errc{}, call, where);
}

bool App::failed_with(std::errc error, std::errc expected, const std::string& call, Where where) {
    script_.append(" = " + error_text(error));
    if (error == expected) return true;
    script_.fail(where,
                 call + " gave " + error_text(error) + ", expected " + error_text(expected) + ".");
    return false;
}

void App::listens(int backlog, Where where) {
    listens_at({{}, script_.local.port}, backlog, where);
}

void App::listens_at(Endpoint local, int backlog, Where where) {
    if (!begins("listen(" + to_string(local) + ", backlog " + std::to_string(backlog) + ")", where))
        return;
    listener_ = socket::open(script_.core(), socket::Type::stream);
    listener_->set_option(socket::Option::reuse_address, 1);  // as servers do
    listener_->set_option(socket::Option::reuse_port, shares_port);
    if (!succeeded(listener_->bind(local), "bind", where)) return;
    if (succeeded(listener_->listen(backlog), "listen", where)) ends(where);
}

void App::accepts(Where where) {
    if (!begins("accept()", where)) return;
    auto accepted = listener_->accept();
    if (!succeeded(accepted ? std::errc{} : accepted.error(), "accept", where)) return;
    socket_ = std::move(*accepted);
    sent_ = 0;
    read_ = 0;
    const std::optional<Endpoint> remote = socket_->remote();
    if (remote != peer_.endpoint) {
        script_.fail(where, "The accepted connection is with " +
                                (remote ? to_string(*remote) : "nobody") + ", expected " +
                                to_string(peer_.endpoint) + ".");
        return;
    }
    ends(where);
}

void App::accept_fails(std::errc error, Where where) {
    if (!begins("accept()", where)) return;
    const auto accepted = listener_->accept();
    if (failed_with(accepted ? std::errc{} : accepted.error(), error, "accept", where)) ends(where);
}

void App::connects(Where where) {
    if (!begins("connect(" + to_string(peer_.endpoint) + ")", where)) return;
    socket_ = socket::open(script_.core(), socket::Type::stream);
    sent_ = 0;
    read_ = 0;
    socket_->set_option(socket::Option::reuse_address, 1);
    if (!succeeded(socket_->bind(peer_.stack_endpoint), "bind", where)) return;
    if (failed_with(socket_->connect(peer_.endpoint), std::errc::operation_in_progress, "connect",
                    where))
        ends(where);
}

std::size_t App::sends_some(std::size_t bytes, Where where) {
    if (!begins("send(" + std::to_string(bytes) + ")", where)) return 0;
    const auto data = pattern(Source::app, sent_, bytes);
    const std::array<Bytes, 1> parts{Bytes(data)};
    const auto taken = socket_->send(parts, std::nullopt);
    if (!taken && taken.error() == std::errc::operation_would_block) {
        script_.append(" = would block");
        return 0;
    }
    if (!succeeded(taken ? std::errc{} : taken.error(), "send", where)) return 0;
    script_.append(", " + std::to_string(*taken) + " bytes");
    sent_ += *taken;
    ends(where);
    return *taken;
}

void App::sends(std::size_t bytes, Where where) {
    const std::size_t taken = sends_some(bytes, where);
    if (script_.goes_on() && taken != bytes) {
        script_.fail(where, "send took " + std::to_string(taken) + " of " + std::to_string(bytes) +
                                " bytes.");
    }
}

void App::send_fails(std::errc error, Where where) {
    if (!begins("send(1)", where)) return;
    const auto data = pattern(Source::app, sent_, 1);
    const std::array<Bytes, 1> parts{Bytes(data)};
    const auto taken = socket_->send(parts, std::nullopt);
    if (failed_with(taken ? std::errc{} : taken.error(), error, "send", where)) ends(where);
}

void App::reads(std::size_t bytes, Where where) {
    if (!begins("receive(" + std::to_string(bytes) + ")", where)) return;
    std::vector<std::uint8_t> data(bytes);
    std::size_t filled = 0;
    // A stream may give less at a time than it has.
    while (filled < bytes) {
        const std::array<MutableBytes, 1> parts{MutableBytes(data).subspan(filled)};
        const auto received = socket_->receive(parts, {});
        if (!received || received->bytes == 0) {
            script_.fail(where,
                         "receive gave " + std::to_string(filled) + " of " + std::to_string(bytes) +
                             " bytes and then " +
                             (received ? "the end of the stream" : error_text(received.error())) +
                             ".");
            return;
        }
        filled += received->bytes;
    }
    if (data != pattern(Source::peer, read_, bytes)) {
        script_.fail(where, "What was received is not what the peer sent at that place.");
        return;
    }
    read_ += bytes;
    ends(where);
}

void App::reads_end(Where where) {
    if (!begins("receive()", where)) return;
    std::array<std::uint8_t, 1> data{};
    const std::array<MutableBytes, 1> parts{MutableBytes(data)};
    const auto received = socket_->receive(parts, {});
    if (!succeeded(received ? std::errc{} : received.error(), "receive", where)) return;
    if (received->bytes != 0)
        script_.fail(where, "receive gave data, expected the end of the stream.");
    ends(where);
}

void App::read_fails(std::errc error, Where where) {
    if (!begins("receive()", where)) return;
    std::array<std::uint8_t, 1> data{};
    const std::array<MutableBytes, 1> parts{MutableBytes(data)};
    const auto received = socket_->receive(parts, {});
    if (failed_with(received ? std::errc{} : received.error(), error, "receive", where))
        ends(where);
}

void App::closes(Where where) {
    if (!begins("close()", where)) return;
    socket_.reset();
    ends(where);
}

void App::closes_listener(Where where) {
    if (!begins("close(listener)", where)) return;
    listener_.reset();
    ends(where);
}

void App::shuts_down(socket::Shutdown how, Where where) {
    if (!begins("shutdown()", where)) return;
    if (succeeded(socket_->shutdown(how), "shutdown", where)) ends(where);
}

void App::aborts(Where where) {
    if (!begins("close() with SO_LINGER 0", where)) return;
    if (!succeeded(socket_->set_option(socket::Option::linger, 0), "SO_LINGER", where)) return;
    socket_.reset();
    ends(where);
}

void App::sets(socket::Option option, std::int64_t value, Where where) {
    if (!begins("set option " + std::to_string(static_cast<int>(option)) + " to " +
                    std::to_string(value),
                where))
        return;
    if (succeeded(socket_->set_option(option, value), "set_option", where)) ends(where);
}

void App::error_is(std::errc error, Where where) {
    if (!begins("SO_ERROR", where)) return;
    const auto value = socket_->get_option(socket::Option::error);
    if (!succeeded(value ? std::errc{} : value.error(), "get_option", where)) return;
    const auto pending = static_cast<std::errc>(*value);
    if (pending != error)
        script_.fail(
            where, "SO_ERROR is " + error_text(pending) + ", expected " + error_text(error) + ".");
}

void App::is_readable(bool readable, Where where) {
    if (!script_.goes_on() || socket_->readiness().readable == readable) return;
    script_.fail(where, readable ? "The socket is not readable." : "The socket is readable.");
}

void App::is_writable(bool writable, Where where) {
    if (!script_.goes_on() || socket_->readiness().writable == writable) return;
    script_.fail(where, writable ? "The socket is not writable." : "The socket is writable.");
}

}  // namespace berth::harness
