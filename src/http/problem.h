// Errors as callers see them: RFC 9457 problem details, each of a documented type. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "http/json_out.h"
#include "http/reply.h"
#include "ingest/parsed.h"
#include "service/answers.h"

namespace playhead {

/// One kind of problem. The names are part of the API: append, never rename.
struct ProblemType {
  std::string_view name;  ///< `type` is "/problems/" + name
  unsigned status;
  Errc code;  ///< what a caller can do about it
  bool retryable;
  std::string_view title;
  std::string_view advice;  ///< what its page says
};

namespace problems {
extern const ProblemType kInvalidRequest, kUnauthorized, kForbidden, kNotFound, kNoProgress,
    kMethodNotAllowed, kNotAcceptable, kTimeout, kViewLimit, kViewTerminated, kErased,
    kLengthRequired, kTooLarge, kTargetTooLong, kUnsupportedMediaType, kRangeNotSatisfiable,
    kExpectationFailed, kViewConflict, kUnprocessable, kTooManyRequests, kHeadersTooLarge, kDamaged,
    kNotImplemented, kNotOwner, kOverloaded, kUnavailable, kStarting, kVersionNotSupported;
}  // namespace problems

std::span<const ProblemType* const> all_problems();

/// The type for an operating error.
const ProblemType& problem_type(Errc code);
/// The type for what the framing guard refuses.
const ProblemType& problem_type_of_status(unsigned status);

/// The members of a problem without its braces, for those that say more; `detail` may be empty.
void write_problem_members(JsonOut& json, const ProblemType& type, std::string_view detail);
/// A whole problem body; `detail` may be empty.
void write_problem(JsonOut& json, const ProblemType& type, std::string_view detail);
/// A rejected report's problem: with "device" if the view was ended from elsewhere.
void write_problem(JsonOut& json, const Rejected& rejected);

Reply problem(const ProblemType& type, std::string_view detail);
Reply problem(const Error& error);
Reply problem(const BodyError& error);
/// 410, naming the device that ended the view; where it is unknown, null.
Reply terminated_problem(const Error& error, std::string_view device);

}  // namespace playhead
