// How the journal's RocksDB is set up, for the journal itself and for its check. Pure.
#pragma once

#include <rocksdb/options.h>

#include "journal/rocksdb/rocks_journal.h"

namespace playhead {

rocksdb::Options journal_database_options(const RocksJournalOptions& options);

}  // namespace playhead
