// Sorting, counting, saying.
#include "cli/replay.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <utility>

#include "cli/show.h"

namespace playhead {
namespace {

constexpr Millis kFirstPauseMs = 100;
constexpr Millis kPauseMsMax = 5'000;

/// Takes {"accepted", "rejected": [{"index", "problem"}]}; false if that is not what it is.
bool count_batch(Tally& tally, std::string_view body, std::string& said) {
  simdjson::dom::parser parser;
  simdjson::dom::object answer;
  simdjson::dom::array rejected;
  std::uint64_t accepted = 0;
  if (parser.parse(body).get(answer) != simdjson::SUCCESS ||
      answer["accepted"].get(accepted) != simdjson::SUCCESS ||
      answer["rejected"].get(rejected) != simdjson::SUCCESS)
    return false;
  tally.accepted += accepted;
  tally.rejected += rejected.size();
  for (const simdjson::dom::element one : rejected) {
    std::string_view title, detail;
    if (one["problem"]["title"].get(title) != simdjson::SUCCESS) break;
    said = "refused: " + std::string(title);
    if (one["problem"]["detail"].get(detail) == simdjson::SUCCESS)
      said += ": " + std::string(detail);
    if (rejected.size() > 1) said += fmt::format(" (and {} more)", rejected.size() - 1);
    break;
  }
  return true;
}

}  // namespace

void interleave(std::vector<Post>& posts) {
  // By (time, place), for clang refuses the standard library's stable_sort as deprecated.
  std::vector<std::pair<Instant, std::size_t>> order;
  order.reserve(posts.size());
  for (std::size_t i = 0; i < posts.size(); ++i) order.emplace_back(posts[i].at, i);
  std::ranges::sort(order);
  std::vector<Post> sorted;
  sorted.reserve(posts.size());
  for (const auto& [at, place] : order) sorted.push_back(std::move(posts[place]));
  posts = std::move(sorted);
}

Millis span_to(const std::vector<Post>& posts, Instant now, bool fast) {
  if (posts.empty()) return 0;
  return now - (fast ? posts.back().at : posts.front().at);
}

std::string count(Tally& tally, const Post& post, const HttpAnswer& answer) {
  std::string said;
  ++tally.requests;
  tally.records += post.reports;
  if (answer.status == 204 && post.is_cmcd()) {
    const std::uint64_t accepted = std::min(answer.accepted.value_or(0), post.reports);
    tally.accepted += accepted;
    tally.ignored += post.reports - accepted;
  } else if (answer.status == 204) {
    tally.accepted += post.reports;
  } else if (answer.status != 200 || !count_batch(tally, answer.body, said)) {
    ++tally.failed;
    said = fmt::format("POST {}: {}", post.target, describe_problem(answer));
  }
  return said;
}

std::string summary(const Tally& tally, Millis took_ms) {
  std::string text = fmt::format("{} requests with {} records in {:.1f} s: {} accepted",
                                 show_count(tally.requests), show_count(tally.records),
                                 static_cast<double>(took_ms) / 1000, show_count(tally.accepted));
  if (tally.ignored > 0) text += fmt::format(", {} ignored", show_count(tally.ignored));
  text += fmt::format(", {} rejected, {} requests failed", show_count(tally.rejected),
                      show_count(tally.failed));
  if (tally.retries > 0) text += fmt::format(", {} tried again", show_count(tally.retries));
  text += '\n';
  if (tally.accepted == 0 && tally.ignored > 0)
    text +=
        "Nothing was taken. If the recording does not say whose it is, --account A --profile P "
        "does.\n";
  return text;
}

Millis back_off_ms(unsigned attempt, std::optional<Millis> retry_after) {
  const Millis pause = kFirstPauseMs << std::min(attempt - 1, 10u);
  return std::min(std::max(pause, retry_after.value_or(0)), kPauseMsMax);
}

}  // namespace playhead
