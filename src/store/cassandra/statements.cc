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
constexpr const char* kDropActive =
    "DELETE FROM active USING TIMESTAMP ? WHERE tenant = ? AND account = ? AND view_id = ?";
constexpr const char* kPutHistory =
    "INSERT INTO history (tenant, account, profile, year, started_ms, view_id, record) "
    "VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
constexpr const char* kPutTitle =
    "INSERT INTO progress (tenant, account, profile, title) VALUES (?, ?, ?, ?) USING TIMESTAMP ?";

constexpr const char* kProfiles =
    "SELECT profile FROM accounts WHERE tenant = ? AND account = ? LIMIT ?";
constexpr const char* kYears =
    "SELECT year FROM history_years WHERE tenant = ? AND account = ? AND profile = ?";
constexpr const char* kActive = "SELECT view_id FROM active WHERE tenant = ? AND account = ?";
constexpr const char* kView =
    "SELECT record, WRITETIME(record) FROM views WHERE tenant = ? AND account = ? AND view_id = ?";
constexpr const char* kViews =
    "SELECT record, WRITETIME(record) FROM views WHERE tenant = ? AND account = ? AND view_id IN ?";
constexpr const char* kHistory =
    "SELECT record FROM history WHERE tenant = ? AND account = ? AND profile = ? AND year = ? ";
constexpr const char* kTitles =
    "SELECT title, position, watched, hidden, meta, duration, credits, played FROM progress "
    "WHERE tenant = ? AND account = ? AND profile = ? ";

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
  Result<void> all;
  const auto add = [&](CqlStatement& statement, const std::string& text) {
    if (!all) return;
    if (auto prepared = session.prepare(text))
      statement = std::move(*prepared);
    else
      all = std::unexpected(std::move(prepared.error()));
  };
  add(out.put_profile, kPutProfile);
  add(out.put_year, kPutYear);
  add(out.put_view, kPutView);
  add(out.put_active, kPutActive);
  add(out.drop_active, kDropActive);
  add(out.put_history, kPutHistory);
  add(out.put_title, kPutTitle);
  for (const Register which : kRegisters)
    add(out.put_register[static_cast<std::size_t>(which)],
        "UPDATE progress USING TIMESTAMP ? SET " + std::string(name_of(which)) +
            " = ? WHERE tenant = ? AND account = ? AND profile = ? AND title = ?");
  add(out.profiles, kProfiles);
  add(out.years, kYears);
  add(out.active, kActive);
  add(out.view, kView);
  add(out.views, kViews);
  add(out.history, kHistory + std::string("LIMIT ?"));
  add(out.history_same_start, kHistory + std::string("AND started_ms = ? AND view_id > ? LIMIT ?"));
  add(out.history_before, kHistory + std::string("AND started_ms < ? LIMIT ?"));
  add(out.titles, kTitles + std::string("AND title IN ?"));
  add(out.all_titles, kTitles + std::string("LIMIT ?"));
  if (!all) return std::unexpected(std::move(all.error()));
  return out;
}

}  // namespace playhead
