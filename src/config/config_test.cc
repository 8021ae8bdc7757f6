// Loading, what is said about mistakes, and that the documentation is that of the table.
#include "config/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include "config/options.h"

namespace playhead {
namespace {

/// What is said about `text`; empty if it is taken.
std::string error_of(const std::string& text) {
  Config config;
  const auto result = read_config(text, "test.toml", config);
  if (!result) EXPECT_EQ(result.error().code, Errc::kInvalidArgument);
  return result ? "" : result.error().detail;
}

TEST(Config, KeepsEveryDefaultOfTheStructsWhenTheFileIsEmpty) {
  Config config;
  ASSERT_TRUE(read_config("", "test.toml", config));
  EXPECT_EQ(config_toml(config), config_toml(Config()));
  EXPECT_EQ(config.http.listen, HttpOptions().listen);
  EXPECT_EQ(config.shard.journal_bytes_max, ShardOptions().journal_bytes_max);
}

TEST(Config, ReadsEachKindOfValueIntoItsStruct) {
  Config config;
  const auto result = read_config(R"(
data = "/var/lib/playhead"
threads = 3
[http]
listen = "127.0.0.1:9000"
cors_origins = ["https://www.example.com", "http://localhost:3000"]
body_bytes_max = 2_097_152
idle_timeout_ms = 1000
[viewing]
finish_percent = 90
[journal]
group_bytes_max = 1048576
)",
                                  "test.toml", config);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(config.data, "/var/lib/playhead");
  EXPECT_EQ(config.threads, 3u);
  EXPECT_EQ(config.http.listen, "127.0.0.1:9000");
  EXPECT_EQ(config.http.cors_origins,
            (std::vector<std::string>{"https://www.example.com", "http://localhost:3000"}));
  EXPECT_EQ(config.http.body_bytes_max, 2'097'152u);
  EXPECT_EQ(config.http.idle_timeout_ms, 1'000);
  EXPECT_EQ(config.shard.rules.finish_percent, 90u);
  EXPECT_EQ(config.journal.group_bytes_max, 1'048'576u);
}

TEST(Config, NamesLineKeyAndWhatIsAllowedWhenAValueIsOutOfRange) {
  EXPECT_EQ(error_of("[auth]\n\nstream_limit = 10001\n"),
            "test.toml:3: auth.stream_limit has to be an integer from 0 to 10000; it is 10001");
  EXPECT_EQ(error_of("[http]\nbody_timeout_ms = -1\n"),
            "test.toml:2: http.body_timeout_ms has to be an integer from 100 to 600000 "
            "(milliseconds); it is -1");
}

TEST(Config, NamesWhatIsAllowedWhenAValueIsOfTheWrongType) {
  EXPECT_EQ(error_of("threads = \"four\""),
            "test.toml:1: threads has to be an integer from 0 to 1024; it is a text");
  EXPECT_EQ(error_of("threads = 1.5"),
            "test.toml:1: threads has to be an integer from 0 to 1024; it is a fraction");
  EXPECT_EQ(error_of("data = true"), "test.toml:1: data has to be a path; it is true");
  EXPECT_NE(error_of("[http]\ncors_origins = \"*\"").find("has to be a list of origins"),
            std::string::npos);
  EXPECT_NE(error_of("[http]\ncors_origins = [1]").find("has to be a list of origins"),
            std::string::npos);
}

TEST(Config, ChecksTheFormOfTexts) {
  EXPECT_EQ(error_of("log_level = \"loud\""),
            "test.toml:1: log_level has to be debug, info, warning or error; it is 'loud'");
  EXPECT_EQ(
      error_of("[http]\nlisten = \"8080\""),
      "test.toml:2: http.listen has to be HOST:PORT, as in \"127.0.0.1:8080\"; port 0: a free "
      "one; it is '8080'");
  EXPECT_NE(error_of("[http]\nadmin_listen = \"nowhere\""), "");
  EXPECT_EQ(error_of("[http]\nadmin_listen = \"\""), "");
  EXPECT_NE(error_of("[http]\ncors_origins = [\"www.example.com\"]"), "");
  EXPECT_NE(error_of("[http]\ncors_origins = [\"https://www.example.com/page\"]"), "");
  EXPECT_EQ(error_of("[http]\ncors_origins = [\"*\"]"), "");
  EXPECT_EQ(error_of("[cache]\nkind = \"redis\"\nservers = \"cache.example:6379\""), "");
  EXPECT_NE(error_of("[cache]\nkind = \"ehcache\""), "");
  EXPECT_NE(error_of("[cache]\nservers = \"cache.example\""), "");
  EXPECT_NE(error_of("[cache]\nname = \"no id\""), "");
}

TEST(Config, SuggestsTheNearestNameWhenAKeyIsUnknown) {
  EXPECT_EQ(error_of("[http]\nlistne = \"127.0.0.1:1\""),
            "test.toml:2: there is no option 'http.listne'; did you mean 'http.listen'?");
  EXPECT_EQ(error_of("[http]\nbatch_reports_max = 5"),
            "test.toml:2: there is no option 'http.batch_reports_max'; did you mean "
            "'ingest.batch_reports_max'?");
  EXPECT_EQ(error_of("stream_limit = 5"),
            "test.toml:1: there is no option 'stream_limit'; did you mean 'auth.stream_limit'?");
  EXPECT_EQ(error_of("zebra_crossing = 5"),
            "test.toml:1: there is no option 'zebra_crossing'; `playhead config` lists all");
}

TEST(Config, SaysHowToWriteASectionWhenAValueStandsInItsPlace) {
  EXPECT_EQ(error_of("http = 5"),
            "test.toml:1: 'http' is a section: write [http] on a line of its own");
  EXPECT_NE(error_of("[http.http]\nlisten = \"127.0.0.1:1\"").find("no option 'http.http'"),
            std::string::npos);
}

TEST(Config, ListsEveryMistakeOfAFileUpToTheLimit) {
  const std::string errors = error_of("thread = 1\n[http]\nlisten = 1\n[jurnal]\nx = 1\n");
  EXPECT_EQ(std::ranges::count(errors, '\n'), 2) << errors;

  std::string many;
  for (int i = 0; i < 30; ++i) many += "unknown_" + std::to_string(i) + " = 1\n";
  const std::string cut = error_of(many);
  EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(cut, '\n')), kConfigErrorsMax);
  EXPECT_TRUE(cut.ends_with("… and 10 more")) << cut;
}

TEST(Config, NamesTheLineWhenTheFileIsNoToml) {
  const std::string error = error_of("data = \"a\"\n[http\nlisten = 1\n");
  EXPECT_TRUE(error.starts_with("test.toml:2: ")) << error;
}

TEST(Config, RefusesOptionsThatContradictEachOther) {
  EXPECT_EQ(error_of("[shard]\nreport_interval_ms = 20000\nreport_interval_max_ms = 10000"),
            "test.toml: shard.report_interval_ms is above shard.report_interval_max_ms; raise the "
            "latter");
  EXPECT_NE(error_of("[journal]\ngroup_bytes_max = 8388608\nwaiting_bytes_max = 1048576"), "");
  EXPECT_NE(error_of("[http]\ntarget_bytes_max = 65536"), "");
  EXPECT_NE(error_of("[cache]\nkind = \"redis\""), "") << "no server is named";
  EXPECT_NE(error_of("[cache]\npage_ttl_ms = 20000\npage_life_max_ms = 10000"), "");
}

TEST(Config, ReadsKeysAndShowsThemNowhere) {
  constexpr std::string_view kSecret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U";
  const std::string key = R"({"kty":"oct","kid":"k1","k":")" + std::string(kSecret) + R"("})";
  Config config;
  const auto read = read_config("[auth]\nkeys = ['" + key + "']\n", "test.toml", config);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_TRUE(config.auth.has_keys());
  EXPECT_EQ(config_toml(config).find(kSecret), std::string::npos);
  EXPECT_NE(config_toml(config).find("# keys = [...]"), std::string::npos);
  const std::string broken = error_of("[auth]\nkeys = ['" + key + "', '" + key + "x']\n");
  EXPECT_NE(broken.find("test.toml:2: auth.keys has to be a list of keys"), std::string::npos);
  EXPECT_EQ(broken.find(kSecret), std::string::npos);
  EXPECT_EQ(error_of("[auth]\nkeys = '" + key + "'\n").find(kSecret), std::string::npos);
  EXPECT_NE(error_of("[auth]\nissuer = \"a\\\"b\"\n"), "");
  EXPECT_NE(error_of("[auth]\naudience = \"\"\n"), "");
}

TEST(Config, LeavesTheConfigurationAloneWhenAFileIsRefused) {
  Config config;
  EXPECT_FALSE(read_config("threads = 2\nnonsense = 1", "test.toml", config));
  EXPECT_EQ(config.threads, 0u);
}

TEST(Config, SaysWhichFileCannotBeRead) {
  Config config;
  const auto result = load_config("/nonexistent/playhead.toml", config);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::kNotFound);
  EXPECT_NE(result.error().detail.find("/nonexistent/playhead.toml"), std::string::npos);
  EXPECT_FALSE(load_config("/", config)) << "a directory is no file";
}

TEST(ConfigTable, HasADefaultInRangeForEveryOption) {
  Config config;
  const auto result = read_config(config_toml(Config()), "defaults.toml", config);
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(config_toml(config), config_toml(Config()));
}

TEST(ConfigTable, NamesEachOptionAndEachPlaceOnce) {
  Config config;
  std::set<std::string> names;
  std::set<const void*> places;
  for (const Option& option : options()) {
    EXPECT_TRUE(names.insert(full_name(option)).second) << full_name(option);
    const void* place =
        std::visit([](auto* value) -> const void* { return value; }, option.value(config));
    EXPECT_TRUE(places.insert(place).second) << full_name(option) << " shares its place";
    EXPECT_TRUE(std::ranges::any_of(
        sections(), [&](const Section& section) { return section.name == option.section; }))
        << full_name(option) << " is in no section";
  }
}

TEST(ConfigTable, IsWhatTheDocumentationShows) {
  std::ifstream file(PLAYHEAD_SOURCE_DIR "/docs/configuration.md");
  const std::string written(std::istreambuf_iterator<char>(file), {});
  EXPECT_EQ(written, config_markdown())
      << "docs/configuration.md is old: playhead config --markdown > docs/configuration.md";
}

}  // namespace
}  // namespace playhead
