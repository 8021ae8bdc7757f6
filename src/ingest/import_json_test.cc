// Records to import: what a line may say, and what is refused.
#include "ingest/import_json.h"

#include <gtest/gtest.h>

namespace playhead {
namespace {

constexpr std::size_t kMax = 10;

std::vector<Result<ImportRecord>> read(std::string_view body, ImportDefaults defaults = {}) {
  static std::vector<std::unique_ptr<ImportParser>> kept;  // the records borrow from them
  auto& parser = kept.emplace_back(std::make_unique<ImportParser>(std::move(defaults)));
  EXPECT_FALSE(parser->begin(body, true, kMax));
  std::vector<Result<ImportRecord>> out;
  while (auto record = parser->next()) out.push_back(std::move(*record));
  return out;
}

std::string why(std::string_view line, ImportDefaults defaults = {}) {
  const auto records = read(line, std::move(defaults));
  return records.front() ? "" : records.front().error().detail;
}

TEST(ImportJson, ReadsABareRegister) {
  const auto records = read(
      R"({"account": "a", "profile": "p", "title": "t", "playhead_ms": 5, "at": "2024-01-01T00:00:00Z", "watched": true})");
  ASSERT_TRUE(records[0]) << records[0].error().detail;
  const auto& title = std::get<ImportedTitle>(*records[0]);
  EXPECT_EQ(title.account, "a");
  EXPECT_EQ(title.playhead, 5);
  ASSERT_TRUE(title.watched);
  EXPECT_TRUE(title.watched->value);
  EXPECT_EQ(title.watched->at, *title.at) << "a mark has its record's time";
}

TEST(ImportJson, ReadsAViewOfAnExport) {
  const auto whole = read(
      R"({"type": "view", "profile": "p", "title": "t", "view": "v", "started_at": "2024-01-01T00:00:00Z", "end_reason": "replaced", "state": "paused", "kind": "live", "record": false, "fold": {"moved_at": "2024-01-01T00:00:01Z", "clock_offset_ms": -5, "cmcd": true, "reports": {"x": 1}}})",
      {.account = "a", .origin = "o"});
  ASSERT_TRUE(whole[0]) << whole[0].error().detail;
  const auto& view = std::get<ImportedView>(*whole[0]);
  EXPECT_EQ(view.account, "a");
  EXPECT_EQ(view.origin, "o");
  EXPECT_EQ(view.end_reason, EndReason::kReplaced);
  EXPECT_EQ(view.state, State::kPaused);
  EXPECT_FALSE(view.record);
  ASSERT_TRUE(view.fold);
  EXPECT_EQ(view.fold->clock_offset, -5);
}

TEST(ImportJson, SaysWhatIsMissingOrWrong) {
  EXPECT_EQ(why(R"({"profile": "p", "title": "t"})"), "account is missing");
  EXPECT_EQ(why(R"({"account": "b", "profile": "p", "title": "t"})", {.account = "a"}),
            "account is not the one in the path");
  EXPECT_EQ(why(R"({"type": "view", "account": "a", "profile": "p", "title": "t"})"),
            "started_at is missing");
  EXPECT_EQ(why(R"({"account": "a", "profile": "p", "title": "t", "playhead_ms": 1})"),
            "at is missing");
  EXPECT_EQ(why(R"({"account": "a", "profile": "p", "title": "t", "at": "2024-01-01T00:00:00Z"})"),
            "one of playhead_ms, watched, hidden is missing");
  EXPECT_EQ(why(R"({"type": "film"})"), "type is neither view nor title");
  EXPECT_EQ(why(R"({"account": "a", "account": "a"})"), "account is there twice");
  EXPECT_EQ(why(R"({"account": "a", "profile": "p", "title": "t", "watched": {"value": true}})"),
            "watched needs value and at");
  EXPECT_EQ(why("[]"), "a record must be an object");
}

TEST(ImportJson, ReadsOnBehindABadLine) {
  const auto records = read(
      "{\n\n{\"account\": \"a\", \"profile\": \"p\", \"title\": \"t\", \"playhead_ms\": 5, "
      "\"at\": \"2024-01-01T00:00:00Z\"}\n");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_FALSE(records[0]);
  EXPECT_TRUE(records[1]);
}

TEST(ImportJson, RefusesABodyWithNothingOrTooMuch) {
  const auto kind = [](std::string_view body, bool lines) -> std::optional<BodyError::Kind> {
    const auto refused = ImportParser({}).begin(body, lines, 2);
    if (!refused) return std::nullopt;
    return refused->kind;
  };
  EXPECT_EQ(kind("", true), BodyError::Kind::kMalformed);
  EXPECT_EQ(kind("[]", false), BodyError::Kind::kMalformed);
  EXPECT_EQ(kind("[1", false), BodyError::Kind::kMalformed);
  EXPECT_EQ(kind("1\n2\n3\n", true), BodyError::Kind::kTooMany);
  EXPECT_EQ(kind("[1, 2, 3]", false), BodyError::Kind::kTooMany);
  EXPECT_EQ(kind("[1, 2]", false), std::nullopt);
}

}  // namespace
}  // namespace playhead
