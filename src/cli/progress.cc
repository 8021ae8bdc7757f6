// `playhead progress`: where a profile left off, by title.
#include "cli/app.h"
#include "cli/query.h"
#include "cli/show.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead progress --account acct-1 --profile p1
  playhead progress --account acct-1 --profile p1 --series got
  playhead progress --account acct-1 --profile p1 --title got-s01e01 --title got-s01e02)";

constexpr std::size_t kTitlesMax = 100;  // the most that a server takes

/// What there is to know beside the position: "finished", "watched", "hidden", or two of them.
std::string marks(const Item& item) {
  std::string text = item.flag("finished") ? "finished" : item.flag("watched") ? "watched" : "";
  if (item.flag("hidden")) text += text.empty() ? "hidden" : ", hidden";
  return text.empty() ? "-" : text;
}

std::vector<std::string> row(const Item& item, Instant now) {
  return {item.text("title"),
          item.text("series"),
          show_position(item.number("playhead_ms"), item.number("duration_ms")),
          marks(item),
          item.text("device"),
          show_time(item.time("at"), now)};
}

int progress_command(const QueryFlags& flags) {
  Parameters parameters;
  for (const std::string& title : flags.titles) parameters.emplace_back("title", title);
  if (!flags.series.empty()) parameters.emplace_back("series", flags.series);
  const Look look{.headings = {"TITLE", "SERIES", "POSITION", "MARKS", "DEVICE", "AT"},
                  .row = row,
                  .empty = "No progress is known."};
  return show_list(flags, profile_path(flags, "/progress"), std::move(parameters), look);
}

}  // namespace

void add_progress(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("progress", "Show where a profile left off");
  command->footer(kExamples);
  auto flags = std::make_shared<QueryFlags>();
  add_profile_option(*command, *flags);
  command->add_option("--title", flags->titles, "Only this title; may be repeated")
      ->take_all()
      ->expected(1, static_cast<int>(kTitlesMax))
      ->check(kIdValidator);
  command->add_option("--series", flags->series, "Only titles of this series")->check(kIdValidator);
  add_query_options(*command, *flags);
  command->callback([flags, &action] { action = [flags] { return progress_command(*flags); }; });
}

}  // namespace playhead
