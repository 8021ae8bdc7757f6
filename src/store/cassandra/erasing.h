// What an erasure does to rows in Cassandra.
//
// Rows that the write clock orders are deleted. Registers are not, for a deletion would go on
// hiding what is written with an older time of its own
// (docs/decisions/0020-registers-in-cassandra.md): titles lie in generations, an erasure begins a
// new one and deletes the former. Concurrency: as the session. One erasure of an account at a time.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "record/erasure.h"
#include "store/cassandra/session.h"
#include "store/cassandra/statements.h"
#include "store/cassandra/writes.h"
#include "store/store.h"

namespace playhead {

/// What was erased of an account, and the generations that began with it.
struct KnownErasures {
  Erasures erasures;
  std::int64_t account_generation = 0;
  std::vector<std::pair<Mark, std::int64_t>> generations;  ///< of profiles erased alone
  std::int64_t latest = 0;                                 ///< of all generations

  /// The one in which the profile's titles are.
  std::int64_t of(const ProfileRef& profile) const;
};

class Eraser {
 public:
  Eraser(CqlSession& session, const Statements& statements, WriteClock& clock, std::size_t window)
      : session_(session), statements_(statements), clock_(clock), window_(window) {}

  Task<Result<KnownErasures>> known(AccountRef account);
  /// In the order of `accounts`.
  Task<Result<std::vector<KnownErasures>>> known_of(std::vector<AccountRef> accounts);

  /// Remembers the erasure, then deletes. On an error a part may be left: repeating it is safe.
  Task<Result<void>> erase(EraseChange change);

 private:
  Task<Result<void>> remember(EraseChange change, std::int64_t generation, Instant through);
  Task<Result<void>> drop_rows(EraseChange change);
  Task<Result<void>> drop_progress(EraseChange change, std::int64_t before);

  CqlSession& session_;
  const Statements& statements_;
  WriteClock& clock_;
  const std::size_t window_;
};

}  // namespace playhead
