// Tables of comma-separated values, row by row. Source: RFC 4180; lines may end in LF, CR LF or CR,
// and a byte order mark is passed over. Strict: what is no CSV is said, row by row. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace playhead {

class CsvReader {
 public:
  static constexpr std::size_t kFieldsMax = 64;  ///< of a row
  static constexpr std::size_t kRowBytesMax = std::size_t{64} << 10;

  /// Reads `text` from a row's start at `offset`, which is line `line`. Borrows `text`.
  explicit CsvReader(std::string_view text, std::size_t offset = 0, std::uint64_t line = 1);

  enum class Row : std::uint8_t { kRow, kWrong, kEnd };
  /// The next row that is not an empty line. kWrong: error() says why, and the next one can be
  /// read.
  Row next(std::vector<std::string>& fields);

  std::uint64_t line() const { return row_line_; }  ///< of the row last read, from 1
  std::size_t offset() const { return at_; }        ///< where the next row starts
  std::uint64_t next_line() const { return line_; }
  std::string_view error() const { return error_; }

 private:
  bool field(std::string& out);
  bool quoted(std::string& out);
  void end_line();
  bool at_line_end() const;

  std::string_view text_;
  std::size_t at_;
  std::uint64_t line_, row_line_ = 0;
  std::string_view error_;
};

}  // namespace playhead
