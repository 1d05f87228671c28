// The pages and header lines that the http service writes itself.
#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "apps/berth/services/web_root.hpp"
#include "berth/address.hpp"

namespace berth::app {

std::string_view reason_phrase(int status);
std::string http_date(std::time_t when);  // RFC 9110 §5.6.7

std::string error_page(int status);
// What http serves without a directory: the connection that asked for it.
std::string welcome_page(const FourTuple& four_tuple);
std::string listing_page(std::string_view path, const WebDirectory& listing);

}  // namespace berth::app
