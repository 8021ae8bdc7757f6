// Views and viewers of an account. A reason of a termination is accepted and not kept.

#include "http/handlers.h"
#include "http/problem.h"
#include "http/shapes.h"
#include "http/worker.h"

namespace playhead {
namespace {

constexpr std::string_view kNoSuchView = "no such view";

// 409: the views in the way, each as this caller may see it.
Reply limit_problem(const PutRefusal& refusal, const Caller& caller) {
  Reply reply{.status = problems::kViewLimit.status, .content_type = kProblemJson};
  JsonOut json(reply.body);
  json.open('{');
  write_problem_members(json, problems::kViewLimit, refusal.error.detail);
  json.key("views").open('[');
  for (const ViewerItem& item : refusal.in_the_way) write_viewer(json, item, caller);
  json.close(']').close('}');
  return reply;
}

Reply put_reply(const PutOutcome& outcome, const Caller& caller) {
  Reply reply{.status = outcome.created ? 201u : 200u, .content_type = kJson};
  JsonOut json(reply.body);
  json.open('{');
  write_viewer_members(json, outcome.item, caller);
  json.field("checked", outcome.checked).field("limit", outcome.limit).close('}');
  reply.headers = "Playhead-Next-Report-Ms: " + std::to_string(outcome.next_report_ms) + "\r\n";
  if (outcome.unstored) reply.headers += kUnstored;
  return reply;
}

// True where the caller may end that view. A profile's own caller may end its own only; the others
// are to it as if they did not exist. Errors: the service's.
Task<Result<bool>> may_end(Worker& worker, std::shared_ptr<const Caller> caller, AccountRef account,
                           std::string view) {
  if (!caller->profile) co_return true;
  auto found = co_await worker.service().view(std::move(account), std::move(view));
  if (found) co_return !sees_redacted(*caller, found->value.item.profile);
  if (found.error().code == Errc::kNotFound) co_return false;
  co_return std::unexpected(found.error());
}

Reply no_such_view() { return problem(problems::kNotFound, kNoSuchView); }

}  // namespace

Task<Reply> put_view(Request request) {
  Worker& worker = *request.worker;
  auto terminate = request.query.id("terminate");
  if (!terminate) co_return problem(terminate.error());
  std::string target = terminate->value_or("");
  if (!target.empty()) {
    const auto may = co_await may_end(worker, request.caller, request.account_ref(), target);
    if (!may) co_return problem(may.error());
    if (!*may) target.clear();  // what does not exist is in nobody's way
  }
  const auto report = worker.json().put(request.body, request.account, request.name);
  if (!report) co_return problem(report.error());
  if (allow(*request.caller, Permission::kReport, request.account, report->profile) !=
      Verdict::kAllowed)
    co_return problem(problems::kNotFound, "no such account or profile");
  // Reads the report before anything is awaited.
  auto put = worker.service().put_view(request.caller->tenant, *report,
                                       request.caller->stream_limit, target);
  auto outcome = co_await std::move(put);
  if (outcome) co_return put_reply(*outcome, *request.caller);
  const PutRefusal& refusal = outcome.error();
  if (refusal.error.code == Errc::kLimitReached) co_return limit_problem(refusal, *request.caller);
  if (refusal.error.code == Errc::kTerminated)
    co_return terminated_problem(refusal.error, refusal.ended_by);
  co_return problem(refusal.error);
}

Task<Reply> get_view(Request request) {
  auto view = co_await request.worker->service().view(request.account_ref(), request.name);
  if (!view) co_return problem(view.error());
  // Of other profiles' views only viewers are shown; one that has ended is none any more.
  if (!view->value.active && sees_redacted(*request.caller, view->value.item.profile))
    co_return no_such_view();
  Reply reply{.content_type = kJson};
  JsonOut json(reply.body);
  write_view(json, *view, *request.caller);
  co_return reply;
}

Task<Reply> terminate_view(Request request) {
  Worker& worker = *request.worker;
  const auto termination = worker.json().termination(request.body);
  if (!termination) co_return problem(termination.error());
  std::string by_device(termination->by_device);
  const auto may = co_await may_end(worker, request.caller, request.account_ref(), request.name);
  if (!may) co_return problem(may.error());
  if (!*may) co_return no_such_view();
  auto ended = co_await worker.service().terminate(request.account_ref(), request.name,
                                                   std::move(by_device));
  if (!ended && ended.error().code == Errc::kNotFound) co_return no_such_view();
  if (!ended) co_return problem(ended.error());
  co_return Reply{.status = 204};
}

Task<Reply> get_viewers(Request request) {
  auto viewers = co_await request.worker->service().viewers(request.account_ref());
  if (!viewers) co_return problem(viewers.error());
  co_return list_reply(*viewers, viewers->value, "", [&](JsonOut& json, const ViewerItem& item) {
    write_viewer(json, item, *request.caller);
  });
}

Task<Reply> stream_viewers(Request request) {
  auto subscription = co_await request.worker->service().subscribe(request.account_ref());
  if (!subscription) co_return problem(subscription.error());
  Reply reply{.content_type = kEventStream};
  reply.stream = std::make_unique<EventStream>(
      EventStream{.subscription = *std::move(subscription), .caller = request.caller});
  co_return reply;
}

Task<Reply> get_profiles(Request request) {
  auto profiles = co_await request.worker->service().profiles(request.account_ref());
  if (!profiles) co_return problem(profiles.error());
  // A profile's own caller is shown no other.
  const auto& bound = request.caller->profile;
  if (bound) std::erase_if(profiles->value, [&](const std::string& one) { return one != *bound; });
  co_return list_reply(*profiles, profiles->value, "",
                       [](JsonOut& json, const std::string& profile) {
                         json.open('{').field("profile", profile).close('}');
                       });
}

}  // namespace playhead
