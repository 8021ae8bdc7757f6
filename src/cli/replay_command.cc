// `playhead replay`: posts recorded reports as if they were made now.
#include <chrono>
#include <cstdio>
#include <memory>
#include <thread>

#include "cli/app.h"
#include "cli/progress_bar.h"
#include "cli/query.h"
#include "cli/replay.h"
#include "cli/show.h"

namespace playhead {
namespace {

constexpr const char* kExamples = R"(Examples:
  playhead replay session.jsonl                          at the pace of the recording
  playhead replay session.jsonl --fast                   at once, as if it ended now
  playhead replay player.jsonl --account acct-1 --profile p1 --device tv-1
  playhead replay monday.ndjson tuesday.ndjson --fast    several files, interleaved by time

A file holds one JSON object a line: a report as POST /v1/reports takes it, or a recorded request
{"at": epoch ms, "method": "POST", "path": "/v1/cmcd?...", "headers": {...}, "body": "..."}.
All times are moved by the same span. Exit code 1: something was refused.)";

constexpr unsigned kAttemptsMax = 8;          // of one request
constexpr std::uint64_t kBatchReports = 100;  // in one request, with --fast
constexpr unsigned kComplaintsMax = 10;       // that are printed

struct Flags {
  std::vector<std::string> files;
  bool fast = false, new_views = false;
  Recast recast;
  ServerFlags server;
};

Millis steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

void pause(Millis span_ms) { std::this_thread::sleep_for(std::chrono::milliseconds(span_ms)); }

/// Posts one after the other, each at its time.
class Replay {
 public:
  Replay(Client& client, const std::vector<Post>& posts, bool fast)
      : client_(client), posts_(posts), fast_(fast), started_ms_(steady_ms()) {}

  Result<Tally> run() {
    for (const Post& post : posts_) {
      wait_for(post);
      auto answer = send(post);
      if (!answer) return std::unexpected(answer.error());
      const std::string said = count(tally_, post, *answer);
      if (!said.empty() && ++complaints_ <= kComplaintsMax) bar_.say("playhead: " + said);
      show();
    }
    return tally_;
  }

  Millis elapsed_ms() const { return steady_ms() - started_ms_; }

 private:
  void wait_for(const Post& post) {
    constexpr Millis kStepMs = 100;  // so that the bar moves
    if (fast_) return;
    const Millis due = post.at - posts_.front().at;
    for (Millis left = due - elapsed_ms(); left > 0; left = due - elapsed_ms()) {
      show();
      pause(std::min(left, kStepMs));
    }
  }

  /// Tries again while the server is overloaded or away; not if it never was there.
  Result<HttpAnswer> send(const Post& post) {
    for (unsigned attempt = 1;; ++attempt) {
      auto answer = client_.send({.method = "POST",
                                  .target = post.target,
                                  .content_type = post.content_type,
                                  .body = post.body});
      const bool away = !answer && answer.error().code == Errc::kUnavailable && tally_.requests > 0;
      const bool busy = answer && (answer->status == 503 || answer->status == 429);
      if ((!away && !busy) || attempt == kAttemptsMax) return answer;
      ++tally_.retries;
      pause(back_off_ms(attempt, answer ? answer->retry_after : std::nullopt));
    }
  }

  void show() {
    const Millis whole = fast_ ? 0 : posts_.back().at - posts_.front().at;
    bar_.show({tally_.requests, posts_.size(), elapsed_ms(), whole});
  }

  Client& client_;
  const std::vector<Post>& posts_;
  bool fast_;
  Millis started_ms_;
  Tally tally_;
  unsigned complaints_ = 0;
  ProgressBar bar_;
};

Result<std::vector<Post>> read_all(const Flags& flags) {
  Recast recast = flags.recast;
  if (flags.new_views) recast.view_suffix = "-" + std::to_string(now_by_clock().ms / 1000);
  std::vector<Post> posts;
  for (const std::string& file : flags.files) {
    auto read = read_recording(file, recast);
    if (!read) return read;
    std::ranges::move(*read, std::back_inserter(posts));
  }
  if (posts.empty())
    return fail(Errc::kInvalidArgument, "there is nothing to replay in " + flags.files.front());
  interleave(posts);
  return posts;
}

int fail_with(const Error& error) {
  say_error(advise(error));
  return kExitError;
}

int replay_command(const Flags& flags) {
  auto client = connect_to(flags.server);
  if (!client) return fail_with(client.error());
  auto posts = read_all(flags);
  if (!posts) return fail_with(posts.error());
  const Millis span = span_to(*posts, now_by_clock(), flags.fast);
  for (Post& post : *posts) shift(post, span);
  if (flags.fast) posts = merge(std::exchange(*posts, {}), kBatchReports);

  Replay replay(*client, *posts, flags.fast);
  const auto tally = replay.run();
  if (!tally) return fail_with(tally.error());
  std::fputs(summary(*tally, replay.elapsed_ms()).c_str(), stdout);
  return tally->good() ? kExitOk : kExitError;
}

}  // namespace

void add_replay(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("replay", "Post recorded reports as if made now");
  command->footer(kExamples);
  auto flags = std::make_shared<Flags>();
  command->add_option("FILE", flags->files, "Recordings")->required()->check(CLI::ExistingFile);
  command->add_flag("--fast", flags->fast, "Send at once; the last report is now, not the first");
  command->add_option("--account", flags->recast.account, "Whose reports they are to be")
      ->check(kIdValidator);
  command->add_option("--profile", flags->recast.profile, "Of which profile")->check(kIdValidator);
  command->add_option("--device", flags->recast.device, "From which device")->check(kIdValidator);
  command->add_flag("--new-views", flags->new_views,
                    "Give the views new ids, so that each replay makes views of its own");
  add_server_options(*command, flags->server);
  command->callback([flags, &action] { action = [flags] { return replay_command(*flags); }; });
}

}  // namespace playhead
