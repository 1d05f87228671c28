// Which binding hears at a local endpoint: the one at the address before the wildcard.
#include "demux/listener_table.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>

#include "base/random.hpp"

namespace berth::demux {
namespace {

constexpr SipHashKey key{1, 2};
constexpr Ipv4Address wildcard;
constexpr Ipv4Address address_a(192, 0, 2, 1);
constexpr Ipv4Address address_b(192, 0, 2, 2);

TEST(ListenerTable, NobodyHearsInAnEmptyTable) {
    const ListenerTable table(key);
    const auto match = table.find({address_a, 80});
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

        const auto specific = table.find({address_a, 80});
        EXPECT_EQ(specific.binding, &at_address);
        EXPECT_EQ(specific.match, DemuxMatch::listener_address);
        const auto general = table.find({address_b, 80});
        EXPECT_EQ(general.binding, &at_wildcard);
        EXPECT_EQ(general.match, DemuxMatch::listener_wildcard);
        EXPECT_EQ(table.find({address_a, 81}).match, DemuxMatch::nobody);
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
    EXPECT_EQ(table.find({address_a, 80}).match, DemuxMatch::listener_wildcard);
    EXPECT_TRUE(table.port_in_use(80));
    EXPECT_TRUE(table.erase(at_wildcard));
    EXPECT_FALSE(table.port_in_use(80));
    EXPECT_EQ(table.size(), 0u);
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
        const auto match = table.find(asked);
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
