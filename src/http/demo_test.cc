// Which files of a directory are served, and how much of one at a time.
#include "http/demo.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/test_directory.h"

namespace playhead {
namespace {

class Demo : public ::testing::Test {
 protected:
  void put(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_.root() / name, std::ios::binary) << bytes;
  }
  DemoFiles read() {
    auto demo = DemoFiles::read(directory_.root());
    EXPECT_TRUE(demo) << (demo ? "" : demo.error().detail);
    return demo ? *std::move(demo) : DemoFiles();
  }
  void put_catalogue() { put("titles.json", R"({"titles":[]} )"); }

  TestDirectory directory_;
};

TEST_F(Demo, IsAListOfNoTitlesWhereThereAreNone) {
  const DemoFiles none;
  EXPECT_TRUE(none.empty());
  const Reply reply = none.reply("titles.json", "bytes=5-");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(reply.body, R"({"titles":[]})");
  EXPECT_EQ(none.reply("film.mp4", "").status, 404u);
}

TEST_F(Demo, NeedsACatalogue) {
  put("film.mp4", "film");
  const auto demo = DemoFiles::read(directory_.root());
  ASSERT_FALSE(demo);
  EXPECT_EQ(demo.error().code, Errc::kNotFound);
  EXPECT_EQ(DemoFiles::read(directory_.root() / "nowhere").error().code, Errc::kNotFound);
}

TEST_F(Demo, ServesKnownEndingsOnlyAndNothingBelowTheDirectory) {
  put_catalogue();
  put("film.mp4", "film");
  put("made-by", "a script");
  put("secret.toml", "a secret");
  put(".hidden.mp4", "hidden");
  std::filesystem::create_directory(directory_.root() / "below.mp4");
  const DemoFiles demo = read();
  EXPECT_EQ(demo.reply("film.mp4", "").body, "film");
  EXPECT_EQ(demo.reply("film.mp4", "").content_type, "video/mp4");
  for (const char* name : {"made-by", "secret.toml", ".hidden.mp4", "below.mp4", "", ".", "..",
                           "../film.mp4", "/film.mp4", "FILM.MP4"})
    EXPECT_EQ(demo.reply(name, "").status, 404u) << name;
}

TEST_F(Demo, AnswersPartsAsTheyWereAskedFor) {
  put_catalogue();
  put("film.mp4", "0123456789");
  const DemoFiles demo = read();
  const Reply part = demo.reply("film.mp4", "bytes=2-4");
  EXPECT_EQ(part.status, 206u);
  EXPECT_EQ(part.body, "234");
  EXPECT_NE(part.headers.find("Content-Range: bytes 2-4/10\r\n"), std::string::npos);
  EXPECT_NE(part.headers.find("Accept-Ranges: bytes\r\n"), std::string::npos);
  const Reply beyond = demo.reply("film.mp4", "bytes=10-");
  EXPECT_EQ(beyond.status, 416u);
  EXPECT_NE(beyond.headers.find("Content-Range: bytes */10\r\n"), std::string::npos);
  EXPECT_EQ(demo.reply("film.mp4", "bytes=1-2,4-5").status, 200u);
}

TEST_F(Demo, NeverAnswersMoreThanOnePart) {
  put_catalogue();
  put("film.mp4", std::string(DemoFiles::kPartBytesMax + 1, 'x'));
  const DemoFiles demo = read();
  const Reply part = demo.reply("film.mp4", "bytes=0-");
  EXPECT_EQ(part.status, 206u);
  EXPECT_EQ(part.body.size(), DemoFiles::kPartBytesMax);
  EXPECT_NE(part.headers.find("/" + std::to_string(DemoFiles::kPartBytesMax + 1) + "\r\n"),
            std::string::npos);
  EXPECT_EQ(demo.reply("film.mp4", "bytes=-1").body, "x");
  EXPECT_EQ(demo.reply("film.mp4", "").status, 400u) << "too long to be answered whole";
}

TEST_F(Demo, RefusesMoreFilesThanAreKept) {
  put_catalogue();
  for (std::size_t i = 0; i < DemoFiles::kFilesMax; ++i) put(std::to_string(i) + ".jpg", "x");
  const auto demo = DemoFiles::read(directory_.root());
  ASSERT_FALSE(demo);
  EXPECT_EQ(demo.error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace playhead
