// What a thread's HTTP part counts, for /metrics. Each counter has one writer, the thread, and any
// number of readers.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace playhead {

/// A counter of one writing thread: adding costs a plain load and store.
class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.store(get() + n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) { value_.store(get() - n, std::memory_order_relaxed); }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

struct HttpFigures {
  Counter connections;  ///< open now
  Counter connections_total;
  Counter connections_refused;      ///< above connections_max
  Counter handshakes;               ///< of TLS, that succeeded
  Counter handshake_errors;         ///< and that did not, in time or at all
  Counter requests;                 ///< answered, of whatever status
  std::array<Counter, 6> statuses;  ///< answers by the first digit of their status; [0] is unused
  Counter framing_errors;           ///< requests whose framing could not be trusted
  Counter timeouts;                 ///< connections closed because they were too slow
  Counter fields_ignored;           ///< unknown or senseless fields of reports that were accepted
  Counter cmcd_dropped;             ///< CMCD records that were dropped
  Counter streams;                  ///< viewers' streams open now
  Counter bytes_in, bytes_out;
};

}  // namespace playhead
