// `playhead import`: what other services, or an export of ours, hold.
#include <sys/resource.h>

#include <cstdio>
#include <memory>

#include "cli/app.h"
#include "cli/import_run.h"
#include "cli/query.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead import ViewingActivity.csv --account acct-1 --dry-run
  playhead import ViewingActivity.csv --account acct-1 --titles titles.csv --profiles profiles.csv
  playhead import history.json playback.json --account acct-1 --profile p1
  playhead import acct-1.ndjson                              an export of ours, with its account
  playhead import service.ndjson --resume service.state      a whole service; goes on after a kill

Without --account each record says its own, as in a backfill. docs/import.md tells the formats.
Importing again changes nothing. Exit code 1: some rows were not understood, or nothing was done.)";

constexpr int kNice = 10;

struct Flags {
  ImportFlags import;
  SourceFlags source;
  std::string titles, profiles;
  ServerFlags server;
};

int fail_with(const Error& error) {
  say_error(advise(error));
  return kExitError;
}

int import_command(Flags& flags) {
  if (!flags.titles.empty())
    if (auto read = read_titles_map(flags.titles, flags.source.maps); !read)
      return fail_with(read.error());
  if (!flags.profiles.empty())
    if (auto read = read_profiles_map(flags.profiles, flags.source.maps); !read)
      return fail_with(read.error());
  auto client = connect_to(flags.server);
  if (!client) return fail_with(client.error());
  // Where it runs beside the server, viewers come first. No matter if it can't be.
  ::setpriority(PRIO_PROCESS, 0, kNice);
  ImportRun run(*client, flags.import, flags.source);
  const auto tally = run.run();
  if (!tally) return fail_with(tally.error());
  std::fputs(report(*tally, run.elapsed_ms(), flags.import.dry_run).c_str(), stdout);
  return tally->wrong == 0 ? kExitOk : kExitError;
}

}  // namespace

void add_import(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("import", "Import what other services hold");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->import.files, "What to import")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--account", flags->import.account, "Whose it is to be")->check(kIdValidator);
  command
      ->add_option("--profile", flags->source.profile,
                   "Of which profile all rows of Netflix and Trakt are to be")
      ->check(kIdValidator);
  const std::map<std::string, ImportFormat> formats{{"netflix", ImportFormat::kNetflix},
                                                    {"trakt", ImportFormat::kTrakt},
                                                    {"playhead", ImportFormat::kLines},
                                                    {"ndjson", ImportFormat::kLines}};
  command->add_option("--format", flags->source.format, "What it is; else told by its beginning")
      ->type_name("netflix|trakt|playhead|ndjson")
      ->transform(CLI::Transformer(formats));
  const std::map<std::string, DateOrder> orders{{"mdy", DateOrder::kMonthFirst},
                                                {"dmy", DateOrder::kDayFirst}};
  command
      ->add_option_function<DateOrder>(
          "--dates", [flags](const DateOrder& order) { flags->source.dates = order; },
          "Of Netflix's short form: which comes first; else told by the dates")
      ->type_name("mdy|dmy")
      ->transform(CLI::Transformer(orders));
  command->add_option("--titles", flags->titles, "CSV of name,title[,series[,duration_ms]]")
      ->check(CLI::ExistingFile);
  command->add_option("--profiles", flags->profiles, "CSV of name,profile")
      ->check(CLI::ExistingFile);
  command->add_flag("--dry-run", flags->import.dry_run, "Read and report, but send nothing");
  command
      ->add_option("--resume", flags->import.state,
                   "Keep in this file how far it is, and go on from there")
      ->type_name("STATEFILE");
  add_server_options(*command, flags->server);
  command->callback([flags, &action] { action = [flags] { return import_command(*flags); }; });
}

}  // namespace playhead
