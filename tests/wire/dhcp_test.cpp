#include "wire/dhcp.hpp"

#include <array>

#include "wire_test_support.hpp"

namespace berth::wire {
namespace {

using namespace wire_test;
namespace option = dhcp_option;

constexpr std::size_t sname_at = 44;
constexpr std::size_t file_at = 108;

const DhcpHeader sample{.reply = true,
                        .xid = 0x12345678,
                        .seconds = 9,
                        .wants_broadcast = true,
                        .client_address = {192, 0, 2, 9},
                        .your_address = {192, 0, 2, 10},
                        .next_server = {192, 0, 2, 11},
                        .relay = {192, 0, 2, 12},
                        .hardware_address = client_mac};

Octets finished(DhcpWriter& writer, Octets& room) {
    const auto length = writer.finish();
    EXPECT_TRUE(length);
    return Octets(room.begin(), room.begin() + static_cast<std::ptrdiff_t>(length.value_or(0)));
}

// The fixed fields of the sample, and these options.
Octets with_options(const Octets& options) {
    Octets room(1472);
    DhcpWriter writer(room, sample, DhcpMessageType::offer);
    Octets bytes = finished(writer, room);
    bytes.resize(dhcp_fixed_bytes);
    bytes.insert(bytes.end(), options.begin(), options.end());
    return bytes;
}

DhcpProblem problem_of(const Octets& bytes) {
    const auto view = DhcpView::parse(bytes);
    EXPECT_FALSE(view);
    return view ? DhcpProblem{} : view.error();
}

TEST(Dhcp, ParseOfWriteIsTheSame_rfc2131_2) {
    Octets room(1472);
    DhcpWriter writer(room, sample, DhcpMessageType::ack);
    writer.u8(200, 1).u16(201, 0x0203).u32(202, 0x04050607).address(203, {192, 0, 2, 77});
    const Octets bytes = finished(writer, room);
    EXPECT_EQ(bytes.size(), dhcp_least_bytes);
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_TRUE(view->is_reply());
    EXPECT_EQ(view->type(), DhcpMessageType::ack);
    EXPECT_EQ(view->xid(), sample.xid);
    EXPECT_EQ(view->seconds(), 9);
    EXPECT_TRUE(view->wants_broadcast());
    EXPECT_EQ(view->client_address(), sample.client_address);
    EXPECT_EQ(view->your_address(), sample.your_address);
    EXPECT_EQ(view->next_server(), sample.next_server);
    EXPECT_EQ(view->relay(), sample.relay);
    EXPECT_EQ(view->hardware_address(), client_mac);
    EXPECT_EQ(view->option_u8(200), 1);
    EXPECT_EQ(view->option_u16(201), 0x0203);
    EXPECT_EQ(view->option_u32(202), 0x04050607U);
    EXPECT_EQ(view->option_address(203), Ipv4Address(192, 0, 2, 77));
    EXPECT_FALSE(view->has_option(204));
}

TEST(Dhcp, GoldenHeader_rfc2131_2) {
    Octets room(dhcp_least_bytes);
    DhcpWriter writer(room, sample, DhcpMessageType::offer);
    const Octets bytes = finished(writer, room);
    EXPECT_EQ(to_hex(Bytes(bytes).first(34)),
              to_hex(from_hex("02 01 06 00 12345678 0009 8000 c0000209 c000020a c000020b c000020c"
                              "020000000001")));
    EXPECT_EQ(to_hex(Bytes(bytes).subspan(236, 8)), to_hex(from_hex("63825363 350102 ff")));
}

TEST(Dhcp, OptionsMayComeInAnyOrderWithPadsBetween_rfc2132_2) {
    const auto bytes =
        with_options({0, 0, 51, 4, 0, 0, 14, 16, 0, 53, 1, 5, 0, 1, 4, 255, 255, 255, 0, 255});
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->type(), DhcpMessageType::ack);
    EXPECT_EQ(view->option_u32(option::lease_time), 3600U);
    EXPECT_EQ(view->option_u32(option::subnet_mask), 0xffffff00U);
}

TEST(Dhcp, WhatFollowsTheEndOptionDoesNotCount_rfc2131_4_1) {
    const auto bytes = with_options({53, 1, 2, 255, 51, 4, 0, 0, 0, 1, 99, 200});
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->has_option(option::lease_time));
}

TEST(Dhcp, AMissingEndOptionIsForgiven_rfc2131_4_1) {
    const auto bytes = with_options({53, 1, 2});
    ASSERT_TRUE(DhcpView::parse(bytes));
}

TEST(Dhcp, AFixedOptionOfAnotherLengthIsAbsent_rfc2132_2) {
    const auto bytes = with_options({53, 1, 2, 51, 3, 1, 2, 3, 26, 4, 0, 0, 5, 0, 58, 0, 255});
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->option_u32(option::lease_time));
    EXPECT_FALSE(view->option_u16(option::interface_mtu));
    EXPECT_FALSE(view->option_u32(option::renewal_time));
    EXPECT_TRUE(view->has_option(option::renewal_time));
}

TEST(Dhcp, AnOptionThatLeadsBeyondTheMessageIsRefused_rfc2132_2) {
    EXPECT_EQ(problem_of(with_options({53, 1, 2, 51, 5, 0, 0, 0, 1})), DhcpProblem::bad_option);
    EXPECT_EQ(problem_of(with_options({53, 1, 2, 51})), DhcpProblem::bad_option);
    EXPECT_EQ(problem_of(with_options({53, 1, 2, 51, 255})), DhcpProblem::bad_option);
}

TEST(Dhcp, TheMessageTypeIsOneKnownByte_rfc2132_9_6) {
    for (const Octets& options :
         {Octets{255}, Octets{53, 1, 0, 255}, Octets{53, 1, 9, 255}, Octets{53, 2, 1, 1, 255},
          Octets{53, 0, 255}, Octets{53, 1, 2, 53, 1, 5, 255}})
        EXPECT_EQ(problem_of(with_options(options)), DhcpProblem::bad_type);
}

TEST(Dhcp, SplitOptionsBelongTogether_rfc3396_5) {
    const auto bytes = with_options(
        {53, 1, 2, 15, 3, 'l', 'a', 'b', 6, 4, 1, 2, 3, 4, 15, 0, 15, 4, '.', 'o', 'r', 'g', 255});
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    std::array<std::uint8_t, 7> name{};
    EXPECT_EQ(view->copy_option(option::domain_name, name), 7U);
    EXPECT_EQ(std::string(name.begin(), name.end()), "lab.org");
    std::array<std::uint8_t, 4> cut{};
    EXPECT_EQ(view->copy_option(option::domain_name, cut), 7U) << "the whole length is told";
    EXPECT_EQ(std::string(cut.begin(), cut.end()), "lab.");
}

TEST(Dhcp, AWriterSplitsLongOptions_rfc3396_6) {
    Octets contents(700);
    for (std::size_t i = 0; i < contents.size(); ++i)
        contents[i] = static_cast<std::uint8_t>(i * 7);
    Octets room(1472);
    DhcpWriter writer(room, sample, DhcpMessageType::ack);
    writer.bytes(121, contents);
    const Octets bytes = finished(writer, room);
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    Octets read(800);
    EXPECT_EQ(view->copy_option(121, read), contents.size());
    read.resize(contents.size());
    EXPECT_EQ(to_hex(read), to_hex(contents));
}

TEST(Dhcp, AWriterSaysWhenSomethingDoesNotFit) {
    Octets room(dhcp_least_bytes);
    DhcpWriter writer(room, sample, DhcpMessageType::ack);
    writer.bytes(100, Octets(57));
    EXPECT_FALSE(writer.finish());
    DhcpWriter exact(room, sample, DhcpMessageType::ack);
    exact.bytes(100, Octets(54));
    EXPECT_EQ(exact.finish(), dhcp_least_bytes);
}

// 1: file, 2: sname, 3: both; file is read first.
TEST(Dhcp, OptionsMayGoOnInFileAndSname_rfc2131_4_1) {
    for (const int where : {1, 2, 3}) {
        Octets bytes =
            with_options({53, 1, 2, 52, 1, static_cast<std::uint8_t>(where), 15, 1, 'o', 255});
        const Octets in_file{15, 1, 'f', 255};
        const Octets in_sname{15, 1, 's', 255};
        std::copy(in_file.begin(), in_file.end(), bytes.begin() + file_at);
        std::copy(in_sname.begin(), in_sname.end(), bytes.begin() + sname_at);
        const auto view = DhcpView::parse(bytes);
        ASSERT_TRUE(view);
        Octets name(3);
        name.resize(*view->copy_option(option::domain_name, name));
        EXPECT_EQ(std::string(name.begin(), name.end()),
                  where == 1 ? "of" : (where == 2 ? "os" : "ofs"));
    }
}

TEST(Dhcp, OverloadedFieldsAreCheckedLikeTheOthers_rfc2131_4_1) {
    Octets bytes = with_options({53, 1, 2, 52, 1, 2, 255});
    bytes[sname_at] = 15;
    bytes[sname_at + 1] = 63;  // one more than there is
    EXPECT_EQ(problem_of(bytes), DhcpProblem::bad_option);
    bytes[sname_at + 1] = 62;
    EXPECT_TRUE(DhcpView::parse(bytes));
    for (const Octets& overload :
         {Octets{53, 1, 2, 52, 1, 0, 255}, Octets{53, 1, 2, 52, 1, 4, 255},
          Octets{53, 1, 2, 52, 2, 1, 1, 255}, Octets{53, 1, 2, 52, 0, 255}})
        EXPECT_EQ(problem_of(with_options(overload)), DhcpProblem::bad_option);
}

TEST(Dhcp, WithoutTheOverloadOptionFileAndSnameAreNoOptions_rfc2131_4_1) {
    Octets bytes = with_options({53, 1, 2, 255});
    bytes[file_at] = 15;
    bytes[file_at + 1] = 200;
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->has_option(option::domain_name));
}

TEST(Dhcp, AnOverloadOptionInsideFileIsNotFollowed_rfc2131_4_1) {
    Octets bytes = with_options({53, 1, 2, 52, 1, 1, 255});
    const Octets in_file{52, 1, 2, 255};
    std::copy(in_file.begin(), in_file.end(), bytes.begin() + file_at);
    const Octets in_sname{15, 1, 's', 255};
    std::copy(in_sname.begin(), in_sname.end(), bytes.begin() + sname_at);
    const auto view = DhcpView::parse(bytes);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->has_option(option::domain_name));
}

TEST(Dhcp, FixedFieldsAreChecked_rfc2131_2) {
    const Octets good = with_options({53, 1, 2, 255});
    for (const auto& [at, value, problem] : {std::tuple{std::size_t{0}, 0, DhcpProblem::bad_field},
                                             {0, 3, DhcpProblem::bad_field},
                                             {2, 5, DhcpProblem::bad_field},
                                             {2, 17, DhcpProblem::bad_field},
                                             {236, 0, DhcpProblem::no_cookie},
                                             {239, 0, DhcpProblem::no_cookie}}) {
        Octets bytes = good;
        bytes[at] = static_cast<std::uint8_t>(value);
        EXPECT_EQ(problem_of(bytes), problem) << at;
    }
    Octets other_hardware = good;
    other_hardware[1] = 6;
    other_hardware[2] = 8;
    const auto view = DhcpView::parse(other_hardware);
    ASSERT_TRUE(view);
    EXPECT_FALSE(view->hardware_address());
}

TEST(Dhcp, EveryTruncationIsRefusedOrSafe) {
    Octets whole = with_options(
        {53, 1, 2, 52, 1, 3, 15, 3, 'l', 'a', 'b', 121, 8, 24, 1, 2, 3, 4, 5, 6, 7, 255});
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
        const auto view = DhcpView::parse(cut);
        if (length < dhcp_fixed_bytes) {
            ASSERT_FALSE(view);
            EXPECT_EQ(view.error(), DhcpProblem::truncated);
        }
        if (!view) continue;
        Octets room(20);
        for (int code = 0; code < 256; ++code)
            view->copy_option(static_cast<std::uint8_t>(code), room);
    }
}

}  // namespace
}  // namespace berth::wire
