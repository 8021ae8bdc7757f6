// Files of other services, and the tables they come in.
#include "ingest/foreign.h"

#include <gtest/gtest.h>

#include "base/ids.h"
#include "ingest/csv.h"

namespace playhead {
namespace {

using Fields = std::vector<std::string>;

std::vector<Fields> rows_of(std::string_view text, std::vector<std::uint64_t>* wrong = nullptr) {
  CsvReader reader(text);
  std::vector<Fields> rows;
  Fields fields;
  for (;;) {
    const auto row = reader.next(fields);
    if (row == CsvReader::Row::kEnd) return rows;
    if (row == CsvReader::Row::kRow) rows.push_back(fields);
    if (row == CsvReader::Row::kWrong && wrong != nullptr) wrong->push_back(reader.line());
  }
}

TEST(Csv, ReadsQuotesLineEndsAndAByteOrderMark) {
  EXPECT_EQ(rows_of("\xef\xbb\xbf"
                    "a,b\r\n\"x, \"\"y\"\"\",\"two\nlines\"\n\nlast,\rend"),
            (std::vector<Fields>{{"a", "b"}, {"x, \"y\"", "two\nlines"}, {"last", ""}, {"end"}}));
  EXPECT_TRUE(rows_of("").empty());
}

TEST(Csv, SaysWhichRowIsNoneAndReadsOn) {
  std::vector<std::uint64_t> wrong;
  EXPECT_EQ(rows_of("a\"b\nc\n\"d\"e\nf\n\"open", &wrong), (std::vector<Fields>{{"c"}, {"f"}}));
  EXPECT_EQ(wrong, (std::vector<std::uint64_t>{1, 3, 5}));
}

TEST(Csv, GoesOnFromAnyRow) {
  const std::string_view text = "a\n\"b\nb\"\nc\n";
  CsvReader reader(text);
  Fields fields;
  reader.next(fields);
  reader.next(fields);
  CsvReader again(text, reader.offset(), reader.next_line());
  EXPECT_EQ(again.next(fields), CsvReader::Row::kRow);
  EXPECT_EQ(fields, Fields{"c"});
  EXPECT_EQ(again.line(), 4U);
}

const Fields kHeadings = {"Profile Name", "Start Time", "Duration",
                          "Attributes",   "Title",      "Supplemental Video Type",
                          "Device Type",  "Bookmark",   "Latest Bookmark",
                          "Country"};

TEST(Netflix, ReadsAViewByItsHeadings) {
  const auto columns = NetflixColumns::of(kHeadings);
  ASSERT_TRUE(columns);
  const auto view = columns->row({"Anna", "2021-01-23 20:15:30", "01:02:03", "",
                                  "House of Cards: Season 1: Chapter 1", "", "TV", "00:51:10"},
                                 DateOrder::kMonthFirst);
  ASSERT_TRUE(view) << view.error().why;
  EXPECT_EQ(view->series, "House of Cards");
  EXPECT_EQ(format_rfc3339(view->started_at), "2021-01-23T20:15:30.000Z");
  EXPECT_EQ(view->watched, 3'723'000);
  EXPECT_EQ(view->ended_at - view->started_at, 3'723'000);
  EXPECT_EQ(view->playhead, 3'070'000);
}

TEST(Netflix, SkipsTrailersAndSaysWhatItCantRead) {
  const auto columns = NetflixColumns::of(kHeadings);
  ASSERT_TRUE(columns);
  Fields row = {"Anna", "2021-01-23 20:15:30", "00:00:30", "", "T", "TRAILER", "TV", "00:00:30"};
  EXPECT_TRUE(columns->row(row, {}).error().skipped);
  row[5].clear();
  for (const auto& [column, text] : {std::pair{0, ""},
                                     {1, "yesterday"},
                                     {1, "2021-02-30 00:00:00"},
                                     {2, "1:2"},
                                     {2, "00:61:00"},
                                     {4, ""},
                                     {7, "x"}}) {
    Fields bad = row;
    bad[static_cast<std::size_t>(column)] = text;
    const auto read = columns->row(bad, {});
    EXPECT_TRUE(!read && !read.error().skipped) << column << text;
  }
  EXPECT_FALSE(NetflixColumns::of({"Name", "When"}));
}

TEST(Netflix, ReadsDatesOfTheShortFormInEitherOrder) {
  const auto columns = NetflixColumns::of({"Title", "Date"});
  ASSERT_TRUE(columns && columns->is_short());
  const auto day = [&](const char* date, DateOrder order) {
    const auto view = columns->row({"T", date}, order);
    return view ? format_rfc3339(view->started_at).substr(0, 10) : std::string();
  };
  EXPECT_EQ(day("2/3/21", DateOrder::kMonthFirst), "2021-02-03");
  EXPECT_EQ(day("2/3/21", DateOrder::kDayFirst), "2021-03-02");
  EXPECT_EQ(day("23.01.2021", DateOrder::kMonthFirst), "2021-01-23");
  EXPECT_EQ(day("2021-01-23", DateOrder::kDayFirst), "2021-01-23");
  EXPECT_EQ(day("31/31/21", DateOrder::kDayFirst), "");
  EXPECT_EQ(order_of("1/13/21"), DateOrder::kMonthFirst);
  EXPECT_EQ(order_of("1/2/21"), std::nullopt);
}

TEST(Netflix, TellsTheSeriesFromAName) {
  EXPECT_EQ(series_of("Dark: Season 2: Ghosts"), "Dark");
  EXPECT_EQ(series_of("Marvel's: The Punisher: Season 1: 3 AM"), "Marvel's: The Punisher");
  EXPECT_EQ(series_of("Chernobyl: Limited Series: 1:23:45"), "Chernobyl");
  EXPECT_EQ(series_of("Roma"), "");
  EXPECT_EQ(series_of("Bird: Part 2"), "");
}

TEST(Netflix, MakesTheSameIdOfANameEachTime) {
  const std::string id = id_of_name("Dark: Season 2: Ghösts & more");
  EXPECT_TRUE(is_id(id)) << id;
  EXPECT_EQ(id, id_of_name("Dark: Season 2: Ghösts & more"));
  EXPECT_NE(id, id_of_name("Dark: Season 2: Ghösts & More"));
  EXPECT_TRUE(is_id(id_of_name("日本")));
  EXPECT_TRUE(is_id(id_of_name(std::string(5'000, 'x'))));
}

TEST(Trakt, ReadsHistoryAndPlayback) {
  const auto seen = trakt_item(
      R"({"id": 5, "watched_at": "2014-03-31T09:28:53.000Z", "type": "episode",
          "episode": {"runtime": 60, "ids": {"trakt": 16, "imdb": "tt1"}}, "show": {"ids": {"trakt": 1}}})");
  ASSERT_TRUE(seen) << seen.error().why;
  EXPECT_EQ(seen->title, "trakt:episode:16");
  EXPECT_EQ(seen->series, "trakt:show:1");
  EXPECT_EQ(seen->view, "trakt-5");
  EXPECT_EQ(seen->ended_at - seen->started_at, 3'600'000);
  EXPECT_TRUE(seen->completed);
  const auto paused = trakt_item(
      R"({"id": 5, "progress": 50.5, "paused_at": "2014-03-31T09:28:53.000Z", "type": "movie",
          "movie": {"runtime": 100, "ids": {"trakt": 16}}})");
  ASSERT_TRUE(paused) << paused.error().why;
  EXPECT_EQ(paused->playhead, 3'030'000);
}

TEST(Trakt, SaysWhatItCantRead) {
  for (const char* item :
       {"[]", "{", R"({"type": "show"})", R"({"type": "movie", "movie": {}})",
        R"({"id": 1, "type": "movie", "movie": {"ids": {"trakt": 1}}, "watched_at": "x"})",
        R"({"id": 1, "type": "movie", "movie": {"ids": {"trakt": 1}}, "progress": 5,
            "paused_at": "2014-03-31T09:28:53.000Z"})"})
    EXPECT_FALSE(trakt_item(item)) << item;
  EXPECT_FALSE(trakt_items("{}"));
  EXPECT_EQ(trakt_items("[{\"a\": 1}, 2]").value(), (Fields{R"({"a":1})", "2"}));
}

}  // namespace
}  // namespace playhead
