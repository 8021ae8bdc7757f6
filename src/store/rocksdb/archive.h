// Rows of a whole account, and rows that go in only where there is nothing yet. See
// store/archive.h.
//
// Concurrency: add_rows() on the store's writer thread, the reads on any.
#pragma once

#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <optional>
#include <string>
#include <vector>

#include "store/archive.h"
#include "store/rocksdb/families.h"
#include "store/rocksdb/rows.h"

namespace playhead {

/// Puts those of `rows` that are new into `batch`; `added` says of each what becomes of it.
rocksdb::Status add_rows(const Families& families, const Rows& reader,
                         const std::vector<Change>& rows, rocksdb::WriteBatch& batch,
                         std::vector<Added>& added);

rocksdb::Status account_views(const Families& families, const AccountRef& account,
                              const std::string& after, std::size_t rows_max,
                              std::vector<StoredView>& out);
rocksdb::Status account_titles(const Families& families, const AccountRef& account,
                               const std::optional<TitlePlace>& after, std::size_t rows_max,
                               std::vector<TitleRow>& out);

}  // namespace playhead
