// The command line: one subcommand a file, each of which adds itself to the parser and says what to
// do once the line has been read.
//
// Exit codes: 0 done, 1 an error (which says what to do), 2 the line itself is wrong.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace playhead {

inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;
inline constexpr int kExitUsage = 2;

/// The command that was asked for; its result is the exit code.
using Action = std::function<int()>;

void add_serve(CLI::App& app, Action& action);
void add_check(CLI::App& app, Action& action);
void add_backup(CLI::App& app, Action& action);
void add_backups(CLI::App& app, Action& action);
void add_restore(CLI::App& app, Action& action);
void add_config(CLI::App& app, Action& action);
void add_key(CLI::App& app, Action& action);
void add_token(CLI::App& app, Action& action);
void add_replay(CLI::App& app, Action& action);
void add_viewers(CLI::App& app, Action& action);
void add_progress(CLI::App& app, Action& action);
void add_history(CLI::App& app, Action& action);
void add_continue_watching(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_import(CLI::App& app, Action& action);
/// Only in builds with PLAYHEAD_CASSANDRA.
void add_schema(CLI::App& app, Action& action);

/// Reads the line and does what it says.
int run_app(int argc, const char* const* argv);

/// Prints "playhead: `text`" to standard error.
void say_error(std::string_view text);

/// An option's validator: an id as the API takes it.
extern const CLI::Validator kIdValidator;

}  // namespace playhead
