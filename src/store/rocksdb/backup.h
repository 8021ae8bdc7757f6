// Backups of the store by RocksDB's backup engine: incremental, for files that several backups hold
// lie there once. Making them has a thread of its own, for it copies files.
//
// Concurrency: as the port says. One process at a time makes backups in a directory: a lock says
// so.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>

#include <memory>
#include <string>
#include <vector>

#include "store/backups.h"

namespace playhead {

/// Backups of `db`, which must outlive them. Makes the directory if it is missing.
/// Errors: unavailable.
Result<std::unique_ptr<Backups>> open_backups(rocksdb::DB& db, const BackupOptions& options);

/// What the engine says of its backups, oldest first.
std::vector<Backup> backups_of(const rocksdb::BackupEngineReadOnlyBase& engine);

}  // namespace playhead
