// The native protocol's bytes: big-endian numbers, each value behind its length.
#include "store/cassandra/values.h"

#include "base/assert.h"

namespace playhead {
namespace {

template <typename T>
void put_big_endian(std::string& out, T value) {
  for (std::size_t i = sizeof(T); i-- > 0;) out += static_cast<char>(value >> (8 * i));
}

template <typename T>
T big_endian(std::string_view bytes) {
  T value = 0;
  for (const char byte : bytes)
    value = static_cast<T>(value << 8 | static_cast<unsigned char>(byte));
  return value;
}

void put_sized(std::string& out, std::string_view value) {
  put_big_endian(out, static_cast<std::uint32_t>(value.size()));
  out += value;
}

}  // namespace

CqlValues& CqlValues::add(cql_type type, std::string_view value) {
  bytes_ += static_cast<char>(type);
  put_sized(bytes_, value);
  return *this;
}

CqlValues& CqlValues::bigint(std::int64_t value) {
  std::string bytes;
  put_big_endian(bytes, static_cast<std::uint64_t>(value));
  return add(CQL_BIGINT, bytes);
}

CqlValues& CqlValues::integer(std::int32_t value) {
  std::string bytes;
  put_big_endian(bytes, static_cast<std::uint32_t>(value));
  return add(CQL_INT, bytes);
}

CqlValues& CqlValues::boolean(bool value) {
  return add(CQL_BOOLEAN, std::string(1, value ? '\1' : '\0'));
}

CqlValues& CqlValues::list(cql_type type, const std::vector<std::string>& values) {
  std::string bytes;
  put_big_endian(bytes, static_cast<std::uint32_t>(values.size()));
  for (const std::string& value : values) put_sized(bytes, value);
  return add(type, bytes);
}

CqlRows::CqlRows(cql_result* result)
    : result_(result), rows_(cql_result_rows(result)), columns_(cql_result_columns(result)) {
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const char*>(cql_result_cells(result, &size));
  std::string_view rest(bytes, size);
  cells_.reserve(rows_ * columns_);
  for (std::size_t i = 0; i < rows_ * columns_; ++i) {
    PLAYHEAD_ASSERT(rest.size() >= sizeof(std::int32_t));
    const auto length = static_cast<std::int32_t>(big_endian<std::uint32_t>(rest.substr(0, 4)));
    rest.remove_prefix(sizeof(std::int32_t));
    if (length < 0) {
      cells_.emplace_back();
      continue;
    }
    const auto taken = static_cast<std::size_t>(length);
    PLAYHEAD_ASSERT(rest.size() >= taken);
    cells_.emplace_back(rest.substr(0, taken));
    rest.remove_prefix(taken);
  }
}

std::string CqlRows::page() const {
  if (!result_) return {};
  std::size_t size = 0;
  const auto* bytes = reinterpret_cast<const char*>(cql_result_page(result_.get(), &size));
  return {bytes, size};
}

std::optional<std::string_view> CqlRows::cell(cql_type type, std::size_t row,
                                              std::size_t column) const {
  PLAYHEAD_ASSERT(row < rows_);
  if (column >= columns_ || cql_result_column_type(result_.get(), column) != type)
    return std::nullopt;
  return cells_[row * columns_ + column];
}

std::optional<std::string_view> CqlRows::text(std::size_t row, std::size_t column) const {
  return cell(CQL_TEXT, row, column);
}

std::optional<std::string_view> CqlRows::blob(std::size_t row, std::size_t column) const {
  return cell(CQL_BLOB, row, column);
}

std::optional<std::int64_t> CqlRows::bigint(std::size_t row, std::size_t column) const {
  const auto bytes = cell(CQL_BIGINT, row, column);
  if (!bytes || bytes->size() != sizeof(std::int64_t)) return std::nullopt;
  return static_cast<std::int64_t>(big_endian<std::uint64_t>(*bytes));
}

std::optional<std::int32_t> CqlRows::integer(std::size_t row, std::size_t column) const {
  const auto bytes = cell(CQL_INT, row, column);
  if (!bytes || bytes->size() != sizeof(std::int32_t)) return std::nullopt;
  return static_cast<std::int32_t>(big_endian<std::uint32_t>(*bytes));
}

std::optional<bool> CqlRows::boolean(std::size_t row, std::size_t column) const {
  const auto bytes = cell(CQL_BOOLEAN, row, column);
  if (!bytes || bytes->size() != 1) return std::nullopt;
  return bytes->front() != 0;
}

}  // namespace playhead
