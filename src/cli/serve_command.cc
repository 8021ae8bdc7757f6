// `playhead serve`: the options that a server goes by, from defaults, file and flags in this order.
#include <memory>

#include "cli/app.h"
#include "cli/serve.h"
#include "config/config.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead serve --data ./data
  playhead serve --data /var/lib/playhead --listen 127.0.0.1:8080 --admin-listen 127.0.0.1:9090
  playhead serve --config playhead.toml

Everything else is set in the file; `playhead config` prints one with all options.)";

struct Flags {
  std::string file, data, listen, admin_listen, demo, log_level;
  std::uint32_t threads = 0, stream_limit = 0;
};

int serve_command(const Flags& flags, const CLI::App& command) {
  Config config;
  if (!flags.file.empty()) {
    if (const auto loaded = load_config(flags.file, config); !loaded) {
      say_error(loaded.error().detail);
      return kExitError;
    }
  }
  if (!flags.data.empty()) config.data = flags.data;
  if (!flags.listen.empty()) config.http.listen = flags.listen;
  if (command.count("--admin-listen") > 0) config.http.admin_listen = flags.admin_listen;
  if (!flags.demo.empty()) config.http.demo_dir = flags.demo;
  if (command.count("--stream-limit") > 0) config.auth.stream_limit = flags.stream_limit;
  if (!flags.log_level.empty()) config.log_level = flags.log_level;
  if (command.count("--threads") > 0) config.threads = flags.threads;
  if (config.data.empty()) {
    say_error(
        "where should the data be kept? Give --data DIR, or set `data` in the file of --config");
    return kExitUsage;
  }
  return serve(config);
}

std::string check_address(const std::string& text) {
  const auto address = parse_listen(text);
  return address ? "" : address.error().detail;
}

}  // namespace

void add_serve(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("serve", "Run a server");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("--data", flags->data, "Directory to keep the data in; made if missing")
      ->type_name("DIR");
  command->add_option("--listen", flags->listen, "Address to serve on [127.0.0.1:8080]")
      ->type_name("HOST:PORT")
      ->check(check_address);
  command
      ->add_option("--admin-listen", flags->admin_listen,
                   "Address of its own for health, metrics and docs")
      ->type_name("HOST:PORT")
      ->check(check_address);
  command->add_option("--demo", flags->demo, "Directory with titles for the console at / to play")
      ->type_name("DIR");
  command
      ->add_option("--stream-limit", flags->stream_limit,
                   "Views that may play on an account at a time; 0: any number")
      ->check(CLI::Range(0, 10'000));
  command->add_option("--config", flags->file, "TOML file; see docs/configuration.md")
      ->type_name("FILE");
  command->add_option("--threads", flags->threads, "Shards, each on a thread; 0: one a core")
      ->check(CLI::Range(0, 1'024));
  command->add_option("--log-level", flags->log_level, "The least severe messages to log [info]")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  command->callback([flags, command, &action] {
    action = [flags, command] { return serve_command(*flags, *command); };
  });
}

}  // namespace playhead
