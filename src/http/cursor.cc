// Bytes: version (1), scope hash (8), time (8), id or two of them, check (8); numbers big-endian.
#include "http/cursor.h"

#include <array>
#include <cstdint>

#include "base/hash.h"
#include "base/ids.h"
#include "http/url.h"

namespace playhead {
namespace {

constexpr char kVersion = 1;
constexpr char kSeparator = '/';  // of two ids; no byte of an id
constexpr std::size_t kFixedBytes = 1 + 8 + 8 + 8;
constexpr std::uint64_t kScopeSeed = 0x73636f7065;
constexpr std::uint64_t kCheckSeed = 0x637572736f72;
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void put64(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

std::uint64_t get64(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < 8; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::string base64url(std::string_view bytes) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kAlphabet[bits >> (held - 6) & 63];
  }
  if (held > 0) out += kAlphabet[bits << (6 - held) & 63];
  return out;
}

/// Nothing if a character is none of the alphabet.
std::optional<std::string> from_base64url(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out += static_cast<char>(bits >> held);
  }
  return out;
}

}  // namespace

std::string write_cursor(std::string_view scope, const CursorKey& key) {
  std::string bytes(1, kVersion);
  put64(bytes, hash_bytes(scope, kScopeSeed));
  put64(bytes, static_cast<std::uint64_t>(key.at.ms));
  bytes += key.id;
  if (!key.second.empty()) (bytes += kSeparator) += key.second;
  put64(bytes, hash_bytes(bytes, kCheckSeed));
  return base64url(bytes);
}

Result<CursorKey> read_cursor(std::string_view text, std::string_view scope) {
  const auto wrong = [](const char* detail) { return fail(Errc::kInvalidArgument, detail); };
  const auto bytes = from_base64url(text);
  if (!bytes || bytes->size() < kFixedBytes) return wrong("the cursor is not one of ours");
  const std::string_view view = *bytes;
  const std::string_view body = view.substr(0, view.size() - 8);
  if (hash_bytes(body, kCheckSeed) != get64(view.substr(body.size())))
    return wrong("the cursor is not one of ours");
  if (view[0] != kVersion) return wrong("the cursor is of another release; begin anew");
  if (hash_bytes(scope, kScopeSeed) != get64(view.substr(1)))
    return wrong("the cursor belongs to another list, or to other filters");
  CursorKey key{.at = {static_cast<std::int64_t>(get64(view.substr(9)))},
                .id = std::string(body.substr(17))};
  if (const std::size_t end = key.id.find(kSeparator); end != std::string::npos) {
    key.second = key.id.substr(end + 1);
    key.id.resize(end);
    if (!is_id(key.second)) return wrong("the cursor is not one of ours");
  }
  // Re-encoded it must be the same text: base64 has spare bits that a forger could play with.
  if (!is_id(key.id) || base64url(view) != text) return wrong("the cursor is not one of ours");
  return key;
}

}  // namespace playhead
