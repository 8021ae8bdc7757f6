// The parser and its help. CLI11's exceptions end here.
#include "cli/app.h"

#include <cstdio>
#include <string>

#include "base/ids.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead serve --data ./data
  playhead replay session.jsonl --account acct-1 --profile p1
  playhead viewers --account acct-1
  playhead continue-watching --account acct-1 --profile p1

`playhead COMMAND --help` explains a command.)";

}  // namespace

const CLI::Validator kIdValidator(
    [](std::string& text) {
      return is_id(text) ? std::string()
                         : "'" + text + "' is no id: 1 to 128 of A-Z a-z 0-9 . _ ~ : @ -";
    },
    "ID");

void say_error(std::string_view text) {
  std::fprintf(stderr, "playhead: %.*s\n", static_cast<int>(text.size()), text.data());
}

int run_app(int argc, const char* const* argv) {
  CLI::App app(
      "Playhead: what has been watched, where it was left off, and what is being watched now.",
      "playhead");
  app.set_version_flag("--version", "playhead " PLAYHEAD_VERSION);
  app.require_subcommand(1);
  app.footer(kExamples);
  app.failure_message([](const CLI::App* failed, const CLI::Error& error) {
    return "playhead: " + std::string(error.what()) + "\n`" + failed->get_name() +
           " --help` shows what there is.\n";
  });
  Action action;
  add_serve(app, action);
  add_check(app, action);
  add_backup(app, action);
  add_backups(app, action);
  add_restore(app, action);
  add_config(app, action);
  add_key(app, action);
  add_token(app, action);
  add_replay(app, action);
  add_viewers(app, action);
  add_progress(app, action);
  add_history(app, action);
  add_continue_watching(app, action);
  add_export(app, action);
  add_import(app, action);
#ifdef PLAYHEAD_CASSANDRA
  add_schema(app, action);
#endif
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  return action();
}

}  // namespace playhead
