// Reports on their way in: a body becomes a submission at once, and an answer when it is durable.
// One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "http/reply.h"
#include "http/routes.h"
#include "http/worker.h"

namespace playhead {

/// A body of reports whose answer is not known yet.
struct Pending {
  std::optional<Submission> submission;  ///< absent: nothing in it could be submitted
  std::unique_ptr<Reply> refusal;        ///< the answer, if the body was refused as a whole
  std::vector<Rejected> rejected;        ///< by the parser, or as not the caller's
  std::vector<std::uint32_t> places;     ///< of the submitted reports in the body; empty: in order
  Feed feed = Feed::kReports;
  bool batch = false;        ///< an array or lines: rejections are listed
  bool stop_by_410 = false;  ///< CMCD: a terminated view is told so

  // Of its request, for the answer's frame. `origin` borrows from the connection's buffer.
  std::string_view origin;
  bool http10 = false, keep_alive = true;
};

/// Parses and submits a body for `POST /v1/reports`.
Pending feed_reports(Worker& worker, const Caller& caller, std::string_view body, BodyType type);

/// Parses and submits a body for `POST /v1/cmcd`; `query` is the target's.
Pending feed_cmcd(Worker& worker, const Caller& caller, std::string_view body, const Query& query);

/// The answer to `pending`, whose submission came out as `outcome`.
Reply feed_reply(Worker& worker, Pending& pending, Result<BatchOutcome> outcome);

}  // namespace playhead
