// IGMP as a host speaks it (RFC 3376 §5, with §7's compatibility with RFC 2236 and RFC 1112): tells
// the routers of a link which groups somebody here listens to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/fate.hpp"
#include "base/random.hpp"
#include "base/time.hpp"
#include "ip/group_memberships.hpp"
#include "ip/ipv4.hpp"
#include "wire/igmp.hpp"
#include "wire/ipv4.hpp"

namespace berth::ip {

// RFC 2236 §3: leaves go to all routers. RFC 3376 §4.2.14: reports to all that speak version 3.
inline constexpr Ipv4Address all_routers_group{224, 0, 0, 2};
inline constexpr Ipv4Address igmp_v3_routers_group{224, 0, 0, 22};

class Igmp final : private GroupListener {
  public:
    // RFC 3376 §8, the defaults until a querier says otherwise.
    static constexpr std::uint8_t default_robustness = 2;             // §8.1
    static constexpr std::uint32_t default_query_interval_s = 125;    // §8.2
    static constexpr Duration unsolicited_interval = seconds(1);      // §8.11
    static constexpr Duration unsolicited_interval_v2 = seconds(10);  // RFC 2236 §8.10
    // Groups of which something is still to be said; those beyond it are told of once only.
    static constexpr std::size_t limit_groups = 2 * GroupMemberships::limit_groups;
    // Sources of a group whose changes are repeated; beyond it the oldest change is not.
    static constexpr std::size_t limit_source_changes = 2 * GroupMemberships::limit_sources;
    // Sources that a querier may ask of one group at a time; beyond it the whole group is answered.
    static constexpr std::size_t limit_recorded_sources = 64;

    // Listens to the groups that the ip layer keeps.
    Igmp(Ipv4& ip, Random random);
    ~Igmp() override;
    Igmp(const Igmp&) = delete;
    Igmp& operator=(const Igmp&) = delete;

    Fate receive(const wire::Ipv4View& packet, link::InterfaceIndex interface_index, Time now);

    void advance(Time now);
    Time next_deadline() const { return next_; }

    // RFC 3376 §7.2.1: that of the oldest querier heard lately.
    wire::IgmpVersion version(link::InterfaceIndex interface_index, Time now) const;

    std::uint64_t messages_sent() const { return messages_sent_; }
    // Records of groups whose reports are not all sent, and of groups that are joined.
    std::size_t size() const { return groups_.size(); }

  private:
    // A source that some routers have not heard of yet.
    struct SourceChange {
        Ipv4Address address;
        bool is_allowed = false;
        std::uint8_t reports_left = 0;
    };
    struct Group {
        link::InterfaceIndex interface_index = 0;
        Ipv4Address address;
        // An answer to a query (§5.2 (3) … (5)); version 1 and 2: the delay timer.
        Time response_at = Time::never();
        std::vector<Ipv4Address> asked_sources;  // empty: about the group
        // A change to be told again (§5.1).
        Time change_at = Time::never();
        std::uint8_t mode_reports_left = 0;
        std::vector<SourceChange> source_changes;
        bool is_last_reporter = false;  // RFC 2236 §3: who leaves says so if it was
    };
    struct Link {
        Time general_response_at = Time::never();  // §5.2 (2)
        Time may_answer_at{};                      // the last answer, and a pause
        Time v1_querier_until{};
        Time v2_querier_until{};
        std::uint8_t robustness = default_robustness;
        std::uint32_t query_interval_s = default_query_interval_s;
        wire::IgmpVersion mode = wire::IgmpVersion::v3;
    };

    void on_group_change(link::InterfaceIndex interface_index, Ipv4Address group,
                         const GroupFilter& before, const GroupFilter& after, Time now) override;
    Fate receive_query(const wire::IgmpView& query, link::InterfaceIndex interface_index, Time now);
    Fate receive_report(Ipv4Address group, link::InterfaceIndex interface_index);
    void note_querier(const wire::IgmpView& query, link::InterfaceIndex interface_index, Time now);
    void update_mode(link::InterfaceIndex interface_index, Time now);
    void answer_old_query(Ipv4Address asked, link::InterfaceIndex interface_index, Duration most,
                          Time now);
    void answer_query(const wire::IgmpView& query, link::InterfaceIndex interface_index,
                      Duration most, Time now);

    void change_by_v3(Group& group, const GroupFilter& before, const GroupFilter& after, Time now);
    void change_by_v2(Group& group, const GroupFilter& before, const GroupFilter& after, Time now);
    void report_change(Group& group, Time now);
    void report_source_changes(Group& group, Time now);
    void report_membership(Group& group, Time now);
    void respond(Group& group, Time now);
    void respond_to_all(link::InterfaceIndex interface_index, Time now);

    void send_report(link::InterfaceIndex interface_index,
                     std::span<const wire::IgmpRecord> records, Time now);
    void send_old(link::InterfaceIndex interface_index, wire::IgmpType type, Ipv4Address group,
                  Time now);
    void send(link::InterfaceIndex interface_index, Ipv4Address destination, Time now);

    Link& link_of(link::InterfaceIndex interface_index);
    Group* find(link::InterfaceIndex interface_index, Ipv4Address group);
    Duration delay_up_to(Duration most);
    Time answer_time(const Link& link, Duration most, Time now);
    void note_answer(link::InterfaceIndex interface_index, Time now);
    void tidy_up();

    Ipv4& ip_;
    Random random_;
    std::vector<Link> links_;  // by interface
    std::vector<Group> groups_;
    std::vector<std::uint8_t> message_;  // that is being sent
    Time next_ = Time::never();
    std::uint64_t messages_sent_ = 0;
};

}  // namespace berth::ip
