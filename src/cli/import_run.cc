// Most requests are deferred: the server need not flush for each. Now and then one asks for it, and
// with its answer all before it are sure, if the server has not started anew in between.
#include "cli/import_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "cli/replay.h"
#include "cli/show.h"
#include "http/json_out.h"
#include "ingest/import_json.h"

namespace playhead {
namespace {

constexpr std::size_t kBatchRecords = 500;  // one that is many times as long is felt by viewers
constexpr std::size_t kBatchBytes = std::size_t{768} << 10;
// How much is done again after a kill: as much as half of the import so far, within these bounds.
// To make sure costs the server a flush, which viewers feel.
constexpr Millis kUnsureMsMin = 5'000, kUnsureMsMax = 30'000;
constexpr unsigned kAttemptsMax = 10;  // of one request

Millis steady_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

std::uint64_t number_in(simdjson::dom::object in, std::string_view name) {
  std::uint64_t number = 0;
  return in[name].get(number) == simdjson::SUCCESS ? number : 0;
}

std::string text_in(simdjson::dom::object in, std::string_view name) {
  std::string_view text;
  return in[name].get(text) == simdjson::SUCCESS ? std::string(text) : std::string();
}

}  // namespace

void ImportTally::complain(const std::string& file, std::uint64_t line, const std::string& why) {
  ++wrong;
  if (complaints.size() < kComplaintsMax)
    complaints.push_back(file + ":" + std::to_string(line) + ": " + why);
}

std::string report(const ImportTally& tally, Millis took_ms, bool dry_run) {
  std::string out;
  for (const std::string& complaint : tally.complaints) (out += complaint) += '\n';
  if (tally.wrong > tally.complaints.size())
    out += fmt::format("... and {} more that were not understood\n",
                       show_count(tally.wrong - tally.complaints.size()));
  std::uint64_t skipped = 0;
  for (const auto& [why, count] : tally.skipped) skipped += count;
  out += fmt::format("{} rows in {:.1f} s: ", show_count(tally.rows),
                     static_cast<double>(took_ms) / 1000);
  if (dry_run)
    out += fmt::format("{} would be imported", show_count(tally.understood));
  else
    out += fmt::format("{} imported, {} already there", show_count(tally.imported),
                       show_count(tally.already_there));
  out += fmt::format(", {} skipped, {} not understood\n", show_count(skipped),
                     show_count(tally.wrong));
  for (const auto& [why, count] : tally.skipped)
    out += fmt::format("skipped: {} {}\n", show_count(count), why);
  return out;
}

Result<std::optional<ImportState>> read_state(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  simdjson::dom::parser parser;
  simdjson::dom::object in;
  ImportState state;
  if (parser.load(path).get(in) == simdjson::SUCCESS) state.file = text_in(in, "file");
  if (state.file.empty())
    return fail(Errc::kInvalidArgument,
                path + " is no state of an import; remove it to begin anew");
  state.place = {.offset = number_in(in, "offset"), .line = number_in(in, "line")};
  state.tally.rows = number_in(in, "rows");
  state.tally.imported = number_in(in, "imported");
  state.tally.already_there = number_in(in, "already_there");
  state.tally.wrong = number_in(in, "not_understood");
  if (simdjson::dom::object skipped; in["skipped"].get(skipped) == simdjson::SUCCESS)
    for (const simdjson::dom::key_value_pair one : skipped)
      state.tally.skipped[std::string(one.key)] = number_in(skipped, one.key);
  return state;
}

Result<void> write_state(const std::string& path, const ImportState& state) {
  std::string text;
  JsonOut json(text);
  json.open('{').field("file", state.file).field("offset", state.place.offset);
  json.field("line", state.place.line).field("rows", state.tally.rows);
  json.field("imported", state.tally.imported).field("already_there", state.tally.already_there);
  json.field("not_understood", state.tally.wrong).key("skipped").open('{');
  for (const auto& [why, count] : state.tally.skipped) json.field(why, count);
  json.close('}').close('}');
  text += '\n';
  const std::string fresh = path + ".new";
  const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written =
      file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (written && ::rename(fresh.c_str(), path.c_str()) == 0) return {};
  return fail(Errc::kInvalidArgument, path + " can't be written");
}

Millis ImportRun::elapsed_ms() const { return steady_ms() - started_ms_; }

Result<ImportTally> ImportRun::run() {
  started_ms_ = steady_ms();
  std::size_t first = 0;
  if (!flags_.state.empty() && !flags_.dry_run) {
    auto state = read_state(flags_.state);
    if (!state) return std::unexpected(state.error());
    if (*state) {
      const auto found = std::ranges::find(flags_.files, (*state)->file);
      if (found == flags_.files.end())
        return fail(Errc::kInvalidArgument, flags_.state + " is of another import: of " +
                                                (*state)->file + "; remove it to begin anew");
      first = static_cast<std::size_t>(found - flags_.files.begin());
      sure_ = (*state)->place;
      tally_ = tally_sure_ = std::move((*state)->tally);
    }
  }
  for (std::size_t i = first; i < flags_.files.size(); ++i) {
    auto source = open_source(flags_.files[i], source_flags_);
    if (!source) return std::unexpected(source.error());
    if (sure_ == ImportPlace{})
      sure_ = (*source)->place();
    else
      (*source)->seek(sure_);
    if (auto done = run_file(flags_.files[i], **source); !done)
      return std::unexpected(done.error());
    sure_ = {};
  }
  return tally_;
}

Result<void> ImportRun::run_file(const std::string& file, ImportSource& source) {
  for (;;) {
    Batch batch = fill(file, source);
    if (flags_.dry_run) {
      check(file, batch, source.origin());
      if (batch.lines.empty()) return {};
    } else if (batch.lines.empty()) {
      if (unsure_ == 0) return keep(file, source);
      if (auto made = make_sure(file, source); !made) return made;
    } else if (auto sent = send(file, source, std::move(batch)); !sent) {
      return sent;
    }
    show(source);
  }
}

ImportRun::Batch ImportRun::fill(const std::string& file, ImportSource& source) {
  Batch batch;
  while (batch.lines.size() < kBatchRecords && batch.body.size() < kBatchBytes) {
    auto row = source.next();
    if (!row) break;
    ++tally_.rows;
    if (!row->refusal) {
      (batch.body += row->record) += '\n';
      batch.lines.push_back(row->line);
    } else if (row->refusal->skipped) {
      ++tally_.skipped[row->refusal->why];
    } else {
      tally_.complain(file, row->line, row->refusal->why);
    }
  }
  return batch;
}

Result<void> ImportRun::send(const std::string& file, ImportSource& source, Batch batch) {
  const Millis now_ms = elapsed_ms();
  const bool durable = now_ms - sure_ms_ >= std::clamp(now_ms / 2, kUnsureMsMin, kUnsureMsMax) ||
                       source.place().offset >= source.size();
  auto answer = post(source.origin(), batch.body, durable);
  if (!answer) return std::unexpected(answer.error());
  auto epoch = count(file, batch, *answer);
  if (!epoch) return std::unexpected(epoch.error());
  if (is_new(*epoch, source)) return {};
  ++unsure_;
  last_ = std::move(batch.body);
  return durable ? keep(file, source) : Result<void>{};
}

// The file has ended behind requests that nothing has made sure: the last one, once more, changes
// nothing but that.
Result<void> ImportRun::make_sure(const std::string& file, ImportSource& source) {
  const ImportTally tally = tally_;
  auto answer = post(source.origin(), last_, true);
  if (!answer) return std::unexpected(answer.error());
  auto epoch = count(file, {}, *answer);
  if (!epoch) return std::unexpected(epoch.error());
  if (is_new(*epoch, source)) return {};
  tally_ = tally;
  return keep(file, source);
}

// A server that has started anew may have lost what was not durable: back to where all is sure.
bool ImportRun::is_new(const std::string& epoch, ImportSource& source) {
  const bool lost = unsure_ > 0 && epoch != epoch_;
  epoch_ = epoch;
  if (!lost) return false;
  bar_.say("playhead: the server has started anew; going back to what is sure");
  source.seek(sure_);
  tally_ = tally_sure_;
  unsure_ = 0;
  return true;
}

Result<void> ImportRun::keep(const std::string& file, const ImportSource& source) {
  unsure_ = 0;
  sure_ms_ = elapsed_ms();
  sure_ = source.place();
  tally_sure_ = tally_;
  if (flags_.state.empty()) return {};
  return write_state(flags_.state, {.file = file, .place = sure_, .tally = tally_sure_});
}

// Tries again while the server is busy or away; not if it never was there.
Result<HttpAnswer> ImportRun::post(std::string_view origin, const std::string& body, bool durable) {
  std::string target =
      flags_.account.empty() ? "/v1/import" : "/v1/accounts/" + flags_.account + "/import";
  (target += "?origin=") += origin;
  if (!durable) target += "&deferred=true";
  for (unsigned attempt = 1;; ++attempt) {
    auto answer = client_.send(
        {.method = "POST", .target = target, .content_type = "application/x-ndjson", .body = body});
    const bool away = !answer && answer.error().code == Errc::kUnavailable && answered_ > 0;
    const bool busy = answer && (answer->status == 503 || answer->status == 429);
    if ((away || busy) && attempt < kAttemptsMax) {
      std::this_thread::sleep_for(std::chrono::milliseconds(
          back_off_ms(attempt, answer ? answer->retry_after : std::nullopt)));
      continue;
    }
    if (answer && answer->status != 200)
      return fail(Errc::kInvalidArgument, describe_problem(*answer));
    ++answered_;
    return answer;
  }
}

// The server's epoch. Errors: corrupt.
Result<std::string> ImportRun::count(const std::string& file, const Batch& batch,
                                     const HttpAnswer& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::object in;
  simdjson::dom::array rejected;
  if (parser.parse(answer.body).get(in) != simdjson::SUCCESS ||
      in["rejected"].get(rejected) != simdjson::SUCCESS)
    return fail(Errc::kCorrupt, "the answer is none to an import; is that a Playhead server?");
  tally_.imported += number_in(in, "imported");
  tally_.already_there += number_in(in, "already_there");
  for (const simdjson::dom::element one : rejected) {
    simdjson::dom::object refused, problem;
    if (one.get(refused) != simdjson::SUCCESS ||
        refused["problem"].get(problem) != simdjson::SUCCESS)
      continue;
    const std::uint64_t index = number_in(refused, "index");
    std::string why = text_in(problem, "detail");
    if (why.empty()) why = text_in(problem, "title");
    if (index < batch.lines.size()) tally_.complain(file, batch.lines[index], why);
  }
  return text_in(in, "epoch");
}

// What a server would say, as far as that can be told without one.
void ImportRun::check(const std::string& file, const Batch& batch, std::string_view origin) {
  ImportParser records({.account = flags_.account, .origin = std::string(origin)});
  if (batch.lines.empty() || records.begin(batch.body, true, batch.lines.size())) return;
  for (const std::uint64_t line : batch.lines) {
    const auto record = records.next();
    if (!record) return;
    if (*record)
      ++tally_.understood;
    else
      tally_.complain(file, line, record->error().detail);
  }
}

void ImportRun::show(const ImportSource& source) {
  bar_.show({.done = source.place().offset,
             .total = source.size(),
             .elapsed_ms = elapsed_ms(),
             .unit = source.origin() == "trakt" ? "items" : "bytes"});
}

}  // namespace playhead
