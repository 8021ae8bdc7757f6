// The contract that every store passes, and what is Cassandra's own. Needs a ring: tools/cassandra.
#include "store/cassandra/cassandra_store.h"

#include <gtest/gtest.h>

#include "store/cassandra/ring_test_kit.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Cassandra, StoreContract, CassandraHarness);

}  // namespace
}  // namespace playhead
