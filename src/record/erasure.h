// What an erasure leaves behind: up to when an account's or a profile's things are gone, and no id,
// but a hash of the ids that tells a thing of theirs when it turns up late.
//
// Not a secret: who has a list of ids can find out which of them were erased.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "viewing/view.h"

namespace playhead {

/// 128 bits that stand for an account, or for a profile of it. On disk: never changes.
struct Mark {
  std::uint64_t high = 0, low = 0;
  friend auto operator<=>(const Mark&, const Mark&) = default;
};
inline constexpr std::size_t kMarkBytes = 16;

/// `profile`: empty for the whole account.
Mark mark_of(std::string_view tenant, std::string_view account, std::string_view profile = {});

/// What an erasure is remembered by, and known by in receipts: slot (2 bytes, big-endian), the
/// account's mark, and the profile's if only that was erased. No ids. On disk: never changes.
std::string erasure_key(std::string_view tenant, std::string_view account,
                        std::string_view profile = {});
inline constexpr std::size_t kErasurePrefixBytes = 2 + kMarkBytes;
/// The profile's mark in such a key; nothing if it is the account's, or malformed.
std::optional<Mark> read_erasure_key(std::string_view key);

/// The key as hexadecimal digits, and back: nothing if it is none.
std::string show_erasure_key(std::string_view key);
std::optional<std::string> parse_erasure_key(std::string_view digits);

/// Up to when an account's things were erased; nothing for nearly all accounts.
struct Erasures {
  Instant account = kNever;
  std::vector<std::pair<Mark, Instant>> profiles;  ///< in no order

  bool empty() const { return account == kNever && profiles.empty(); }
  /// Remembers an erasure: the later one of the same thing counts.
  void add(const Mark* profile, Instant through) {
    if (profile == nullptr) {
      account = std::max(account, through);
      return;
    }
    const auto known = std::ranges::find(profiles, *profile, &std::pair<Mark, Instant>::first);
    if (known == profiles.end())
      profiles.emplace_back(*profile, through);
    else
      known->second = std::max(known->second, through);
  }
  /// Up to when this profile's things were erased; kNever if they never were.
  Instant through(std::string_view tenant, std::string_view account_id,
                  std::string_view profile) const {
    if (profiles.empty()) return account;
    const Mark mark = mark_of(tenant, account_id, profile);
    const auto known = std::ranges::find(profiles, mark, &std::pair<Mark, Instant>::first);
    return known == profiles.end() ? account : std::max(account, known->second);
  }
};

}  // namespace playhead
