// What `playhead replay` posts: recorded reports, read from files and moved in time. Two kinds of
// files, each one JSON object a line:
//   reports     as POST /v1/reports takes them
//   recordings  of requests: "at" (epoch ms), "method", "path", "headers", "body"
// Pure but for read_recording(); one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

/// Whose reports they are to be, whatever the recording says. Empty: as recorded.
struct Recast {
  std::string account, profile, device;
  std::string view_suffix;  ///< behind every view's id: a replay then makes views of its own
};

/// One request to post.
struct Post {
  Instant at;  ///< when it was made; for a report its own time
  std::string target;
  std::string content_type;
  std::string body;
  std::uint64_t reports = 0;  ///< or CMCD records, in the body

  bool is_cmcd() const;
};

/// The posts of a file's text, in its order; `name` stands for it in messages. Credentials in
/// targets are left out, as are requests that post nothing (OPTIONS, GET).
///
/// Errors: invalid_argument, which names the line.
Result<std::vector<Post>> parse_recording(std::string_view text, std::string_view name,
                                          const Recast& recast);

/// The same of a file of at most kRecordingBytesMax. Errors: not_found; those of
/// parse_recording().
Result<std::vector<Post>> read_recording(const std::string& path, const Recast& recast);
inline constexpr std::size_t kRecordingBytesMax = 512ULL << 20;

/// Moves a post by `span`, and with it the times inside its body: of a report `at` and
/// `started_at`. (`sent_at` is left out when a report is read: it would say that the device's clock
/// is off by the age of the recording.)
void shift(Post& post, Millis span);

/// `body` with every `ts`, and every `pt` of a live view (epoch ms too), moved by `span`, and with
/// `view_suffix` behind every `sid`. What is no well-formed member is left as it is.
std::string rewrite_cmcd(std::string_view body, Millis span, std::string_view view_suffix);

/// `target` without credentials, and with the recast's owner in its query.
std::string retarget(std::string_view target, const Recast& recast);

/// Puts neighbours that post reports to the same target together, up to `reports_max` each.
std::vector<Post> merge(std::vector<Post> posts, std::uint64_t reports_max);

}  // namespace playhead
