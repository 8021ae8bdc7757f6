// The inbox by way of the owners: a part goes to the node that owns its slot, if that answers, and
// is folded and stored there. Any other part goes to the inbox. For what has time, as sweeps have:
// a row of the inbox is written, read and deleted, and whoever looks there passes what was deleted.
//
// Concurrency: as the port says; the inbox, the routing, the peers and the clock outlive it.
// Invariant: what append() took is in the store or in the inbox. An answer that is lost leaves a
//   part in both, which changes nothing.
#pragma once

#include <string>
#include <vector>

#include "cluster/routing.h"
#include "peer/peers.h"
#include "runtime/clock.h"
#include "shard/shard_threads.h"
#include "store/inbox.h"

namespace playhead {

class DirectInbox final : public Inbox {
 public:
  static constexpr Millis kAnswerMs = 3'000;
  static constexpr std::size_t kPartsMax = 64;  ///< of one call; one at a time to each owner

  DirectInbox(Inbox& inbox, Routing& routing, Peers& peers, const Clock& clock)
      : inbox_(inbox), routing_(routing), peers_(peers), clock_(clock) {}

  Task<Result<void>> append(std::vector<InboxRow> rows) override;
  Task<Result<std::vector<InboxRow>>> read(std::uint16_t bucket, std::optional<InboxKey> after,
                                           std::size_t rows_max) override {
    return inbox_.read(bucket, std::move(after), rows_max);
  }
  Task<Result<void>> remove(std::vector<InboxKey> rows) override {
    return inbox_.remove(std::move(rows));
  }

 private:
  using Call = std::vector<std::size_t>;  ///< rows, by their places among all
  struct Owner {
    PeerNode* node = nullptr;
    std::vector<Call> calls;
  };
  std::vector<Owner> owners_of(const std::vector<InboxRow>& rows) const;
  /// False: the owner did not answer.
  Task<bool> give(const PeerNode& owner, const Call& call, const std::vector<InboxRow>& rows,
                  std::vector<bool>& taken);

  Inbox& inbox_;
  Routing& routing_;
  Peers& peers_;
  const Clock& clock_;
};

/// The answer to another node's call PeerCall::kParts. Errors: unavailable (of another release, or
/// cut short).
Task<Result<std::string>> take_parts(ShardThreads& shards, std::string bytes);

}  // namespace playhead
