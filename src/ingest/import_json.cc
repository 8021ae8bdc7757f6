// One table of members for views, one for titles: names, and where their values go.
#include "ingest/import_json.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "ingest/json_body.h"
#include "ingest/json_fields.h"
#include "ingest/lines.h"

namespace playhead {
namespace {

using simdjson::dom::element;
using simdjson::dom::object;

// A member by its name, and how it is read into a T. False: see the reader's error().
template <typename T>
struct Member {
  std::string_view name;
  bool (*read)(element, std::string_view, FieldReader&, T&);
};

template <typename T, auto kField>
bool id(element value, std::string_view name, FieldReader& fields, T& out) {
  return fields.id(value, name, out.*kField);
}
template <typename T, auto kField>
bool time(element value, std::string_view name, FieldReader& fields, T& out) {
  return fields.time(value, name, out.*kField);
}
template <typename T, auto kField>
bool span(element value, std::string_view name, FieldReader& fields, T& out) {
  return fields.span(value, name, out.*kField);
}
template <typename T, auto kField>
bool flag(element value, std::string_view name, FieldReader& fields, T& out) {
  return fields.flag(value, name, out.*kField);
}
template <typename T>
bool skip(element, std::string_view, FieldReader&, T&) {
  return true;
}

// What is imported is imported anew: only looked at.
template <typename T>
bool any_time(element value, std::string_view name, FieldReader& fields, T&) {
  std::optional<Instant> ignored;
  return fields.time(value, name, ignored);
}

// Reads all members of `in` by `table`. `seen` tells which there were.
template <typename T, std::size_t kCount>
bool read_members(object in, const std::array<Member<T>, kCount>& table, FieldReader& fields,
                  Members& seen, T& out) {
  static_assert(kCount <= 32);
  for (const simdjson::dom::key_value_pair member : in) {
    const auto found = std::ranges::find(table, member.key, &Member<T>::name);
    if (found == table.end()) {
      if (!fields.unknown(seen, member.key)) return false;
      continue;
    }
    const auto bit = static_cast<unsigned>(found - table.begin());
    if (!fields.known(seen, bit, found->name)) return false;
    if (!found->read(member.value, found->name, fields, out)) return false;
  }
  return true;
}

bool read_kind(element value, std::string_view name, FieldReader& fields, ImportedView& out) {
  std::string_view text;
  if (!fields.text(value, name, text)) return false;
  const auto kind = kind_from(text);
  if (!kind) return fields.wrong(Errc::kUnprocessable, name, "is not one that we know");
  out.kind = *kind;
  return true;
}

bool read_state(element value, std::string_view name, FieldReader& fields, ImportedView& out) {
  std::string_view text;
  if (!fields.text(value, name, text)) return false;
  out.state = state_from(text);
  return out.state || fields.wrong(Errc::kUnprocessable, name, "is not one that we know");
}

bool read_reason(element value, std::string_view name, FieldReader& fields, ImportedView& out) {
  std::string_view text;
  if (!fields.text(value, name, text)) return false;
  for (auto reason = static_cast<unsigned>(EndReason::kStopped);
       reason <= static_cast<unsigned>(EndReason::kTerminated); ++reason)
    if (name_of(static_cast<EndReason>(reason)) == text) {
      out.end_reason = static_cast<EndReason>(reason);
      return true;
    }
  return fields.wrong(Errc::kUnprocessable, name, "is not one that we know");
}

bool read_offset(element value, std::string_view name, FieldReader& fields, FoldFacts& out) {
  std::int64_t offset = 0;
  if (value.get(offset) == simdjson::SUCCESS && offset >= -kJsonIntegerMax &&
      offset <= kJsonIntegerMax) {
    out.clock_offset = offset;
    return true;
  }
  return fields.wrong(Errc::kInvalidArgument, name, "must be an integer");
}

bool read_interval(element value, std::string_view name, FieldReader& fields, FoldFacts& out) {
  std::int64_t interval = 0;
  if (!fields.integer(value, name, std::numeric_limits<std::uint32_t>::max(), interval))
    return false;
  out.interval_ms = static_cast<std::uint32_t>(interval);
  return true;
}

using Fold = FoldFacts;
constexpr auto kFoldMembers = std::to_array<Member<Fold>>({
    {"listed_at", time<Fold, &Fold::listed_at>},
    {"moved_at", time<Fold, &Fold::moved_at>},
    {"completed_at", time<Fold, &Fold::completed_at>},
    {"position_at", time<Fold, &Fold::position_at>},
    {"duration_at", time<Fold, &Fold::duration_at>},
    {"credits_at", time<Fold, &Fold::credits_at>},
    {"texts_at", time<Fold, &Fold::texts_at>},
    {"received_at", time<Fold, &Fold::received_at>},
    {"shortest_ms", span<Fold, &Fold::shortest>},
    {"clock_offset_ms", read_offset},
    {"interval_ms", read_interval},
    {"cmcd", flag<Fold, &Fold::cmcd>},
    {"reports", skip<Fold>},  // an export's word on what was played where: shown, not taken
});

bool read_fold(element value, std::string_view name, FieldReader& fields, ImportedView& out) {
  object in;
  if (value.get(in) != simdjson::SUCCESS)
    return fields.wrong(Errc::kInvalidArgument, name, "must be an object");
  Members seen;
  return read_members(in, kFoldMembers, fields, seen, out.fold.emplace());
}

using View_ = ImportedView;
constexpr auto kViewMembers = std::to_array<Member<View_>>({
    {"type", skip<View_>},
    {"account", id<View_, &View_::account>},
    {"profile", id<View_, &View_::profile>},
    {"title", id<View_, &View_::title>},
    {"started_at", time<View_, &View_::started_at>},
    {"series", id<View_, &View_::series>},
    {"next_title", id<View_, &View_::next_title>},
    {"view", id<View_, &View_::view>},
    {"device", id<View_, &View_::device>},
    {"device_type", id<View_, &View_::device_type>},
    {"ended_by", id<View_, &View_::ended_by>},
    {"kind", read_kind},
    {"record", flag<View_, &View_::record>},
    {"deleted", flag<View_, &View_::deleted>},
    {"active", flag<View_, &View_::active>},
    {"state", read_state},
    {"at", time<View_, &View_::at>},
    {"ended_at", time<View_, &View_::ended_at>},
    {"end_reason", read_reason},
    {"playhead_ms", span<View_, &View_::playhead>},
    {"duration_ms", span<View_, &View_::duration>},
    {"credits_ms", span<View_, &View_::credits>},
    {"watched_ms", span<View_, &View_::watched>},
    {"qualified_at", time<View_, &View_::qualified_at>},
    {"finished_at", time<View_, &View_::finished_at>},
    {"origin", id<View_, &View_::origin>},
    {"imported_at", any_time<View_>},
    {"fold", read_fold},
});

constexpr auto kFlagMembers = std::to_array<Member<ImportedFlag>>({
    {"value", flag<ImportedFlag, &ImportedFlag::value>},
    {"at", time<ImportedFlag, &ImportedFlag::at>},
    {"by_hand", flag<ImportedFlag, &ImportedFlag::by_hand>},
});

// true, false, or {"value", "at", "by_hand"?}. Without a time of its own: kNever, for now.
bool read_mark(element value, std::string_view name, FieldReader& fields,
               std::optional<ImportedFlag>& out) {
  ImportedFlag& mark = out.emplace();
  mark.at = kNever;
  if (value.get(mark.value) == simdjson::SUCCESS) return true;
  object in;
  if (value.get(in) != simdjson::SUCCESS)
    return fields.wrong(Errc::kInvalidArgument, name, "must be true, false or an object");
  Members seen;
  if (!read_members(in, kFlagMembers, fields, seen, mark)) return false;
  return (seen.has(0) && mark.at != kNever) ||
         fields.wrong(Errc::kUnprocessable, name, "needs value and at");
}
bool read_watched(element value, std::string_view name, FieldReader& fields, ImportedTitle& out) {
  return read_mark(value, name, fields, out.watched);
}
bool read_hidden(element value, std::string_view name, FieldReader& fields, ImportedTitle& out) {
  return read_mark(value, name, fields, out.hidden);
}

using Title_ = ImportedTitle;
constexpr auto kTitleMembers = std::to_array<Member<Title_>>({
    {"type", skip<Title_>},
    {"account", id<Title_, &Title_::account>},
    {"profile", id<Title_, &Title_::profile>},
    {"title", id<Title_, &Title_::title>},
    {"series", id<Title_, &Title_::series>},
    {"next_title", id<Title_, &Title_::next_title>},
    {"playhead_ms", span<Title_, &Title_::playhead>},
    {"at", time<Title_, &Title_::at>},
    {"view", id<Title_, &Title_::view>},
    {"device", id<Title_, &Title_::device>},
    {"position_at", time<Title_, &Title_::position_at>},
    {"by_hand", flag<Title_, &Title_::by_hand>},
    {"at_end", flag<Title_, &Title_::at_end>},
    {"cleared", flag<Title_, &Title_::cleared>},
    {"watched", read_watched},
    {"hidden", read_hidden},
    {"duration_ms", span<Title_, &Title_::duration>},
    {"duration_at", time<Title_, &Title_::duration_at>},
    {"credits_ms", span<Title_, &Title_::credits>},
    {"credits_at", time<Title_, &Title_::credits_at>},
    {"texts_at", time<Title_, &Title_::texts_at>},
    {"watched_ms", span<Title_, &Title_::played>},
    {"origin", id<Title_, &Title_::origin>},
    {"imported_at", any_time<Title_>},
});

bool missing(FieldReader& fields, std::string_view name) {
  return fields.wrong(Errc::kUnprocessable, name, "is missing");
}

// A mark without a time of its own has the line's; everything that is told has some time.
bool complete(ImportedTitle& out, FieldReader& fields) {
  for (auto* mark : {&out.watched, &out.hidden})
    if (*mark && (*mark)->at == kNever) {
      if (!out.at) return missing(fields, "at");
      (*mark)->at = *out.at;
    }
  if (out.playhead && !out.at) return missing(fields, "at");
  if (!out.playhead && !out.watched && !out.hidden)
    return missing(fields, "one of playhead_ms, watched, hidden");
  const bool texts = !out.series.empty() || !out.next_title.empty();
  for (const auto& [there, at] :
       {std::pair{texts, &out.texts_at}, std::pair{out.duration.has_value(), &out.duration_at},
        std::pair{out.credits.has_value(), &out.credits_at}})
    if (there && !*at && !out.at) return missing(fields, "at");
  return true;
}

// Where the reader of a line puts what the body's address says.
template <typename T>
bool address(const ImportDefaults& defaults, FieldReader& fields, T& out) {
  if (!defaults.account.empty()) {
    if (!out.account.empty() && out.account != defaults.account)
      return fields.wrong(Errc::kUnprocessable, "account", "is not the one in the path");
    out.account = defaults.account;
  }
  if (out.origin.empty()) out.origin = defaults.origin;
  if (out.account.empty()) return missing(fields, "account");
  if (out.profile.empty()) return missing(fields, "profile");
  return !out.title.empty() || missing(fields, "title");
}

bool is_view(object in, FieldReader& fields, bool& out) {
  std::string_view type;
  const auto found = in["type"];
  if (found.error() == simdjson::NO_SUCH_FIELD) {
    out = false;
    return true;
  }
  if (!fields.text(found.value_unsafe(), "type", type)) return false;
  out = type == "view";
  return out || type == "title" ||
         fields.wrong(Errc::kUnprocessable, "type", "is neither view nor title");
}

}  // namespace

struct ImportParser::Memory {
  JsonBody body;
  FieldReader fields;
  ImportDefaults defaults;
  std::string_view lines;  // that are left
  std::vector<element> records;
  std::size_t next_record = 0;
  bool single = false;
  std::uint64_t ignored = 0;

  bool read(element root, ImportRecord& out);
  Result<ImportRecord> record(element root);
};

bool ImportParser::Memory::read(element root, ImportRecord& out) {
  object in;
  if (root.get(in) != simdjson::SUCCESS)
    return fields.wrong(Errc::kInvalidArgument, "a record", "must be an object");
  bool view = false;
  if (!is_view(in, fields, view)) return false;
  Members seen;
  if (view) {
    ImportedView& to = out.emplace<ImportedView>();
    if (!read_members(in, kViewMembers, fields, seen, to) || !address(defaults, fields, to))
      return false;
    if (to.started_at == kNever) return missing(fields, "started_at");
  } else {
    ImportedTitle& to = out.emplace<ImportedTitle>();
    if (!read_members(in, kTitleMembers, fields, seen, to) || !address(defaults, fields, to) ||
        !complete(to, fields))
      return false;
  }
  ignored += seen.unknowns();
  return true;
}

Result<ImportRecord> ImportParser::Memory::record(element root) {
  ImportRecord out;
  if (!read(root, out)) return std::unexpected(fields.error());
  return out;
}

ImportParser::ImportParser(ImportDefaults defaults) : memory_(std::make_unique<Memory>()) {
  memory_->defaults = std::move(defaults);
}
ImportParser::ImportParser(ImportParser&&) noexcept = default;
ImportParser::~ImportParser() = default;

std::optional<BodyError> ImportParser::begin(std::string_view body, bool lines,
                                             std::size_t records_max) {
  Memory& memory = *memory_;
  const std::string_view held = memory.body.hold(body);
  std::size_t count = 0;
  if (lines) {
    memory.lines = held;
    for (std::string_view rest = held; count <= records_max && next_line(rest);) ++count;
  } else {
    const auto root = memory.body.parse(held);
    if (!root)
      return BodyError{root.error().code == Errc::kUnprocessable ? BodyError::Kind::kUnprocessable
                                                                 : BodyError::Kind::kMalformed,
                       "the body " + root.error().detail};
    simdjson::dom::array several;
    memory.single = root->get(several) != simdjson::SUCCESS;
    if (memory.single)
      memory.records = {*root};
    else
      for (const element one : several) memory.records.push_back(one);
    count = memory.records.size();
  }
  if (count == 0) return BodyError{BodyError::Kind::kMalformed, "the body has no record"};
  if (count > records_max)
    return BodyError{BodyError::Kind::kTooMany,
                     "more than " + std::to_string(records_max) + " records"};
  return std::nullopt;
}

std::optional<Result<ImportRecord>> ImportParser::next() {
  Memory& memory = *memory_;
  if (memory.next_record < memory.records.size())
    return memory.record(memory.records[memory.next_record++]);
  const auto line = next_line(memory.lines);
  if (!line) return std::nullopt;
  const auto root = memory.body.parse(*line);
  if (!root) return fail(root.error().code, "the line " + root.error().detail);
  return memory.record(*root);
}

bool ImportParser::is_single() const { return memory_->single; }

std::uint64_t ImportParser::ignored() const { return memory_->ignored; }

}  // namespace playhead
