// Where a token stands in a request, then the cache, then its signature.
#include "auth/token_authenticator.h"

#include <random>

#include "base/hash.h"

namespace playhead {
namespace {

constexpr std::string_view kScheme = "bearer";
constexpr std::string_view kParameter = "access_token=";  // RFC 6750, 2.3

bool is_scheme(std::string_view text) {
  if (text.size() != kScheme.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != kScheme[i]) return false;
  return true;
}

/// The token of an Authorization header; empty if it is of another scheme.
std::string_view token_in_header(std::string_view header) {
  const std::size_t space = header.find(' ');
  if (space == std::string_view::npos || !is_scheme(header.substr(0, space))) return {};
  header.remove_prefix(space);
  return header.substr(std::min(header.find_first_not_of(' '), header.size()));
}

/// The token as it stands: it is made of letters that need no escape, so one with an escape is
/// none.
std::expected<std::string_view, TokenFault> token_in(const Credentials& credentials) {
  std::string_view found = token_in_header(credentials.authorization);
  std::string_view query = credentials.query;
  while (!query.empty()) {
    std::string_view parameter = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    if (!parameter.starts_with(kParameter)) continue;
    if (!found.empty()) return std::unexpected(TokenFault::kTwice);
    found = parameter.substr(kParameter.size());
    if (found.empty()) return std::unexpected(TokenFault::kMalformed);
  }
  if (found.empty())
    return std::unexpected(credentials.authorization.empty() ? TokenFault::kAbsent
                                                             : TokenFault::kMalformed);
  return found;
}

std::unexpected<Refusal> refuse(TokenFault fault) {
  return std::unexpected(Refusal{Refusal::Kind::kUnknown, std::string(describe(fault))});
}

std::unexpected<Refusal> too_many() {
  return std::unexpected(Refusal{Refusal::Kind::kTooMany, "more requests than are allowed"});
}

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace

TokenAuthenticator::TokenAuthenticator(const AuthOptions& options, const Clock& clock)
    : options_(options),
      rules_{.issuer = options.issuer, .audience = options.audience},
      clock_(clock),
      seed_(random_seed()),
      cache_(options.token_cache_max, seed_) {}

Result<std::unique_ptr<TokenAuthenticator>> TokenAuthenticator::open(const AuthOptions& options,
                                                                     const Clock& clock) {
  std::unique_ptr<TokenAuthenticator> made(new TokenAuthenticator(options, clock));
  made->stamp_ = stamp_of(options.keys_file);
  auto read = read_keys(options);
  if (!read) return std::unexpected(read.error());
  made->keys_ = std::make_shared<const KeySet>(*std::move(read));
  return made;
}

Result<bool> TokenAuthenticator::refresh() {
  if (options_.keys_file.empty()) return false;
  const FileStamp stamp = stamp_of(options_.keys_file);
  if (stamp == stamp_) return false;
  stamp_ = stamp;
  auto read = read_keys(options_);
  if (!read) return std::unexpected(read.error());
  std::scoped_lock lock(mutex_);
  keys_ = std::make_shared<const KeySet>(*std::move(read));
  ++generation_;
  return true;
}

std::pair<std::shared_ptr<const KeySet>, std::uint64_t> TokenAuthenticator::keys() const {
  std::scoped_lock lock(mutex_);
  return {keys_, generation_.load()};
}

std::shared_ptr<const Caller> TokenAuthenticator::make_caller(std::string_view token,
                                                              const Claims& claims,
                                                              std::uint64_t generation) const {
  Caller caller = caller_of(claims, options_.stream_limit);
  caller.generation = generation;
  caller.token_key = hash_bytes(token, seed_);
  if (caller.account)
    caller.account_key = hash_bytes(caller.tenant + '\0' + *caller.account, seed_);
  return std::make_shared<const Caller>(std::move(caller));
}

bool TokenAuthenticator::take(const Caller& caller) const {
  const std::uint32_t of_account = caller.account ? options_.account_requests_per_s_max : 0;
  if (of_account == 0 && options_.token_requests_per_s_max == 0) return true;
  const Millis now_ms = clock_.monotonic_ms();
  return rates_.take(caller.token_key, options_.token_requests_per_s_max, now_ms) &&
         rates_.take(caller.account_key, of_account, now_ms);
}

std::expected<std::shared_ptr<const Caller>, Refusal> TokenAuthenticator::authenticate(
    const Credentials& credentials) const {
  const auto token = token_in(credentials);
  if (!token) return refuse(token.error());
  const Instant now = clock_.now();
  if (auto caller = cache_.find(*token, this->generation(), now)) {
    if (!take(*caller)) return too_many();
    return caller;
  }
  const auto [keys, generation] = this->keys();
  checked_.fetch_add(1, std::memory_order_relaxed);
  const auto claims = check_token(*token, *keys, rules_, now);
  if (!claims) return refuse(claims.error());
  auto caller = make_caller(*token, *claims, generation);
  cache_.put(*token, generation, caller);
  if (!take(*caller)) return too_many();
  return caller;
}

}  // namespace playhead
