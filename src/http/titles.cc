// Progress and Continue Watching of a profile.
#include "http/cursor.h"
#include "http/handlers.h"
#include "http/problem.h"
#include "http/shapes.h"
#include "http/worker.h"

namespace playhead {
namespace {

constexpr std::size_t kTitlesMax = 100;  // of one list by ids in the query

void write_progress(JsonOut& json, const ProgressItem& item) {
  json.open('{');
  write_progress_members(json, item);
  json.close('}');
}

Reply progress_reply(const Answer<std::vector<ProgressItem>>& answer) {
  return list_reply(answer, answer.value, "", write_progress);
}

// Where the list goes on; an empty key where `cursor` is absent.
Result<CursorKey> cursor_of(const Query& query, std::string_view scope) {
  auto text = query.text("cursor");
  if (!text) return std::unexpected(text.error());
  if (!*text) return CursorKey{};
  return read_cursor(**text, scope);
}

}  // namespace

Task<Reply> get_progress(Request request) {
  auto progress =
      co_await request.worker->service().progress(request.profile_ref(), {request.name});
  if (!progress) co_return problem(progress.error());
  if (progress->value.empty())
    co_return problem(problems::kNoProgress, "the profile has no progress in this title");
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{');
  write_progress_members(json, progress->value.front());
  write_freshness(json, *progress);
  json.close('}');
  co_return reply;
}

Task<Reply> list_progress(Request request) {
  Service& service = request.worker->service();
  auto titles = request.query.ids("title", kTitlesMax);
  if (!titles) co_return problem(titles.error());
  auto series = request.query.id("series");
  if (!series) co_return problem(series.error());
  const auto limit = request.query.limit();
  if (!limit) co_return problem(limit.error());
  const std::string only = series->value_or("");
  if (!titles->empty()) {
    auto progress = co_await service.progress(request.profile_ref(), *std::move(titles));
    if (!progress) co_return problem(progress.error());
    if (!only.empty())
      std::erase_if(progress->value, [&](const ProgressItem& item) { return item.series != only; });
    co_return progress_reply(*progress);
  }
  const std::string scope = "progress " + request.account + " " + request.profile + " " + only;
  auto after = cursor_of(request.query, scope);
  if (!after) co_return problem(after.error());
  auto page = co_await service.progress_page(request.profile_ref(), only, after->id, *limit);
  if (!page) co_return problem(page.error());
  const auto& items = page->value.items;
  const std::string next =
      page->value.more ? write_cursor(scope, {.at = {}, .id = items.back().title}) : "";
  co_return list_reply(*page, items, next, write_progress);
}

Task<Reply> query_progress(Request request) {
  auto titles = request.worker->json().titles(request.body);
  if (!titles) co_return problem(titles.error());
  auto progress =
      co_await request.worker->service().progress(request.profile_ref(), *std::move(titles));
  if (!progress) co_return problem(progress.error());
  co_return progress_reply(*progress);
}

Task<Reply> patch_progress(Request request) {
  Worker& worker = *request.worker;
  const auto acts = worker.json().acts(request.body);
  if (!acts) co_return problem(acts.error());
  worker.count().fields_ignored.add((*acts)->ignored);
  // Reads the acts before anything is awaited.
  auto act = worker.service().act(request.profile_ref(), (*acts)->acts);
  auto done = co_await std::move(act);
  if (!done) co_return problem(done.error());
  co_return Reply{.status = 204, .headers = *done ? "" : std::string(kUnstored)};
}

Task<Reply> get_continue_watching(Request request) {
  const auto limit = request.query.limit();
  if (!limit) co_return problem(limit.error());
  const std::string scope = "continue " + request.account + " " + request.profile;
  auto after = cursor_of(request.query, scope);
  if (!after) co_return problem(after.error());
  auto rows = co_await request.worker->service().continue_watching(request.profile_ref());
  if (!rows) co_return problem(rows.error());
  // Latest first, then by title: what stands behind the cursor.
  const auto is_behind = [&](const ContinueItem& row) {
    if (after->id.empty()) return true;
    const Instant at = row.progress.at.value_or(kNever);
    return at < after->at || (at == after->at && row.progress.title > after->id);
  };
  std::erase_if(rows->value, [&](const ContinueItem& row) { return !is_behind(row); });
  std::string next;
  if (rows->value.size() > *limit) {
    rows->value.resize(*limit);
    const ProgressItem& last = rows->value.back().progress;
    next = write_cursor(scope, {.at = last.at.value_or(kNever), .id = last.title});
  }
  co_return list_reply(*rows, rows->value, next, [](JsonOut& json, const ContinueItem& row) {
    json.open('{');
    write_progress_members(json, row.progress);
    json.field("reason", row.reason == RowReason::kNext ? "next" : "resume").close('}');
  });
}

}  // namespace playhead
