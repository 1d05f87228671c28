// Who uses a local endpoint, and whom that keeps out: Linux's rules (inet_csk_bind_conflict).
#include "demux/local_users.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/random.hpp"

namespace berth::demux {
namespace {

using Use = LocalUsers::Use;

constexpr SipHashKey key{1, 2};
constexpr Ipv4Address wildcard;
constexpr Ipv4Address address_a(192, 0, 2, 1);
constexpr Ipv4Address address_b(192, 0, 2, 2);

constexpr Sharing neither{};
constexpr Sharing address{.address = true};
constexpr Sharing port{.port = true};
constexpr Sharing both{.address = true, .port = true};

// Linux's rule for one other socket whose address overlaps, written out: (what it is, what it said)
// against what the newcomer says.
struct Case {
    Use use;
    Sharing there;
    std::array<bool, 4> allowed;  // a newcomer that said neither, address, port, both
};
constexpr std::array cases{
    Case{Use::bound, neither, {false, false, false, false}},
    Case{Use::bound, address, {false, true, false, true}},
    Case{Use::bound, port, {false, false, true, true}},
    Case{Use::bound, both, {false, true, true, true}},
    Case{Use::connected, neither, {false, false, false, false}},
    Case{Use::connected, address, {false, true, false, true}},
    Case{Use::connected, port, {false, false, true, true}},
    Case{Use::connected, both, {false, true, true, true}},
    Case{Use::listening, neither, {false, false, false, false}},
    Case{Use::listening, address, {false, false, false, false}},
    Case{Use::listening, port, {false, false, true, true}},
    Case{Use::listening, both, {false, false, true, true}},
};
constexpr std::array newcomers{neither, address, port, both};

TEST(LocalUsers, EachPairOfSharingsIsAsOnLinux) {
    for (const auto& [use, there, allowed] : cases) {
        for (std::size_t i = 0; i < newcomers.size(); ++i) {
            LocalUsers users(key);
            users.add({address_a, 80}, use, there);
            const auto what = ::testing::Message() << "use " << static_cast<int>(use) << ", there "
                                                   << there.address << there.port << ", new " << i;
            EXPECT_EQ(users.allows({address_a, 80}, newcomers.at(i)), allowed.at(i)) << what;
            // The wildcard overlaps every address; other addresses and ports are apart.
            EXPECT_EQ(users.allows({wildcard, 80}, newcomers.at(i)), allowed.at(i)) << what;
            EXPECT_TRUE(users.allows({address_b, 80}, newcomers.at(i))) << what;
            EXPECT_TRUE(users.allows({address_a, 81}, newcomers.at(i))) << what;
            users.remove({address_a, 80}, use, there);
            EXPECT_TRUE(users.allows({wildcard, 80}, newcomers.at(i))) << what;

            users.add({wildcard, 80}, use, there);
            EXPECT_EQ(users.allows({address_a, 80}, newcomers.at(i)), allowed.at(i)) << what;
            EXPECT_EQ(users.allows({wildcard, 80}, newcomers.at(i)), allowed.at(i)) << what;
        }
    }
}

TEST(LocalUsers, OneWhoObjectsIsEnough) {
    LocalUsers users(key);
    for (int i = 0; i < 10; ++i)
        users.add({address_a, 80}, Use::connected, address);
    EXPECT_TRUE(users.allows({wildcard, 80}, address));
    users.add({address_b, 80}, Use::connected, neither);
    EXPECT_FALSE(users.allows({wildcard, 80}, address));
    EXPECT_TRUE(users.allows({address_a, 80}, address));
}

TEST(LocalUsers, BoundIsNotTheSameAsInUse) {
    LocalUsers users(key);
    users.add({address_a, 80}, Use::connected, neither);
    EXPECT_FALSE(users.is_bound({address_a, 80}));
    EXPECT_TRUE(users.port_in_use(80));
    users.add({address_a, 80}, Use::bound, neither);
    EXPECT_TRUE(users.is_bound({address_a, 80}));
    EXPECT_FALSE(users.is_bound({wildcard, 80}));
    users.add({wildcard, 80}, Use::listening, neither);
    EXPECT_TRUE(users.is_bound({wildcard, 80}));
    EXPECT_FALSE(users.port_in_use(81));
}

TEST(LocalUsers, AMillionOfTheSameCostWhatOneCosts) {
    LocalUsers users(key);
    users.add({address_a, 80}, Use::connected, address);
    const std::size_t one = users.memory_bytes();
    for (int i = 1; i < 1'000'000; ++i)
        users.add({address_a, 80}, Use::connected, address);
    EXPECT_EQ(users.memory_bytes(), one);
    for (int i = 0; i < 1'000'000; ++i)
        users.remove({address_a, 80}, Use::connected, address);
    EXPECT_FALSE(users.port_in_use(80));
}

struct User {
    Endpoint local;
    Use use;
    Sharing sharing;
};

bool objects(const User& there, Endpoint local, Sharing sharing) {
    const bool overlap = there.local.port == local.port &&
                         (there.local.address == local.address || local.address == wildcard ||
                          there.local.address == wildcard);
    return overlap && !(there.sharing.port && sharing.port) &&
           !(there.sharing.address && sharing.address && there.use != Use::listening);
}

TEST(LocalUsers, AgreesWithAModelUnderRandomOperations) {
    Random random(Seed::from(12));
    LocalUsers users(key);
    std::vector<User> model;
    const auto draw = [&] {
        return User{{Ipv4Address(random.below(4)), static_cast<Port>(1 + random.below(60))},
                    static_cast<Use>(random.below(3)),
                    newcomers.at(random.below(4))};
    };
    for (int i = 0; i < 30'000; ++i) {
        const std::uint32_t add_percent = i / 3'000 % 2 == 0 ? 70 : 30;
        if (model.empty() || random.below(100) < add_percent) {
            model.push_back(draw());
            users.add(model.back().local, model.back().use, model.back().sharing);
        } else {
            std::swap(model.at(random.below(static_cast<std::uint32_t>(model.size()))),
                      model.back());
            users.remove(model.back().local, model.back().use, model.back().sharing);
            model.pop_back();
        }
        const User asked = draw();
        bool allowed = true;
        bool bound = false;
        bool in_use = false;
        for (const User& each : model) {
            allowed = allowed && !objects(each, asked.local, asked.sharing);
            bound = bound || (each.local == asked.local && each.use != Use::connected);
            in_use = in_use || each.local.port == asked.local.port;
        }
        ASSERT_EQ(users.allows(asked.local, asked.sharing), allowed);
        ASSERT_EQ(users.is_bound(asked.local), bound);
        ASSERT_EQ(users.port_in_use(asked.local.port), in_use);
    }
}

}  // namespace
}  // namespace berth::demux
