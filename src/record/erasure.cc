// Two chains of hashes with different seeds: 128 bits, so that no two ids share a mark by chance.
#include "record/erasure.h"

#include "base/hash.h"
#include "record/ids.h"

namespace playhead {
namespace {

constexpr std::uint64_t kHighSeed = 0x6572617365642d68;  // "erased-h"
constexpr std::uint64_t kLowSeed = 0x6572617365642d6c;   // "erased-l"

constexpr std::size_t kSlotBytes = 2;
constexpr std::string_view kDigits = "0123456789abcdef";

// Big-endian.
void add_number(std::string& key, std::uint64_t number, std::size_t bytes) {
  for (std::size_t i = bytes; i-- > 0;)
    key += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
}

std::uint64_t read_number(std::string_view bytes) {
  std::uint64_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

std::uint64_t chain(std::uint64_t seed, std::string_view tenant, std::string_view account,
                    std::string_view profile) {
  return hash_bytes(profile, hash_bytes(account, hash_bytes(tenant, seed)));
}

}  // namespace

Mark mark_of(std::string_view tenant, std::string_view account, std::string_view profile) {
  return {.high = chain(kHighSeed, tenant, account, profile),
          .low = chain(kLowSeed, tenant, account, profile)};
}

std::string erasure_key(std::string_view tenant, std::string_view account,
                        std::string_view profile) {
  std::string key;
  add_number(key, slot_of(tenant, account), kSlotBytes);
  const auto add = [&key](const Mark& mark) {
    add_number(key, mark.high, kMarkBytes / 2);
    add_number(key, mark.low, kMarkBytes / 2);
  };
  add(mark_of(tenant, account));
  if (!profile.empty()) add(mark_of(tenant, account, profile));
  return key;
}

std::optional<Mark> read_erasure_key(std::string_view key) {
  if (key.size() != kErasurePrefixBytes + kMarkBytes) return std::nullopt;
  key.remove_prefix(kErasurePrefixBytes);
  return Mark{.high = read_number(key.substr(0, kMarkBytes / 2)),
              .low = read_number(key.substr(kMarkBytes / 2))};
}

std::string show_erasure_key(std::string_view key) {
  std::string digits;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    (digits += kDigits[byte >> 4]) += kDigits[byte & 15];
  }
  return digits;
}

std::optional<std::string> parse_erasure_key(std::string_view digits) {
  if (digits.size() != 2 * kErasurePrefixBytes &&
      digits.size() != 2 * (kErasurePrefixBytes + kMarkBytes))
    return std::nullopt;
  std::string key;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const std::size_t high = kDigits.find(digits[i]), low = kDigits.find(digits[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    key += static_cast<char>(high << 4 | low);
  }
  if (read_number(std::string_view(key).substr(0, kSlotBytes)) >= kSlots) return std::nullopt;
  return key;
}

}  // namespace playhead
