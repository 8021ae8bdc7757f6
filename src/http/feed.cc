// From bodies of reports to submissions, and from their outcomes to answers.
#include "http/feed.h"

#include <algorithm>
#include <array>

#include "http/problem.h"

namespace playhead {
namespace {

// What may not be reported by this caller looks as if it did not exist.
constexpr std::string_view kNotTheirs = "no such account or profile";

/// Texts of the query that say whose a CMCD session is. They own what CmcdOrigin borrows.
struct Origin {
  std::string account, profile, device;
};

bool is_callers(const Caller& caller, const Report& report) {
  return allow(caller, Permission::kReport, report.account, report.profile) == Verdict::kAllowed;
}

// The caller's own reports, submitted; for the others `reject(place)` is called.
template <typename Reject>
void submit(Worker& worker, const Caller& caller, const Reports& parsed, Pending& pending,
            Reject&& reject) {
  const auto place = [&](std::size_t i) {
    return parsed.places.empty() ? static_cast<std::uint32_t>(i) : parsed.places[i];
  };
  const bool bound = caller.account || caller.profile;
  std::vector<Report> own;
  if (bound) {
    for (std::size_t i = 0; i < parsed.reports.size(); ++i) {
      if (!is_callers(caller, parsed.reports[i])) {
        reject(place(i));
        continue;
      }
      own.push_back(parsed.reports[i]);
      pending.places.push_back(place(i));
    }
  } else {
    pending.places = parsed.places;
  }
  const std::span<const Report> reports = bound ? own : parsed.reports;
  pending.submission = worker.service().submit(worker.index(), caller.tenant, reports);
}

Reply no_content(const BatchOutcome& outcome) {
  Reply reply{.status = 204};
  if (outcome.accepted == 0) return reply;
  if (outcome.next_report_ms > 0)
    reply.headers = "Playhead-Next-Report-Ms: " + std::to_string(outcome.next_report_ms) + "\r\n";
  if (outcome.unstored) reply.headers += kUnstored;
  return reply;
}

bool is_retryable(const Rejected& rejected) { return problem_type(rejected.error.code).retryable; }

Reply reports_reply(const Pending& pending, const BatchOutcome& outcome) {
  const auto& rejected = outcome.rejected;
  // Where nothing could be taken for now, the sender shall come again with all of it.
  const bool none = outcome.accepted == 0 && !rejected.empty();
  if (none && (!pending.batch || std::ranges::all_of(rejected, is_retryable))) {
    const Rejected& first = rejected.front();
    if (first.error.code == Errc::kTerminated)
      return terminated_problem(first.error, first.ended_by);
    return problem(first.error);
  }
  Reply reply = no_content(outcome);
  if (rejected.empty()) return reply;
  reply.status = 200;
  reply.content_type = kJson;
  JsonOut json(reply.body);
  json.open('{').field("accepted", outcome.accepted).key("rejected").open('[');
  for (const Rejected& one : rejected) {
    json.open('{').field("index", one.index).key("problem");
    write_problem(json, one);
    json.close('}');
  }
  json.close(']').close('}');
  return reply;
}

// Players storm on everything but 204, so that is what they get: what is not in
// `Playhead-Accepted` was not taken.
Reply cmcd_reply(Worker& worker, const Pending& pending, const BatchOutcome& outcome) {
  worker.count().cmcd_dropped.add(outcome.rejected.size());
  if (pending.stop_by_410)
    for (const Rejected& one : outcome.rejected)
      if (one.error.code == Errc::kTerminated) return terminated_problem(one.error, one.ended_by);
  Reply reply = no_content(outcome);
  reply.headers += "Playhead-Accepted: " + std::to_string(outcome.accepted) + "\r\n";
  return reply;
}

ReportsLayout layout_of(BodyType type) {
  switch (type) {
    case BodyType::kNdjson:
      return ReportsLayout::kNdjson;
    case BodyType::kText:
      return ReportsLayout::kAny;
    default:
      return ReportsLayout::kJson;
  }
}

Result<Origin> origin_of(const Caller& caller, const Query& query) {
  Origin origin;
  const std::array<std::pair<const char*, std::string*>, 3> fields = {
      std::pair{"account", &origin.account}, std::pair{"profile", &origin.profile},
      std::pair{"device", &origin.device}};
  for (const auto& [name, field] : fields) {
    auto id = query.id(name);
    if (!id) return std::unexpected(id.error());
    if (*id) *field = **std::move(id);
  }
  // The token names them first.
  if (caller.account) origin.account = *caller.account;
  if (caller.profile) origin.profile = *caller.profile;
  return origin;
}

}  // namespace

Pending feed_reports(Worker& worker, const Caller& caller, std::string_view body, BodyType type) {
  Pending pending{.feed = Feed::kReports};
  const auto parsed = worker.json().reports(body, layout_of(type));
  if (!parsed) {
    pending.refusal = std::make_unique<Reply>(problem(parsed.error()));
    return pending;
  }
  const Reports& reports = **parsed;
  pending.batch = reports.batch;
  worker.count().fields_ignored.add(reports.ignored);
  for (const BadReport& bad : reports.rejected)
    pending.rejected.push_back({.index = bad.index, .error = bad.error});
  submit(worker, caller, reports, pending, [&](std::uint32_t place) {
    pending.rejected.push_back(
        {.index = place, .error = {Errc::kNotFound, std::string(kNotTheirs)}});
  });
  return pending;
}

Pending feed_cmcd(Worker& worker, const Caller& caller, std::string_view body, const Query& query) {
  Pending pending{.feed = Feed::kCmcd, .batch = true};
  const auto origin = origin_of(caller, query);
  const auto stop = query.text("stop");
  if (!origin || !stop) {
    pending.refusal = std::make_unique<Reply>(problem(origin ? stop.error() : origin.error()));
    return pending;
  }
  pending.stop_by_410 = *stop == "410";
  const Reports& reports = worker.cmcd().reports(
      body, {.account = origin->account, .profile = origin->profile, .device = origin->device});
  worker.count().fields_ignored.add(reports.ignored);
  worker.count().cmcd_dropped.add(reports.dropped);
  submit(worker, caller, reports, pending,
         [&](std::uint32_t) { worker.count().cmcd_dropped.add(); });
  return pending;
}

Reply feed_reply(Worker& worker, Pending& pending, Result<BatchOutcome> outcome) {
  if (pending.refusal) return std::move(*pending.refusal);
  if (!outcome) {
    if (pending.feed == Feed::kReports) return problem(outcome.error());
    outcome = BatchOutcome{};
  }
  if (!pending.places.empty())
    for (Rejected& one : outcome->rejected) one.index = pending.places[one.index];
  std::ranges::move(pending.rejected, std::back_inserter(outcome->rejected));
  std::ranges::sort(outcome->rejected, {}, &Rejected::index);
  if (pending.feed == Feed::kCmcd) return cmcd_reply(worker, pending, *outcome);
  return reports_reply(pending, *outcome);
}

}  // namespace playhead
