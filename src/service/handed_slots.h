// Slots' accounts on their way from one node to the next (shard/handed.h).
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "runtime/task.h"
#include "shard/handed.h"
#include "shard/shard_threads.h"

namespace playhead {

/// A message for their new owner.
std::string encode_handed(std::span<const HandedSlot> slots);
/// Such a message to the shards of its slots. Errors: unavailable (another format, or cut short).
Task<Result<std::string>> take_handed(ShardThreads& shards, std::string bytes);

}  // namespace playhead
