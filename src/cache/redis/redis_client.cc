// One script call a request. A connection that failed is closed, and made anew by the next call.
#include "cache/redis/redis_client.h"

#include <openssl/sha.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/hash.h"

extern "C" {
extern const char playhead_embedded_cache_page_lua_begin[];
extern const char playhead_embedded_cache_page_lua_end[];
}

namespace playhead {
namespace {

constexpr std::uint64_t kDigestModulus = std::uint64_t{1} << 52;  ///< sums are exact in a double
constexpr std::size_t kDigestDigits = 16;
constexpr std::size_t kSizeDigits = 4;
constexpr std::size_t kPlaceDigits = 16;  ///< without its sign; page_rows() lets no longer one in
constexpr std::size_t kPrefixBytes = kDigestDigits + kSizeDigits + 1 + kPlaceDigits;
static_assert(kPageRowBytesMax < 10'000);
constexpr std::size_t kSumBytes = 40;
constexpr std::size_t kVersionHalfDigits = 20;

std::string_view script() {
  return {playhead_embedded_cache_page_lua_begin, playhead_embedded_cache_page_lua_end};
}

std::string sha1_hex(std::string_view bytes) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> sum;
  ::SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), sum.data());
  std::string out;
  for (const unsigned char byte : sum) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

std::string padded(std::uint64_t number, std::size_t digits) {
  std::string out = std::to_string(number);
  return std::string(digits - std::min(digits, out.size()), '0') + out;
}

std::string version_text(PageVersion version) {
  return padded(version.epoch, kVersionHalfDigits) + padded(version.count, kVersionHalfDigits);
}

// What a set is ordered by: the newest first.
std::string place_text(Instant keyed_start) {
  const std::int64_t place = -keyed_start.ms;
  return (place < 0 ? "-" : "+") +
         padded(static_cast<std::uint64_t>(place < 0 ? -place : place), kPlaceDigits);
}

std::uint64_t digest_of(std::string_view record, std::string_view identity) {
  return hash_bytes(record, hash_bytes(identity)) % kDigestModulus;
}

template <typename T>
bool parse(std::string_view text, T& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

void append_rows(std::vector<std::string>& arguments, const std::vector<PageRow>& rows,
                 std::string_view identity) {
  for (const PageRow& row : rows) {
    arguments.push_back(place_text(row.keyed_start));
    arguments.emplace_back(row.view);
    arguments.push_back(padded(digest_of(row.record, identity), kDigestDigits)
                            .append(padded(row.record.size(), kSizeDigits))
                            .append(place_text(row.keyed_start))
                            .append(row.record));
  }
}

struct Head {
  PageEntry entry;  // without its rows
  std::uint64_t rows = 0, digest = 0;
};

std::expected<Head, Miss> read_head(std::string_view text, std::string_view identity) {
  if (text.size() < kSumBytes) return std::unexpected(Miss::kDamaged);
  std::string_view body = text.substr(kSumBytes);
  if (sha1_hex(body) != text.substr(0, kSumBytes)) return std::unexpected(Miss::kDamaged);
  const auto next = [&body] {
    const std::string_view word = body.substr(0, body.find(' '));
    body.remove_prefix(std::min(body.size(), word.size() + 1));
    return word;
  };
  std::uint64_t format = 0;
  if (!parse(next(), format)) return std::unexpected(Miss::kDamaged);
  if (format != kPageFormat)
    return std::unexpected(format > kPageFormat ? Miss::kFormat : Miss::kDamaged);
  Head out;
  const std::string_view version = next();
  const std::string_view as_of = next(), born = next(), whole = next(), floor = next(),
                         rows = next(), digest = next();
  if (body != identity) return std::unexpected(Miss::kForeign);
  PageEntry& entry = out.entry;
  if (version.size() != 2 * kVersionHalfDigits ||
      !parse(version.substr(0, kVersionHalfDigits), entry.version.epoch) ||
      !parse(version.substr(kVersionHalfDigits), entry.version.count) ||
      !parse(as_of, entry.as_of.ms) || !parse(born, entry.born.ms) || !parse(rows, out.rows) ||
      !parse(digest, out.digest))
    return std::unexpected(Miss::kDamaged);
  entry.whole = whole == "1";
  entry.floor = floor == "1";
  return out;
}

struct Value {
  std::uint64_t digest = 0;
  std::string_view place, record;
};

// Takes a row's value off the front of `values`; nothing if it is not what was written.
std::optional<Value> take_value(std::string_view& values, std::string_view identity) {
  Value out;
  std::size_t size = 0;
  if (values.size() < kPrefixBytes || !parse(values.substr(0, kDigestDigits), out.digest) ||
      !parse(values.substr(kDigestDigits, kSizeDigits), size) ||
      values.size() - kPrefixBytes < size)
    return std::nullopt;
  out.place = values.substr(kDigestDigits + kSizeDigits, 1 + kPlaceDigits);
  out.record = values.substr(kPrefixBytes, size);
  values.remove_prefix(kPrefixBytes + size);
  if (out.digest != digest_of(out.record, identity)) return std::nullopt;
  return out;
}

PageRow place_of(const StoredView& view) {
  return {.keyed_start = view.keyed_start, .view = view.ids.get().view, .record = {}};
}

std::string_view text_of(const redisReply* reply) {
  if (reply == nullptr || reply->type != REDIS_REPLY_STRING) return {};
  return {reply->str, static_cast<std::size_t>(reply->len)};
}

::timeval span(Millis ms) {
  return {.tv_sec = ms / 1'000, .tv_usec = static_cast<::suseconds_t>(ms % 1'000 * 1'000)};
}

}  // namespace

Result<std::unique_ptr<Cache>> make_redis_cache(RedisServer server, CacheOptions options,
                                                const Clock& clock) {
  if (auto checked = check(options); !checked) return std::unexpected(checked.error());
  return std::make_unique<LaneCache>(std::make_unique<CacheState>(clock, std::move(options), 1),
                                     [server = std::move(server)](CacheState& state) {
                                       return std::make_unique<RedisClient>(server, state);
                                     });
}

std::expected<Page, Miss> read_redis_page(std::string_view head_text, std::string_view values,
                                          std::string_view identity, const ProfileRef& profile,
                                          Instant now, const CacheOptions& options) {
  auto head = read_head(head_text, identity);
  if (!head) return std::unexpected(head.error());
  if (!lives(head->entry, now, options)) return std::unexpected(Miss::kExpired);
  if (head->entry.floor) return std::unexpected(Miss::kAbsent);
  if (head->rows > kPageRowsMax) return std::unexpected(Miss::kDamaged);
  Page out{.version = head->entry.version, .as_of = head->entry.as_of, .whole = head->entry.whole};
  out.rows.reserve(head->rows);
  std::uint64_t sum = 0;
  while (!values.empty()) {
    const auto value = take_value(values, identity);
    if (!value) return std::unexpected(Miss::kDamaged);
    sum = (sum + value->digest) % kDigestModulus;
    Result<StoredView> view = decode_view(value->record);
    if (!view || value->place != place_text(view->keyed_start))
      return std::unexpected(Miss::kDamaged);
    if (!is_of(*view, profile)) return std::unexpected(Miss::kForeign);
    if (!out.rows.empty() && !comes_before(place_of(out.rows.back()), place_of(*view)))
      return std::unexpected(Miss::kDamaged);
    out.rows.push_back(std::move(*view));
  }
  if (out.rows.size() != head->rows || sum != head->digest) return std::unexpected(Miss::kDamaged);
  return out;
}

RedisClient::Arguments RedisClient::arguments_of(std::string_view what, const std::string& identity,
                                                 const ProfileRef& profile,
                                                 const CallTime& call) const {
  static const std::string digest = sha1_hex(script());
  const CacheOptions& options = state_.options;
  // In braces what a Redis cluster would choose the node by: both keys lie together.
  const std::string key = "{" + page_key(options.name, profile) + "}";
  return {"EVALSHA",
          digest,
          "2",
          key,
          key + ":order",
          std::string(what),
          identity,
          std::to_string(call.now.ms),
          std::to_string(options.page_ttl_ms),
          std::to_string(options.page_life_ms_max),
          std::to_string(options.page_rows_max)};
}

bool RedisClient::connect(const CallTime& call) {
  const Millis left = state_.left_ms(call);
  if (!context_) {
    const Millis connect_ms = std::min(left, state_.options.connect_ms_max);
    context_.reset(redisConnectWithTimeout(server_.host.c_str(), server_.port, span(connect_ms)));
  }
  if (context_ && context_->err == 0 && redisSetTimeout(context_.get(), span(left)) == REDIS_OK)
    return true;
  context_.reset();
  return false;
}

RedisClient::Reply RedisClient::send(const Arguments& arguments, const CallTime& call) {
  if (!connect(call)) return {};
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  Reply reply(static_cast<redisReply*>(redisCommandArgv(
      context_.get(), static_cast<int>(texts.size()), texts.data(), sizes.data())));
  // What is late on this connection would be the answer to the next question.
  if (!reply) context_.reset();
  return reply;
}

std::expected<RedisClient::Reply, Miss> RedisClient::run(Arguments arguments,
                                                         const CallTime& call) {
  Breaker& breaker = *state_.breakers.front();
  if (call.deadline.passed(state_.clock) || !breaker.admit(state_.clock.monotonic_ms()))
    return std::unexpected(Miss::kRefused);
  Reply reply = send(arguments, call);
  if (reply && reply->type == REDIS_REPLY_ERROR &&
      std::string_view(reply->str, static_cast<std::size_t>(reply->len)).starts_with("NOSCRIPT")) {
    arguments[0] = "EVAL";
    arguments[1] = script();
    reply = send(arguments, call);
  }
  if (!reply) {
    breaker.failed(state_.clock.monotonic_ms());
    return std::unexpected(Miss::kFailed);
  }
  breaker.succeeded();
  if (reply->type == REDIS_REPLY_ERROR) return std::unexpected(Miss::kFailed);
  return reply;
}

std::expected<Page, Miss> RedisClient::newest(const ProfileRef& profile, const CallTime& call) {
  const std::string identity = page_identity(state_.options.name, profile);
  const auto reply = run(arguments_of("newest", identity, profile, call), call);
  if (!reply) return std::unexpected(reply.error());
  const redisReply& answer = **reply;
  if (answer.type != REDIS_REPLY_ARRAY || answer.elements != 3)
    return std::unexpected(Miss::kDamaged);
  if (answer.element[0]->type == REDIS_REPLY_NIL) return std::unexpected(Miss::kAbsent);
  auto page = read_redis_page(text_of(answer.element[0]), text_of(answer.element[2]), identity,
                              profile, call.now, state_.options);
  if (page && answer.element[1]->type == REDIS_REPLY_INTEGER && answer.element[1]->integer == 1)
    state_.refreshed.fetch_add(1, std::memory_order_relaxed);
  return page;
}

Written RedisClient::write(Arguments arguments, const CallTime& call) {
  const auto reply = run(std::move(arguments), call);
  if (!reply) return reply.error() == Miss::kRefused ? Written::kRefused : Written::kUnknown;
  const redisReply& answer = **reply;
  if (answer.type != REDIS_REPLY_INTEGER || answer.integer < 0 ||
      answer.integer > static_cast<long long>(Written::kGap))
    return Written::kUnknown;
  return static_cast<Written>(answer.integer);
}

Written RedisClient::put(const PageChange& change, const CallTime& call) {
  const auto rows = page_rows(change.rows);
  if (!rows) return Written::kRefused;
  const std::string identity = page_identity(state_.options.name, change.profile);
  Arguments arguments = arguments_of("put", identity, change.profile, call);
  arguments.push_back(version_text(change.before));
  arguments.push_back(version_text(change.after));
  arguments.push_back(std::to_string(change.as_of.ms));
  append_rows(arguments, rows->rows, identity);
  return write(std::move(arguments), call);
}

Written RedisClient::fill(const ProfileRef& profile, const Page& page, const CallTime& call) {
  auto rows = page_rows(page.rows);
  if (!rows) return Written::kRefused;
  const bool cut = rows->rows.size() > state_.options.page_rows_max;
  if (cut) rows->rows.resize(state_.options.page_rows_max);
  const std::string identity = page_identity(state_.options.name, profile);
  Arguments arguments = arguments_of("fill", identity, profile, call);
  arguments.push_back(version_text(page.version));
  arguments.push_back(std::to_string(page.as_of.ms));
  arguments.push_back(page.whole && !cut ? "1" : "0");
  append_rows(arguments, rows->rows, identity);
  return write(std::move(arguments), call);
}

Written RedisClient::forget(const ProfileRef& profile, PageVersion at, const CallTime& call) {
  const std::string identity = page_identity(state_.options.name, profile);
  Arguments arguments = arguments_of("forget", identity, profile, call);
  arguments.push_back(version_text(at));
  return write(std::move(arguments), call);
}

}  // namespace playhead
