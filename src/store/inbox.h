// The port of the inbox: what nodes took for an account whose owner they could not reach, until its
// owner has folded it. Rows are opaque here (record/inbox.h). Adapters: store/cassandra, and
// store/memory_inbox.h for tests.
//
// Concurrency: every call from any thread; a Task resumes on the executor it was awaited from.
// Invariants:
//  1. What append() took is there until it is removed: no node takes anything with it when it goes.
//  2. A row never changes. One that was removed may come back, where the adapter says so, and a
//     reader may get one that another has just removed: whoever folds a row folds it any number of
//     times.
//  3. Rows are removed one by one, by name: none goes that was appended late, behind a reader's
//  back.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "record/ids.h"
#include "runtime/task.h"

namespace playhead {

/// Slots share so many parts of the inbox: a node that owns many slots reads few of them, and one
/// that is written to by all nodes is not one place.
inline constexpr std::uint16_t kInboxBuckets = 32;
constexpr std::uint16_t inbox_bucket(std::uint16_t slot) { return slot % kInboxBuckets; }

inline constexpr std::size_t kInboxIdBytes = 16;
inline constexpr std::size_t kInboxRecordBytesMax = 4'096;  ///< a view has 2,000 at most

/// Where a row lies, and the order of rows: slot, then the bytes of its id.
struct InboxKey {
  std::uint16_t slot = 0;
  std::string id;  ///< kInboxIdBytes, drawn at random by who makes the row
  friend auto operator<=>(const InboxKey&, const InboxKey&) = default;
};

struct InboxRow {
  InboxKey key;
  std::string record;  ///< at most kInboxRecordBytesMax
  friend bool operator==(const InboxRow&, const InboxRow&) = default;
};

class Inbox {
 public:
  virtual ~Inbox() = default;

  /// On success all of them survive the crash of any node. On an error a part may be there, or
  /// come to be: repeating it with the same ids is harmless.
  /// Errors: unavailable, overloaded, invalid_argument (an id or a record of a wrong size).
  virtual Task<Result<void>> append(std::vector<InboxRow> rows) = 0;

  /// Rows of the bucket in their order, behind `after` if given, at most `rows_max`. All are shown
  /// that an append() took which returned before this was called.
  /// Errors: unavailable, overloaded, corrupt.
  virtual Task<Result<std::vector<InboxRow>>> read(std::uint16_t bucket,
                                                   std::optional<InboxKey> after,
                                                   std::size_t rows_max) = 0;

  /// Removes these and no others; of those that are not there it says nothing. On an error a part
  /// may have gone.
  /// Errors: unavailable, overloaded.
  virtual Task<Result<void>> remove(std::vector<InboxKey> rows) = 0;
};

/// Nothing, or what is wrong with one of `rows`. Errors: invalid_argument.
inline Result<void> check_inbox_rows(const std::vector<InboxRow>& rows) {
  for (const InboxRow& row : rows) {
    if (row.key.slot >= kSlots || row.key.id.size() != kInboxIdBytes)
      return fail(Errc::kInvalidArgument, "a row of the inbox has no proper place");
    if (row.record.size() > kInboxRecordBytesMax)
      return fail(Errc::kInvalidArgument, "a row of the inbox is too large");
  }
  return {};
}

}  // namespace playhead
