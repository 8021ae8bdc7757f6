// Gather, copy, erase, and only then replace.
#include "cli/restore.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "base/time.h"
#include "cli/data.h"
#include "cli/show.h"
#include "config/config.h"
#include "journal/rocksdb/rocks_journal.h"
#include "journal/rocksdb/status.h"
#include "record/erasure.h"

namespace playhead {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kReceiptsBytesMax = 256U << 20;  // of one file
constexpr std::size_t kReceiptBytesMax = 1U << 20;        // of one document in it

std::optional<Error> add_receipt(simdjson::dom::element element, Marks& marks) {
  std::string_view mark, at;
  if (element["mark"].get(mark) != simdjson::SUCCESS ||
      element["erased_at"].get(at) != simdjson::SUCCESS)
    return Error{Errc::kInvalidArgument, "no receipt: it needs 'mark' and 'erased_at'"};
  const auto key = parse_erasure_key(mark);
  const auto through = parse_rfc3339(at);
  if (!key || !through)
    return Error{Errc::kInvalidArgument, "no receipt: its 'mark' or 'erased_at' is malformed"};
  add_mark(marks, *key, *through);
  return std::nullopt;
}

Result<void> add_receipts(const std::string& path, Marks& marks) {
  std::error_code error;
  const auto bytes = fs::file_size(path, error);
  if (error)
    return fail(Errc::kNotFound, fmt::format("can't read '{}': {}", path, error.message()));
  if (bytes > kReceiptsBytesMax)
    return fail(Errc::kInvalidArgument,
                fmt::format("'{}' is larger than {}: cut it", path, show_bytes(kReceiptsBytesMax)));
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return fail(Errc::kUnavailable, fmt::format("can't read '{}'", path));
  if (const auto read = read_receipts(text, marks); !read)
    return fail(read.error().code, path + ": " + read.error().detail);
  return {};
}

// False: nothing is there. Errors: corrupt (files without the one that leads to them).
Result<bool> has_database(const std::string& path) {
  if (has_lost_current(path))
    return fail(Errc::kCorrupt, fmt::format("{}: {}", path, kLostCurrent));
  std::error_code error;
  return fs::exists(path + "/CURRENT", error);
}

// What the data that goes away knows of erasures; nothing where it can't be read.
Result<void> add_replaced(const std::string& data, Marks& marks) {
  const auto store = has_database(store_path(data)), journal = has_database(journal_path(data));
  for (const auto& there : {store, journal})
    if (!there) return std::unexpected(there.error());
  if (*store) {
    const std::string path = store_path(data);
    const auto known = read_marks(path);
    if (!known) return std::unexpected(known.error());
    for (const auto& [key, through] : *known) add_mark(marks, key, through);
  }
  if (*journal) {
    const std::string path = journal_path(data);
    const auto read = read_erasures(path, [&](const ErasureRecord& record) {
      add_mark(marks, erasure_key(record.tenant, record.account, record.profile), record.through);
    });
    if (!read) return std::unexpected(read.error());
    if (!read->sound())
      return fail(Errc::kCorrupt, "the journal in " + path + " is damaged: " + read->damage.at(0));
  }
  return {};
}

// Newer backups know of erasures that the one to restore does not.
void add_newer(const BackupDirectory& backups, std::uint32_t id, Marks& marks,
               std::vector<std::string>& warnings) {
  const auto warn = [&](std::uint32_t damaged) {
    warnings.push_back(
        fmt::format("backup {}, which is newer, is damaged: what was erased before it and is known "
                    "from nowhere "
                    "else has come back; --receipts makes up for it",
                    damaged));
  };
  for (const std::uint32_t damaged : backups.damaged())
    if (damaged > id) warn(damaged);
  for (const Backup& backup : backups.list()) {
    if (backup.id <= id) continue;
    const auto known = backups.marks(backup.id);
    if (!known) warn(backup.id);
    if (known)
      for (const auto& [key, through] : *known) add_mark(marks, key, through);
  }
}

Result<Backup> choose(const BackupDirectory& backups, const RestoreWish& wish) {
  if (wish.backup == 0) return backups.list().back();
  const auto found = std::ranges::find(backups.list(), wish.backup, &Backup::id);
  if (found != backups.list().end()) return *found;
  const auto& damaged = backups.damaged();
  if (std::ranges::find(damaged, wish.backup) != damaged.end())
    return fail(Errc::kCorrupt, fmt::format("backup {} in {} is damaged, nothing was restored",
                                            wish.backup, wish.from));
  return fail(Errc::kNotFound,
              fmt::format("there is no backup {} in '{}'; `playhead backups --from {}` lists them",
                          wish.backup, wish.from, wish.from));
}

Result<void> look_at_data(const RestoreWish& wish, RestoreOutcome& outcome, Marks& marks) {
  std::error_code error;
  outcome.replaced =
      fs::exists(store_path(wish.data), error) || fs::exists(journal_path(wish.data), error);
  if (!outcome.replaced) return {};
  if (!wish.replace)
    return fail(
        Errc::kInvalidArgument,
        fmt::format("'{}' holds data already: choose another directory, or give --replace to "
                    "delete what is there once the backup has been restored",
                    wish.data));
  const auto added = add_replaced(wish.data, marks);
  if (added) return {};
  if (!wish.despite_damage)
    return fail(Errc::kCorrupt,
                fmt::format("what is to be replaced can't be read, and may know of erasures that "
                            "nothing else knows of: {}\nGive their receipts by --receipts, and "
                            "--despite-damage to go on without",
                            added.error().detail));
  outcome.warnings.push_back(
      "what was replaced could not be read: what was erased since the newest "
      "backup, and has no receipt here, has come back");
  return {};
}

}  // namespace

Result<std::size_t> read_receipts(std::string_view text, Marks& marks) {
  if (text.find_first_not_of(" \t\r\n") == std::string_view::npos) return 0;
  simdjson::dom::parser parser;
  simdjson::dom::document_stream documents;
  const simdjson::padded_string padded(text);
  const auto wrong = [](std::size_t number, std::string_view what) {
    return fail(Errc::kInvalidArgument, fmt::format("document {}: {}", number, what));
  };
  if (parser.parse_many(padded, kReceiptBytesMax).get(documents) != simdjson::SUCCESS)
    return wrong(1, "no JSON");
  std::size_t number = 0, receipts = 0;
  for (auto document : documents) {
    ++number;
    simdjson::dom::element element;
    if (document.get(element) != simdjson::SUCCESS) return wrong(number, "no JSON");
    simdjson::dom::array array;
    std::vector<simdjson::dom::element> found;
    if (element.get(array) == simdjson::SUCCESS)
      for (const auto one : array) found.push_back(one);
    else
      found.push_back(element);
    for (const auto one : found)
      if (const auto error = add_receipt(one, marks)) return wrong(number, error->detail);
    receipts += found.size();
  }
  if (documents.truncated_bytes() > 0) return wrong(number + 1, "no JSON, or cut short");
  return receipts;
}

Result<RestoreOutcome> restore(const RestoreWish& wish,
                               const std::function<void(std::string_view)>& say) {
  const auto backups = BackupDirectory::open(wish.from);
  if (!backups) return std::unexpected(backups.error());
  const auto chosen = choose(*backups, wish);
  if (!chosen) return std::unexpected(chosen.error());
  RestoreOutcome outcome{.backup = *chosen};
  Marks marks;
  for (const std::string& path : wish.receipts)
    if (const auto added = add_receipts(path, marks); !added) return std::unexpected(added.error());
  const auto lock = take_data(wish.data);
  if (!lock) return std::unexpected(lock.error());
  if (const auto looked = look_at_data(wish, outcome, marks); !looked)
    return std::unexpected(looked.error());
  add_newer(*backups, chosen->id, marks, outcome.warnings);
  outcome.marks = marks.size();
  const auto done = replace_store(wish.data, [&](const std::string& path) -> Result<void> {
    say(fmt::format("backup {}: verifying and copying {}", chosen->id, show_bytes(chosen->bytes)));
    if (auto restored = backups->restore(chosen->id, path); !restored) return restored;
    say(fmt::format("erasing again: {} erasures are known of", show_count(marks.size())));
    const auto reapplied = reapply(path, marks);
    if (!reapplied) return std::unexpected(reapplied.error());
    outcome.reapplied = *reapplied;
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return outcome;
}

}  // namespace playhead
