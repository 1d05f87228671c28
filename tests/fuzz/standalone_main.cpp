// Runs a fuzz target without libFuzzer: every file named on the command line (or in a folder named
// there), then seeded mutations of them. Equal arguments give equal inputs, so a failure is
// repeated by its seed; the input that was running when the program died is kept in a file.
#include <unistd.h>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// There in programs built with a sanitizer, which end without a signal.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace {

using Input = std::vector<std::uint8_t>;

constexpr std::size_t kMaxInputBytes = 4096;
constexpr std::uint64_t kRunsPerClockRead = 256;
constexpr unsigned kHangSeconds = 60;  // for that many runs; then the input counts as a hang
constexpr const char* kUsage =
    "usage: fuzz_NAME [--seconds N] [--runs N] [--seed N] [FILE|FOLDER ...]\n";

struct Options {
    std::uint64_t seconds = 0;  // 0: no limit by time
    std::uint64_t runs = 0;     // 0: no limit by count
    std::uint64_t seed = 1;
    std::vector<std::string> paths;
};

// What the crash handler writes: set before each run, read only when the program dies in it.
const Input* running = nullptr;
char crash_path[256];

void keep_input() {
    if (running == nullptr) return;
    if (std::FILE* file = std::fopen(crash_path, "wb")) {
        std::fwrite(running->data(), 1, running->size(), file);
        std::fclose(file);
        std::fprintf(stderr, "the input (%zu bytes) is in %s\n", running->size(), crash_path);
    }
    running = nullptr;
}

void on_crash(int signal) {
    keep_input();
    std::signal(signal, SIG_DFL);
    std::raise(signal);
}

void run(const Input& input) {
    running = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    running = nullptr;
}

// One to four small damages of the kinds that parsers trip over.
void mutate(Input& input, berth::Random& random) {
    static constexpr std::uint8_t kEdges[] = {0, 1, 4, 5, 0x7f, 0x80, 0xfe, 0xff};
    for (std::uint32_t count = 1 + random.below(4); count > 0; --count) {
        const auto size = static_cast<std::uint32_t>(input.size());
        if (size == 0) {
            input.push_back(static_cast<std::uint8_t>(random.next_u32()));
            continue;
        }
        const std::uint32_t at = random.below(size);
        switch (random.below(6)) {
            case 0:
                input[at] = static_cast<std::uint8_t>(input[at] ^ (1u << random.below(8)));
                break;
            case 1: input[at] = static_cast<std::uint8_t>(random.next_u32()); break;
            case 2: input[at] = kEdges[random.below(std::size(kEdges))]; break;
            case 3: input.resize(at); break;
            case 4:
                if (input.size() < kMaxInputBytes) {
                    input.insert(input.begin() + at, static_cast<std::uint8_t>(random.next_u32()));
                }
                break;
            default: {  // repeat a piece
                const std::size_t length = 1 + random.below(std::min(size - at, 64u));
                if (input.size() + length > kMaxInputBytes) break;
                const auto from = input.begin() + at;
                const Input piece(from, from + static_cast<std::ptrdiff_t>(length));
                input.insert(input.end(), piece.begin(), piece.end());
            }
        }
    }
}

Input read_file(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "fuzz: cannot read %s\n", path.c_str());
        std::exit(2);
    }
    return Input(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

// In the order of their names, so that a seed means the same on every file system.
std::vector<Input> read_corpus(const std::vector<std::string>& paths) {
    std::vector<std::filesystem::path> files;
    for (const std::string& path : paths) {
        if (!std::filesystem::is_directory(path)) {
            if (std::filesystem::exists(path)) files.emplace_back(path);
            continue;
        }
        for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    std::vector<Input> corpus;
    for (const auto& file : files)
        corpus.push_back(read_file(file));
    return corpus;
}

std::uint64_t run_mutations(const Options& options, const std::vector<Input>& corpus) {
    berth::Random random{berth::Seed::from(options.seed)};
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
    for (std::uint64_t done = 0;; ++done) {
        if (options.runs != 0 && done == options.runs) return done;
        if (done % kRunsPerClockRead == 0) {
            alarm(kHangSeconds);
            if (options.seconds != 0 && std::chrono::steady_clock::now() >= end) return done;
        }
        Input input;
        // One in sixteen from nothing, the others from the corpus.
        if (corpus.empty() || random.below(16) == 0) {
            input.resize(random.below(256));
            for (std::uint8_t& byte : input)
                byte = static_cast<std::uint8_t>(random.next_u32());
        } else {
            input = corpus[random.below(static_cast<std::uint32_t>(corpus.size()))];
        }
        mutate(input, random);
        run(input);
    }
}

[[noreturn]] void usage_error(const std::string& what) {
    std::fprintf(stderr, "fuzz: %s\n%s", what.c_str(), kUsage);
    std::exit(2);
}

std::uint64_t parse_number(std::string_view option, const char* text) {
    std::uint64_t value = 0;
    const char* const end = text == nullptr ? nullptr : text + std::strlen(text);
    if (text == nullptr || std::from_chars(text, end, value).ptr != end || text == end) {
        usage_error(std::string(option) + " needs a number");
    }
    return value;
}

Options parse_options(char** argument) {
    Options options;
    while (const char* text = *++argument) {
        const std::string_view word = text;
        if (word == "--seconds") {
            options.seconds = parse_number(word, *++argument);
        } else if (word == "--runs") {
            options.runs = parse_number(word, *++argument);
        } else if (word == "--seed") {
            options.seed = parse_number(word, *++argument);
        } else if (word == "--help") {
            std::fputs(kUsage, stdout);
            std::exit(0);
        } else if (word.starts_with('-')) {
            usage_error("unknown option " + std::string(word));
        } else {
            options.paths.emplace_back(word);
        }
    }
    return options;
}

}  // namespace

int main(int, char** argv) {
    const Options options = parse_options(argv);
    std::snprintf(crash_path, sizeof crash_path, "%s.crash-%ld",
                  std::filesystem::path(argv[0]).filename().c_str(), static_cast<long>(getpid()));
    for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
        std::signal(signal, on_crash);
    }
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(keep_input);
    alarm(kHangSeconds);
    const std::vector<Input> corpus = read_corpus(options.paths);
    for (const Input& input : corpus)
        run(input);
    std::uint64_t mutations = 0;
    if (options.runs != 0 || options.seconds != 0) mutations = run_mutations(options, corpus);
    std::printf("fuzz: %zu inputs from files, %llu mutations with seed %llu, no finding\n",
                corpus.size(), static_cast<unsigned long long>(mutations),
                static_cast<unsigned long long>(options.seed));
    return 0;
}
