// Cuts at commas, then at the last colon.
#include "cache/servers.h"

#include <algorithm>
#include <charconv>

namespace playhead {
namespace {

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(' ') + 1 - first);
}

Result<CacheServer> parse_one(std::string_view text) {
  const auto wrong = [text] {
    return fail(Errc::kInvalidArgument, "'" + std::string(text) + "' is not HOST:PORT");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  CacheServer out;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out.port);
  if (error != std::errc() || end != digits.data() + digits.size() || out.port == 0) return wrong();
  const bool in_brackets = host.starts_with('[') && host.ends_with(']');
  if (in_brackets) host = host.substr(1, host.size() - 2);
  if (host.empty() || (!in_brackets && host.contains(':')) ||
      host.find_first_of(" /[]") != std::string_view::npos)
    return wrong();
  out.host = host;
  return out;
}

}  // namespace

Result<std::vector<CacheServer>> parse_cache_servers(std::string_view text) {
  std::vector<CacheServer> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    auto server = parse_one(trimmed(text.substr(begin, end - begin)));
    if (!server) return std::unexpected(std::move(server.error()));
    if (std::ranges::find(out, *server) != out.end())
      return fail(Errc::kInvalidArgument, "'" + server->host + "' stands there twice");
    out.push_back(*std::move(server));
    begin = end + 1;
  }
  if (out.size() > kCacheServersMax)
    return fail(Errc::kInvalidArgument,
                "more than " + std::to_string(kCacheServersMax) + " servers of a cache");
  return out;
}

}  // namespace playhead
