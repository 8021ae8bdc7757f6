// `playhead viewers`: who is watching what now.
#include "cli/app.h"
#include "cli/query.h"
#include "cli/show.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead viewers --account acct-1
  playhead viewers --account acct-1 --json | jq '.items[].title')";

std::vector<std::string> row(const Item& item, Instant now) {
  return {item.text("profile"),
          item.text("title"),
          item.text("state"),
          item.text("kind") == "live"
              ? "live"
              : show_position(item.number("playhead_ms"), item.number("duration_ms")),
          item.text("device"),
          item.text("device_type"),
          show_time(item.time("started_at"), now),
          show_ago(item.time("at"), now)};
}

int viewers_command(const QueryFlags& flags) {
  const Look look{.headings = {"PROFILE", "TITLE", "STATE", "POSITION", "DEVICE", "TYPE", "STARTED",
                               "REPORTED"},
                  .row = row,
                  .empty = "Nobody is watching."};
  return show_list(flags, account_path(flags, "/viewers"), {}, look);
}

}  // namespace

void add_viewers(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("viewers", "Show who is watching what now");
  command->footer(kExamples);
  auto flags = std::make_shared<QueryFlags>();
  add_query_options(*command, *flags);
  command->callback([flags, &action] { action = [flags] { return viewers_command(*flags); }; });
}

}  // namespace playhead
