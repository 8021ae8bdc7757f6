// CMCD v2 event-mode bodies -> Reports. Source: CTA-5004-B.
//
// Players storm when they are refused, so nothing is refused: what can't be used is dropped and
// counted. Pure; bounded. One parser a thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/options.h"
#include "ingest/parsed.h"

namespace playhead {

/// Whose view it is, by the token or the target's query; they win over a record's custom keys
/// that end in -account, -profile, -device. Empty: not known from there.
struct CmcdOrigin {
  std::string_view account, profile, device;
};

class CmcdParser {
 public:
  explicit CmcdParser(IngestOptions options);
  ~CmcdParser();

  /// Every line of `body` that is a usable report. `rejected` stays empty; `batch` is true.
  /// Records beyond IngestOptions::batch_reports_max are dropped and counted too.
  const Reports& reports(std::string_view body, const CmcdOrigin& origin);

 private:
  struct Memory;
  std::unique_ptr<Memory> memory_;
};

}  // namespace playhead
