// The CQL of the store, prepared once. What it reads and writes: schema.cql. Immutable.
#pragma once

#include <array>

#include "base/result.h"
#include "store/cassandra/registers.h"
#include "store/cassandra/session.h"

namespace playhead {

struct Statements {
  // Markers in the order of the table's columns, the timestamp last.
  CqlStatement put_profile, put_year, put_view, put_active, put_history, put_title;
  CqlStatement drop_active;
  std::array<CqlStatement, kRegisters.size()> put_register;

  CqlStatement profiles, years, active, active_of_some, view, views;
  CqlStatement history, history_same_start, history_before;
  CqlStatement titles, all_titles;

  // Of erasures: the timestamp first.
  CqlStatement put_erasure, erasures, erasures_of_some;
  CqlStatement account_views, account_years, progress_profiles;
  CqlStatement wipe_views, wipe_active, wipe_profiles, wipe_years;  // of a whole account
  CqlStatement drop_view, drop_profile, drop_years, drop_history, drop_progress;

  /// Errors: unavailable, corrupt (the tables are missing or of another format).
  static Result<Statements> prepare(CqlSession& session);
};

}  // namespace playhead
