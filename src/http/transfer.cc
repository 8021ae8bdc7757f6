// Data out, page by page, and data in.
#include "http/cursor.h"
#include "http/export_shapes.h"
#include "http/handlers.h"
#include "http/history_csv.h"
#include "http/problem.h"
#include "http/shapes.h"
#include "http/worker.h"

namespace playhead {
namespace {

constexpr std::size_t kExportRecordsMax = 1'000;  // of a page
constexpr std::size_t kExportRowsMax = 100;       // of a page of CSV

// A view's page goes on by its id; a title's by profile and title, told apart by a time that no
// view's page has.
constexpr Instant kAtViews{0}, kAtTitles{1};
// The first of an account's titles lies behind this id, the shortest there is.
constexpr std::string_view kBeforeTitles = "-";

std::string cursor_of(const ExportPlace& place, std::string_view scope) {
  if (!place.titles) return write_cursor(scope, {.at = kAtViews, .id = place.view});
  if (!place.title) return write_cursor(scope, {.at = kAtTitles, .id = std::string(kBeforeTitles)});
  return write_cursor(scope,
                      {.at = kAtTitles, .id = place.title->profile, .second = place.title->title});
}

ExportPlace place_of(CursorKey key) {
  if (key.at == kAtViews) return {.view = std::move(key.id)};
  if (key.second.empty()) return {.titles = true};
  return {.titles = true, .title = TitlePlace{std::move(key.id), std::move(key.second)}};
}

Result<CursorKey> key_of(const Query& query, std::string_view scope) {
  auto cursor = query.text("cursor");
  if (!cursor) return std::unexpected(cursor.error());
  if (!*cursor) return CursorKey{};
  return read_cursor(**cursor, scope);
}

// What of a page goes into an answer of lines.
std::string lines_of(const ExportPage& page, std::string_view account) {
  std::string out, line;
  const auto add = [&](const auto& row) {
    line.clear();
    JsonOut json(line);
    write_export(json, account, row);
    (out += line) += '\n';
  };
  for (const StoredView& view : page.views) add(view);
  for (const TitleRow& row : page.titles) add(row);
  return out;
}

Task<Reply> export_records(Request request) {
  const auto limit = request.query.limit(kExportRecordsMax);
  if (!limit) co_return problem(limit.error());
  const std::string scope = "export " + request.account;
  auto key = key_of(request.query, scope);
  if (!key) co_return problem(key.error());
  auto read = co_await request.worker->transfer().page(request.account_ref(),
                                                       place_of(*std::move(key)), *limit);
  if (!read) co_return problem(read.error());
  const ExportPage& page = read->value;
  const std::string next = page.next ? cursor_of(*page.next, scope) : std::string();
  if (prefers(request.accept, kNdjson, kJson)) {
    Reply reply{.content_type = kNdjson, .body = lines_of(page, request.account)};
    if (!next.empty()) reply.headers = next_link(request.query.with("cursor", next));
    co_return reply;
  }
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{').key("items").open('[');
  for (const StoredView& view : page.views) write_export(json, request.account, view);
  for (const TitleRow& row : page.titles) write_export(json, request.account, row);
  json.close(']').text_or_null("next", next);
  write_freshness(json, *read);
  json.close('}');
  co_return reply;
}

// One page of one profile's history, profile by profile in byte order.
Task<Reply> export_csv(Request request) {
  Service& service = request.worker->service();
  const auto limit = request.query.limit(kExportRowsMax);
  if (!limit) co_return problem(limit.error());
  const std::string scope = "export csv " + request.account;
  auto key = key_of(request.query, scope);
  if (!key) co_return problem(key.error());
  auto profiles = co_await service.profiles(request.account_ref());
  if (!profiles) co_return problem(profiles.error());
  Reply reply{.content_type = kCsv, .body = std::string(kCsvHeadings)};
  const auto profile = std::ranges::lower_bound(profiles->value, key->id);
  if (profile == profiles->value.end()) co_return reply;
  std::optional<HistoryNext> after;
  if (*profile == key->id && !key->second.empty())
    after = HistoryNext{.keyed_start = key->at, .view = key->second};
  const ProfileRef ref{request.caller->tenant, request.account, *profile};
  auto page = co_await service.history(ref, {}, after, *limit);
  if (!page) co_return problem(page.error());
  auto rows = co_await csv_rows(service, ref, std::move(page->value.items));
  if (!rows) co_return problem(rows.error());
  reply.body += *rows;
  std::optional<CursorKey> next;
  if (const auto& end = page->value.next)
    next = CursorKey{.at = end->keyed_start, .id = *profile, .second = end->view};
  else if (profile + 1 != profiles->value.end())
    next = CursorKey{.at = {}, .id = *(profile + 1)};
  if (next) reply.headers = next_link(request.query.with("cursor", write_cursor(scope, *next)));
  co_return reply;
}

Reply import_reply(const ImportOutcome& outcome, bool durable, std::uint64_t epoch) {
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  json.open('{')
      .field("imported", outcome.imported)
      .field("already_there", outcome.already_there)
      .key("rejected")
      .open('[');
  for (const BadReport& bad : outcome.rejected) {
    json.open('{').field("index", bad.index).key("problem");
    write_problem(json, Rejected{.index = bad.index, .error = bad.error});
    json.close('}');
  }
  json.close(']').field("durable", durable).field("epoch", std::to_string(epoch)).close('}');
  return reply;
}

Task<Reply> import(Request request) {
  Worker& worker = *request.worker;
  auto origin = request.query.id("origin");
  if (!origin) co_return problem(origin.error());
  const auto deferred = request.query.flag("deferred");
  if (!deferred) co_return problem(deferred.error());
  ImportParser records({.account = request.account, .origin = origin->value_or("")});
  if (auto refused = records.begin(request.body, request.body_type == BodyType::kNdjson,
                                   worker.transfer().options().records_max))
    co_return problem(*refused);
  const bool single = records.is_single();
  const std::uint64_t epoch = worker.shared().parts.boot;
  auto outcome =
      co_await worker.transfer().import(request.caller->tenant, std::move(records), !*deferred);
  if (!outcome) co_return problem(outcome.error());
  if (single && !outcome->rejected.empty()) co_return problem(outcome->rejected.front().error);
  worker.count().fields_ignored.add(outcome->ignored);
  co_return import_reply(*outcome, !*deferred, epoch);
}

}  // namespace

Task<Reply> get_export(Request request) {
  if (prefers(request.accept, "text/csv", kJson) && prefers(request.accept, "text/csv", kNdjson))
    return export_csv(std::move(request));
  return export_records(std::move(request));
}

Task<Reply> import_account(Request request) { return import(std::move(request)); }
Task<Reply> import_accounts(Request request) { return import(std::move(request)); }

}  // namespace playhead
