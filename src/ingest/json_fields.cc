// Members by type. What is wrong with one is said without repeating it.
#include "ingest/json_fields.h"

#include <string>

#include "base/ids.h"

namespace playhead {

bool Members::unknown(std::string_view name) {
  if (unknowns_ == kUnknownMax) return false;
  for (std::size_t i = 0; i < unknowns_; ++i)
    if (names_[i] == name) return false;
  names_[unknowns_++] = name;
  return true;
}

bool FieldReader::wrong(Errc code, std::string_view name, std::string_view how) {
  error_.code = code;
  error_.detail.assign(name).append(1, ' ').append(how);
  return false;
}

bool FieldReader::unknown(Members& members, std::string_view name) {
  if (members.unknown(name)) return true;
  const bool full = members.unknowns() == Members::kUnknownMax;
  error_ = {Errc::kInvalidArgument,
            full ? "more than " + std::to_string(Members::kUnknownMax) + " unknown fields"
                 : "an unknown field is there twice"};
  return false;
}

bool FieldReader::text(Value value, std::string_view name, std::string_view& out) {
  if (value.get(out) == simdjson::SUCCESS) return true;
  return wrong(Errc::kInvalidArgument, name, "must be a string");
}

bool FieldReader::id(Value value, std::string_view name, std::string_view& out) {
  if (!text(value, name, out)) return false;
  return is_id(out) ||
         wrong(Errc::kInvalidArgument, name, "must be 1 to 128 bytes of A-Z a-z 0-9 . _ ~ : @ -");
}

bool FieldReader::time(Value value, std::string_view name, Instant& out) {
  std::string_view written;
  if (!text(value, name, written)) return false;
  const std::optional<Instant> at = parse_rfc3339(written);
  if (!at) return wrong(Errc::kInvalidArgument, name, "must be an RFC 3339 date-time");
  out = *at;
  return true;
}

bool FieldReader::time(Value value, std::string_view name, std::optional<Instant>& out) {
  return time(value, name, out.emplace());
}

bool FieldReader::integer(Value value, std::string_view name, std::int64_t max, std::int64_t& out) {
  const simdjson::error_code error = value.get(out);
  if (error == simdjson::SUCCESS && out >= 0 && out <= max) return true;
  if (error == simdjson::SUCCESS || error == simdjson::NUMBER_OUT_OF_RANGE)
    return wrong(Errc::kUnprocessable, name, "must be from 0 to " + std::to_string(max));
  return wrong(Errc::kInvalidArgument, name, "must be an integer");
}

bool FieldReader::span(Value value, std::string_view name, std::optional<std::int64_t>& out) {
  return integer(value, name, kJsonIntegerMax, out.emplace());
}

bool FieldReader::flag(Value value, std::string_view name, bool& out) {
  return value.get(out) == simdjson::SUCCESS ||
         wrong(Errc::kInvalidArgument, name, "must be true or false");
}

}  // namespace playhead
