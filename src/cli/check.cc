// `playhead check`: verifies a data directory and prints what it holds. Changes nothing.
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "cli/app.h"
#include "cli/data.h"
#include "cli/show.h"
#include "config/config.h"
#include "http/json_out.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead check --data ./data
  playhead check --data ./data --json | jq .sound

The server that uses the directory has to be stopped first. Exit code 1: something is damaged.)";

struct Flags {
  std::string data;
  bool json = false;
};

void write_damage(JsonOut& json, std::uint64_t count, const std::vector<std::string>& damage) {
  json.field("damaged", count).key("damage").open('[');
  for (const std::string& sentence : damage) json.value(sentence);
  json.close(']').close('}');
}

std::string as_json(const JournalReport& journal, const StoreReport& store) {
  std::string out;
  JsonOut json(out);
  json.open('{').field("sound", journal.sound() && store.sound());
  json.key("journal").open('{');
  json.field("dropped_through", journal.dropped_through)
      .field("first", journal.first)
      .field("last", journal.last)
      .field("frames", journal.frames)
      .field("bytes", journal.bytes)
      .field("heartbeats", journal.heartbeats)
      .field("snapshots", journal.snapshots)
      .field("titles", journal.titles)
      .field("erasures", journal.erasures);
  write_damage(json, journal.damaged, journal.damage);
  json.key("store").open('{');
  json.field("views", store.views)
      .field("active", store.active)
      .field("history", store.history)
      .field("profiles", store.profiles)
      .field("titles", store.titles)
      .field("erasures", store.erasures)
      .field("disk_bytes", store.disk_bytes);
  write_damage(json, store.damaged, store.damage);
  json.close('}');
  return out += '\n';
}

void append_damage(std::string& out, std::string_view part, std::uint64_t count,
                   const std::vector<std::string>& damage) {
  for (const std::string& sentence : damage) out += fmt::format("  {}: {}\n", part, sentence);
  if (count > damage.size())
    out += fmt::format("  {}: … and {} more\n", part, count - damage.size());
}

std::string as_text(const std::string& data, const JournalReport& journal,
                    const StoreReport& store) {
  std::string out = fmt::format("data     {}\n", data);
  out +=
      journal.frames == 0
          ? std::string("journal  empty: everything has reached the store\n")
          : fmt::format("journal  {} frames ({} to {}), {}: {} heartbeats, {} views, {} titles\n",
                        show_count(journal.frames), journal.first, journal.last,
                        show_bytes(journal.bytes), show_count(journal.heartbeats),
                        show_count(journal.snapshots), show_count(journal.titles));
  out += fmt::format(
      "store    {} views ({} active, {} in history), {} titles with progress, {} profiles; {}\n",
      show_count(store.views), show_count(store.active), show_count(store.history),
      show_count(store.titles), show_count(store.profiles), show_bytes(store.disk_bytes));
  if (journal.sound() && store.sound()) return out += "sound    nothing is damaged\n";
  out += fmt::format("DAMAGED  {} in the journal, {} in the store:\n", show_count(journal.damaged),
                     show_count(store.damaged));
  append_damage(out, "journal", journal.damaged, journal.damage);
  append_damage(out, "store", store.damaged, store.damage);
  return out +=
         "Keep a copy of the directory before anything else, and restore it from a backup.\n";
}

int check_command(const Flags& flags) {
  std::error_code error;
  if (!std::filesystem::is_directory(flags.data, error)) {
    say_error(fmt::format(
        "there is no directory '{}'; --data takes what `playhead serve --data` got", flags.data));
    return kExitError;
  }
  if (is_half_restored(flags.data)) {
    say_error(fmt::format("a restore into '{}' was cut short; start the server, or restore again",
                          flags.data));
    return kExitError;
  }
  const auto journal = check_journal(journal_path(flags.data));
  const auto store = journal ? check_store(store_path(flags.data)) : Result<StoreReport>();
  for (const Error* wrong :
       {journal ? nullptr : &journal.error(), store ? nullptr : &store.error()})
    if (wrong != nullptr) {
      say_error(wrong->detail);
      return kExitError;
    }
  std::fputs(
      (flags.json ? as_json(*journal, *store) : as_text(flags.data, *journal, *store)).c_str(),
      stdout);
  return journal->sound() && store->sound() ? kExitOk : kExitError;
}

}  // namespace

void add_check(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("check", "Verify a data directory and print what it holds");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("--data", flags->data, "The directory")->type_name("DIR")->required();
  command->add_flag("--json", flags->json, "Print JSON");
  command->callback([flags, &action] { action = [flags] { return check_command(*flags); }; });
}

}  // namespace playhead
