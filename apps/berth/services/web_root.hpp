// The directory that http serves, and nothing outside it.
#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "drivers/unique_fd.hpp"

namespace berth::app {

struct WebFile {
    drivers::UniqueFd fd;
    std::uint64_t size_bytes = 0;
    std::time_t modified = 0;
    std::string_view media_type;
};

struct WebDirectory {
    struct Entry {
        std::string name;
        bool is_directory = false;
        std::uint64_t size_bytes = 0;
    };
    std::vector<Entry> entries;  // sorted by name
    bool is_cut_off = false;     // there are more than are listed
};

struct WebRedirect {
    std::string path;  // percent-encoded
};

struct WebError {
    int status = 404;
};

using WebResource = std::variant<WebFile, WebDirectory, WebRedirect, WebError>;

class WebRoot {
  public:
    // A listing shows no more than this.
    static constexpr std::size_t listing_limit_entries = 2000;

    // Throws UsageError.
    explicit WebRoot(const std::string& directory);

    // `path` is decoded and begins with '/'. The walk goes down from the root's descriptor one name
    // at a time and follows no symbolic link, so neither "..", nor a link, nor a rename meanwhile
    // can lead out of it. Only regular files and directories exist.
    WebResource open(std::string_view path) const;

  private:
    drivers::UniqueFd root_;
};

std::string_view media_type_of(std::string_view file_name);
std::string percent_encoded(std::string_view text);  // for one path segment
std::string html_escaped(std::string_view text);

}  // namespace berth::app
