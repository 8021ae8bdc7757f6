// `playhead config`: prints or checks a configuration.
#include <cstdio>
#include <memory>

#include "cli/app.h"
#include "config/config.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead config > playhead.toml          all options, with what they mean and their defaults
  playhead config --config playhead.toml   checks a file, and prints all options with its values)";

struct Flags {
  std::string file;
  bool markdown = false;
};

int config_command(const Flags& flags) {
  Config config;
  if (!flags.file.empty()) {
    if (const auto loaded = load_config(flags.file, config); !loaded) {
      say_error(loaded.error().detail);
      return kExitError;
    }
  }
  std::fputs((flags.markdown ? config_markdown() : config_toml(config)).c_str(), stdout);
  return kExitOk;
}

}  // namespace

void add_config(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("config", "Print or check a configuration file");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("--config", flags->file, "TOML file to lay over the defaults")
      ->type_name("FILE");
  command->add_flag("--markdown", flags->markdown, "Print docs/configuration.md instead");
  command->callback([flags, &action] { action = [flags] { return config_command(*flags); }; });
}

}  // namespace playhead
