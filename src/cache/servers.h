// The servers of a cache, as an operator names them. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace playhead {

struct CacheServer {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const CacheServer&, const CacheServer&) = default;
};

inline constexpr std::size_t kCacheServersMax = 100;

/// Of "HOST:PORT, HOST:PORT"; an IPv6 address stands in brackets. At least one, each once.
/// Errors: invalid_argument.
Result<std::vector<CacheServer>> parse_cache_servers(std::string_view text);

}  // namespace playhead
