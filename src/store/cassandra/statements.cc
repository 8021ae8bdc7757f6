// Every statement names its timestamp: the store's clock orders its own rows, and a register's time
// the register.
#include "store/cassandra/statements.h"

#include <optional>
#include <string>

#include "store/cassandra/schema.h"

namespace playhead {
namespace {

constexpr const char* kPutProfile =
    "INSERT INTO accounts (tenant, account, profile) VALUES (?, ?, ?) USING TIMESTAMP ?";
constexpr const char* kPutYear =
    "INSERT INTO history_years (tenant, account, profile, year) VALUES (?, ?, ?, ?) "
    "USING TIMESTAMP ?";
constexpr const char* kPutView =
    "INSERT INTO views (tenant, account, view_id, record) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";
constexpr const char* kPutActive =
    "INSERT INTO active (tenant, account, view_id) VALUES (?, ?, ?) USING TIMESTAMP ?";
constexpr const char* kPutHistory =
    "INSERT INTO history (tenant, account, profile, year, started_ms, view_id, record) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
constexpr const char* kPutTitle =
    "INSERT INTO progress (tenant, account, profile, generation, title) VALUES (?, ?, ?, ?, ?) "
    "USING TIMESTAMP ?";

constexpr const char* kProfiles =
    "SELECT profile FROM accounts WHERE tenant = ? AND account = ? LIMIT ?";
constexpr const char* kYears =
    "SELECT year FROM history_years WHERE tenant = ? AND account = ? AND profile = ?";
// By a single key the driver finds a replica; several cost one request.
constexpr const char* kActive = "SELECT account, view_id FROM active WHERE tenant = ? AND account ";
constexpr const char* kView =
    "SELECT record, WRITETIME(record) FROM views WHERE tenant = ? AND account = ? AND view_id = ?";
constexpr const char* kViews =
    "SELECT record, WRITETIME(record) FROM views WHERE tenant = ? AND account = ? AND view_id IN ?";
constexpr const char* kHistory =
    "SELECT record FROM history WHERE tenant = ? AND account = ? AND profile = ? AND year = ? ";
constexpr const char* kTitles =
    "SELECT title, position, watched, hidden, meta, duration, credits, played, imported "
    "FROM progress "
    "WHERE tenant = ? AND account = ? AND profile = ? AND generation = ? ";

constexpr const char* kPutErasure =
    "INSERT INTO erasures (account_mark, mark, through_ms, generation) VALUES (?, ?, ?, ?) "
    "USING TIMESTAMP ?";
constexpr const char* kErasures =
    "SELECT account_mark, mark, through_ms, generation, WRITETIME(generation) FROM erasures "
    "WHERE account_mark ";
constexpr const char* kAccountViews =
    "SELECT record, WRITETIME(record) FROM views WHERE tenant = ? AND account = ?";
constexpr const char* kAccountYears =
    "SELECT profile, year FROM history_years WHERE tenant = ? AND account = ?";
constexpr const char* kProgressProfiles =
    "SELECT profile FROM progress WHERE tenant = ? AND account = ? "
    "GROUP BY tenant, account, profile";
constexpr const char* kWhereAccount = " USING TIMESTAMP ? WHERE tenant = ? AND account = ?";

Result<void> check_format(CqlSession& session) {
  auto statement = session.prepare("SELECT format FROM meta WHERE name = 'schema'");
  if (!statement) return std::unexpected(std::move(statement.error()));
  auto rows = session.execute_now({.statement = std::move(*statement), .values = {}});
  if (!rows) return std::unexpected(std::move(rows.error()));
  const auto format = rows->size() == 1 ? rows->integer(0, 0) : std::nullopt;
  if (!format) return fail(Errc::kInvalidArgument, "the tables say no format");
  if (*format > kSchemaFormat)
    return fail(Errc::kCorrupt, "the tables in Cassandra are of a newer playhead (format " +
                                    std::to_string(*format) + "), this one knows up to " +
                                    std::to_string(kSchemaFormat));
  return {};
}

}  // namespace

Result<Statements> Statements::prepare(CqlSession& session) {
  if (auto checked = check_format(session); !checked) return std::unexpected(checked.error());
  Statements out;
  Preparing all(session);
  const auto add = [&](CqlStatement& statement, const std::string& text) {
    all.add(statement, text);
  };
  add(out.put_profile, kPutProfile);
  add(out.put_year, kPutYear);
  add(out.put_view, kPutView);
  add(out.put_active, kPutActive);
  add(out.put_history, kPutHistory);
  add(out.put_title, kPutTitle);
  for (const Register which : kRegisters)
    add(out.put_register[static_cast<std::size_t>(which)],
        "UPDATE progress USING TIMESTAMP ? SET " + std::string(name_of(which)) +
            " = ? WHERE tenant = ? AND account = ? AND profile = ? AND generation = ? AND title = "
            "?");
  add(out.profiles, kProfiles);
  add(out.years, kYears);
  add(out.active, kActive + std::string("= ?"));
  add(out.active_of_some, kActive + std::string("IN ?"));
  add(out.view, kView);
  add(out.views, kViews);
  add(out.history, kHistory + std::string("LIMIT ?"));
  add(out.history_same_start, kHistory + std::string("AND started_ms = ? AND view_id > ? LIMIT ?"));
  add(out.history_before, kHistory + std::string("AND started_ms < ? LIMIT ?"));
  add(out.titles, kTitles + std::string("AND title IN ?"));
  add(out.all_titles, kTitles + std::string("LIMIT ?"));
  add(out.put_erasure, kPutErasure);
  add(out.erasures, kErasures + std::string("= ?"));
  add(out.erasures_of_some, kErasures + std::string("IN ?"));
  add(out.account_views, kAccountViews);
  add(out.account_years, kAccountYears);
  add(out.progress_profiles, kProgressProfiles);
  const auto deletion = [](const char* table, const char* rest = "") {
    return "DELETE FROM " + std::string(table) + kWhereAccount + rest;
  };
  add(out.wipe_views, deletion("views"));
  add(out.wipe_active, deletion("active"));
  add(out.wipe_profiles, deletion("accounts"));
  add(out.wipe_years, deletion("history_years"));
  add(out.drop_view, deletion("views", " AND view_id = ?"));
  add(out.drop_active, deletion("active", " AND view_id = ?"));
  add(out.drop_profile, deletion("accounts", " AND profile = ?"));
  add(out.drop_years, deletion("history_years", " AND profile = ?"));
  add(out.drop_history, deletion("history", " AND profile = ? AND year = ?"));
  add(out.drop_progress, deletion("progress", " AND profile = ? AND generation < ?"));
  if (!all.result()) return std::unexpected(std::move(all.result().error()));
  return out;
}

}  // namespace playhead
