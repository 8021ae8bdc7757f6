// What other services' files say, before names have become ids: rows of Netflix's downloads, items
// of Trakt's history and playback. Pure; texts are owned.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace playhead {

/// One thing that was watched, or where it was left off.
struct ForeignView {
  enum class Kind : std::uint8_t {
    kView,      ///< a view from `started_at` to `ended_at`
    kPosition,  ///< `playhead` at `ended_at`, without a view
  } kind = Kind::kView;
  std::string profile;             ///< a name; empty: the file has none
  std::string title, series;       ///< names, or ids if `has_ids`
  std::vector<std::string> known;  ///< other names that a map may know the title by
  std::string device_type, view;   ///< a name; an id
  Instant started_at, ended_at;
  std::optional<Millis> playhead, duration, watched;
  bool completed = false;
  bool has_ids = false;
};

/// Why a row gave nothing. Skipped rows are as they should be; others are to be looked at.
struct ForeignRefusal {
  bool skipped = false;
  std::string why;
};

using ForeignRow = std::expected<ForeignView, ForeignRefusal>;

/// How a date of numbers is written, where that can't be told from the date.
enum class DateOrder : std::uint8_t { kMonthFirst, kDayFirst };

/// Columns of a Netflix download, by its headings: the viewing activity of an account's data, or
/// the short form (Title, Date) of a profile's page.
class NetflixColumns {
 public:
  /// Errors: invalid_argument (the headings are of neither).
  static Result<NetflixColumns> of(const std::vector<std::string>& headings);

  ForeignRow row(const std::vector<std::string>& fields, DateOrder order) const;
  bool is_short() const { return profile_ == kNone; }
  /// The date of a row of the short form.
  std::string_view date(const std::vector<std::string>& fields) const {
    return field(fields, start_);
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  static std::string_view field(const std::vector<std::string>& fields, std::size_t column);

  std::size_t profile_ = kNone, start_ = kNone, duration_ = kNone, title_ = kNone,
              supplemental_ = kNone, device_ = kNone, bookmark_ = kNone;
};

/// Which order of day and month `date` ("23/01/2021") shows; nothing if it could be either.
std::optional<DateOrder> order_of(std::string_view date);

/// The series in "House of Cards: Season 1: Chapter 1"; empty where none is told.
std::string_view series_of(std::string_view netflix_title);

/// A stable id for a name: what of it can stand in an id, and a hash of all of it.
std::string id_of_name(std::string_view name);

/// An item of Trakt's /sync/history or /sync/playback, as its JSON text.
ForeignRow trakt_item(std::string_view json);
/// The items of a file's array, each as its JSON text. Errors: invalid_argument (it is none).
Result<std::vector<std::string>> trakt_items(std::string_view file);

}  // namespace playhead
