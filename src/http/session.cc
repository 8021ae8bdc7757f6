// Requests out of a buffer, checks in the order of their answers, answers into another buffer.
#include "http/session.h"

#include "base/assert.h"

namespace playhead {
namespace {

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

bool gives(Gives gives, std::string_view accept) {
  switch (gives) {
    case Gives::kAnything:
      return true;
    case Gives::kJson:
      return accepts(accept, kJson);
    case Gives::kJsonOrCsv:
      return accepts(accept, kJson) || accepts(accept, "text/csv");
    case Gives::kExport:
      return accepts(accept, kJson) || accepts(accept, kNdjson) || accepts(accept, "text/csv");
    case Gives::kEvents:
      return accepts(accept, kEventStream);
  }
  return true;
}

/// Nothing, or the problem with a segment. An empty one belongs to no pattern.
std::optional<Reply> decode(std::string_view segment, std::string& into) {
  if (segment.data() == nullptr) return std::nullopt;
  auto id = id_of_segment(segment);
  if (!id) return problem(id.error());
  into = *std::move(id);
  return std::nullopt;
}

Reply refusal_reply(const Refusal& refusal) {
  switch (refusal.kind) {
    case Refusal::Kind::kUnknown:
      return problem(problems::kUnauthorized, refusal.detail);
    case Refusal::Kind::kForbidden:
      return problem(problems::kForbidden, refusal.detail);
    case Refusal::Kind::kTooMany:
      return problem(problems::kTooManyRequests, refusal.detail);
  }
  PLAYHEAD_ASSERT(false);
}

}  // namespace

Task<Session::Next> Session::step() {
  while (out_.size() < worker_.options().answer_bytes_max) {
    switch (take()) {
      case Taken::kSubmitted:
        if (pending_.size() >= worker_.options().pipeline_max) co_await drain();
        break;
      case Taken::kRequest: {
        if (!pending_.empty()) co_await drain();
        Reply reply = co_await handle();
        const bool streams = reply.stream != nullptr;
        answer(std::move(reply), head_);
        next_request();
        if (streams) co_return Next::kStream;
        break;
      }
      case Taken::kNothing:
        break;
      case Taken::kNeedMore:
        if (!pending_.empty()) co_await drain();
        co_return out_.empty() ? Next::kRead : Next::kWrite;
      case Taken::kEnd:
        if (!pending_.empty()) co_await drain();
        co_return Next::kEnd;
    }
  }
  if (!pending_.empty()) co_await drain();
  co_return Next::kWrite;
}

// Looks at what is at the front of the buffer.
Session::Taken Session::take() {
  if (closing_) return Taken::kEnd;
  in_.consume(leading_empty_lines(in_.bytes()));
  if (in_.empty()) {
    phase_ = Phase::kIdle;
    wanted_ = 0;
    return Taken::kNeedMore;
  }
  if (wanted_ > 0 && in_.bytes().size() < wanted_) return Taken::kNeedMore;
  const HeadResult result = scanner_.scan(in_.bytes(), worker_.options(), head_);
  switch (result.kind) {
    case HeadResult::Kind::kRefused:
      return refuse(result.error);
    case HeadResult::Kind::kNeedMore:
      phase_ = Phase::kHead;
      return Taken::kNeedMore;
    case HeadResult::Kind::kComplete:
      break;
  }
  wanted_ = std::size_t{head_.bytes} + head_.length;
  if (in_.bytes().size() >= wanted_) return take_whole();
  phase_ = Phase::kBody;
  // Everything asked before is answered first; the head is read anew when the body is here, for
  // the buffer will have moved.
  if (head_.expects_continue && !continued_) {
    if (pending_.empty()) {
      continued_ = true;
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    } else {
      wanted_ = 0;
    }
  }
  return Taken::kNeedMore;
}

// A framing error: where the next request begins can't be trusted any more.
Session::Taken Session::refuse(const FramingError& error) {
  // Its answer has to wait for those before it: come back when they are there.
  if (!pending_.empty()) return Taken::kNeedMore;
  worker_.count().framing_errors.add();
  give_up(problem_type_of_status(error.status), error.detail);
  return Taken::kEnd;
}

void Session::give_up(const ProblemType& type, std::string_view detail) {
  head_ = Head{};
  Reply reply = problem(type, detail);
  reply.close = true;
  refused_ = true;
  answer(std::move(reply), head_);
}

// The request at the front is all there. Reports are submitted here and now; what must be refused,
// and everything else, goes the ordinary way.
Session::Taken Session::take_whole() {
  found_ = match(head_.method, path_of(head_.target), listener_);
  if (found_.route == nullptr || found_.route->feed == Feed::kNone || !worker_.ready() ||
      head_.has_content_encoding || !takes(found_.route->takes, body_type_of(head_.content_type)))
    return Taken::kRequest;
  const auto caller = authenticate();
  if (!caller || allow(**caller, found_.route->permission) != Verdict::kAllowed)
    return Taken::kRequest;
  const auto query = Query::parse(query_of(head_.target));
  if (!query) return Taken::kRequest;
  pending_.push_back(feed(**caller, *query));
  Pending& pending = pending_.back();
  pending.origin = worker_.shared().origin_allowed(head_.origin) ? head_.origin : "";
  pending.http10 = head_.http10;
  pending.keep_alive = head_.keep_alive && !worker_.stopping();
  if (!pending.keep_alive) closing_ = true;
  next_request();
  return Taken::kSubmitted;
}

Pending Session::feed(const Caller& caller, const Query& query) {
  if (found_.route->feed == Feed::kCmcd) return feed_cmcd(worker_, caller, body(), query);
  return feed_reports(worker_, caller, body(), body_type_of(head_.content_type));
}

void Session::next_request() {
  in_.consume(wanted_);
  wanted_ = 0;
  continued_ = false;
  ++answered_;
  phase_ = Phase::kIdle;
}

Task<> Session::drain() {
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Result<BatchOutcome> outcome = BatchOutcome{};
    if (pending_[i].submission) outcome = co_await pending_[i].submission->outcome();
    answer_pending(pending_[i], std::move(outcome));
  }
  pending_.clear();
}

void Session::answer_pending(Pending& pending, Result<BatchOutcome> outcome) {
  const bool plain = outcome && outcome->rejected.empty() && !outcome->unstored &&
                     pending.rejected.empty() && !pending.refusal &&
                     pending.feed == Feed::kReports && pending.origin.empty() &&
                     pending.keep_alive && !pending.http10;
  if (plain) {
    out_ += worker_.accepted(outcome->next_report_ms, secure_);
    worker_.count().requests.add();
    worker_.count().statuses[2].add();
    return;
  }
  const Frame frame{.date = worker_.date(),
                    .origin = pending.origin,
                    .secure = secure_,
                    .http10 = pending.http10,
                    .keep_alive = pending.keep_alive};
  const Reply reply = feed_reply(worker_, pending, std::move(outcome));
  render(out_, reply, frame);
  worker_.count().requests.add();
  worker_.count().statuses[reply.status / 100].add();
}

void Session::answer(Reply reply, const Head& head) {
  if (reply.close || !head.keep_alive || worker_.stopping()) closing_ = true;
  const Frame frame{.date = worker_.date(),
                    .origin = worker_.shared().origin_allowed(head.origin) ? head.origin : "",
                    .secure = secure_,
                    .http10 = head.http10,
                    .keep_alive = !closing_,
                    .head = head.method == Method::kHead};
  if (reply.whole.empty())
    render(out_, reply, frame);
  else
    out_ += reply.whole;
  worker_.count().requests.add();
  worker_.count().statuses[reply.status / 100].add();
  stream_ = std::move(reply.stream);
}

// The request at the front, by the table of routes. The answers come in the order of
// RFC 9110's rules, from the cheapest to tell to the dearest.
Task<Reply> Session::handle() {
  if (head_.method == Method::kUnknown)
    co_return problem(problems::kNotImplemented, "the method is unknown");
  const Match& found = found_;
  if (head_.method == Method::kOptions) {
    if (found.methods == 0 && head_.target != "*")
      co_return problem(problems::kNotFound, "no such path");
    Reply reply = options_reply();
    reply.allow = allow_header(head_.target == "*" ? 127 : found.methods);
    co_return reply;
  }
  if (found.methods == 0) co_return problem(problems::kNotFound, "no such path");
  if (found.route == nullptr) {
    Reply reply = problem(problems::kMethodNotAllowed, "the path has no such method");
    reply.allow = allow_header(found.methods);
    co_return reply;
  }
  Request request;
  request.worker = &worker_;
  request.accept = head_.accept;
  request.range = head_.range;
  request.listener = listener_;
  request.body = body();
  request.body_type = body_type_of(head_.content_type);
  if (auto refusal = check(query_of(head_.target), request)) co_return std::move(*refusal);
  if (worker_.shared().parts.others.routing != nullptr)
    if (auto answer = co_await ask_owner(request)) co_return std::move(*answer);
  if (found.route->feed == Feed::kNone) co_return co_await found.route->handler(std::move(request));
  // Reports that came the ordinary way: what was in their way has just gone.
  Pending pending = feed(*request.caller, request.query);
  Result<BatchOutcome> outcome = BatchOutcome{};
  if (pending.submission) outcome = co_await pending.submission->outcome();
  co_return feed_reply(worker_, pending, std::move(outcome));
}

std::expected<std::shared_ptr<const Caller>, Reply> Session::authenticate() const {
  auto caller = worker_.shared().parts.authenticator->authenticate(
      {.authorization = head_.authorization,
       .query = found_.route->takes_token_in_query() ? query_of(head_.target) : "",
       .host = head_.host,
       .origin = head_.origin,
       .origin_allowed = !head_.origin.empty() && worker_.shared().origin_allowed(head_.origin)});
  if (caller) return *std::move(caller);
  return std::unexpected(refusal_reply(caller.error()));
}

// Everything that can be wrong with a request before its body is read.
std::optional<Reply> Session::check(std::string_view query, Request& request) {
  const Route& route = *found_.route;
  if (route.needs_shards && !worker_.ready()) {
    std::scoped_lock lock(worker_.shared().mutex);
    return problem(problems::kStarting, worker_.shared().not_ready);
  }
  // What is shown to everybody is shown to whoever has no token, too.
  const bool is_public = route.permission == Permission::kPublic;
  if (!is_public) {
    auto caller = authenticate();
    if (!caller) return std::move(caller.error());
    request.caller = *std::move(caller);
  }
  if (auto wrong = decode(found_.account, request.account)) return wrong;
  if (auto wrong = decode(found_.profile, request.profile)) return wrong;
  if (auto wrong = decode(found_.name, request.name)) return wrong;
  const Verdict verdict =
      is_public ? Verdict::kAllowed
                : allow(*request.caller, route.permission, request.account, request.profile);
  if (verdict == Verdict::kHidden)
    return problem(problems::kNotFound, "no such account or profile");
  if (verdict == Verdict::kForbidden)
    return problem(problems::kForbidden, "the caller may not do this");
  if (route.takes != Takes::kNothing) {
    if (head_.has_content_encoding)
      return problem(problems::kUnsupportedMediaType, "bodies are taken without Content-Encoding");
    if (!takes(route.takes, body_type_of(head_.content_type)))
      return problem(problems::kUnsupportedMediaType, "the path does not take this Content-Type");
  }
  if (!gives(route.gives, head_.accept))
    return problem(problems::kNotAcceptable, "the path does not answer with an accepted type");
  auto parameters = Query::parse(query);
  if (!parameters) return problem(parameters.error());
  request.query = *std::move(parameters);
  return std::nullopt;
}

Reply Session::options_reply() const {
  Reply reply{.status = 204};
  if (head_.origin.empty() || head_.request_method.empty()) return reply;
  reply.headers =
      "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE\r\n"
      "Access-Control-Allow-Headers: content-type, authorization, last-event-id\r\n"
      "Access-Control-Max-Age: 86400\r\n";
  return reply;
}

}  // namespace playhead
