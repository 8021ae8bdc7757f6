// The order and times of a replay, and what became of it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/client.h"
#include "cli/recording.h"

namespace playhead {

/// Sorts the posts of all files by time, neighbours of the same time in the order of the files.
void interleave(std::vector<Post>& posts);

/// By how much everything moves, so that the first post is at `now`; with `fast` the last.
Millis span_to(const std::vector<Post>& posts, Instant now, bool fast);

/// What became of the posts so far. A record is a report or a CMCD record.
struct Tally {
  std::uint64_t requests = 0, records = 0;
  std::uint64_t accepted = 0;  ///< durable
  std::uint64_t ignored = 0;  ///< CMCD records that say nothing about a view, or that can't be used
  std::uint64_t rejected = 0;  ///< reports refused
  std::uint64_t failed = 0;    ///< requests refused or unanswered
  std::uint64_t retries = 0;

  /// True if nothing was refused, and something was taken.
  bool good() const { return rejected == 0 && failed == 0 && accepted > 0; }
};

/// Counts the answer to `post`. Returns what is to be said about it; empty if it was all taken.
std::string count(Tally& tally, const Post& post, const HttpAnswer& answer);

/// The closing line, and advice where it helps.
std::string summary(const Tally& tally, Millis took_ms);

/// How long to wait before attempt `attempt` (from 1) is repeated; `retry_after` is the server's
/// wish.
Millis back_off_ms(unsigned attempt, std::optional<Millis> retry_after);

}  // namespace playhead
