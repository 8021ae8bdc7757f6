// Values for a CQL statement, and the cells of its rows, as they cross the driver's boundary
// (drivers/cql/include/playhead_cql.h). One thread at a time.
#pragma once

#include <playhead_cql.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace playhead {

/// The values to bind, in the order of the statement's markers.
class CqlValues {
 public:
  CqlValues& text(std::string_view value) { return add(CQL_TEXT, value); }
  CqlValues& blob(std::string_view value) { return add(CQL_BLOB, value); }
  CqlValues& bigint(std::int64_t value);
  CqlValues& integer(std::int32_t value);
  CqlValues& boolean(bool value);
  CqlValues& texts(const std::vector<std::string>& values) { return list(CQL_TEXT_LIST, values); }
  CqlValues& blobs(const std::vector<std::string>& values) { return list(CQL_BLOB_LIST, values); }

  const std::string& bytes() const { return bytes_; }

 private:
  CqlValues& add(cql_type type, std::string_view value);
  CqlValues& list(cql_type type, const std::vector<std::string>& values);

  std::string bytes_;
};

/// A page of rows. Cells borrow from it.
class CqlRows {
 public:
  CqlRows() = default;
  /// Takes the result over.
  explicit CqlRows(cql_result* result);

  std::size_t size() const { return rows_; }
  /// Where the next page begins; empty: there is none.
  std::string page() const;

  // A cell; nothing where it is null or of another type.
  std::optional<std::string_view> text(std::size_t row, std::size_t column) const;
  std::optional<std::string_view> blob(std::size_t row, std::size_t column) const;
  std::optional<std::int64_t> bigint(std::size_t row, std::size_t column) const;
  std::optional<std::int32_t> integer(std::size_t row, std::size_t column) const;
  std::optional<bool> boolean(std::size_t row, std::size_t column) const;

 private:
  struct Free {
    void operator()(cql_result* result) const { cql_result_free(result); }
  };
  std::optional<std::string_view> cell(cql_type type, std::size_t row, std::size_t column) const;

  std::unique_ptr<cql_result, Free> result_;
  std::size_t rows_ = 0, columns_ = 0;
  std::vector<std::optional<std::string_view>> cells_;  // row by row
};

}  // namespace playhead
