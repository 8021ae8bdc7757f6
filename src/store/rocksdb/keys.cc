// Lengths are one byte below 255, and 255 with four more bytes above: no id is that long, but a key
// is also made of what a caller asks for.
#include "store/rocksdb/keys.h"

#include "record/ids.h"

namespace playhead {
namespace {

constexpr std::size_t kSlotBytes = 2;
constexpr std::size_t kStartBytes = 8;
constexpr unsigned char kLong = 255;

void add_number(std::string& key, std::uint64_t number, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;)
    key += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
}

void add_text(std::string& key, std::string_view text) {
  add_number(key, std::min<std::size_t>(text.size(), kLong), 1);
  if (text.size() >= kLong) add_number(key, text.size(), 4);
  key += text;
}

std::optional<std::uint64_t> take_number(std::string_view& key, std::size_t bytes) {
  if (key.size() < bytes) return std::nullopt;
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < bytes; ++i) number = number << 8 | static_cast<unsigned char>(key[i]);
  key.remove_prefix(bytes);
  return number;
}

std::optional<std::string_view> take_text(std::string_view& key) {
  auto size = take_number(key, 1);
  if (size == kLong) size = take_number(key, 4);
  if (!size || key.size() < *size) return std::nullopt;
  const std::string_view text = key.substr(0, *size);
  key.remove_prefix(*size);
  return text;
}

// Newer is smaller; the sign bit is flipped so that times before 1970 sort as older.
std::uint64_t inverted(Instant at) { return ~(static_cast<std::uint64_t>(at.ms) ^ (1ULL << 63)); }

Instant uninverted(std::uint64_t number) {
  return {static_cast<std::int64_t>(~number ^ (1ULL << 63))};
}

std::size_t prefix_bytes(std::string_view key, int texts) {
  std::string_view rest = key;
  if (!take_number(rest, kSlotBytes)) return 0;
  for (int i = 0; i < texts; ++i)
    if (!take_text(rest)) return 0;
  return key.size() - rest.size();
}

}  // namespace

std::string account_prefix(std::string_view tenant, std::string_view account) {
  std::string key;
  key.reserve(kSlotBytes + tenant.size() + account.size() + 64);
  add_number(key, slot_of(tenant, account), kSlotBytes);
  add_text(key, tenant);
  add_text(key, account);
  return key;
}

std::string profile_prefix(const ProfileRef& profile) {
  std::string key = account_prefix(profile.tenant, profile.account);
  add_text(key, profile.profile);
  return key;
}

std::string account_key(std::string_view tenant, std::string_view account, std::string_view last) {
  std::string key = account_prefix(tenant, account);
  key += last;
  return key;
}

std::string title_key(const ProfileRef& profile, std::string_view title) {
  std::string key = profile_prefix(profile);
  key += title;
  return key;
}

std::string history_key(const ProfileRef& profile, Instant keyed_start, std::string_view view) {
  std::string key = profile_prefix(profile);
  add_number(key, inverted(keyed_start), kStartBytes);
  key += view;
  return key;
}

std::string trace_key(std::uint16_t slot) { return std::string(kTracePrefix) + slot_prefix(slot); }

std::optional<std::uint16_t> read_trace_key(std::string_view key) {
  if (!key.starts_with(kTracePrefix)) return std::nullopt;
  key.remove_prefix(kTracePrefix.size());
  const auto slot = take_number(key, kSlotBytes);
  if (!slot || !key.empty()) return std::nullopt;
  return static_cast<std::uint16_t>(*slot);
}

std::string slot_prefix(unsigned slot) {
  std::string key;
  add_number(key, slot, kSlotBytes);
  return key;
}

std::size_t account_prefix_bytes(std::string_view key) { return prefix_bytes(key, 2); }
std::size_t profile_prefix_bytes(std::string_view key) { return prefix_bytes(key, 3); }

std::optional<KeyParts> read_key(KeyKind kind, std::string_view key) {
  KeyParts parts;
  const auto slot = take_number(key, kSlotBytes);
  const auto tenant = take_text(key);
  const auto account = take_text(key);
  if (!slot || !tenant || !account) return std::nullopt;
  parts.slot = static_cast<std::uint16_t>(*slot);
  parts.tenant = *tenant;
  parts.account = *account;
  if (kind != KeyKind::kAccount) {
    const auto profile = take_text(key);
    if (!profile) return std::nullopt;
    parts.profile = *profile;
  }
  if (kind == KeyKind::kHistory) {
    const auto start = take_number(key, kStartBytes);
    if (!start) return std::nullopt;
    parts.keyed_start = uninverted(*start);
  }
  parts.last = key;
  return parts;
}

}  // namespace playhead
