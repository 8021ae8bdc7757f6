// A row ends at the first line end outside quotes; a wrong one at the next line end there is.
#include "ingest/csv.h"

namespace playhead {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

CsvReader::CsvReader(std::string_view text, std::size_t offset, std::uint64_t line)
    : text_(text), at_(std::min(offset, text.size())), line_(line) {
  if (at_ == 0 && text_.starts_with(kByteOrderMark)) at_ = kByteOrderMark.size();
}

bool CsvReader::at_line_end() const {
  return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r';
}

void CsvReader::end_line() {
  if (at_ == text_.size()) return;
  const bool carriage = text_[at_++] == '\r';
  if (carriage && at_ < text_.size() && text_[at_] == '\n') ++at_;
  ++line_;
}

// Behind the opening quote, up to and with the closing one.
bool CsvReader::quoted(std::string& out) {
  for (; at_ < text_.size(); ++at_) {
    if (text_[at_] == '"') {
      if (at_ + 1 == text_.size() || text_[at_ + 1] != '"') {
        ++at_;
        return true;
      }
      ++at_;
    } else if (text_[at_] == '\n') {
      ++line_;
    }
    if (out.size() == kRowBytesMax) break;
    out += text_[at_];
  }
  error_ = "a quote is not closed";
  return false;
}

bool CsvReader::field(std::string& out) {
  if (!at_line_end() && text_[at_] == '"') {
    ++at_;
    if (!quoted(out)) return false;
    if (at_line_end() || text_[at_] == ',') return true;
    error_ = "something follows a closing quote";
    return false;
  }
  while (!at_line_end() && text_[at_] != ',') {
    if (text_[at_] == '"' || out.size() == kRowBytesMax) {
      error_ = "a quote stands within a field, or the field is too long";
      return false;
    }
    out += text_[at_++];
  }
  return true;
}

CsvReader::Row CsvReader::next(std::vector<std::string>& fields) {
  fields.clear();
  while (at_ < text_.size() && at_line_end()) end_line();
  row_line_ = line_;
  if (at_ == text_.size()) return Row::kEnd;
  bool good = true;
  for (;;) {
    if (fields.size() == kFieldsMax) {
      error_ = "a row has too many fields";
      good = false;
    }
    good = good && field(fields.emplace_back());
    if (!good || at_line_end()) break;
    ++at_;  // the comma
  }
  while (!at_line_end()) ++at_;
  end_line();
  return good ? Row::kRow : Row::kWrong;
}

}  // namespace playhead
