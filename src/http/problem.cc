// The table of problems, each with its status. tests/bad_inputs meets most of them.
#include "http/problem.h"

#include <array>

#include "base/assert.h"

namespace playhead {
namespace problems {

constexpr ProblemType kInvalidRequest{
    "invalid-request",
    400,
    Errc::kInvalidArgument,
    false,
    "The request can't be understood",
    "The request is malformed. `detail` says where; correct it, a repeat can't succeed."};
constexpr ProblemType kUnauthorized{
    "unauthorized",
    401,
    Errc::kInvalidArgument,
    false,
    "A valid token is needed",
    "The request carries no token, or one that is not valid (any more). Get a new one."};
constexpr ProblemType kForbidden{"forbidden",
                                 403,
                                 Errc::kInvalidArgument,
                                 false,
                                 "The caller may not do this",
                                 "The caller is known, and may never do this."};
constexpr ProblemType kNotFound{"not-found",
                                404,
                                Errc::kNotFound,
                                false,
                                "There is no such thing",
                                "What the path names does not exist, or is not the caller's."};
constexpr ProblemType kNoProgress{
    "no-progress",
    404,
    Errc::kNotFound,
    false,
    "The profile has no progress in this title",
    "The profile has neither played the title long enough to count nor marked it. Start at 0."};
constexpr ProblemType kMethodNotAllowed{
    "method-not-allowed",          405,
    Errc::kInvalidArgument,        false,
    "The path has no such method", "The `Allow` header names the methods that the path has."};
constexpr ProblemType kNotAcceptable{
    "not-acceptable",
    406,
    Errc::kInvalidArgument,
    false,
    "The answer has no accepted type",
    "The `Accept` header excludes every type that this path answers with."};
constexpr ProblemType kTimeout{
    "timeout",
    408,
    Errc::kUnavailable,
    true,
    "The request did not arrive in time",
    "The connection was too slow, or the body shorter than declared. Send it again."};
constexpr ProblemType kViewLimit{
    "view-limit",
    409,
    Errc::kLimitReached,
    false,
    "The account plays on too many devices",
    "`views` names the active views in the way. End one of them, or repeat the request with "
    "`?terminate=` and its id."};
constexpr ProblemType kViewTerminated{
    "view-terminated",
    410,
    Errc::kTerminated,
    false,
    "The view was ended from elsewhere",
    "Stop playing. `device` names the device that ended the view, if it is known."};
constexpr ProblemType kErased{
    "erased",
    410,
    Errc::kErased,
    false,
    "What this tells of was erased",
    "The account or the profile was erased after this was watched, or after its view began. Forget "
    "the report, and stop playing; what is watched from now on is a view of its own."};
constexpr ProblemType kLengthRequired{
    "length-required",
    411,
    Errc::kInvalidArgument,
    false,
    "A Content-Length is needed",
    "Bodies are taken with Content-Length only, never in chunks."};
constexpr ProblemType kTooLarge{"too-large",
                                413,
                                Errc::kInvalidArgument,
                                false,
                                "The body is larger than is taken",
                                "Send fewer reports at once."};
constexpr ProblemType kTargetTooLong{
    "target-too-long",
    414,
    Errc::kInvalidArgument,
    false,
    "The request target is too long",
    "Ask for fewer things at once, or use POST where there is one."};
constexpr ProblemType kUnsupportedMediaType{
    "unsupported-media-type",
    415,
    Errc::kInvalidArgument,
    false,
    "The body's type is not taken",
    "Send one of the Content-Types that the path takes, in UTF-8, without a Content-Encoding."};
constexpr ProblemType kRangeNotSatisfiable{
    "range-not-satisfiable",
    416,
    Errc::kInvalidArgument,
    false,
    "The range lies behind the end",
    "`Content-Range` says how many bytes there are. Ask for a range within them."};
constexpr ProblemType kExpectationFailed{
    "expectation-failed",           417,
    Errc::kInvalidArgument,         false,
    "The expectation can't be met", "Only `Expect: 100-continue` is known."};
constexpr ProblemType kViewConflict{
    "view-conflict",
    422,
    Errc::kConflict,
    false,
    "The report contradicts its view",
    "A view keeps the profile, title, kind and `record` of its first report. Use a new view id."};
constexpr ProblemType kUnprocessable{
    "unprocessable",
    422,
    Errc::kUnprocessable,
    false,
    "A value is out of the range that is kept",
    "The request is well-formed, but a value is missing or can't be kept. `detail` says which."};
constexpr ProblemType kTooManyRequests{"too-many-requests", 429,
                                       Errc::kOverloaded,   true,
                                       "Too many requests", "Wait as long as `Retry-After` says."};
constexpr ProblemType kHeadersTooLarge{
    "headers-too-large",        431,
    Errc::kInvalidArgument,     false,
    "The headers are too long", "Send fewer or shorter headers."};
constexpr ProblemType kDamaged{
    "damaged",
    500,
    Errc::kCorrupt,
    false,
    "Stored data is damaged",
    "Stored bytes failed their checksum. The server's operator must look at it."};
constexpr ProblemType kNotImplemented{
    "not-implemented",         501,
    Errc::kInvalidArgument,    false,
    "This is not implemented", "The method or transfer coding is unknown here."};
constexpr ProblemType kNotOwner{"not-owner",
                                503,
                                Errc::kNotOwner,
                                true,
                                "Another node owns the account",
                                "Wait as long as `Retry-After` says, then send the request again."};
constexpr ProblemType kOverloaded{
    "overloaded",
    503,
    Errc::kOverloaded,
    true,
    "The server is at a limit",
    "Nothing was changed. Wait as long as `Retry-After` says, then send the request again."};
constexpr ProblemType kUnavailable{
    "unavailable",
    503,
    Errc::kUnavailable,
    true,
    "A part of the server did not answer",
    "What was asked for may or may not have happened; repeating it is safe."};
constexpr ProblemType kStarting{
    "starting",
    503,
    Errc::kUnavailable,
    true,
    "The server is starting",
    "The journal is being read. Wait as long as `Retry-After` says, then send the request again."};
constexpr ProblemType kVersionNotSupported{
    "version-not-supported",      505, Errc::kInvalidArgument, false, "Only HTTP/1.1 is spoken",
    "Speak HTTP/1.1 or HTTP/1.0."};

}  // namespace problems

namespace {

using namespace problems;

constexpr std::array kAll = {
    &kInvalidRequest,
    &kUnauthorized,
    &kForbidden,
    &kNotFound,
    &kNoProgress,
    &kMethodNotAllowed,
    &kNotAcceptable,
    &kTimeout,
    &kViewLimit,
    &kViewTerminated,
    &kErased,
    &kLengthRequired,
    &kTooLarge,
    &kTargetTooLong,
    &kUnsupportedMediaType,
    &kRangeNotSatisfiable,
    &kExpectationFailed,
    &kViewConflict,
    &kUnprocessable,
    &kTooManyRequests,
    &kHeadersTooLarge,
    &kDamaged,
    &kNotImplemented,
    &kNotOwner,
    &kOverloaded,
    &kUnavailable,
    &kStarting,
    &kVersionNotSupported,
};

/// Seconds that a retry should wait: long enough for a sync or an election, short for a viewer.
constexpr std::string_view kRetryAfter = "Retry-After: 2\r\n";

void add_headers(Reply& reply, const ProblemType& type) {
  if (type.status == 503 || type.status == 429) reply.headers += kRetryAfter;
  if (type.status == 401) reply.headers += "WWW-Authenticate: Bearer realm=\"playhead\"\r\n";
}

}  // namespace

std::span<const ProblemType* const> all_problems() { return kAll; }

const ProblemType& problem_type(Errc code) {
  switch (code) {
    case Errc::kInvalidArgument:
      return kInvalidRequest;
    case Errc::kNotFound:
      return kNotFound;
    case Errc::kLimitReached:
      return kViewLimit;
    case Errc::kNotOwner:
      return kNotOwner;
    case Errc::kOverloaded:
      return kOverloaded;
    case Errc::kUnavailable:
      return kUnavailable;
    case Errc::kCorrupt:
      return kDamaged;
    case Errc::kTerminated:
      return kViewTerminated;
    case Errc::kConflict:
      return kViewConflict;
    case Errc::kUnprocessable:
      return kUnprocessable;
    case Errc::kErased:
      return kErased;
  }
  PLAYHEAD_ASSERT(false);
}

const ProblemType& problem_type_of_status(unsigned status) {
  for (const ProblemType* type : kAll)
    if (type->status == status) return *type;
  return kInvalidRequest;
}

void write_problem_members(JsonOut& json, const ProblemType& type, std::string_view detail) {
  json.field("type", "/problems/" + std::string(type.name));
  json.field("title", type.title);
  json.field("status", type.status);
  if (!detail.empty()) json.field("detail", detail);
  json.field("code", static_cast<unsigned>(type.code));
  json.field("retryable", type.retryable);
}

void write_problem(JsonOut& json, const ProblemType& type, std::string_view detail) {
  json.open('{');
  write_problem_members(json, type, detail);
  json.close('}');
}

void write_problem(JsonOut& json, const Rejected& rejected) {
  json.open('{');
  write_problem_members(json, problem_type(rejected.error.code), rejected.error.detail);
  if (rejected.error.code == Errc::kTerminated) json.text_or_null("device", rejected.ended_by);
  json.close('}');
}

Reply problem(const ProblemType& type, std::string_view detail) {
  Reply reply{.status = type.status, .content_type = kProblemJson};
  JsonOut json(reply.body);
  write_problem(json, type, detail);
  add_headers(reply, type);
  return reply;
}

Reply problem(const Error& error) { return problem(problem_type(error.code), error.detail); }

Reply problem(const BodyError& error) {
  switch (error.kind) {
    case BodyError::Kind::kMalformed:
      return problem(kInvalidRequest, error.detail);
    case BodyError::Kind::kUnprocessable:
      return problem(kUnprocessable, error.detail);
    case BodyError::Kind::kTooMany:
      return problem(kTooLarge, error.detail);
  }
  PLAYHEAD_ASSERT(false);
}

Reply terminated_problem(const Error& error, std::string_view device) {
  Reply reply{.status = kViewTerminated.status, .content_type = kProblemJson};
  JsonOut json(reply.body);
  json.open('{');
  write_problem_members(json, kViewTerminated, error.detail);
  json.text_or_null("device", device);
  json.close('}');
  return reply;
}

}  // namespace playhead
