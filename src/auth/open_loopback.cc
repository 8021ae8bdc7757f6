// The authenticator of a server without keys.
#include <boost/asio/ip/address.hpp>

#include "auth/authenticator.h"

namespace playhead {
namespace {

/// The host of "http://host:port" or "host:port", without brackets.
std::string_view host_of(std::string_view text) {
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos)
    text.remove_prefix(scheme + 3);
  if (text.starts_with('[')) return text.substr(1, text.find(']') - 1);
  return text.substr(0, text.find(':'));
}

}  // namespace

OpenLoopback::OpenLoopback(const AuthOptions& options) {
  caller_.permissions = kAllPermissions;
  if (options.stream_limit > 0) caller_.stream_limit = options.stream_limit;
}

std::expected<std::shared_ptr<const Caller>, Refusal> OpenLoopback::authenticate(
    const Credentials& credentials) const {
  if (!credentials.host.empty() && !is_loopback(host_of(credentials.host)))
    return std::unexpected(Refusal{
        Refusal::Kind::kForbidden,
        "without keys only requests to a name of this machine, such as localhost, are answered; "
        "docs/access.md tells how to get keys"});
  if (!credentials.origin.empty() && !credentials.origin_allowed &&
      !is_loopback(host_of(credentials.origin)))
    return std::unexpected(
        Refusal{Refusal::Kind::kForbidden,
                "without keys only pages of this machine may ask; add the page's origin to "
                "cors_origins if it should be allowed"});
  // An alias of nothing: no count that all threads would have to share.
  return std::shared_ptr<const Caller>(std::shared_ptr<const Caller>(), &caller_);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error) return false;
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6())
        .is_loopback();
  return address.is_loopback();
}

Result<void> check_listen(const Authenticator& authenticator, std::string_view host) {
  if (authenticator.guards() || is_loopback(host)) return {};
  return fail(Errc::kInvalidArgument,
              "no keys are configured, so everybody who can reach " + std::string(host) +
                  " could read and write everything: listen on 127.0.0.1 instead, or set "
                  "auth.keys_file, as docs/access.md tells");
}

}  // namespace playhead
