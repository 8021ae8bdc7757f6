// The tables in Cassandra, as CQL text and applied to a ring. Thread-safe.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "store/cassandra/session.h"

namespace playhead {

/// Of the tables; a store refuses a greater one.
inline constexpr std::int32_t kSchemaFormat = 1;
inline constexpr std::uint32_t kReplicationMax = 9;

struct SchemaOptions {
  std::string keyspace = "playhead";  ///< a-z, 0-9 and _, a letter first, at most 48
  std::uint32_t replication = 3;  ///< copies of each row in each data centre: 1 to kReplicationMax
};

/// The CQL that makes the keyspace and its tables, as any CQL shell takes it.
/// Errors: invalid_argument.
Result<std::string> schema_text(const SchemaOptions& options);

/// Runs it. Safe to repeat: what is there stays as it is, also its replication.
/// Errors: invalid_argument, unavailable.
Task<Result<void>> apply_schema(CqlSession& session, SchemaOptions options);

}  // namespace playhead
