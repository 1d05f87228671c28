#include "drivers/unix_link.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <fstream>

#include "support.hpp"

namespace berth::drivers {
namespace {

using test::ethernet_frame;
using test::Frames;
using test::receive_all;
using test::send;
using test::station;
using Bytes8 = std::vector<std::uint8_t>;

std::unique_ptr<UnixLink> listening(const std::string& path) {
    auto link = UnixLink::listen(path, {});
    EXPECT_TRUE(link) << (link ? "" : link.error());
    return link ? *std::move(link) : nullptr;
}

std::unique_ptr<UnixLink> connected(const std::string& path) {
    auto link = UnixLink::connect(path, {});
    EXPECT_TRUE(link) << (link ? "" : link.error());
    return link ? *std::move(link) : nullptr;
}

Bytes8 with_prefix(const Bytes8& frame) {
    Bytes8 bytes(4 + frame.size());
    store_be32(bytes, 0, static_cast<std::uint32_t>(frame.size()));
    std::copy(frame.begin(), frame.end(), bytes.begin() + 4);
    return bytes;
}

// A link over one end of a socketpair, with the bare other end.
struct Bare {
    std::unique_ptr<UnixLink> link;
    UniqueFd peer;

    Bare() {
        int ends[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
        peer = UniqueFd(ends[1]);
        link = std::move(*UnixLink::adopt(UniqueFd(ends[0]), {}));
    }
    void say(const Bytes8& bytes) const {
        EXPECT_EQ(::write(peer.get(), bytes.data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    }
    Bytes8 hear() const {
        Bytes8 bytes(1 << 20);
        const ssize_t n = ::read(peer.get(), bytes.data(), bytes.size());
        bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return bytes;
    }
};

TEST(UnixLink, FramesCarryTheirLengthInFourBytes) {
    const Bare bare;
    const auto frame = ethernet_frame(station(2), station(1), 300, 7);
    EXPECT_TRUE(send(*bare.link, frame));
    EXPECT_EQ(bare.hear(), with_prefix(frame));
    bare.say(with_prefix(frame));
    EXPECT_TRUE(test::readable(bare.link->descriptor(), 0));
    EXPECT_EQ(receive_all(*bare.link), Frames{frame});
    EXPECT_FALSE(test::readable(bare.link->descriptor(), 0));
}

TEST(UnixLink, FrameMayComeByteByByte) {
    const Bare bare;
    const auto frame = ethernet_frame(station(2), station(1), 40);
    const Bytes8 bytes = with_prefix(frame);
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        bare.say({bytes[i]});
        ASSERT_TRUE(receive_all(*bare.link).empty()) << i;
    }
    bare.say({bytes.back()});
    EXPECT_EQ(receive_all(*bare.link), Frames{frame});
}

TEST(UnixLink, ManyFramesInOneReadAreAnnouncedUntilTheLast) {
    const Bare bare;
    Bytes8 bytes;
    for (std::uint8_t i = 0; i < 100; ++i) {
        const Bytes8 one = with_prefix(ethernet_frame(station(2), station(1), 20, i));
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    bare.say(bytes);
    BufferPool pool;
    std::array<link::Frame, 8> burst;
    std::size_t got = 0;
    while (const std::size_t count = bare.link->receive(pool, burst, Time{5})) {
        for (std::size_t i = 0; i < count; ++i)
            EXPECT_EQ(burst[i].bytes()[14], got + i);
        got += count;
        EXPECT_EQ(bare.link->next_arrival(), got < 100 ? Time{5} : Time::never()) << got;
    }
    EXPECT_EQ(got, 100U);
}

TEST(UnixLink, LargestFrameFitsAndHostileLengthsEndTheLink) {
    {
        const Bare bare;
        int size = 1 << 20;
        ::setsockopt(bare.peer.get(), SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
        const Bytes8 largest(FrameStream::max_frame_bytes, 0x5a);
        bare.say(with_prefix(largest));
        EXPECT_EQ(receive_all(*bare.link), Frames{largest});
        EXPECT_EQ(bare.link->error(), "");
    }
    for (const std::uint32_t length :
         {0U, static_cast<std::uint32_t>(FrameStream::max_frame_bytes + 1), 0xffffffffU}) {
        const Bare bare;
        const auto good = ethernet_frame(station(2), station(1));
        Bytes8 bytes = with_prefix(good);
        const std::size_t end_of_good = bytes.size();
        bytes.resize(end_of_good + 100);
        store_be32(bytes, end_of_good, length);
        bare.say(bytes);
        EXPECT_EQ(receive_all(*bare.link), Frames{good}) << "what came before still counts";
        EXPECT_NE(bare.link->error().find("a length that no frame has"), std::string::npos);
        EXPECT_EQ(bare.link->counters().hostile, 1U);
        EXPECT_FALSE(send(*bare.link, good));
    }
}

TEST(UnixLink, PeerThatGoesAwayEndsAConnectedLink) {
    Bare bare;
    const auto last = ethernet_frame(station(2), station(1));
    bare.say(with_prefix(last));
    bare.peer.reset();
    EXPECT_TRUE(send(*bare.link, last)) << "nobody reads it, and no signal comes";
    EXPECT_EQ(receive_all(*bare.link), Frames{last});
    EXPECT_EQ(bare.link->error(), "the other end of the socket given has closed the link");
}

TEST(UnixLink, OutputWaitsForASlowPeerUpToItsBound) {
    const Bare bare;
    const auto frame = ethernet_frame(station(2), station(1), 1400);
    std::size_t sent = 0;
    while (bare.link->counters().output_dropped == 0 && sent < 10'000) {
        ASSERT_TRUE(send(*bare.link, frame));
        ++sent;
    }
    ASSERT_LT(sent, 10'000U) << "the queue has no bound";
    EXPECT_FALSE(test::readable(bare.link->descriptor(), 0));
    // Now the peer reads: the descriptor says so, and receive() writes the rest, frame by frame
    // whole.
    Bytes8 stream;
    for (;;) {
        const Bytes8 part = bare.hear();
        if (part.empty() && !test::readable(bare.link->descriptor(), 0)) break;
        stream.insert(stream.end(), part.begin(), part.end());
        EXPECT_TRUE(receive_all(*bare.link).empty());
    }
    const Bytes8 one = with_prefix(frame);
    ASSERT_EQ(stream.size(), (sent - 1) * one.size());
    for (std::size_t at = 0; at < stream.size(); at += one.size()) {
        ASSERT_TRUE(std::equal(one.begin(), one.end(), stream.begin() + static_cast<long>(at)));
    }
}

TEST(UnixSwitch, LearnsFloodsAndForwards) {
    const test::TemporaryFolder folder;
    const std::string path = folder.file("hub");
    const auto hub = listening(path);
    const auto a = connected(path);
    const auto b = connected(path);
    const auto c = connected(path);

    // Unknown destination: to everybody but the sender, the hub's own stack included.
    const auto hello = ethernet_frame(station(9), station(1));
    ASSERT_TRUE(send(*a, hello));
    EXPECT_EQ(receive_all(*hub), Frames{hello});
    EXPECT_EQ(hub->peers(), 3U);
    EXPECT_EQ(receive_all(*b), Frames{hello});
    EXPECT_EQ(receive_all(*c), Frames{hello});
    EXPECT_TRUE(receive_all(*a).empty());

    // Known destination: to it alone.
    const auto reply = ethernet_frame(station(1), station(2));
    ASSERT_TRUE(send(*b, reply));
    EXPECT_TRUE(receive_all(*hub).empty());
    EXPECT_EQ(receive_all(*a), Frames{reply});
    EXPECT_TRUE(receive_all(*c).empty());

    // The own stack: its frames are switched too, and what is for it reaches nobody else.
    const auto own = ethernet_frame(station(2), station(100));
    ASSERT_TRUE(send(*hub, own));
    EXPECT_EQ(receive_all(*b), Frames{own});
    EXPECT_TRUE(receive_all(*a).empty());
    const auto to_hub = ethernet_frame(station(100), station(3));
    ASSERT_TRUE(send(*c, to_hub));
    EXPECT_EQ(receive_all(*hub), Frames{to_hub});
    EXPECT_TRUE(receive_all(*a).empty());

    // Broadcast: to everybody.
    const auto broadcast = ethernet_frame(MacAddress::broadcast(), station(100));
    ASSERT_TRUE(send(*hub, broadcast));
    for (const auto& peer : {a.get(), b.get(), c.get()}) {
        EXPECT_EQ(receive_all(*peer), Frames{broadcast});
    }
}

TEST(UnixSwitch, NobodyTakesTheHubsAddress) {
    const test::TemporaryFolder folder;
    const auto hub = listening(folder.file("hub"));
    const auto thief = connected(folder.file("hub"));
    const auto honest = connected(folder.file("hub"));
    ASSERT_TRUE(send(*hub, ethernet_frame(MacAddress::broadcast(), station(100))));
    ASSERT_TRUE(send(*thief, ethernet_frame(station(5), station(100))));
    receive_all(*hub);
    const auto secret = ethernet_frame(station(100), station(2));
    receive_all(*thief);
    ASSERT_TRUE(send(*honest, secret));
    EXPECT_EQ(receive_all(*hub), Frames{secret});
    EXPECT_TRUE(receive_all(*thief).empty());
}

TEST(UnixSwitch, HostilePeerIsCutOffAndTheOthersStay) {
    const test::TemporaryFolder folder;
    const auto hub = listening(folder.file("hub"));
    const auto good = connected(folder.file("hub"));
    const auto bad = connect_to(folder.file("hub"));
    ASSERT_TRUE(bad);
    const Bytes8 zeros(4);
    ASSERT_EQ(::write(bad->get(), zeros.data(), zeros.size()), 4);
    receive_all(*hub);
    EXPECT_EQ(hub->counters().hostile, 1U);
    EXPECT_EQ(hub->peers(), 1U);
    EXPECT_EQ(hub->error(), "");
    std::uint8_t byte = 0;
    EXPECT_EQ(::read(bad->get(), &byte, 1), 0) << "its connection is closed";
    const auto frame = ethernet_frame(station(9), station(1));
    ASSERT_TRUE(send(*good, frame));
    EXPECT_EQ(receive_all(*hub), Frames{frame});
}

TEST(UnixSwitch, PeersBeyondTheBoundAreRefused) {
    const test::TemporaryFolder folder;
    const auto hub = listening(folder.file("hub"));
    std::vector<UniqueFd> peers;
    for (std::size_t i = 0; i < UnixLink::max_peers + 3; ++i) {
        auto fd = connect_to(folder.file("hub"));
        ASSERT_TRUE(fd) << fd.error();
        peers.push_back(*std::move(fd));
        receive_all(*hub);
    }
    EXPECT_EQ(hub->peers(), UnixLink::max_peers);
    EXPECT_EQ(hub->counters().refused, 3U);
    std::uint8_t byte = 0;
    EXPECT_EQ(::read(peers.back().get(), &byte, 1), 0);
    peers.clear();
    receive_all(*hub);
    EXPECT_EQ(hub->peers(), 0U);
}

TEST(UnixSwitch, RunsOutOfDescriptorsWithoutSpinning) {
    const test::TemporaryFolder folder;
    const auto hub = listening(folder.file("hub"));
    const auto waiting = connect_to(folder.file("hub"));
    ASSERT_TRUE(waiting);
    std::vector<UniqueFd> hoard;
    for (UniqueFd fd(::dup(0)); fd; fd = UniqueFd(::dup(0)))
        hoard.push_back(std::move(fd));
    receive_all(*hub, Time{});
    EXPECT_EQ(hub->peers(), 0U);
    EXPECT_FALSE(test::readable(hub->descriptor(), 0)) << "the waiting peer must not wake us now";
    const Time again = hub->next_arrival();
    EXPECT_FALSE(again.is_never());
    hoard.clear();
    receive_all(*hub, again);
    EXPECT_EQ(hub->peers(), 1U);
    EXPECT_TRUE(hub->next_arrival().is_never());
}

TEST(MacTable, IsBoundedPerPort) {
    MacTable table;
    for (std::size_t i = 0; i < MacTable::max_stations_per_port + 10; ++i) {
        table.learn(station(static_cast<std::uint8_t>(i)), 1);
    }
    EXPECT_EQ(table.size(), MacTable::max_stations_per_port);
    EXPECT_EQ(table.not_learned(), 10U);
    table.learn(MacAddress::broadcast(), 2);
    EXPECT_EQ(table.find(MacAddress::broadcast()), std::nullopt);
    table.learn(station(0), 2);
    EXPECT_EQ(table.find(station(0)), 2U) << "a station may move";
    table.forget(1);
    EXPECT_EQ(table.size(), 1U);
}

TEST(UnixListen, ModeStalePathsAndCollisions) {
    const test::TemporaryFolder folder;
    const std::string path = folder.file("hub");
    {
        const auto hub = listening(path);
        struct stat found {};
        ASSERT_EQ(::stat(path.c_str(), &found), 0);
        EXPECT_TRUE(S_ISSOCK(found.st_mode));
        EXPECT_EQ(found.st_mode & 0777U, 0600U);
        const auto second = UnixLink::listen(path, {});
        ASSERT_FALSE(second);
        EXPECT_NE(second.error().find("already listens there"), std::string::npos);
        EXPECT_EQ(::stat(path.c_str(), &found), 0) << "the first one's socket is untouched";
    }
    EXPECT_FALSE(std::filesystem::exists(path)) << "the path goes with the link";

    // What a killed program leaves: a socket at which nobody listens.
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    UniqueFd dead(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(::bind(dead.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    dead.reset();
    ASSERT_TRUE(std::filesystem::exists(path));
    EXPECT_NE(UnixLink::connect(path, {}).error().find(",listen"), std::string::npos);
    EXPECT_NE(listening(path), nullptr);

    const std::string file = folder.file("file");
    std::ofstream(file) << "precious";
    const auto over_file = UnixLink::listen(file, {});
    ASSERT_FALSE(over_file);
    EXPECT_NE(over_file.error().find("is not a socket"), std::string::npos);
    EXPECT_EQ(std::filesystem::file_size(file), 8U);
    EXPECT_NE(UnixLink::listen(std::string(200, 'x'), {}).error().find("at most 107"),
              std::string::npos);
}

}  // namespace
}  // namespace berth::drivers
