// `playhead backup`: has a running server make a backup; `playhead backups`: lists what there are.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <future>
#include <memory>

#include "cli/app.h"
#include "cli/query.h"
#include "cli/show.h"
#include "http/json_out.h"
#include "store/rocksdb/restore.h"

namespace playhead {
namespace {

constexpr const char* kBackupExamples = R"(Examples:
  playhead backup
  playhead backup --server http://127.0.0.1:9090 --json | jq .id

The server needs a directory for them: `directory` in the section [backup] of its file. With
--admin-listen it is the operators' address that is to be asked. See docs/backup.md.)";

constexpr const char* kListExamples = R"(Examples:
  playhead backups
  playhead backups --from /backup/playhead)";

constexpr Millis kTimeoutMs = 24 * 3'600'000;  // a large store takes its time
constexpr const char* kPath = "/v1/backups";

struct Flags {
  ServerFlags server;
  std::string from;
  bool json = false;
};

int fail_with(const Error& error) {
  say_error(advise(error));
  return kExitError;
}

// Sends on another thread, and shows meanwhile how long it has taken.
Result<HttpAnswer> send_and_tell(Client& client) {
  const auto began = std::chrono::steady_clock::now();
  auto answer = std::async(std::launch::async,
                           [&client] { return client.send({.method = "POST", .target = kPath}); });
  const bool terminal = ::isatty(STDERR_FILENO) != 0;
  while (answer.wait_for(std::chrono::seconds(1)) != std::future_status::ready) {
    const Millis elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::steady_clock::now() - began)
                               .count();
    if (terminal)
      std::fprintf(stderr, "\ra backup is being made: %s", show_position(elapsed).c_str());
  }
  if (terminal) std::fputs("\r\033[K", stderr);
  return answer.get();
}

int backup_command(const Flags& flags) {
  auto client = connect_to(flags.server, {.timeout_ms = kTimeoutMs});
  if (!client) return fail_with(client.error());
  const auto answer = send_and_tell(*client);
  if (!answer) return fail_with(answer.error());
  if (answer->status != 200) {
    say_error(describe_problem(*answer));
    return kExitError;
  }
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(answer->body).get(object) != simdjson::SUCCESS)
    return fail_with({Errc::kCorrupt, "the answer is no backup; is that a Playhead server?"});
  const Item backup(object);
  std::fputs(
      flags.json
          ? (answer->body + "\n").c_str()
          : fmt::format("backup {} of {}: {} in {} files\n", backup.number("id").value_or(0),
                        show_time(backup.time("at"), now_by_clock()),
                        show_bytes(static_cast<std::uint64_t>(backup.number("bytes").value_or(0))),
                        backup.number("files").value_or(0))
                .c_str(),
      stdout);
  return kExitOk;
}

std::vector<std::string> row(const Item& item, Instant now) {
  const auto number = [&](std::string_view name) {
    return static_cast<std::uint64_t>(item.number(name).value_or(0));
  };
  return {std::to_string(number("id")), show_time(item.time("at"), now),
          show_bytes(number("bytes")), show_count(number("files"))};
}

Result<std::string> body_of_server(const ServerFlags& flags) {
  auto client = connect_to(flags);
  if (!client) return std::unexpected(client.error());
  auto answer = client->send({.target = kPath});
  if (!answer) return std::unexpected(answer.error());
  if (answer->status != 200) return fail(Errc::kInvalidArgument, describe_problem(*answer));
  return std::move(answer->body);
}

// As a server would answer.
Result<std::string> body_of_directory(const std::string& path) {
  const auto backups = BackupDirectory::open(path);
  if (!backups) return std::unexpected(backups.error());
  std::string body;
  JsonOut json(body);
  json.open('{').key("items").open('[');
  for (const Backup& backup : backups->list())
    json.open('{')
        .field("id", backup.id)
        .field("at", backup.at)
        .field("bytes", backup.bytes)
        .field("files", backup.files)
        .close('}');
  json.close(']')
      .key("next")
      .null()
      .field("as_of", now_by_clock())
      .field("stale", false)
      .close('}');
  return body;
}

int backups_command(const Flags& flags) {
  const auto body =
      flags.from.empty() ? body_of_server(flags.server) : body_of_directory(flags.from);
  if (!body) return fail_with(body.error());
  Listing listing;
  if (const auto added = add_page(listing, *body, SIZE_MAX); !added)
    return fail_with(added.error());
  const Look look{.headings = {"BACKUP", "OF", "SIZE", "FILES"},
                  .row = row,
                  .empty = "There is no backup. `playhead backup` makes one."};
  std::fputs(
      (flags.json ? listing_json(listing) : listing_text(listing, look, now_by_clock())).c_str(),
      stdout);
  return kExitOk;
}

}  // namespace

void add_backup(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("backup", "Have a running server make a backup");
  command->footer(kBackupExamples);
  auto flags = std::make_shared<Flags>();
  add_server_options(*command, flags->server);
  command->add_flag("--json", flags->json, "Print the server's JSON");
  command->callback([flags, &action] { action = [flags] { return backup_command(*flags); }; });
}

void add_backups(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("backups", "List the backups there are");
  command->footer(kListExamples);
  auto flags = std::make_shared<Flags>();
  add_server_options(*command, flags->server);
  command->add_option("--from", flags->from, "Their directory, to be looked at without a server")
      ->type_name("DIR");
  command->add_flag("--json", flags->json, "Print JSON");
  command->callback([flags, &action] { action = [flags] { return backups_command(*flags); }; });
}

}  // namespace playhead
