#include "drivers/pcap_file.hpp"

#include <gtest/gtest.h>
#include <pcap/pcap.h>

#include <fstream>

#include "drivers/pcapng.hpp"
#include "support.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::Frames;
using test::receive_all;
using test::send;
using test::station;

struct Stamped {
    std::int64_t stamp_ns;
    std::vector<std::uint8_t> bytes;
};

constexpr std::int64_t epoch = 1'700'000'000'000'000'000;

void write_capture(const std::string& path, int link_type, const std::vector<Stamped>& packets) {
    pcap_t* form =
        pcap_open_dead_with_tstamp_precision(link_type, 65'535, PCAP_TSTAMP_PRECISION_NANO);
    pcap_dumper_t* file = pcap_dump_open(form, path.c_str());
    ASSERT_NE(file, nullptr) << pcap_geterr(form);
    for (const Stamped& packet : packets) {
        pcap_pkthdr header{};
        header.ts.tv_sec = packet.stamp_ns / 1'000'000'000;
        header.ts.tv_usec = packet.stamp_ns % 1'000'000'000;
        header.caplen = header.len = static_cast<bpf_u_int32>(packet.bytes.size());
        pcap_dump(reinterpret_cast<u_char*>(file), &header, packet.bytes.data());
    }
    pcap_dump_close(file);
    pcap_close(form);
}

std::unique_ptr<PcapFileLink> opened(const std::string& in, const std::string& out = "") {
    auto link = PcapFileLink::open(in, out);
    EXPECT_TRUE(link) << (link ? "" : link.error());
    return link ? *std::move(link) : nullptr;
}

TEST(PcapFile, TimeIsTheCaptures) {
    const test::TemporaryFolder folder;
    const auto a = ethernet_frame(station(2), station(1), 100, 1);
    const auto b = ethernet_frame(station(2), station(1), 1500, 2);
    const auto late = ethernet_frame(station(2), station(1), 60, 3);
    write_capture(folder.file("in"), DLT_EN10MB,
                  {{epoch, a}, {epoch + 1'000'000'007, b}, {epoch + 500, late}});
    const auto link = opened(folder.file("in"));
    EXPECT_EQ(link->properties().kind, link::LinkKind::ethernet);
    EXPECT_EQ(link->first_stamp_ns(), epoch);
    EXPECT_EQ(link->next_arrival(), Time{0});
    EXPECT_EQ(receive_all(*link, Time{1'000'000'006}), Frames{a});
    EXPECT_FALSE(link->at_end());
    EXPECT_EQ(link->next_arrival(), Time{1'000'000'007});
    EXPECT_EQ(receive_all(*link, Time{1'000'000'007}), (Frames{b, late}))
        << "a stamp that goes back arrives with the one before it";
    EXPECT_TRUE(link->at_end());
    EXPECT_TRUE(link->next_arrival().is_never());
    EXPECT_EQ(link->error(), "");
}

TEST(PcapFile, OwnFramesGoToTheOtherFileOnTheSameAxis) {
    const test::TemporaryFolder folder;
    const auto in = ethernet_frame(station(2), station(1), 100, 1);
    const auto out = ethernet_frame(station(1), station(2), 300, 9);
    write_capture(folder.file("in"), DLT_EN10MB, {{epoch, in}});
    {
        const auto link = opened(folder.file("in"), folder.file("out"));
        EXPECT_EQ(receive_all(*link).size(), 1U);
        EXPECT_TRUE(send(*link, out, Time{1'000'000'123}));
        EXPECT_TRUE(send(*link, in, Time{2'000'000'000}));
    }
    const auto copy = opened(folder.file("out"));
    EXPECT_EQ(copy->first_stamp_ns(), epoch + 1'000'000'123);
    EXPECT_EQ(receive_all(*copy, Time{}), Frames{out});
    EXPECT_EQ(copy->next_arrival(), Time{999'999'877});
    EXPECT_EQ(receive_all(*copy, Time{999'999'877}), Frames{in});
}

TEST(PcapFile, RawAndCookedCapturesGiveIpPackets) {
    const test::TemporaryFolder folder;
    const std::vector<std::uint8_t> packet{0x45, 1, 2, 3, 4, 5};
    write_capture(folder.file("raw"), DLT_RAW, {{epoch, packet}});
    const auto raw = opened(folder.file("raw"), folder.file("raw-out"));
    EXPECT_EQ(raw->properties().kind, link::LinkKind::raw_ip);
    EXPECT_EQ(receive_all(*raw), Frames{packet});
    EXPECT_TRUE(send(*raw, packet));
    EXPECT_EQ(receive_all(*opened(folder.file("raw-out"))), Frames{packet});

    const auto cooked = [&](std::size_t header_bytes, std::size_t protocol_at, std::uint16_t type) {
        std::vector<std::uint8_t> bytes(header_bytes + packet.size());
        store_be16(bytes, protocol_at, type);
        std::copy(packet.begin(), packet.end(), bytes.end() - static_cast<long>(packet.size()));
        return bytes;
    };
    write_capture(folder.file("sll"), DLT_LINUX_SLL,
                  {{epoch, cooked(16, 14, 0x0806)}, {epoch + 5, cooked(16, 14, 0x0800)}});
    const auto sll = opened(folder.file("sll"));
    EXPECT_EQ(receive_all(*sll, Time{5}), Frames{packet});
    EXPECT_EQ(sll->skipped(), 1U) << "ARP has no place on a raw-IP link";
    write_capture(folder.file("sll2"), DLT_LINUX_SLL2, {{epoch, cooked(20, 0, 0x0800)}});
    EXPECT_EQ(receive_all(*opened(folder.file("sll2"))), Frames{packet});
}

TEST(PcapFile, ReadsPcapng) {
    const test::TemporaryFolder folder;
    const auto frame = ethernet_frame(station(2), station(1), 77);
    {
        auto writer = PcapngWriter::open(folder.file("in.pcapng"));
        ASSERT_TRUE(writer);
        writer->add_interface("tap0", link::LinkKind::ethernet);
        writer->write_packet(0, Direction::in, epoch, frame, "first");
        writer->write_packet(0, Direction::out, epoch + 3, frame, "second");
    }
    const auto link = opened(folder.file("in.pcapng"));
    EXPECT_EQ(link->first_stamp_ns(), epoch);
    EXPECT_EQ(receive_all(*link, Time{2}).size(), 1U);
    EXPECT_EQ(receive_all(*link, Time{3}), Frames{frame});
}

TEST(PcapFile, FileThatEndsInAFrameIsAnErrorAfterTheOthers) {
    const test::TemporaryFolder folder;
    const auto frame = ethernet_frame(station(2), station(1), 100);
    write_capture(folder.file("in"), DLT_EN10MB, {{epoch, frame}, {epoch + 1, frame}});
    std::filesystem::resize_file(folder.file("in"),
                                 std::filesystem::file_size(folder.file("in")) - 9);
    const auto link = opened(folder.file("in"));
    EXPECT_EQ(link->error(), "") << "the first frame has not been taken yet";
    EXPECT_EQ(receive_all(*link, Time{9}), Frames{frame});
    EXPECT_NE(link->error().find("cannot read on in"), std::string::npos);
    EXPECT_TRUE(link->at_end());
}

TEST(PcapFile, ErrorsSayWhatIsWrong) {
    const test::TemporaryFolder folder;
    const auto error = [](const std::string& in, const std::string& out) {
        const auto link = PcapFileLink::open(in, out);
        return link ? std::string("it was opened") : link.error();
    };
    std::ofstream(folder.file("text")) << "this is no capture at all";
    EXPECT_NE(error(folder.file("text"), "").find("give a pcap or pcapng file"), std::string::npos);
    write_capture(folder.file("in"), DLT_EN10MB, {{epoch, ethernet_frame(station(2), station(1))}});
    const auto size = std::filesystem::file_size(folder.file("in"));
    EXPECT_NE(error(folder.file("in"), folder.file("in")).find("it is the file that is read"),
              std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(folder.file("in")), size) << "the input was overwritten";
    EXPECT_NE(error(folder.file("in"), folder.file("no/such/folder")).find("cannot write to"),
              std::string::npos);
    write_capture(folder.file("wifi"), DLT_IEEE802_11, {});
    EXPECT_NE(error(folder.file("wifi"), "").find("IEEE802_11"), std::string::npos);
    write_capture(folder.file("empty"), DLT_EN10MB, {});
    EXPECT_TRUE(opened(folder.file("empty"))->at_end());
}

}  // namespace
}  // namespace berth::drivers
