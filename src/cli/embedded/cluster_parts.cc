// For builds without PLAYHEAD_CASSANDRA.
#include "cli/cluster_parts.h"

namespace playhead {

Result<std::unique_ptr<ClusterParts>> ClusterParts::open(const Config& /*config*/,
                                                         const Clock& /*clock*/) {
  return fail(Errc::kUnprocessable,
              "cluster.node is set, but this binary was built without Cassandra: build it with "
              "`cmake --preset cluster`, as docs/cluster.md tells, or take the option out");
}

}  // namespace playhead
