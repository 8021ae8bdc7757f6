// The port from one node of a cluster to another. Adapters: peer/grpc.
//
// Concurrency: every call from any thread; a Task resumes on the executor it was awaited from.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "runtime/clock.h"
#include "runtime/task.h"

namespace playhead {

/// What the bytes of a call are. Numbers are on the wire: append, never renumber.
enum class PeerCall : std::uint8_t {
  kReports = 1,     ///< service/passing.cc
  kHttp = 2,        ///< http/passing.h
  kFigures = 3,     ///< service/load_exchange.h
  kParts = 4,       ///< service/direct_inbox.h
  kChangedMap = 5,  ///< no bytes, nor an answer's: LeaseKeeper::look()
  kHanded = 6,      ///< service/handed_slots.h
};

class Peers {
 public:
  virtual ~Peers() = default;

  /// Asks the node at `address` (HOST:PORT). Errors: unavailable (no answer by `until`, or no
  /// connection: it may have been done, or not), overloaded (it was not sent), and those that the
  /// node answers with.
  virtual Task<Result<std::string>> ask(std::string address, PeerCall call, std::string bytes,
                                        Deadline until) = 0;
};

/// To be called once, from any thread.
using PeerAnswer = std::move_only_function<void(Result<std::string>)>;
/// Answers other nodes. Called on any thread; must not block.
using PeerHandler = std::function<void(PeerCall call, std::string bytes, PeerAnswer answer)>;

}  // namespace playhead
