// HOST:PORT.
#include "http/options.h"

#include <charconv>

namespace playhead {

Result<ListenAddress> parse_listen(const std::string& text) {
  const auto wrong = [&] {
    return fail(
        Errc::kInvalidArgument,
        "'" + text + "' is no address to listen on: expected HOST:PORT, as in 127.0.0.1:8080");
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return wrong();
  ListenAddress address;
  address.host = text.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']'))
    address.host = address.host.substr(1, address.host.size() - 2);
  else if (address.host.find(':') != std::string::npos)
    return wrong();
  const char* end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data() + colon + 1, end, address.port);
  if (error != std::errc() || last != end || address.host.empty()) return wrong();
  return address;
}

}  // namespace playhead
