// An import on its way: records in requests, what became of them, and how far it is for good. One
// thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/client.h"
#include "cli/import_source.h"
#include "cli/progress_bar.h"

namespace playhead {

/// What became of the rows so far.
struct ImportTally {
  std::uint64_t rows = 0, imported = 0, already_there = 0;
  std::uint64_t understood = 0;                  ///< of a dry run: rows that would have been sent
  std::map<std::string, std::uint64_t> skipped;  ///< by why
  std::uint64_t wrong = 0;                       ///< not understood, here or by the server
  std::vector<std::string> complaints;           ///< the first kComplaintsMax of those

  static constexpr std::size_t kComplaintsMax = 20;
  void complain(const std::string& file, std::uint64_t line, const std::string& why);
};

/// The closing report.
std::string report(const ImportTally& tally, Millis took_ms, bool dry_run);

/// How far an import is for good: what `--resume` keeps.
struct ImportState {
  std::string file;
  ImportPlace place;
  ImportTally tally;
};
/// Nothing if there is no such file. Errors: invalid_argument (it is no state of an import).
Result<std::optional<ImportState>> read_state(const std::string& path);
/// Replaces the file at once, and durably. Errors: unavailable.
Result<void> write_state(const std::string& path, const ImportState& state);

struct ImportFlags {
  std::vector<std::string> files;
  std::string account;  ///< empty: each record says
  std::string state;    ///< path of the state; empty: none is kept
  bool dry_run = false;
};

class ImportRun {
 public:
  ImportRun(Client& client, const ImportFlags& flags, const SourceFlags& source)
      : client_(client), flags_(flags), source_flags_(source) {}

  /// Errors: of the files, and unavailable (no answer, or a refusal of all).
  Result<ImportTally> run();
  Millis elapsed_ms() const;

 private:
  struct Batch {
    std::string body;
    std::vector<std::uint64_t> lines;
  };

  Result<void> run_file(const std::string& file, ImportSource& source);
  Batch fill(const std::string& file, ImportSource& source);
  Result<void> send(const std::string& file, ImportSource& source, Batch batch);
  Result<void> make_sure(const std::string& file, ImportSource& source);
  bool is_new(const std::string& epoch, ImportSource& source);
  Result<void> keep(const std::string& file, const ImportSource& source);
  Result<HttpAnswer> post(std::string_view origin, const std::string& body, bool durable);
  Result<std::string> count(const std::string& file, const Batch& batch, const HttpAnswer& answer);
  void check(const std::string& file, const Batch& batch, std::string_view origin);
  void show(const ImportSource& source);

  Client& client_;
  const ImportFlags& flags_;
  const SourceFlags& source_flags_;
  ImportTally tally_;
  ProgressBar bar_;
  Millis started_ms_ = 0;
  std::string epoch_;   ///< of the server, at the last request
  std::string last_;    ///< the last body
  ImportPlace sure_;    ///< up to where everything is durable
  Millis sure_ms_ = 0;  ///< since when
  ImportTally tally_sure_;
  std::uint64_t unsure_ = 0;  ///< requests since
  std::uint64_t answered_ = 0;
};

}  // namespace playhead
