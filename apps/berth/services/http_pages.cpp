#include "apps/berth/services/http_pages.hpp"

#include <fmt/format.h>

#include <array>
#include <iterator>

namespace berth::app {
namespace {

std::string page(std::string_view title, std::string_view body) {
    return fmt::format(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{0}</title>"
        "</head>\n<body>\n<h1>{0}</h1>\n{1}</body>\n</html>\n",
        title, body);
}

}  // namespace

std::string_view reason_phrase(int status) {
    switch (status) {
        case 200: return "OK";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 400: return "Bad Request";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 408: return "Request Timeout";
        case 416: return "Range Not Satisfiable";
        case 431: return "Request Header Fields Too Large";
        case 505: return "HTTP Version Not Supported";
        default: return "Error";
    }
}

std::string http_date(std::time_t when) {
    std::tm parts{};
    gmtime_r(&when, &parts);
    std::array<char, 64> text{};
    const auto size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text.data(), size};
}

std::string error_page(int status) {
    return page(fmt::format("{} {}", status, reason_phrase(status)), "");
}

std::string welcome_page(const FourTuple& four_tuple) {
    return page("berth",
                fmt::format("<p>This page came over a TCP connection of its own. What tells it "
                            "apart from all others is its four-tuple:</p>\n"
                            "<table>\n<tr><td>server</td><td>{}</td></tr>\n"
                            "<tr><td>you</td><td>{}</td></tr>\n</table>\n",
                            to_string(four_tuple.local), to_string(four_tuple.remote)));
}

std::string listing_page(std::string_view path, const WebDirectory& listing) {
    std::string body = "<ul>\n";
    if (path != "/") body += "<li><a href=\"../\">../</a></li>\n";
    for (const auto& entry : listing.entries) {
        const std::string_view slash = entry.is_directory ? "/" : "";
        // "./": a name with a colon in it is not a scheme.
        fmt::format_to(std::back_inserter(body), "<li><a href=\"./{}{}\">{}{}</a>",
                       percent_encoded(entry.name), slash, html_escaped(entry.name), slash);
        if (!entry.is_directory)
            fmt::format_to(std::back_inserter(body), " {} bytes", entry.size_bytes);
        body += "</li>\n";
    }
    body += "</ul>\n";
    if (listing.is_cut_off)
        body += fmt::format("<p>Only {} entries are shown.</p>\n", listing.entries.size());
    return page(html_escaped(path), body);
}

}  // namespace berth::app
