// A data directory as a whole: who uses it, and how a restored store comes to be in it.
//
//   DIR/LOCK       held by the server, or the restore, that uses the directory
//   DIR/journal    DIR/store
//   DIR/restoring  a store that is being restored; means nothing if the restore was cut short
//   DIR/restored   a store that is restored whole: it counts, and DIR/journal and DIR/store do not
//
// The renaming of `restoring` to `restored` is what decides: a kill before it leaves the directory
// as it was, after it as restored, and the next to take the directory moves the rest.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "journal/rocksdb/status.h"

namespace playhead {

/// Makes the directory if it is missing, takes its lock, and ends a restore that was cut short.
/// Errors: unavailable (in use by another process, or the disk refuses).
Result<DirectoryLock> take_data(const std::string& data);

/// A restore was cut short when it was as good as done: what lies there is not what counts.
bool is_half_restored(const std::string& data);

/// Puts what `make` makes in the path that it is given in the place of journal and store. The
/// caller holds the directory's lock. Errors: those of `make`, and unavailable.
Result<void> replace_store(const std::string& data,
                           const std::function<Result<void>(const std::string&)>& make);

}  // namespace playhead
