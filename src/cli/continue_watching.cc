// `playhead continue-watching`: what a profile can go on with, one row a series.
#include "cli/app.h"
#include "cli/query.h"
#include "cli/show.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead continue-watching --account acct-1 --profile p1)";

std::vector<std::string> row(const Item& item, Instant now) {
  return {item.text("title"),
          item.text("series"),
          item.text("reason") == "next" ? "next episode" : item.text("reason"),
          show_position(item.number("playhead_ms"), item.number("duration_ms")),
          item.text("device"),
          show_time(item.time("at"), now)};
}

int continue_command(const QueryFlags& flags) {
  const Look look{.headings = {"TITLE", "SERIES", "WHY", "POSITION", "DEVICE", "AT"},
                  .row = row,
                  .empty = "There is nothing to go on with."};
  return show_list(flags, profile_path(flags, "/continue-watching"), {}, look);
}

}  // namespace

void add_continue_watching(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("continue-watching", "Show what a profile can go on with");
  command->footer(kExamples);
  auto flags = std::make_shared<QueryFlags>();
  add_profile_option(*command, *flags);
  add_query_options(*command, *flags);
  command->callback([flags, &action] { action = [flags] { return continue_command(*flags); }; });
}

}  // namespace playhead
