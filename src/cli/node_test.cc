// A whole server in this process, as its users see it over loopback: many clients at once while it
// checkpoints, until it stops or dies under them. The main subject of the thread sanitizer.
//
// Reporters, starters, readers and a listener of events run on threads of their own; the test's
// thread is the server's main thread. Rounds are counted, nothing is timed.
#include "cli/node.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/test_directory.h"
#include "base/time.h"
#include "cli/client.h"

namespace playhead {
namespace {

using boost::asio::ip::tcp;

constexpr std::size_t kThreads = 3;
constexpr std::size_t kAccounts = 7;   // of all threads, so that most requests cross between them
constexpr std::size_t kReporters = 4;  // each acknowledged kRounds times, or more
constexpr std::size_t kViews = 3;      // of a reporter, each in an account of its own
constexpr std::int64_t kRounds = 60;
constexpr int kStarts = 100;
constexpr Millis kStepMs = 1'000;  // by which a view moves in a round

std::string now_text() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return format_rfc3339({std::chrono::duration_cast<std::chrono::milliseconds>(since).count()});
}

std::string number(std::int64_t value) { return std::to_string(value); }

// A view of a reporter, by the names it goes by.
struct Watched {
  std::string account, profile, title, view;
};

Watched watched(std::size_t reporter, std::size_t index) {
  const std::string r = std::to_string(reporter), i = std::to_string(index);
  return {.account = "a" + std::to_string((reporter * kViews + index) % kAccounts),
          .profile = "p" + r,
          .title = "t" + r + "-" + i,
          .view = "v" + r + "-" + i};
}

// One report of each of the reporter's views, in its `round`.
std::string batch(std::size_t reporter, std::int64_t round) {
  std::string body = "[";
  for (std::size_t i = 0; i < kViews; ++i) {
    const Watched view = watched(reporter, i);
    if (i > 0) body += ',';
    body += R"({"account":")" + view.account + R"(","profile":")" + view.profile +
            R"(","title":")" + view.title + R"(","view":")" + view.view +
            R"(","state":"playing","at":")" + now_text() + R"(","sequence":)" + number(round) +
            R"(,"playhead_ms":)" + number(round * kStepMs) + R"(,"watched_ms":)" +
            number(round * kStepMs) + R"(,"duration_ms":36000000})";
  }
  return body + "]";
}

std::optional<std::int64_t> playhead_of(const std::string& body) {
  simdjson::dom::parser parser;
  std::int64_t playhead = 0;
  if (parser.parse(body)["playhead_ms"].get(playhead) != simdjson::SUCCESS) return std::nullopt;
  return playhead;
}

// A server and its clients.
class Home {
 public:
  explicit Home(const std::string& data, std::uint32_t threads) {
    Config config;
    config.data = data;
    config.threads = threads;
    config.http.listen = "127.0.0.1:0";
    config.shard.checkpoint_interval_ms = 500;
    auto opened = Node::open(config, [](const Error&) { std::abort(); });
    if (!opened) throw std::runtime_error(opened.error().detail);
    node_ = *std::move(opened);
    if (auto bound = node_->listen(); !bound) throw std::runtime_error(bound.error().detail);
    port_ = node_->server().port();
    // While the journal is read, it says that it lives and is not ready.
    std::jthread asking([this] {
      Client asker = client();
      for (unsigned status = 0; status != 200;) {
        EXPECT_EQ(asker.send({.target = "/livez"})->status, 200u);
        EXPECT_EQ(asker.send({.target = "/metrics"})->status, 200u);
        status = asker.send({.target = "/readyz"})->status;
        EXPECT_TRUE(status == 200 || status == 503) << status;
      }
    });
    auto read = node_->replay([](FrameNumber, FrameNumber) {});
    node_->run_timers();
    if (!read) throw std::runtime_error(read.error().detail);
  }

  // How many rounds of each reporter were acknowledged, and how many it had sent.
  using Rounds = std::vector<std::pair<std::int64_t, std::int64_t>>;

  // Runs clients, with checkpoints, until the server has stopped under them.
  Rounds load_and_stop() {
    clients_.emplace_back([this] { listen(); });
    run_clients();
    checkpoint_until([this] { return enough() && events_ > 0; });
    ending_ = true;
    const auto left = node_->stop();
    EXPECT_TRUE(left) << left.error().detail;
    return rounds();
  }

  // Runs clients, with checkpoints, until they have had enough; then the server goes without a
  // stop.
  Rounds load_and_drop() {
    run_clients();
    checkpoint_until([this] { return enough(); });
    leaving_ = true;
    clients_.clear();
    node_.reset();
    return rounds();
  }

  Client client() const { return {{.host = "127.0.0.1", .port = port_}, ""}; }
  Node& node() { return *node_; }

 private:
  struct Progress {
    std::atomic<std::int64_t> sent = 0, acknowledged = 0;
  };

  void run_clients() {
    for (std::size_t r = 0; r < kReporters; ++r)
      clients_.emplace_back([this, r] { report(r, progress_[r]); });
    for (const int device : {0, 1}) clients_.emplace_back([this, device] { start(device); });
    for (const std::size_t first : {0, 1}) clients_.emplace_back([this, first] { read(first); });
  }

  template <typename Condition>
  void checkpoint_until(Condition condition) {
    while (!condition() && !::testing::Test::HasFailure()) {
      auto done = node_->checkpoint();
      EXPECT_TRUE(done) << done.error().detail;
    }
  }

  bool enough() const {
    return std::ranges::all_of(progress_,
                               [](const Progress& p) { return p.acknowledged >= kRounds; });
  }

  Rounds rounds() {
    clients_.clear();
    Rounds all;
    for (const Progress& p : progress_) all.emplace_back(p.acknowledged, p.sent);
    return all;
  }

  // True if the client is to go on: an answer that is missing or a refusal ends it, and is right
  // only when the server is ending.
  bool goes_on(const Result<HttpAnswer>& answer, unsigned wanted) {
    if (answer && answer->status == wanted) return !leaving_;
    EXPECT_TRUE(ending_) << (answer ? describe_problem(*answer) : answer.error().detail);
    return false;
  }

  void report(std::size_t reporter, Progress& progress) {
    Client client = this->client();
    for (std::int64_t round = 1;; ++round) {
      progress.sent = round;
      const auto answer = client.send({.method = "POST",
                                       .target = "/v1/reports",
                                       .content_type = "application/json",
                                       .body = batch(reporter, round)});
      if (answer && answer->status == 204) progress.acknowledged = round;
      if (!goes_on(answer, 204)) return;
    }
  }

  // Starts views that end the former one of their device, ends some, and acts on their titles.
  void start(int number_of_device) {
    Client client = this->client();
    const std::string device = "d" + number(number_of_device), profile = "s" + device;
    for (int round = 0; round < kStarts; ++round) {
      const std::string account = "/v1/accounts/a" + number(round % int{kAccounts});
      const std::string view = account + "/views/" + device + "-" + number(round);
      const std::string at = now_text();
      if (!goes_on(
              client.send({.method = "PUT",
                           .target = view,
                           .content_type = "application/json",
                           .body = R"({"profile":")" + profile + R"(","title":"film","device":")" +
                                   device + R"(","state":"playing","at":")" + at + R"("})"}),
              201))
        return;
      if (!goes_on(
              client.send({.method = "PATCH",
                           .target = account + "/profiles/" + profile + "/progress",
                           .content_type = "application/json",
                           .body = R"([{"title":"film","at":")" + at + R"(","hidden":true}])"}),
              204))
        return;
      if (round % 3 == 0 &&
          !goes_on(client.send({.method = "POST", .target = view + "/terminate"}), 204))
        return;
      if (round % 10 == 9 &&
          !goes_on(client.send({.method = "DELETE",
                                .target = account + "/profiles/" + profile + "/history"}),
                   204))
        return;
    }
  }

  void read(std::size_t number_of_reader) {
    Client client = this->client();
    for (std::size_t round = number_of_reader;; ++round) {
      const Watched view = watched(round % kReporters, round % kViews);
      const std::string account = "/v1/accounts/" + view.account;
      const std::string profile = account + "/profiles/" + view.profile;
      for (const std::string& target :
           {account + "/viewers", account + "/profiles", profile + "/progress",
            profile + "/continue-watching", profile + "/history", std::string("/v1/cluster"),
            std::string("/metrics"), std::string("/readyz")})
        if (!goes_on(client.send({.target = target}), 200)) return;
    }
  }

  // Counts the events of the viewers of one account until the server ends the stream.
  void listen() {
    boost::asio::io_context context;
    tcp::socket socket(context);
    socket.connect({boost::asio::ip::make_address("127.0.0.1"), port_});
    const std::string_view request =
        "GET /v1/accounts/a0/viewers/stream HTTP/1.1\r\nHost: localhost\r\n\r\n";
    boost::asio::write(socket, boost::asio::buffer(request.data(), request.size()));
    std::array<char, 4096> part{};
    std::string text;
    for (boost::system::error_code error; !error;) {
      text.append(part.data(), socket.read_some(boost::asio::buffer(part), error));
      if (text.find("event: view\n") != std::string::npos) events_ = 1;
    }
    EXPECT_TRUE(ending_) << text;
    EXPECT_TRUE(text.starts_with("HTTP/1.1 200")) << text;
    EXPECT_NE(text.find("event: snapshot\n"), std::string::npos) << text;
  }

  std::unique_ptr<Node> node_;
  std::uint16_t port_ = 0;             // the clients' own, for the node may go before them
  std::atomic<bool> ending_ = false;   // whatever clients are answered now is right
  std::atomic<bool> leaving_ = false;  // clients end with their next answer
  std::atomic<int> events_ = 0;        // 1 once a view's has come
  std::array<Progress, kReporters> progress_;
  std::vector<std::jthread> clients_;  // last, for they use the rest
};

// Every view is where its reporter last saw it acknowledged, or where it was sent to after that.
void expect_all_of_it(Home& home, const Home::Rounds& rounds) {
  Client client = home.client();
  for (std::size_t r = 0; r < rounds.size(); ++r)
    for (std::size_t i = 0; i < kViews; ++i) {
      const Watched view = watched(r, i);
      for (const std::string& rest :
           {"/views/" + view.view, "/profiles/" + view.profile + "/progress/" + view.title}) {
        const auto answer = client.send({.target = "/v1/accounts/" + view.account + rest});
        ASSERT_TRUE(answer) << answer.error().detail;
        const auto playhead = playhead_of(answer->body);
        ASSERT_TRUE(playhead) << rest << ": " << answer->body;
        EXPECT_GE(*playhead, rounds[r].first * kStepMs) << rest;
        EXPECT_LE(*playhead, rounds[r].second * kStepMs) << rest;
      }
    }
}

TEST(Node, KeepsWhatItAcknowledgedWhenItStopsUnderLoad) {
  const TestDirectory directory;
  const auto rounds = Home(directory.root().string(), kThreads).load_and_stop();
  Home again(directory.root().string(), kThreads);
  expect_all_of_it(again, rounds);
  EXPECT_TRUE(again.node().stop());
}

// On another number of threads, which each read the journal while the listener answers.
TEST(Node, ReadsBackWhatItAcknowledgedWhenItEndedWithoutAStop) {
  const TestDirectory directory;
  const auto rounds = Home(directory.root().string(), kThreads).load_and_drop();
  Home again(directory.root().string(), kThreads - 1);
  expect_all_of_it(again, rounds);
  EXPECT_TRUE(again.node().stop());
}

}  // namespace
}  // namespace playhead
