// Which binding hears at a local endpoint: the one at the address before the wildcard.
#include "demux/listener_table.hpp"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "base/random.hpp"

namespace berth::demux {
namespace {

constexpr SipHashKey key{1, 2};
constexpr Ipv4Address wildcard;
constexpr Ipv4Address address_a(192, 0, 2, 1);
constexpr Ipv4Address address_b(192, 0, 2, 2);
constexpr Endpoint client{Ipv4Address(198, 51, 100, 9), 40000};

TEST(ListenerTable, NobodyHearsInAnEmptyTable) {
    const ListenerTable table(key);
    const auto match = table.find({address_a, 80}, client);
    EXPECT_EQ(match.binding, nullptr);
    EXPECT_EQ(match.match, DemuxMatch::nobody);
    EXPECT_EQ(table.find_exact({wildcard, 80}), nullptr);
    EXPECT_FALSE(table.port_in_use(80));
}

TEST(ListenerTable, TheListenerAtTheAddressGoesBeforeTheWildcard) {
    // In either order of binding.
    for (const bool wildcard_first : {false, true}) {
        ListenerTable table(key);
        LocalBinding at_address{{address_a, 80}};
        LocalBinding at_wildcard{{wildcard, 80}};
        ASSERT_TRUE(table.insert(wildcard_first ? at_wildcard : at_address));
        ASSERT_TRUE(table.insert(wildcard_first ? at_address : at_wildcard));

        const auto specific = table.find({address_a, 80}, client);
        EXPECT_EQ(specific.binding, &at_address);
        EXPECT_EQ(specific.match, DemuxMatch::listener_address);
        const auto general = table.find({address_b, 80}, client);
        EXPECT_EQ(general.binding, &at_wildcard);
        EXPECT_EQ(general.match, DemuxMatch::listener_wildcard);
        EXPECT_EQ(table.find({address_a, 81}, client).match, DemuxMatch::nobody);
    }
}

TEST(ListenerTable, FindExactLooksAtNothingElse) {
    ListenerTable table(key);
    LocalBinding at_wildcard{{wildcard, 80}};
    ASSERT_TRUE(table.insert(at_wildcard));
    EXPECT_EQ(table.find_exact({address_a, 80}), nullptr);
    EXPECT_EQ(table.find_exact({wildcard, 80}), &at_wildcard);
}

TEST(ListenerTable, ASecondBindingOfAnEndpointIsRefused) {
    ListenerTable table(key);
    LocalBinding first{{address_a, 80}};
    LocalBinding second{{address_a, 80}};
    LocalBinding first_wildcard{{wildcard, 80}};
    LocalBinding second_wildcard{{wildcard, 80}};
    EXPECT_TRUE(table.insert(first));
    EXPECT_FALSE(table.insert(second));
    EXPECT_TRUE(table.insert(first_wildcard));
    EXPECT_FALSE(table.insert(second_wildcard));
    EXPECT_EQ(table.size(), 2u);
    EXPECT_FALSE(table.erase(second)) << "it never got in";
    EXPECT_EQ(table.find_exact({address_a, 80}), &first);
}

TEST(ListenerTable, AfterEraseTheWildcardHears) {
    ListenerTable table(key);
    LocalBinding at_address{{address_a, 80}};
    LocalBinding at_wildcard{{wildcard, 80}};
    ASSERT_TRUE(table.insert(at_address));
    ASSERT_TRUE(table.insert(at_wildcard));
    EXPECT_TRUE(table.erase(at_address));
    EXPECT_FALSE(table.erase(at_address));
    EXPECT_EQ(table.find({address_a, 80}, client).match, DemuxMatch::listener_wildcard);
    EXPECT_TRUE(table.port_in_use(80));
    EXPECT_TRUE(table.erase(at_wildcard));
    EXPECT_FALSE(table.port_in_use(80));
    EXPECT_EQ(table.size(), 0u);
}

FourTuple from_client(std::uint32_t i) {
    return {{address_a, 80},
            {Ipv4Address(0xc633'6400 + i / 50'000), static_cast<Port>(1024 + i % 50'000)}};
}

class ListenerGroup : public ::testing::Test {
  protected:
    static constexpr std::uint32_t remotes = 20'000;
    static constexpr std::size_t most_members = 8;

    ListenerTable table{key};
    std::array<LocalBinding, most_members> members;

    void join(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            members.at(i) = {{address_a, 80}};
            table.join(members.at(i));
        }
    }
    std::size_t chosen(std::uint32_t remote) const {
        const FourTuple tuple = from_client(remote);
        const LocalBinding* binding = table.find(tuple.local, tuple.remote).binding;
        return static_cast<std::size_t>(binding - members.data());
    }
    std::vector<std::size_t> all_chosen() const {
        std::vector<std::size_t> all;
        for (std::uint32_t i = 0; i < remotes; ++i)
            all.push_back(chosen(i));
        return all;
    }
};

TEST_F(ListenerGroup, EachMemberHasItsShareOfTheRemotes) {
    for (const std::size_t count : {std::size_t{2}, std::size_t{3}, most_members}) {
        ListenerTable fresh(key);
        table = fresh;
        join(count);
        std::array<std::uint32_t, most_members> shares{};
        for (const std::size_t member : all_chosen())
            ++shares.at(member);
        // Four standard deviations of a fair draw are less than a tenth of the smallest share.
        const double fair = remotes / static_cast<double>(count);
        for (std::size_t i = 0; i < count; ++i)
            EXPECT_NEAR(shares.at(i), fair, fair / 10) << i << " of " << count;
    }
}

TEST_F(ListenerGroup, TheChoiceIsTheSameEachTime) {
    join(5);
    EXPECT_EQ(all_chosen(), all_chosen());
}

TEST_F(ListenerGroup, AMemberThatLeavesMovesOnlyItsOwnShare) {
    join(5);
    const auto before = all_chosen();
    ASSERT_TRUE(table.erase(members[2]));
    const auto after = all_chosen();
    std::set<std::size_t> heirs;
    for (std::uint32_t i = 0; i < remotes; ++i) {
        if (before[i] == 2)
            heirs.insert(after[i]);
        else
            ASSERT_EQ(after[i], before[i]);
    }
    EXPECT_EQ(heirs, (std::set<std::size_t>{0, 1, 3, 4}));  // all of them take some of it
}

TEST_F(ListenerGroup, AMemberThatComesTakesAFairShareFromAll) {
    join(4);
    const auto before = all_chosen();
    members[4] = {{address_a, 80}};
    table.join(members[4]);
    const auto after = all_chosen();
    std::uint32_t moved = 0;
    for (std::uint32_t i = 0; i < remotes; ++i) {
        if (after[i] == before[i]) continue;
        ASSERT_EQ(after[i], 4u);
        ++moved;
    }
    EXPECT_NEAR(moved, remotes / 5.0, remotes / 50.0);
}

TEST_F(ListenerGroup, AnotherKeyChoosesOtherwise) {
    join(4);
    const auto ours = all_chosen();
    table = ListenerTable(SipHashKey{3, 4});
    join(4);
    EXPECT_NE(all_chosen(), ours);
}

TEST_F(ListenerGroup, ErasesAnyMemberAndFreesTheEndpointWithTheLast) {
    for (const auto& order : {std::array{0, 1, 2}, std::array{2, 1, 0}, std::array{1, 2, 0}}) {
        join(3);
        EXPECT_EQ(table.size(), 3u);
        LocalBinding stranger{{address_a, 80}};
        EXPECT_FALSE(table.erase(stranger));
        EXPECT_FALSE(table.insert(stranger)) << "alone means alone";
        for (const int i : order) {
            EXPECT_TRUE(table.port_in_use(80));
            EXPECT_TRUE(table.erase(members.at(static_cast<std::size_t>(i))));
            EXPECT_FALSE(table.erase(members.at(static_cast<std::size_t>(i))));
        }
        EXPECT_FALSE(table.port_in_use(80));
        EXPECT_EQ(table.find({address_a, 80}, client).binding, nullptr);
    }
}

TEST_F(ListenerGroup, TheGroupAtTheAddressGoesBeforeTheGroupAtTheWildcard) {
    std::array<LocalBinding, 2> general{{{{wildcard, 80}}, {{wildcard, 80}}}};
    for (LocalBinding& each : general)
        table.join(each);
    join(2);
    std::size_t visited = 0;
    table.for_each([&](const LocalBinding&) { ++visited; });
    EXPECT_EQ(visited, 4u);
    for (std::uint32_t i = 0; i < 100; ++i)
        EXPECT_LT(chosen(i), 2u);
    table.erase(members[0]);
    table.erase(members[1]);
    const auto match = table.find({address_a, 80}, client);
    EXPECT_EQ(match.match, DemuxMatch::listener_wildcard);
    EXPECT_TRUE(match.binding == &general[0] || match.binding == &general[1]);
}

TEST_F(ListenerGroup, OnlyTheEligibleAreChosenFrom) {
    join(4);
    for (std::uint32_t i = 0; i < 100; ++i) {
        const LocalBinding* only =
            table.choose(table.find_exact({address_a, 80}), from_client(i),
                         [&](const LocalBinding& each) { return &each == &members[3]; });
        EXPECT_EQ(only, &members[3]);
    }
    EXPECT_EQ(table.choose(table.find_exact({address_a, 80}), from_client(1),
                           [](const LocalBinding&) { return false; }),
              nullptr);
}

TEST(ListenerTable, AgreesWithAModelUnderRandomOperations) {
    Random random(Seed::from(11));
    ListenerTable table(key);
    std::map<Endpoint, std::unique_ptr<LocalBinding>> model;
    const auto draw = [&random] {
        // Few addresses, of which 0 is the wildcard, and ports that grow and shrink the table.
        return Endpoint{Ipv4Address(random.below(5)), static_cast<Port>(1 + random.below(400))};
    };
    for (int i = 0; i < 30'000; ++i) {
        const Endpoint local = draw();
        const auto known = model.find(local);
        const std::uint32_t insert_percent = i / 5'000 % 2 == 0 ? 70 : 30;
        if (random.below(100) < insert_percent) {
            auto binding = std::make_unique<LocalBinding>(LocalBinding{local});
            ASSERT_EQ(table.insert(*binding), known == model.end());
            if (known == model.end()) model.emplace(local, std::move(binding));
        } else if (known != model.end()) {
            ASSERT_TRUE(table.erase(*known->second));
            model.erase(known);
        }
        ASSERT_EQ(table.size(), model.size());

        const Endpoint asked = draw();
        const auto exact = model.find(asked);
        const auto general = model.find({wildcard, asked.port});
        const auto match = table.find(asked, client);
        LocalBinding* const expected_exact = exact == model.end() ? nullptr : exact->second.get();
        ASSERT_EQ(table.find_exact(asked), expected_exact);
        if (!asked.address.is_unspecified() && expected_exact != nullptr) {
            ASSERT_EQ(match.binding, expected_exact);
            ASSERT_EQ(match.match, DemuxMatch::listener_address);
        } else if (general != model.end()) {
            ASSERT_EQ(match.binding, general->second.get());
            ASSERT_EQ(match.match, DemuxMatch::listener_wildcard);
        } else {
            ASSERT_EQ(match.binding, nullptr);
            ASSERT_EQ(match.match, DemuxMatch::nobody);
        }
        bool in_use = false;
        for (const auto& [endpoint, binding] : model)
            in_use = in_use || endpoint.port == asked.port;
        ASSERT_EQ(table.port_in_use(asked.port), in_use);
    }
    std::set<const LocalBinding*> visited;
    table.for_each([&](LocalBinding& binding) { EXPECT_TRUE(visited.insert(&binding).second); });
    EXPECT_EQ(visited.size(), model.size());
}

}  // namespace
}  // namespace berth::demux
