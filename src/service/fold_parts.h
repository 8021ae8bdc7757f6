// Parts of views, as others took them for this node's accounts, to the shards of their slots.
#pragma once

#include <optional>
#include <vector>

#include "runtime/task.h"
#include "shard/shard_threads.h"
#include "store/inbox.h"

namespace playhead {

struct FoldedParts {
  std::vector<InboxKey> done;  ///< the store has these: they may leave the inbox, or the node that
                               ///< had them
  std::optional<Error> failure;  ///< the first of the store's
};

/// Shard::fold_parts of all the shards. `rows` are whole (check_inbox_rows).
Task<FoldedParts> fold_parts(ShardThreads& shards, std::vector<InboxRow> rows, PartsOf of);

}  // namespace playhead
