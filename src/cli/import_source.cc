// Tables and arrays are read whole, lines one at a time: a service's registers may be many.
#include "cli/import_source.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/ids.h"
#include "http/json_out.h"
#include "ingest/csv.h"

namespace playhead {
namespace {

constexpr std::uint64_t kWholeBytesMax = 512ULL << 20;  // of a table or an array
constexpr std::size_t kLineBytesMax = std::size_t{1} << 18;
constexpr std::size_t kLookBytes = 4'096;

Result<std::ifstream> open_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::kNotFound, path + " can't be read");
  return file;
}

Result<std::string> whole_file(const std::string& path) {
  auto file = open_file(path);
  if (!file) return std::unexpected(file.error());
  file->seekg(0, std::ios::end);
  if (static_cast<std::uint64_t>(file->tellg()) > kWholeBytesMax)
    return fail(Errc::kInvalidArgument, path + " is larger than 512 MiB; split it");
  file->seekg(0);
  std::ostringstream text;
  text << file->rdbuf();
  return std::move(text).str();
}

// Calls `take` with each row of a map; one that begins like `headings` is passed over.
template <typename Take>
Result<void> read_map(const std::string& path, std::string_view second, const Take& take) {
  const auto text = whole_file(path);
  if (!text) return std::unexpected(text.error());
  CsvReader reader(*text);
  std::vector<std::string> row;
  for (bool first = true;; first = false) {
    const auto wrong = [&](std::string_view why) {
      return fail(Errc::kInvalidArgument,
                  path + ":" + std::to_string(reader.line()) + ": " + std::string(why));
    };
    const auto read = reader.next(row);
    if (read == CsvReader::Row::kEnd) return {};
    if (read == CsvReader::Row::kWrong) return wrong(reader.error());
    if (row.size() < 2) return wrong("a name and an id are expected");
    if (first && row[0] == "name" && row[1] == second) continue;
    if (!is_id(row[1])) return wrong("'" + row[1] + "' is no id");
    if (const auto why = take(row); !why.empty()) return wrong(why);
  }
}

// An id that a name can be as it is, or one made of it.
std::string id_for(std::string_view name) {
  return is_id(name) ? std::string(name) : id_of_name(name);
}

// Names become ids, by the maps first.
class Namer {
 public:
  explicit Namer(const SourceFlags& flags) : flags_(flags) {}

  std::optional<ForeignRefusal> name(ForeignView& view) const {
    if (!flags_.profile.empty()) {
      view.profile = flags_.profile;
    } else if (view.profile.empty()) {
      return ForeignRefusal{.skipped = false, .why = "the file names no profile: say --profile"};
    } else {
      const auto mapped = flags_.maps.profiles.find(view.profile);
      view.profile = mapped != flags_.maps.profiles.end() ? mapped->second : id_for(view.profile);
    }
    name_title(view);
    if (!view.device_type.empty()) view.device_type = id_of_device(view.device_type);
    return std::nullopt;
  }

 private:
  void name_title(ForeignView& view) const {
    const auto& titles = flags_.maps.titles;
    auto mapped = titles.find(view.title);
    for (const std::string& known : view.known)
      if (mapped == titles.end()) mapped = titles.find(known);
    if (mapped == titles.end()) {
      if (view.has_ids) return;
      view.title = id_of_name(view.title);
      if (!view.series.empty()) view.series = id_of_name(view.series);
      return;
    }
    if (!mapped->second.series.empty())
      view.series = mapped->second.series;
    else if (!view.has_ids && !view.series.empty())
      view.series = id_of_name(view.series);
    if (mapped->second.duration) view.duration = mapped->second.duration;
    view.title = mapped->second.title;
  }

  // "Apple iPad Air 2 Wi-Fi" -> "Apple-iPad-Air-2-Wi-Fi".
  static std::string id_of_device(std::string_view name) {
    std::string id(name.substr(0, kIdBytesMax));
    for (char& c : id)
      if (!is_id_byte(c)) c = '-';
    return id;
  }

  const SourceFlags& flags_;
};

std::string record_of(const ForeignView& view) {
  std::string out;
  JsonOut json(out);
  const bool is_view = view.kind == ForeignView::Kind::kView;
  const auto text = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) json.field(name, value);
  };
  const auto span = [&](std::string_view name, const std::optional<Millis>& value) {
    if (value) json.field(name, *value);
  };
  json.open('{').field("type", is_view ? "view" : "title").field("profile", view.profile);
  json.field("title", view.title);
  text("series", view.series);
  if (is_view) {
    text("view", view.view);
    text("device_type", view.device_type);
    json.field("started_at", view.started_at).field("ended_at", view.ended_at);
    json.field("end_reason", view.completed ? "completed" : "stopped");
    // Without a count, what a service lists as watched is taken at its word.
    if (!view.watched) json.field("qualified_at", view.ended_at);
  } else {
    json.field("at", view.ended_at);
  }
  span("playhead_ms", view.playhead);
  span("duration_ms", view.duration);
  span("watched_ms", view.watched);
  json.close('}');
  return out;
}

SourceRow row_of(std::uint64_t line, ForeignRow read, const Namer& namer) {
  SourceRow row{.line = line};
  if (!read) {
    row.refusal = std::move(read.error());
    return row;
  }
  row.refusal = namer.name(*read);
  if (!row.refusal) row.record = record_of(*read);
  return row;
}

class NetflixSource final : public ImportSource {
 public:
  static Result<std::unique_ptr<ImportSource>> open(const std::string& path,
                                                    const SourceFlags& flags) {
    auto text = whole_file(path);
    if (!text) return std::unexpected(text.error());
    auto source = std::unique_ptr<NetflixSource>(new NetflixSource(*std::move(text), flags));
    std::vector<std::string> headings;
    source->reader_ = CsvReader(source->text_);
    if (source->reader_.next(headings) != CsvReader::Row::kRow)
      return fail(Errc::kInvalidArgument, path + " is no CSV");
    auto columns = NetflixColumns::of(headings);
    if (!columns) return fail(columns.error().code, path + ": " + columns.error().detail);
    source->columns_ = *columns;
    if (columns->is_short()) source->find_order(flags.dates);
    return source;
  }

  std::optional<SourceRow> next() override {
    const auto read = reader_.next(fields_);
    if (read == CsvReader::Row::kEnd) return std::nullopt;
    if (read == CsvReader::Row::kWrong)
      return SourceRow{.line = reader_.line(),
                       .refusal = ForeignRefusal{.why = std::string(reader_.error())}};
    return row_of(reader_.line(), columns_.row(fields_, order_), namer_);
  }
  ImportPlace place() const override { return {reader_.offset(), reader_.next_line()}; }
  void seek(ImportPlace place) override { reader_ = CsvReader(text_, place.offset, place.line); }
  std::string_view origin() const override { return "netflix"; }
  std::uint64_t size() const override { return text_.size(); }

 private:
  NetflixSource(std::string text, const SourceFlags& flags)
      : text_(std::move(text)), reader_(""), namer_(flags) {}

  // One date that shows it tells of all.
  void find_order(std::optional<DateOrder> said) {
    CsvReader rest = reader_;
    std::optional<DateOrder> shown = said;
    while (!shown && rest.next(fields_) != CsvReader::Row::kEnd)
      shown = order_of(columns_.date(fields_));
    order_ = shown.value_or(DateOrder::kMonthFirst);
  }

  const std::string text_;
  CsvReader reader_;
  NetflixColumns columns_;
  DateOrder order_ = DateOrder::kMonthFirst;
  Namer namer_;
  std::vector<std::string> fields_;
};

class TraktSource final : public ImportSource {
 public:
  static Result<std::unique_ptr<ImportSource>> open(const std::string& path,
                                                    const SourceFlags& flags) {
    const auto text = whole_file(path);
    if (!text) return std::unexpected(text.error());
    auto items = trakt_items(*text);
    if (!items) return fail(items.error().code, path + ": " + items.error().detail);
    return std::unique_ptr<ImportSource>(new TraktSource(*std::move(items), flags));
  }

  std::optional<SourceRow> next() override {
    if (next_ >= items_.size()) return std::nullopt;
    const std::string& item = items_[next_++];
    return row_of(next_, trakt_item(item), namer_);
  }
  ImportPlace place() const override { return {next_, next_ + 1}; }
  void seek(ImportPlace place) override { next_ = place.offset; }
  std::string_view origin() const override { return "trakt"; }
  std::uint64_t size() const override { return items_.size(); }

 private:
  TraktSource(std::vector<std::string> items, const SourceFlags& flags)
      : items_(std::move(items)), namer_(flags) {}

  const std::vector<std::string> items_;
  std::uint64_t next_ = 0;
  Namer namer_;
};

class LinesSource final : public ImportSource {
 public:
  LinesSource(std::ifstream file, std::uint64_t size) : file_(std::move(file)), size_(size) {}

  std::optional<SourceRow> next() override {
    while (std::getline(file_, line_)) {
      const std::uint64_t line = place_.line++;
      place_.offset += line_.size() + 1;
      if (line_.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (line_.size() > kLineBytesMax)
        return SourceRow{.line = line, .refusal = ForeignRefusal{.why = "the line is too long"}};
      return SourceRow{.line = line, .record = line_};
    }
    return std::nullopt;
  }
  ImportPlace place() const override { return place_; }
  void seek(ImportPlace place) override {
    file_.clear();
    file_.seekg(static_cast<std::streamoff>(place.offset));
    place_ = place;
  }
  std::string_view origin() const override { return "backfill"; }
  std::uint64_t size() const override { return size_; }

 private:
  std::ifstream file_;
  std::uint64_t size_;
  ImportPlace place_;
  std::string line_;
};

Result<std::unique_ptr<ImportSource>> open_lines(const std::string& path) {
  auto file = open_file(path);
  if (!file) return std::unexpected(file.error());
  file->seekg(0, std::ios::end);
  const auto size = static_cast<std::uint64_t>(file->tellg());
  file->seekg(0);
  return std::make_unique<LinesSource>(*std::move(file), size);
}

// By what a file begins with.
Result<ImportFormat> detect(const std::string& path) {
  auto file = open_file(path);
  if (!file) return std::unexpected(file.error());
  std::string look(kLookBytes, '\0');
  file->read(look.data(), static_cast<std::streamsize>(look.size()));
  look.resize(static_cast<std::size_t>(file->gcount()));
  if (look.starts_with("\xef\xbb\xbf")) look.erase(0, 3);
  const std::size_t first = look.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) return ImportFormat::kLines;  // empty, as the export of nobody
  if (look[first] == '{') return ImportFormat::kLines;
  if (look[first] == '[') return ImportFormat::kTrakt;
  return ImportFormat::kNetflix;
}

}  // namespace

Result<void> read_titles_map(const std::string& path, ImportMaps& maps) {
  return read_map(path, "title", [&](const std::vector<std::string>& row) -> std::string {
    MappedTitle mapped{.title = row[1]};
    if (row.size() > 2) mapped.series = row[2];
    if (!mapped.series.empty() && !is_id(mapped.series)) return "'" + mapped.series + "' is no id";
    if (row.size() > 3 && !row[3].empty()) {
      if (row[3].find_first_not_of("0123456789") != std::string::npos || row[3].size() > 12)
        return "'" + row[3] + "' is no duration in milliseconds";
      mapped.duration = std::stoll(row[3]);
    }
    maps.titles.insert_or_assign(row[0], std::move(mapped));
    return {};
  });
}

Result<void> read_profiles_map(const std::string& path, ImportMaps& maps) {
  return read_map(path, "profile", [&](const std::vector<std::string>& row) -> std::string {
    maps.profiles.insert_or_assign(row[0], row[1]);
    return {};
  });
}

Result<std::unique_ptr<ImportSource>> open_source(const std::string& path,
                                                  const SourceFlags& flags) {
  auto format = flags.format;
  if (format == ImportFormat::kDetected) {
    const auto detected = detect(path);
    if (!detected) return std::unexpected(detected.error());
    format = *detected;
  }
  switch (format) {
    case ImportFormat::kNetflix:
      return NetflixSource::open(path, flags);
    case ImportFormat::kTrakt:
      return TraktSource::open(path, flags);
    default:
      return open_lines(path);
  }
}

}  // namespace playhead
