// The keys of the store's rows. Source: docs/formats.md, "Keys". Pure.
//
// Every key begins with the slot (2 bytes, big-endian), the tenant and the account, so that a sweep
// runs in key order and a slot is one range. A text inside a key is preceded by its length, the
// last one of a key is not: it ends with the key, and sorts as bytes do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.h"

namespace playhead {

/// slot, tenant, account: what all rows of an account begin with.
std::string account_prefix(std::string_view tenant, std::string_view account);
/// … and the profile: what all rows of a profile begin with in `history` and `titles`.
std::string profile_prefix(const ProfileRef& profile);

/// In `views` and `active`: account_prefix, view. In `profiles`: account_prefix, profile.
std::string account_key(std::string_view tenant, std::string_view account, std::string_view last);
/// In `titles`: profile_prefix, title.
std::string title_key(const ProfileRef& profile, std::string_view title);
/// In `history`: profile_prefix, keyed start (8 bytes, inverted: newest first), view.
std::string history_key(const ProfileRef& profile, Instant keyed_start, std::string_view view);

/// In the default family: "erased", slot. There while files may still hold what was erased there.
std::string trace_key(std::uint16_t slot);
inline constexpr std::string_view kTracePrefix = "erased";
std::optional<std::uint16_t> read_trace_key(std::string_view key);
/// What all keys of a slot begin with. `slot`: up to kSlots, which is behind all of them.
std::string slot_prefix(unsigned slot);

/// The length of account_prefix() in `key`; 0 if it is cut short.
std::size_t account_prefix_bytes(std::string_view key);
/// The length of profile_prefix() in `key`; 0 if it is cut short.
std::size_t profile_prefix_bytes(std::string_view key);

/// A key taken apart; its texts borrow from it.
struct KeyParts {
  std::uint16_t slot = 0;
  std::string_view tenant, account;
  std::string_view profile;  ///< in `history` and `titles`
  Instant keyed_start;       ///< in `history`
  std::string_view last;     ///< view, profile or title
};
enum class KeyKind : std::uint8_t { kAccount, kTitle, kHistory };
std::optional<KeyParts> read_key(KeyKind kind, std::string_view key);

}  // namespace playhead
