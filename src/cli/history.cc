// `playhead history`: what a profile has watched, newest first.
#include "cli/app.h"
#include "cli/query.h"
#include "cli/show.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead history --account acct-1 --profile p1
  playhead history --account acct-1 --profile p1 --series got --limit 1000
  playhead history --account acct-1 --profile p1 --all   also views too short to count)";

std::vector<std::string> row(const Item& item, Instant now) {
  const std::string end = item.text("end_reason");
  return {show_time(item.time("started_at"), now),
          item.text("title"),
          item.text("series"),
          show_position(item.number("watched_ms")),
          item.text("kind") == "live"
              ? "live"
              : show_position(item.number("playhead_ms"), item.number("duration_ms")),
          item.flag("finished") ? "yes" : "no",
          item.time("ended_at") ? end : "now playing",
          item.text("device")};
}

int history_command(const QueryFlags& flags) {
  Parameters parameters;
  for (const std::string& title : flags.titles) parameters.emplace_back("title", title);
  if (!flags.series.empty()) parameters.emplace_back("series", flags.series);
  if (flags.all) parameters.emplace_back("all", "true");
  const Look look{.headings = {"STARTED", "TITLE", "SERIES", "WATCHED", "POSITION", "FINISHED",
                               "ENDED", "DEVICE"},
                  .row = row,
                  .empty = flags.all ? "Nothing has been watched."
                                     : "Nothing has been watched; --all shows short views too."};
  return show_list(flags, profile_path(flags, "/history"), std::move(parameters), look);
}

}  // namespace

void add_history(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("history", "Show what a profile has watched");
  command->footer(kExamples);
  auto flags = std::make_shared<QueryFlags>();
  add_profile_option(*command, *flags);
  command->add_option("--title", flags->titles, "Only this title")
      ->expected(1)
      ->check(kIdValidator);
  command->add_option("--series", flags->series, "Only titles of this series")->check(kIdValidator);
  command->add_flag("--all", flags->all, "Also views that were too short to count");
  add_query_options(*command, *flags);
  command->callback([flags, &action] { action = [flags] { return history_command(*flags); }; });
}

}  // namespace playhead
