// What a crowd of players says, as bodies for `POST /v1/reports`: a function of a seed, so that two
// runs send the same. Pure; any thread.
//
// Each connection has views of its own and reports them round after round: batch n holds the next
// `batch` of them, so that a view's reports are in the order of their batches. After `life` reports
// a view ends, or falls silent, and its device starts another one.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace playhead {

struct WorkloadOptions {
  std::uint64_t seed = 1;
  std::string prefix = "l";  ///< of every id, so that two loads do not meet
  std::uint32_t connections = 16;
  std::uint32_t views = 8'000;  ///< at once, of all connections
  std::uint32_t accounts =
      2'000;                  ///< that these belong to; an account's views are on any connection
  std::uint32_t batch = 100;  ///< reports of one body; 1: an object, else an array
  std::uint32_t life = 0;     ///< reports of one view; 0: it never ends
  std::uint32_t step_ms = 10'000;  ///< what the playhead moves by from report to report
  bool varied = false;             ///< all states and fields; else heartbeats of playing views
};

class Workload {
 public:
  explicit Workload(WorkloadOptions options) : options_(std::move(options)) {}

  /// Appends the body of batch `number` (from 0) of `connection`; its reports all say `at`.
  void body(std::string& out, std::uint32_t connection, std::uint64_t number, Instant at) const;

  const WorkloadOptions& options() const { return options_; }

 private:
  struct Place;
  Place place(std::uint32_t connection, std::uint64_t index) const;
  void identity(std::string& out, const Place& place) const;
  void plain(std::string& out, const Place& place, std::string_view at) const;
  void varied(std::string& out, const Place& place, Instant at, std::string_view text) const;

  WorkloadOptions options_;
};

}  // namespace playhead
