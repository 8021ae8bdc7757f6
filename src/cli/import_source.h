// Files to import as records that a server takes: row by row, from any place where a row begins.
// One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "ingest/foreign.h"

namespace playhead {

enum class ImportFormat : std::uint8_t {
  kDetected,
  kNetflix,
  kTrakt,
  kLines,  ///< records as the server takes them: our own export, or a service's registers
};

/// What a map makes of a name.
struct MappedTitle {
  std::string title, series;       ///< an empty series: as the file tells it
  std::optional<Millis> duration;  ///< which makes out what was finished
};
struct ImportMaps {
  std::map<std::string, MappedTitle, std::less<>> titles;
  std::map<std::string, std::string, std::less<>> profiles;
};

/// Reads `name,title[,series[,duration_ms]]` rows; headings of these names may come first.
/// Errors: not_found (no such file), invalid_argument (which names the line).
Result<void> read_titles_map(const std::string& path, ImportMaps& maps);
/// Reads `name,profile` rows.
Result<void> read_profiles_map(const std::string& path, ImportMaps& maps);

/// Where in a file a row begins.
struct ImportPlace {
  std::uint64_t offset = 0;  ///< bytes; of Trakt's arrays: items
  std::uint64_t line = 1;

  friend bool operator==(const ImportPlace&, const ImportPlace&) = default;
};

struct SourceRow {
  std::uint64_t line = 0;
  std::string record;                     ///< as JSON in one line; empty: there is none
  std::optional<ForeignRefusal> refusal;  ///< why not
};

class ImportSource {
 public:
  virtual ~ImportSource() = default;
  /// Nothing behind the last row.
  virtual std::optional<SourceRow> next() = 0;
  virtual ImportPlace place() const = 0;  ///< of the next row
  virtual void seek(ImportPlace place) = 0;
  /// Of what a record does not say itself.
  virtual std::string_view origin() const = 0;
  virtual std::uint64_t size() const = 0;  ///< in what ImportPlace::offset counts
};

struct SourceFlags {
  ImportFormat format = ImportFormat::kDetected;
  std::string profile;  ///< whose all rows are to be; empty: as the file says
  std::optional<DateOrder> dates;
  ImportMaps maps;
};

/// Errors: not_found, invalid_argument (not of the format, or of none that is known).
Result<std::unique_ptr<ImportSource>> open_source(const std::string& path,
                                                  const SourceFlags& flags);

}  // namespace playhead
