// `playhead export`: all that is held on an account, as lines that `import` takes back, or as CSV.
#include <cstdio>
#include <memory>

#include "cli/app.h"
#include "cli/query.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead export --account acct-1 > acct-1.ndjson
  playhead export --account acct-1 --output acct-1.ndjson
  playhead export --account acct-1 --csv > acct-1.csv     history, in the columns of Netflix's own)";

struct Flags {
  std::string account, output;
  bool csv = false;
  ServerFlags server;
};

// Where an answer's Link header says the next page is; empty: there is none.
std::string next_of(const std::string& link) {
  const std::size_t begin = link.find('<'), end = link.find('>');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return {};
  return link.substr(begin + 1, end - begin - 1);
}

Result<void> write_pages(Client& client, const Flags& flags, std::FILE* out) {
  const std::string path = "/v1/accounts/" + flags.account + "/export";
  std::string target = path;
  for (bool first = true;; first = false) {
    const auto answer =
        client.send({.target = target, .accept = flags.csv ? "text/csv" : "application/x-ndjson"});
    if (!answer) return std::unexpected(answer.error());
    if (answer->status != 200) return fail(Errc::kInvalidArgument, describe_problem(*answer));
    std::string_view body = answer->body;
    // One table has its headings once.
    if (flags.csv && !first) body.remove_prefix(std::min(body.find('\n') + 1, body.size()));
    if (std::fwrite(body.data(), 1, body.size(), out) != body.size())
      return fail(Errc::kInvalidArgument, "the file can't be written");
    const std::string next = next_of(answer->link);
    if (next.empty()) break;
    target = path + next;
  }
  if (std::fflush(out) != 0) return fail(Errc::kInvalidArgument, "the file can't be written");
  return {};
}

int export_command(const Flags& flags) {
  auto client = connect_to(flags.server);
  Result<void> done;
  std::FILE* out = stdout;
  if (!client) {
    done = std::unexpected(client.error());
  } else {
    if (!flags.output.empty()) out = std::fopen(flags.output.c_str(), "wb");
    done = out != nullptr ? write_pages(*client, flags, out)
                          : fail(Errc::kInvalidArgument, flags.output + " can't be written");
    if (out != nullptr && out != stdout && std::fclose(out) != 0 && done)
      done = fail(Errc::kInvalidArgument, flags.output + " can't be written");
  }
  if (done) return kExitOk;
  say_error(advise(done.error()));
  return kExitError;
}

}  // namespace

void add_export(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("export", "Write all that is held on an account");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("--account", flags->account, "The account")->required()->check(kIdValidator);
  command->add_option("--output", flags->output, "Where to; else to standard output")
      ->type_name("FILE");
  command->add_flag("--csv", flags->csv, "The history, in the columns of Netflix's own download");
  add_server_options(*command, flags->server);
  command->callback([flags, &action] { action = [flags] { return export_command(*flags); }; });
}

}  // namespace playhead
