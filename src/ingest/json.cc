// Layouts of bodies: one object, an array, lines; and the small bodies of the other routes.
#include "ingest/json.h"

#include <algorithm>

#include "base/assert.h"
#include "base/ids.h"
#include "ingest/json_body.h"
#include "ingest/json_report.h"
#include "ingest/lines.h"
#include "ingest/texts.h"

namespace playhead {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

constexpr std::size_t kReasonBytesMax = 256;

std::unexpected<BodyError> malformed(std::string detail) {
  return std::unexpected(BodyError{BodyError::Kind::kMalformed, std::move(detail)});
}

std::unexpected<BodyError> too_many(std::string_view what, std::uint32_t max) {
  return std::unexpected(BodyError{BodyError::Kind::kTooMany,
                                   "more than " + std::to_string(max) + " " + std::string(what)});
}

std::unexpected<BodyError> refused(const Error& error, const std::string& place = {}) {
  const auto kind = error.code == Errc::kUnprocessable ? BodyError::Kind::kUnprocessable
                                                       : BodyError::Kind::kMalformed;
  return std::unexpected(BodyError{kind, place + error.detail});
}

// Lines, if the first one is an object by itself and another follows; a pretty-printed object's
// first line does not end in a brace, or else it is the only one.
bool looks_like_lines(std::string_view body) {
  const auto first = next_line(body);
  return first && first->front() == '{' && first->back() == '}' && next_line(body).has_value();
}

// Puts accepted and refused reports where Reports wants them.
class Sorter {
 public:
  explicit Sorter(Reports& out) : out_(out) {}

  void take(const Report& report) {
    if (!out_.rejected.empty()) out_.places.push_back(next_);
    out_.reports.push_back(report);
    ++next_;
  }
  void reject(Error error) {
    if (out_.rejected.empty())
      for (std::uint32_t i = 0; i < next_; ++i) out_.places.push_back(i);
    out_.rejected.push_back({next_, std::move(error)});
    ++next_;
  }
  std::uint32_t next() const { return next_; }

 private:
  Reports& out_;
  std::uint32_t next_ = 0;
};

Report keep(Texts& texts, const Report& report) {
  Report out = report;
  for (std::string_view* text : {&out.account, &out.profile, &out.title, &out.series,
                                 &out.next_title, &out.view, &out.device, &out.device_type})
    *text = texts.keep(*text);
  return out;
}

}  // namespace

struct JsonParser::Memory {
  using Taken = std::expected<const Reports*, BodyError>;

  explicit Memory(IngestOptions o) : options(o) {}

  Taken one(object report);
  Taken several(array batch);
  Taken lines(std::string_view rest);
  bool take(element value, Report& report);

  IngestOptions options;
  JsonBody body;
  FieldReader fields;
  Texts texts;  // of lines: each parse overwrites the texts of the one before
  Reports reports;
  Acts acts;
};

JsonParser::JsonParser(IngestOptions options) : memory_(std::make_unique<Memory>(options)) {}
JsonParser::~JsonParser() = default;

bool JsonParser::Memory::take(element value, Report& report) {
  object members;
  if (value.get(members) != simdjson::SUCCESS)
    return fields.wrong(Errc::kInvalidArgument, "a report", "must be an object");
  return read_report(members, nullptr, fields, report, reports.ignored);
}

JsonParser::Memory::Taken JsonParser::Memory::one(object report) {
  Report& out = reports.reports.emplace_back();
  if (!read_report(report, nullptr, fields, out, reports.ignored)) return refused(fields.error());
  return &reports;
}

JsonParser::Memory::Taken JsonParser::Memory::several(array batch) {
  if (batch.size() > options.batch_reports_max)
    return too_many("reports", options.batch_reports_max);
  reports.batch = true;
  Sorter sorter(reports);
  for (const element value : batch) {
    Report report;
    if (take(value, report)) {
      sorter.take(report);
    } else {
      sorter.reject(fields.error());
    }
  }
  return &reports;
}

JsonParser::Memory::Taken JsonParser::Memory::lines(std::string_view rest) {
  reports.batch = true;
  texts.reset(rest.size());
  Sorter sorter(reports);
  while (const auto line = next_line(rest)) {
    if (sorter.next() == options.batch_reports_max)
      return too_many("reports", options.batch_reports_max);
    Report report;
    if (const auto root = body.parse(*line); !root) {
      sorter.reject({root.error().code, "the line " + root.error().detail});
    } else if (take(*root, report)) {
      sorter.take(keep(texts, report));
    } else {
      sorter.reject(fields.error());
    }
  }
  if (sorter.next() == 0) return malformed("the body is empty");
  return &reports;
}

std::expected<const Reports*, BodyError> JsonParser::reports(std::string_view body,
                                                             ReportsLayout layout) {
  Memory& memory = *memory_;
  Reports& out = memory.reports;
  out.reports.clear();
  out.places.clear();
  out.rejected.clear();
  out.ignored = 0;
  out.batch = false;

  const std::string_view held = memory.body.hold(body);
  if (layout == ReportsLayout::kNdjson || (layout == ReportsLayout::kAny && looks_like_lines(held)))
    return memory.lines(held);

  const auto root = memory.body.parse(held);
  if (!root) return refused(root.error(), "the body ");
  if (array batch; root->get(batch) == simdjson::SUCCESS) return memory.several(batch);
  if (object report; root->get(report) == simdjson::SUCCESS) return memory.one(report);
  return malformed("the body must be a report or an array of reports");
}

std::expected<Report, BodyError> JsonParser::put(std::string_view body, std::string_view account,
                                                 std::string_view view) {
  const auto root = memory_->body.parse(memory_->body.hold(body));
  if (!root) return refused(root.error(), "the body ");
  object members;
  if (root->get(members) != simdjson::SUCCESS) return malformed("the body must be an object");
  const Addressed addressed{account, view};
  Report report;
  std::uint64_t ignored = 0;
  if (!read_report(members, &addressed, memory_->fields, report, ignored))
    return refused(memory_->fields.error());
  return report;
}

namespace {

bool read_act(object members, FieldReader& fields, TitleAct& out, std::uint64_t& ignored) {
  enum Field : unsigned { kTitle, kAt, kPlayhead, kWatched, kHidden, kUnknown };
  constexpr std::array<std::string_view, kUnknown> names = {"title", "at", "playhead_ms", "watched",
                                                            "hidden"};
  Members seen;
  for (const simdjson::dom::key_value_pair member : members) {
    const auto field =
        static_cast<unsigned>(std::find(names.begin(), names.end(), member.key) - names.begin());
    if (field == kUnknown) {
      if (!fields.unknown(seen, member.key)) return false;
      continue;
    }
    const std::string_view name = names[field];
    if (!fields.known(seen, field, name)) return false;
    if (field == kTitle && !fields.id(member.value, name, out.title)) return false;
    if (field == kAt && !fields.time(member.value, name, out.at)) return false;
    if (field == kPlayhead && !fields.span(member.value, name, out.playhead)) return false;
    if (field == kWatched && !fields.flag(member.value, name, out.watched.emplace())) return false;
    if (field == kHidden && !fields.flag(member.value, name, out.hidden.emplace())) return false;
  }
  for (const Field required : {kTitle, kAt})
    if (!seen.has(required))
      return fields.wrong(Errc::kUnprocessable, names[required], "is missing");
  if (!out.playhead && !out.watched && !out.hidden)
    return fields.wrong(Errc::kUnprocessable, "one of playhead_ms, watched, hidden", "is missing");
  ignored += seen.unknowns();
  return true;
}

}  // namespace

std::expected<const Acts*, BodyError> JsonParser::acts(std::string_view body) {
  Acts& out = memory_->acts;
  out.acts.clear();
  out.ignored = 0;
  const auto root = memory_->body.parse(memory_->body.hold(body));
  if (!root) return refused(root.error(), "the body ");
  array batch;
  if (root->get(batch) != simdjson::SUCCESS) return malformed("the body must be an array of acts");
  if (batch.size() > memory_->options.acts_max) return too_many("acts", memory_->options.acts_max);
  for (const element value : batch) {
    const std::string place = "act " + std::to_string(out.acts.size()) + ": ";
    object members;
    if (value.get(members) != simdjson::SUCCESS) return malformed(place + "must be an object");
    if (!read_act(members, memory_->fields, out.acts.emplace_back(), out.ignored))
      return refused(memory_->fields.error(), place);
  }
  return &out;
}

std::expected<std::vector<std::string>, BodyError> JsonParser::titles(std::string_view body) {
  const auto root = memory_->body.parse(memory_->body.hold(body));
  if (!root) return refused(root.error(), "the body ");
  object members;
  if (root->get(members) != simdjson::SUCCESS) return malformed("the body must be an object");
  FieldReader& fields = memory_->fields;
  Members seen;
  array list;
  for (const simdjson::dom::key_value_pair member : members) {
    if (member.key != "titles") {
      if (!fields.unknown(seen, member.key)) return refused(fields.error());
      continue;
    }
    if (!fields.known(seen, 0, member.key)) return refused(fields.error());
    if (member.value.get(list) != simdjson::SUCCESS) return malformed("titles must be an array");
  }
  if (!seen.has(0)) return refused({Errc::kUnprocessable, "titles is missing"});
  if (list.size() > memory_->options.titles_max)
    return too_many("titles", memory_->options.titles_max);
  std::vector<std::string> out;
  std::string_view title;
  for (const element value : list) {
    if (!fields.id(value, "title", title)) return refused(fields.error());
    if (std::find(out.begin(), out.end(), title) == out.end()) out.emplace_back(title);
  }
  return out;
}

std::expected<Termination, BodyError> JsonParser::termination(std::string_view body) {
  Termination out;
  if (body.empty()) return out;
  const auto root = memory_->body.parse(memory_->body.hold(body));
  if (!root) return refused(root.error(), "the body ");
  object members;
  if (root->get(members) != simdjson::SUCCESS) return malformed("the body must be an object");
  FieldReader& fields = memory_->fields;
  Members seen;
  for (const simdjson::dom::key_value_pair member : members) {
    bool good = true;
    if (member.key == "reason") {
      good = fields.known(seen, 0, member.key) && fields.text(member.value, member.key, out.reason);
    } else if (member.key == "by_device") {
      good =
          fields.known(seen, 1, member.key) && fields.id(member.value, member.key, out.by_device);
    } else {
      good = fields.unknown(seen, member.key);
    }
    if (!good) return refused(fields.error());
  }
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (out.reason.size() > kReasonBytesMax || std::ranges::any_of(out.reason, control))
    return refused({Errc::kUnprocessable, "reason must be at most " +
                                              std::to_string(kReasonBytesMax) +
                                              " bytes without control characters"});
  return out;
}

}  // namespace playhead
