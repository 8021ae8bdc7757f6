// `playhead restore`: a data directory out of a backup.
#include <fmt/format.h>

#include <cstdio>
#include <memory>

#include "cli/app.h"
#include "cli/query.h"
#include "cli/restore.h"
#include "cli/show.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead restore --from /backup/playhead --data ./data
  playhead restore --from /backup/playhead --data ./data --backup 3 --replace
  playhead restore --from /backup/playhead --data ./data --receipts erased.ndjson

Everything that was erased since the backup is erased again, as far as the data that is replaced, newer
backups and receipts tell. The server that uses the directory has to be stopped first. See
docs/backup.md.)";

std::string as_text(const RestoreWish& wish, const RestoreOutcome& outcome) {
  const auto& [backup, marks, reapplied, replaced, warnings] = outcome;
  std::string out =
      fmt::format("restored  backup {} of {}, {}, into {}\n", backup.id,
                  show_time(backup.at, now_by_clock()), show_bytes(backup.bytes), wish.data);
  out += fmt::format(
      "erased    {} erasures applied again, {} of them to data in the backup; {} are "
      "known of\n",
      show_count(reapplied.marks), show_count(reapplied.erased), show_count(marks));
  if (replaced) out += "replaced  the journal and the store that were there are deleted\n";
  return out;
}

int restore_command(const RestoreWish& wish) {
  const auto outcome = restore(wish, [](std::string_view step) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(step.size()), step.data());
  });
  if (!outcome) {
    say_error(outcome.error().detail);
    return kExitError;
  }
  for (const std::string& warning : outcome->warnings) say_error("warning: " + warning);
  std::fputs(as_text(wish, *outcome).c_str(), stdout);
  return kExitOk;
}

}  // namespace

void add_restore(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("restore", "Make a data directory out of a backup");
  command->footer(kExamples);
  auto wish = std::make_shared<RestoreWish>();
  command->add_option("--from", wish->from, "Directory of the backups")
      ->type_name("DIR")
      ->required();
  command->add_option("--data", wish->data, "Directory to restore into; made if missing")
      ->type_name("DIR")
      ->required();
  command->add_option("--backup", wish->backup, "Its id; the newest if absent")
      ->type_name("ID")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--receipts", wish->receipts,
                   "File of receipts: answers of DELETE, one after another")
      ->type_name("FILE")
      ->allow_extra_args(false);
  command->add_flag("--replace", wish->replace,
                    "Delete what the directory holds, once it is restored");
  command->add_flag("--despite-damage", wish->despite_damage,
                    "Go on if what is to be replaced can't tell what was erased");
  command->callback([wish, &action] { action = [wish] { return restore_command(*wish); }; });
}

}  // namespace playhead
