// Queries in, and the timers that answer them. What is said is in igmp_reports.cpp.
#include "ip/igmp.hpp"

#include <algorithm>

namespace berth::ip {

namespace {

using wire::IgmpType;
using wire::IgmpVersion;

// The unit of a query's response time, and the pause after an answer: who asks without end is
// answered ten times a second.
constexpr Duration response_unit = milliseconds(100);

}  // namespace

Igmp::Igmp(Ipv4& ip, Random random) : ip_(ip), random_(random) {
    ip_.groups().set_listener(this);
}

Igmp::~Igmp() {
    ip_.groups().set_listener(nullptr);
}

Fate Igmp::receive(const wire::Ipv4View& packet, link::InterfaceIndex interface_index, Time now) {
    const auto message = wire::IgmpView::parse(packet.payload());
    if (!message) return Fate::dropped(message.error());
    // RFC 3376 §4: every message has a TTL of 1; with any other it came through a router.
    if (packet.ttl() != 1) return Fate::dropped(DropReason::igmp_bad_ttl);
    if (link::Interfaces::is_loopback(interface_index))
        return Fate::dropped(DropReason::igmp_not_wanted);
    switch (message->type()) {
        case IgmpType::query: {
            const Fate fate = receive_query(*message, interface_index, now);
            tidy_up();
            return fate;
        }
        case IgmpType::report_v1:
        case IgmpType::report_v2: return receive_report(message->group(), interface_index);
        case IgmpType::leave:
        case IgmpType::report_v3: break;  // for routers
    }
    return Fate::dropped(DropReason::igmp_not_wanted);
}

Fate Igmp::receive_query(const wire::IgmpView& query, link::InterfaceIndex interface_index,
                         Time now) {
    const Ipv4Address group = query.group();
    const bool is_general = group.is_unspecified();
    if (!is_general && !ip_.groups().is_member(interface_index, group))
        return Fate::dropped(DropReason::igmp_not_wanted);
    note_querier(query, interface_index, now);
    const Duration most = response_unit * std::max<std::int64_t>(query.max_response_tenths(), 1);
    if (link_of(interface_index).mode == IgmpVersion::v3) {
        answer_query(query, interface_index, most, now);
    } else {
        answer_old_query(group, interface_index, most, now);
    }
    return Fate::consumed("igmp query");
}

// §7.2.1: the oldest version of a querier heard in the last few query intervals decides.
void Igmp::note_querier(const wire::IgmpView& query, link::InterfaceIndex interface_index,
                        Time now) {
    Link& link = link_of(interface_index);
    const IgmpVersion version = query.query_version();
    if (version == IgmpVersion::v3) {
        link.robustness = query.robustness() == 0 ? default_robustness : query.robustness();
        link.query_interval_s =
            query.query_interval_s() == 0 ? default_query_interval_s : query.query_interval_s();
    } else if (query.group().is_unspecified()) {
        // §8.12: as many intervals as may be lost, and the time to answer.
        const Time until = now + seconds(std::int64_t{link.robustness} * link.query_interval_s) +
                           response_unit * std::int64_t{query.max_response_tenths()};
        (version == IgmpVersion::v1 ? link.v1_querier_until : link.v2_querier_until) = until;
    }
    update_mode(interface_index, now);
}

IgmpVersion Igmp::version(link::InterfaceIndex interface_index, Time now) const {
    if (interface_index >= links_.size()) return IgmpVersion::v3;
    const Link& link = links_[interface_index];
    if (now < link.v1_querier_until) return IgmpVersion::v1;
    return now < link.v2_querier_until ? IgmpVersion::v2 : IgmpVersion::v3;
}

// §7.2.1: who changes the version forgets what it meant to say in the old one.
void Igmp::update_mode(link::InterfaceIndex interface_index, Time now) {
    Link& link = link_of(interface_index);
    const IgmpVersion mode = version(interface_index, now);
    if (mode == link.mode) return;
    link.mode = mode;
    link.general_response_at = Time::never();
    for (Group& group : groups_) {
        if (group.interface_index != interface_index) continue;
        group.response_at = Time::never();
        group.asked_sources.clear();
        group.change_at = Time::never();
        group.mode_reports_left = 0;
        group.source_changes.clear();
    }
}

// RFC 2236 §3: each group has a timer of its own, which a query may only shorten.
void Igmp::answer_old_query(Ipv4Address asked, link::InterfaceIndex interface_index, Duration most,
                            Time now) {
    for (Group& group : groups_) {
        if (group.interface_index != interface_index) continue;
        if (!asked.is_unspecified() && group.address != asked) continue;
        if (!ip_.groups().is_member(interface_index, group.address)) continue;
        if (group.response_at.is_never() || group.response_at - now > most)
            group.response_at = answer_time(link_of(interface_index), most, now);
    }
}

// RFC 3376 §5.2, its five rules.
void Igmp::answer_query(const wire::IgmpView& query, link::InterfaceIndex interface_index,
                        Duration most, Time now) {
    Link& link = link_of(interface_index);
    const Time at = answer_time(link, most, now);
    if (link.general_response_at <= at) return;  // (1)
    if (query.group().is_unspecified()) {        // (2)
        link.general_response_at = at;
        return;
    }
    Group* group = find(interface_index, query.group());
    if (group == nullptr) return;
    const bool was_pending = !group->response_at.is_never();
    const bool about_the_group =
        query.source_count() == 0 || (was_pending && group->asked_sources.empty());
    group->response_at = earlier(group->response_at, at);
    if (about_the_group) {  // (3), (4)
        group->asked_sources.clear();
        return;
    }
    for (std::size_t i = 0; i < query.source_count(); ++i) {  // (3), (5)
        const Ipv4Address source = query.source(i);
        auto& asked = group->asked_sources;
        const auto place = std::lower_bound(asked.begin(), asked.end(), source);
        if (place != asked.end() && *place == source) continue;
        if (asked.size() == limit_recorded_sources) {
            asked.clear();
            return;
        }
        asked.insert(place, source);
    }
}

// RFC 2236 §3: one report on the link is enough; version 3 does without this (RFC 3376 §7.2.2).
Fate Igmp::receive_report(Ipv4Address address, link::InterfaceIndex interface_index) {
    Group* group = find(interface_index, address);
    if (group == nullptr || !ip_.groups().is_member(interface_index, address))
        return Fate::dropped(DropReason::igmp_not_wanted);
    if (link_of(interface_index).mode != IgmpVersion::v3) {
        group->response_at = Time::never();
        group->change_at = Time::never();
        group->mode_reports_left = 0;
        group->is_last_reporter = false;
        tidy_up();
    }
    return Fate::consumed("igmp report of another host");
}

void Igmp::on_group_change(link::InterfaceIndex interface_index, Ipv4Address address,
                           const GroupFilter& before, const GroupFilter& after, Time now) {
    // RFC 1112 Appendix I, RFC 3376 §5: nothing is ever said of the group of all hosts, nor to
    // ourselves.
    if (address == all_hosts_group || link::Interfaces::is_loopback(interface_index) ||
        !ip_.interfaces().has(interface_index))
        return;
    update_mode(interface_index, now);
    Group* group = find(interface_index, address);
    Group untracked;  // beyond the bound: said once, never again
    if (group == nullptr) {
        untracked.interface_index = interface_index;
        untracked.address = address;
        group = &untracked;
        if (groups_.size() < limit_groups) {
            groups_.push_back(untracked);
            group = &groups_.back();
        }
    }
    if (link_of(interface_index).mode == IgmpVersion::v3) {
        change_by_v3(*group, before, after, now);
    } else {
        change_by_v2(*group, before, after, now);
    }
    tidy_up();
}

void Igmp::advance(Time now) {
    if (now < next_) return;
    for (link::InterfaceIndex index = 0; index < links_.size(); ++index) {
        update_mode(index, now);
        if (links_[index].general_response_at > now) continue;
        links_[index].general_response_at = Time::never();
        note_answer(index, now);
        respond_to_all(index, now);
    }
    for (Group& group : groups_) {
        if (group.change_at <= now) report_change(group, now);
        if (group.response_at <= now) {
            note_answer(group.interface_index, now);
            respond(group, now);
        }
    }
    tidy_up();
}

// Forgets groups of which there is nothing more to say, and finds the next deadline.
void Igmp::tidy_up() {
    const auto is_over = [this](const Group& group) {
        // A query about a group that has been left needs no answer, however long it gave us
        // (RFC 3376 §5.2): up to 53 minutes.
        return group.change_at.is_never() &&
               !ip_.groups().is_member(group.interface_index, group.address);
    };
    groups_.erase(std::remove_if(groups_.begin(), groups_.end(), is_over), groups_.end());
    next_ = Time::never();
    for (const Group& group : groups_)
        next_ = earlier(next_, earlier(group.change_at, group.response_at));
    for (const Link& link : links_) {
        next_ = earlier(next_, link.general_response_at);
        if (link.mode == IgmpVersion::v1) next_ = earlier(next_, link.v1_querier_until);
        if (link.mode == IgmpVersion::v2) next_ = earlier(next_, link.v2_querier_until);
    }
}

Igmp::Link& Igmp::link_of(link::InterfaceIndex interface_index) {
    if (interface_index >= links_.size()) links_.resize(interface_index + 1);
    return links_[interface_index];
}

Igmp::Group* Igmp::find(link::InterfaceIndex interface_index, Ipv4Address address) {
    const auto at = std::find_if(groups_.begin(), groups_.end(), [&](const Group& each) {
        return each.interface_index == interface_index && each.address == address;
    });
    return at == groups_.end() ? nullptr : &*at;
}

Time Igmp::answer_time(const Link& link, Duration most, Time now) {
    return std::max(now + delay_up_to(most), link.may_answer_at);
}

void Igmp::note_answer(link::InterfaceIndex interface_index, Time now) {
    link_of(interface_index).may_answer_at = now + response_unit;
}

Duration Igmp::delay_up_to(Duration most) {
    return microseconds(1 + random_.below(static_cast<std::uint32_t>(most.microseconds())));
}

}  // namespace berth::ip
