// Puts a change's rows into a batch. `row` is memory that is used again and again.
#pragma once

#include <rocksdb/status.h>
#include <rocksdb/write_batch.h>

#include <string>

#include "store/rocksdb/families.h"
#include "store/store.h"

namespace playhead {

/// The view's row, and its places in the indexes.
rocksdb::Status put_view(rocksdb::WriteBatch& batch, const Families& families,
                         const ViewChange& change, std::string& row);

/// Looks for a row of the view, and removes its place in `history` where that is another: an import
/// may have stored the view while its player began it. To be called before put_view().
rocksdb::Status drop_former_place(rocksdb::WriteBatch& batch, const Families& families,
                                  const StoredView& view);

rocksdb::Status merge_title(rocksdb::WriteBatch& batch, const Families& families,
                            const TitleChange& change, std::string& row);

}  // namespace playhead
