#include "apps/berth/services/web_root.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>
#include <optional>

#include "apps/berth/command.hpp"

namespace berth::app {
namespace {

using drivers::UniqueFd;

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
// O_NONBLOCK: whatever a name turns into between two looks, opening it does not wait.
constexpr int file_flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// The names in a path; nullopt where one is "..". Empty ones and "." are no step.
std::optional<std::vector<std::string>> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        const auto slash = path.find('/');
        const auto name = path.substr(0, slash);
        path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
        if (name.empty() || name == ".") continue;
        if (name == "..") return std::nullopt;
        segments.emplace_back(name);
    }
    return segments;
}

// Looks before it opens: opening a device can have effects.
WebResource open_file(int directory, const std::string& name) {
    struct stat seen {};
    if (::fstatat(directory, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(seen.st_mode))
        return WebError{404};
    UniqueFd file(::openat(directory, name.c_str(), file_flags));
    if (!file) return WebError{errno == EACCES ? 403 : 404};
    if (::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return WebError{404};
    return WebFile{std::move(file), static_cast<std::uint64_t>(seen.st_size), seen.st_mtime,
                   media_type_of(name)};
}

WebResource list_directory(UniqueFd directory) {
    struct Closer {
        void operator()(DIR* stream) const { ::closedir(stream); }
    };
    const std::unique_ptr<DIR, Closer> stream(::fdopendir(directory.get()));
    if (!stream) return WebError{403};
    const int fd = directory.release();  // the stream owns it now
    WebDirectory listing;
    while (const dirent* found = ::readdir(stream.get())) {
        const std::string name = found->d_name;
        struct stat seen {};
        if (name == "." || name == ".." ||
            ::fstatat(fd, name.c_str(), &seen, AT_SYMLINK_NOFOLLOW) != 0 ||
            !(S_ISREG(seen.st_mode) || S_ISDIR(seen.st_mode)))
            continue;
        if (listing.entries.size() == WebRoot::listing_limit_entries) {
            listing.is_cut_off = true;
            break;
        }
        listing.entries.push_back(
            {name, S_ISDIR(seen.st_mode), static_cast<std::uint64_t>(seen.st_size)});
    }
    std::sort(listing.entries.begin(), listing.entries.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return listing;
}

}  // namespace

WebRoot::WebRoot(const std::string& directory)
    : root_(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (!root_)
        throw UsageError(fmt::format("cannot serve the directory {}: {}; name one that exists",
                                     directory, std::strerror(errno)));
}

WebResource WebRoot::open(std::string_view path) const {
    const auto segments = segments_of(path);
    if (!segments) return WebError{404};
    UniqueFd directory(::openat(root_.get(), ".", directory_flags));
    std::string walked = "/";
    for (std::size_t i = 0; directory && i < segments->size(); ++i) {
        const std::string& name = (*segments)[i];
        const bool last = i + 1 == segments->size();
        UniqueFd next(::openat(directory.get(), name.c_str(), directory_flags));
        if (!next && last && errno == ENOTDIR && !path.ends_with('/'))
            return open_file(directory.get(), name);
        if (!next) return WebError{errno == EACCES ? 403 : 404};
        walked += percent_encoded(name) + "/";
        directory = std::move(next);
    }
    if (!directory) return WebError{404};
    // Relative links in a page count from the last slash.
    if (!path.ends_with('/')) return WebRedirect{walked};
    WebResource index = open_file(directory.get(), "index.html");
    if (std::holds_alternative<WebFile>(index)) return index;
    return list_directory(std::move(directory));
}

std::string_view media_type_of(std::string_view file_name) {
    struct Type {
        std::string_view suffix, type;
    };
    static constexpr Type types[] = {
        {".html", "text/html; charset=utf-8"},
        {".htm", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".mjs", "text/javascript; charset=utf-8"},
        {".json", "application/json"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
        {".csv", "text/csv; charset=utf-8"},
        {".xml", "application/xml"},
        {".pdf", "application/pdf"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".jpeg", "image/jpeg"},
        {".gif", "image/gif"},
        {".svg", "image/svg+xml"},
        {".webp", "image/webp"},
        {".ico", "image/vnd.microsoft.icon"},
        {".mp4", "video/mp4"},
        {".webm", "video/webm"},
        {".mp3", "audio/mpeg"},
        {".wasm", "application/wasm"},
        {".woff2", "font/woff2"},
        {".gz", "application/gzip"},
        {".zip", "application/zip"},
        {".pcap", "application/vnd.tcpdump.pcap"},
    };
    for (const auto& type : types)
        if (file_name.ends_with(type.suffix)) return type.type;
    return "application/octet-stream";
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (char c : text) {
        const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                           (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == '.' || c == '~';
        if (plain)
            out += c;
        else
            fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string html_escaped(std::string_view text) {
    std::string out;
    for (char c : text) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: out += c;
        }
    }
    return out;
}

}  // namespace berth::app
