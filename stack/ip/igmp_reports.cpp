// What IGMP says, of changes and when asked.
#include <algorithm>
#include <array>

#include "ip/igmp.hpp"

namespace berth::ip {

namespace {

using wire::IgmpRecord;
using wire::IgmpRecordType;
using wire::IgmpType;
using wire::IgmpVersion;

// RFC 3376 §4: internetwork control, so that a congested switch keeps it.
constexpr std::uint8_t igmp_dscp = 0xc0 >> 2;
constexpr std::size_t header_bytes_with_router_alert = wire::ipv4_header_bytes + 4;

bool contains(const std::vector<Ipv4Address>& sorted, Ipv4Address address) {
    return std::binary_search(sorted.begin(), sorted.end(), address);
}

}  // namespace

// §5.1: a change of the mode is told with all that the new one names; a change of the sources by
// its difference; each as often as the robustness says.
void Igmp::change_by_v3(Group& group, const GroupFilter& before, const GroupFilter& after,
                        Time now) {
    const std::uint8_t robustness = link_of(group.interface_index).robustness;
    if (before.is_exclude != after.is_exclude) {
        group.mode_reports_left = robustness;
        group.source_changes.clear();
    } else {
        const auto note = [&](Ipv4Address source, bool is_allowed) {
            auto& changes = group.source_changes;
            changes.erase(
                std::remove_if(changes.begin(), changes.end(),
                               [&](const SourceChange& each) { return each.address == source; }),
                changes.end());
            if (changes.size() == limit_source_changes) changes.erase(changes.begin());
            changes.push_back({source, is_allowed, robustness});
        };
        for (const Ipv4Address source : after.included)
            if (!contains(before.included, source)) note(source, true);
        for (const Ipv4Address source : before.included)
            if (!contains(after.included, source)) note(source, false);
    }
    report_change(group, now);
}

// RFC 2236 §3: who joins says so at once and again; who leaves says so if it was the last to speak.
void Igmp::change_by_v2(Group& group, const GroupFilter& before, const GroupFilter& after,
                        Time now) {
    if (before.is_member() == after.is_member()) return;  // there are no sources in this version
    if (after.is_member()) {
        group.mode_reports_left = link_of(group.interface_index).robustness;
        report_change(group, now);
        return;
    }
    group.response_at = Time::never();
    group.change_at = Time::never();
    group.mode_reports_left = 0;
    // RFC 2236 §4: version 1 knows no leaving.
    if (group.is_last_reporter && link_of(group.interface_index).mode == IgmpVersion::v2)
        send_old(group.interface_index, IgmpType::leave, group.address, now);
}

void Igmp::report_change(Group& group, Time now) {
    group.change_at = Time::never();
    if (link_of(group.interface_index).mode != IgmpVersion::v3) {
        if (group.mode_reports_left == 0) return;
        report_membership(group, now);
        if (--group.mode_reports_left > 0)
            group.change_at = now + delay_up_to(unsolicited_interval_v2);
        return;
    }
    const GroupFilter filter = ip_.groups().filter(group.interface_index, group.address);
    if (group.mode_reports_left > 0) {
        --group.mode_reports_left;
        const IgmpRecord record{
            filter.is_exclude ? IgmpRecordType::to_exclude : IgmpRecordType::to_include,
            group.address, filter.included};
        send_report(group.interface_index, {&record, 1}, now);
    } else {
        report_source_changes(group, now);
    }
    if (group.mode_reports_left > 0 || !group.source_changes.empty())
        group.change_at = now + delay_up_to(unsolicited_interval);
}

void Igmp::report_source_changes(Group& group, Time now) {
    std::vector<Ipv4Address> allowed;
    std::vector<Ipv4Address> blocked;
    for (SourceChange& change : group.source_changes) {
        --change.reports_left;
        (change.is_allowed ? allowed : blocked).push_back(change.address);
    }
    std::vector<IgmpRecord> records;
    if (!allowed.empty()) records.push_back({IgmpRecordType::allow_new, group.address, allowed});
    if (!blocked.empty()) records.push_back({IgmpRecordType::block_old, group.address, blocked});
    if (!records.empty()) send_report(group.interface_index, records, now);
    auto& changes = group.source_changes;
    changes.erase(std::remove_if(changes.begin(), changes.end(),
                                 [](const SourceChange& each) { return each.reports_left == 0; }),
                  changes.end());
}

// RFC 3376 §5.2: the state of one group, or of those of its sources that were asked for.
void Igmp::respond(Group& group, Time now) {
    group.response_at = Time::never();
    std::vector<Ipv4Address> asked;
    asked.swap(group.asked_sources);
    const GroupFilter filter = ip_.groups().filter(group.interface_index, group.address);
    if (!filter.is_member()) return;
    if (link_of(group.interface_index).mode != IgmpVersion::v3) {
        report_membership(group, now);
        return;
    }
    IgmpRecord record{IgmpRecordType::is_include, group.address, filter.included};
    if (asked.empty()) {
        if (filter.is_exclude) record.type = IgmpRecordType::is_exclude;
    } else {
        if (!filter.is_exclude) {
            asked.erase(std::remove_if(
                            asked.begin(), asked.end(),
                            [&](Ipv4Address source) { return !contains(filter.included, source); }),
                        asked.end());
        }
        if (asked.empty()) return;
        record.sources = asked;
    }
    send_report(group.interface_index, {&record, 1}, now);
}

// The state of all groups, in as many reports as it takes.
void Igmp::respond_to_all(link::InterfaceIndex interface_index, Time now) {
    std::vector<std::pair<Ipv4Address, GroupFilter>> states;
    ip_.groups().for_each(
        [&](link::InterfaceIndex index, Ipv4Address group, const GroupFilter& filter) {
            if (index == interface_index && group != all_hosts_group)
                states.emplace_back(group, filter);
        });
    const std::size_t room =
        ip_.interface_at(interface_index).mtu() - header_bytes_with_router_alert - wire::igmp_bytes;
    std::vector<IgmpRecord> records;
    std::size_t bytes = 0;
    for (const auto& [group, filter] : states) {
        const IgmpRecord record{
            filter.is_exclude ? IgmpRecordType::is_exclude : IgmpRecordType::is_include, group,
            filter.included};
        if (!records.empty() && bytes + record.bytes() > room) {
            send_report(interface_index, records, now);
            records.clear();
            bytes = 0;
        }
        records.push_back(record);
        bytes += record.bytes();
    }
    if (!records.empty()) send_report(interface_index, records, now);
}

void Igmp::report_membership(Group& group, Time now) {
    const bool is_v1 = link_of(group.interface_index).mode == IgmpVersion::v1;
    send_old(group.interface_index, is_v1 ? IgmpType::report_v1 : IgmpType::report_v2,
             group.address, now);
    group.is_last_reporter = true;
}

void Igmp::send_report(link::InterfaceIndex interface_index, std::span<const IgmpRecord> records,
                       Time now) {
    std::size_t bytes = wire::igmp_bytes;
    for (const IgmpRecord& record : records)
        bytes += record.bytes();
    message_.assign(bytes, 0);
    wire::write_igmp_report(records, message_);
    send(interface_index, igmp_v3_routers_group, now);
}

// RFC 2236 §3: a report goes to the group itself, so that its other members hear it.
void Igmp::send_old(link::InterfaceIndex interface_index, IgmpType type, Ipv4Address group,
                    Time now) {
    message_.assign(wire::igmp_bytes, 0);
    wire::write_igmp(type, group, message_);
    send(interface_index, type == IgmpType::leave ? all_routers_group : group, now);
}

// RFC 3376 §4: TTL 1, and an option that has routers look into it. §4.2.13: from 0.0.0.0 where the
// interface has no address yet.
void Igmp::send(link::InterfaceIndex interface_index, Ipv4Address destination, Time now) {
    const link::Interface& interface = ip_.interface_at(interface_index);
    Path path{interface_index, destination, {}, interface.mtu()};
    if (!interface.addresses().empty()) path.source = interface.addresses().front().address;
    SendFields fields;
    fields.destination = destination;
    fields.protocol = Protocol::igmp;
    fields.ttl = 1;
    fields.dscp = igmp_dscp;
    fields.router_alert = true;
    const std::array<Bytes, 1> parts{Bytes(message_)};
    const DropReason reason = ip_.send_on(path, fields, parts, now, Fate::sent("igmp"));
    if (reason == DropReason::none) ++messages_sent_;
}

}  // namespace berth::ip
