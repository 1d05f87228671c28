#include "host/measurement.hpp"

#include "drivers/text.hpp"
#include "host/path_trace.hpp"
#include "host/ping_session.hpp"
#include "host/resolver.hpp"

namespace berth::host {

namespace {

using drivers::concat;
using Json = nlohmann::ordered_json;

constexpr std::string_view ping_word = "ping ";
constexpr std::string_view trace_word = "traceroute ";

// The whole measurement; empty, or why there is none.
std::string run(Core& core, std::string_view request, const Conversation& conversation) {
    if (!core.threads()) return "an embedded host has no clock to measure with";
    const bool is_ping = request.starts_with(ping_word);
    request.remove_prefix(is_ping ? ping_word.size() : trace_word.size());
    RequestFields fields(request);
    const std::string to = fields.text("to");
    const auto destination = fields.problem().empty()
                                 ? find_destination(core, to, conversation.stop_descriptor)
                                 : Result<Ipv4Address, std::string>(Failure{fields.problem()});
    if (!destination) return destination.error();
    if (is_ping) {
        PingPlan plan = ping_plan(fields, *destination);
        return fields.problem().empty() ? ping(core, plan, conversation) : fields.problem();
    }
    const TracePlan plan = trace_plan(fields, *destination);
    return fields.problem().empty() ? trace_path(core, plan, conversation) : fields.problem();
}

}  // namespace

void Conversation::report(const char* event, Json fields) const {
    Json line{{"schema", 1}, {"event", event}};
    line.update(fields);
    tell(line.dump(-1, ' ', true, Json::error_handler_t::replace));
}

bool is_measurement(std::string_view request) {
    return request.starts_with(ping_word) || request.starts_with(trace_word);
}

void measure(Core& core, std::string_view request, const Conversation& conversation) {
    const std::string problem = run(core, request, conversation);
    if (problem.empty()) return;
    const Json line{{"schema", 1}, {"error", problem}};
    conversation.tell(line.dump(-1, ' ', true, Json::error_handler_t::replace));
}

RequestFields::RequestFields(std::string_view text)
    : fields_(nlohmann::json::parse(text, nullptr, false)) {
    if (!fields_.is_object()) problem_ = "a measurement's request is a word and a JSON object";
}

void RequestFields::wrong(const char* key, std::string_view why) {
    if (problem_.empty()) problem_ = concat({"the request's '", key, "' ", why});
}

std::int64_t RequestFields::number(const char* key, std::int64_t least, std::int64_t greatest,
                                   std::int64_t otherwise) {
    if (!problem_.empty() || !fields_.contains(key)) return otherwise;
    const auto& value = fields_[key];
    const bool whole = value.is_number_integer();
    const auto given = whole ? value.get<std::int64_t>() : least - 1;
    if (whole && given >= least && given <= greatest) return given;
    wrong(key,
          concat({"is a number from ", std::to_string(least), " to ", std::to_string(greatest)}));
    return otherwise;
}

std::string RequestFields::text(const char* key) {
    if (!problem_.empty() || !fields_.contains(key)) return {};
    if (fields_[key].is_string()) return fields_[key].get<std::string>();
    wrong(key, "is a text");
    return {};
}

Result<Ipv4Address, std::string> find_destination(Core& core, const std::string& text,
                                                  int stop_descriptor) {
    const auto found = resolve_name(core.shared_from_this(), text, stop_descriptor);
    if (found.error != LookupError::none) return Failure{sentence_about(found.error, text)};
    return found.addresses.front();
}

}  // namespace berth::host
