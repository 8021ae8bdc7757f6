// The members of a report: found by length, then by comparing with the few of that length.
#include "ingest/json_report.h"

#include <array>
#include <limits>

namespace playhead {
namespace {

using simdjson::dom::element;

enum Field : unsigned {
  kAccount,
  kProfile,
  kTitle,
  kView,
  kState,
  kAt,  // the required ones come first
  kSeries,
  kNextTitle,
  kDevice,
  kDeviceType,
  kSentAt,
  kStartedAt,
  kSequence,
  kPlayhead,
  kDuration,
  kCredits,
  kWatched,
  kKind,
  kRecord,
  kUnknown,
};
constexpr std::array<std::string_view, kUnknown> kNames = {
    "account",     "profile",    "title",       "view",    "state",      "at",       "series",
    "next_title",  "device",     "device_type", "sent_at", "started_at", "sequence", "playhead_ms",
    "duration_ms", "credits_ms", "watched_ms",  "kind",    "record"};
constexpr std::uint32_t kRequired = (1U << kSeries) - 1;

Field one_of(std::string_view name, std::initializer_list<Field> candidates) {
  for (const Field field : candidates)
    if (name == kNames[field]) return field;
  return kUnknown;
}

Field field_of(std::string_view name) {
  switch (name.size()) {
    case 2:
      return one_of(name, {kAt});
    case 4:
      return one_of(name, {kView, kKind});
    case 5:
      return one_of(name, {kTitle, kState});
    case 6:
      return one_of(name, {kDevice, kSeries, kRecord});
    case 7:
      return one_of(name, {kAccount, kProfile, kSentAt});
    case 8:
      return one_of(name, {kSequence});
    case 10:
      return one_of(name, {kWatched, kStartedAt, kCredits, kNextTitle});
    case 11:
      return one_of(name, {kPlayhead, kDuration, kDeviceType});
    default:
      return kUnknown;
  }
}

bool read_state(element value, FieldReader& fields, State& out) {
  std::string_view name;
  if (!fields.text(value, kNames[kState], name)) return false;
  const std::optional<State> state = state_from(name);
  if (!state) return fields.wrong(Errc::kUnprocessable, kNames[kState], "is not one that we know");
  out = *state;
  return true;
}

bool read_kind(element value, FieldReader& fields, Kind& out) {
  std::string_view name;
  if (!fields.text(value, kNames[kKind], name)) return false;
  const std::optional<Kind> kind = kind_from(name);
  if (!kind) return fields.wrong(Errc::kUnprocessable, kNames[kKind], "is not one that we know");
  out = *kind;
  return true;
}

bool read_sequence(element value, FieldReader& fields, std::uint32_t& out) {
  std::int64_t sequence = 0;
  if (!fields.integer(value, kNames[kSequence], std::numeric_limits<std::uint32_t>::max(),
                      sequence))
    return false;
  out = static_cast<std::uint32_t>(sequence);
  return true;
}

bool read_member(Field field, element value, FieldReader& fields, Report& out) {
  const std::string_view name = kNames[field];
  switch (field) {
    case kAccount:
      return fields.id(value, name, out.account);
    case kProfile:
      return fields.id(value, name, out.profile);
    case kTitle:
      return fields.id(value, name, out.title);
    case kView:
      return fields.id(value, name, out.view);
    case kState:
      return read_state(value, fields, out.state);
    case kAt:
      return fields.time(value, name, out.at);
    case kSeries:
      return fields.id(value, name, out.series);
    case kNextTitle:
      return fields.id(value, name, out.next_title);
    case kDevice:
      return fields.id(value, name, out.device);
    case kDeviceType:
      return fields.id(value, name, out.device_type);
    case kSentAt:
      return fields.time(value, name, out.sent_at);
    case kStartedAt:
      return fields.time(value, name, out.started_at);
    case kSequence:
      return read_sequence(value, fields, out.sequence);
    case kPlayhead:
      return fields.span(value, name, out.playhead);
    case kDuration:
      return fields.span(value, name, out.duration);
    case kCredits:
      return fields.span(value, name, out.credits);
    case kWatched:
      return fields.span(value, name, out.watched);
    case kKind:
      return read_kind(value, fields, out.kind);
    case kRecord:
      return fields.flag(value, name, out.record);
    case kUnknown:
      break;
  }
  return true;
}

// What the path says: the body may repeat it, but not say otherwise.
bool address(const Addressed& addressed, const Members& members, FieldReader& fields, Report& out) {
  if (members.has(kAccount) && out.account != addressed.account)
    return fields.wrong(Errc::kUnprocessable, kNames[kAccount], "is not the one in the path");
  if (members.has(kView) && out.view != addressed.view)
    return fields.wrong(Errc::kUnprocessable, kNames[kView], "is not the one in the path");
  out.account = addressed.account;
  out.view = addressed.view;
  return true;
}

}  // namespace

bool read_report(simdjson::dom::object object, const Addressed* addressed, FieldReader& fields,
                 Report& out, std::uint64_t& ignored) {
  Members members;
  out = {};
  for (const simdjson::dom::key_value_pair member : object) {
    const Field field = field_of(member.key);
    if (field == kUnknown) {
      if (!fields.unknown(members, member.key)) return false;
    } else if (!fields.known(members, field, kNames[field]) ||
               !read_member(field, member.value, fields, out)) {
      return false;
    }
  }
  std::uint32_t required = kRequired;
  if (addressed != nullptr) {
    if (!address(*addressed, members, fields, out)) return false;
    required &= ~(1U << kAccount | 1U << kView);
  }
  const std::uint32_t missing = required & ~members.mask();
  if (missing != 0)
    return fields.wrong(Errc::kUnprocessable,
                        kNames[static_cast<unsigned>(std::countr_zero(missing))], "is missing");
  ignored += members.unknowns();
  return true;
}

}  // namespace playhead
