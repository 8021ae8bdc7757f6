// One shard a thread.
#include "shard/shard_threads.h"

namespace playhead {

void ShardThreads::make(ShardParts parts, const ShardOptions& options) {
  parts.count = static_cast<std::uint16_t>(threads_.count());
  for (std::uint16_t index = 0; index < parts.count; ++index) {
    ShardParts own = parts;
    own.index = index;
    own.executor = threads_.executor(index);
    shards_.push_back(std::make_unique<Shard>(std::move(own), options));
  }
}

}  // namespace playhead
