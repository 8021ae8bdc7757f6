// Bodies of JSON -> views and titles to import. Strict like all of ingest/: see json.h. Pure; one
// parser a body and thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "ingest/parsed.h"
#include "viewing/import.h"

namespace playhead {

using ImportRecord = std::variant<ImportedView, ImportedTitle>;

/// What a body's records need not say themselves; empty: they must.
struct ImportDefaults {
  std::string account;  ///< a record may repeat it, but not say otherwise
  std::string origin;
};

class ImportParser {
 public:
  explicit ImportParser(ImportDefaults defaults);
  ImportParser(ImportParser&&) noexcept;
  ~ImportParser();

  /// Copies `body`: lines, or else one record or an array of them. Nothing, or why it is refused as
  /// a whole.
  std::optional<BodyError> begin(std::string_view body, bool lines, std::size_t records_max);

  /// The next record; nothing behind the last one. Its texts live until the next call.
  /// Errors, after which the next one can be read: invalid_argument, unprocessable.
  std::optional<Result<ImportRecord>> next();

  bool is_single() const;         ///< the body is one record, neither lines nor an array
  std::uint64_t ignored() const;  ///< unknown fields so far

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace playhead
