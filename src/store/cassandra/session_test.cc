// The boundary to the driver, against a real node: each call is answered once, whatever happens to
// the node, the session or the values. Needs a ring: tools/cassandra.
#include "store/cassandra/session.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/cassandra/ring_test_kit.h"

namespace playhead {
namespace {

// Counts answers, by call and by kind.
class Answers {
 public:
  explicit Answers(std::size_t calls) : times_(calls) {}

  CqlSession::Done done(std::size_t call) {
    return [this, call](Result<CqlRows> rows) {
      const std::scoped_lock lock(mutex_);
      ++times_[call];
      ++answered_;
      if (rows)
        ++good_;
      else
        errors_.push_back(std::move(rows.error()));
      changed_.notify_all();
    };
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return answered_ >= times_.size(); });
  }
  std::size_t answered() {
    const std::scoped_lock lock(mutex_);
    return answered_;
  }
  std::size_t good() {
    const std::scoped_lock lock(mutex_);
    return good_;
  }
  std::size_t errors(Errc code) {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count(errors_, code, &Error::code));
  }
  bool each_once() {
    const std::scoped_lock lock(mutex_);
    return std::ranges::all_of(times_, [](int times) { return times == 1; });
  }

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<int> times_;
  std::size_t answered_ = 0, good_ = 0;
  std::vector<Error> errors_;
};

class CqlBoundary : public testing::Test {
 protected:
  // A session with the two statements that the tests use.
  struct Open {
    std::unique_ptr<CqlSession> session;
    CqlStatement put, get;

    CqlBound putting(const std::string& key, std::int64_t timestamp_us = 1) const {
      return {put, CqlValues().text(key).blob("value of " + key).bigint(timestamp_us)};
    }
    CqlBound getting(const std::string& key) const { return {get, CqlValues().text(key)}; }
    void send(std::size_t calls, Answers& answers) const {
      for (std::size_t i = 0; i < calls; ++i)
        session->execute(putting("k" + std::to_string(i)), {}, answers.done(i));
    }
  };

  static void SetUpTestSuite() {
    keyspace_ = std::make_unique<TestKeyspace>();
    const auto session = value_of(CqlSession::open(usual()));
    value_of(run_to_end(session->query(
        "CREATE TABLE IF NOT EXISTS pairs (k text PRIMARY KEY, v blob, n int)", 60'000)));
    value_of(run_to_end(session->query(
        "CREATE TABLE IF NOT EXISTS lists (k text, c bigint, v text, PRIMARY KEY (k, c))",
        60'000)));
  }
  static void TearDownTestSuite() { keyspace_.reset(); }

  static CqlOptions usual() { return ring_options(keyspace_->name()); }
  static Open ready(const CqlOptions& options = usual()) {
    Open out{.session = value_of(CqlSession::open(options)), .put = {}, .get = {}};
    out.put =
        value_of(out.session->prepare("INSERT INTO pairs (k, v) VALUES (?, ?) USING TIMESTAMP ?"));
    out.get = value_of(out.session->prepare("SELECT v, WRITETIME(v), n FROM pairs WHERE k = ?"));
    return out;
  }

  static std::unique_ptr<TestKeyspace> keyspace_;
};
std::unique_ptr<TestKeyspace> CqlBoundary::keyspace_;

TEST_F(CqlBoundary, AnswersEveryCallOnce) {
  const Open cql = ready();
  constexpr std::size_t kCalls = 1'000;
  Answers answers(kCalls);
  cql.send(kCalls, answers);
  answers.wait();
  cql.session->close();
  EXPECT_TRUE(answers.each_once());
  EXPECT_EQ(answers.good(), kCalls);
}

TEST_F(CqlBoundary, ReadsWhatWasWrittenWithItsTimestampAndItsNulls) {
  const Open cql = ready();
  ASSERT_TRUE(run_to_end(cql.session->execute(cql.putting("types", 2'000))));
  ASSERT_TRUE(run_to_end(cql.session->execute(cql.putting("types", 1'000))));
  const auto rows = run_to_end(cql.session->execute(cql.getting("types")));
  ASSERT_TRUE(rows) << rows.error().detail;
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ(rows->blob(0, 0), "value of types");
  EXPECT_EQ(rows->bigint(0, 1), 2'000) << "the older write has lost";
  EXPECT_FALSE(rows->integer(0, 2)) << "it is null";
  EXPECT_FALSE(rows->text(0, 0)) << "it is no text";
  EXPECT_TRUE(rows->page().empty());
}

TEST_F(CqlBoundary, RefusesValuesThatDoNotFitTheirColumns) {
  const Open cql = ready();
  const std::vector<CqlValues> wrong = {
      CqlValues().text("k"),
      CqlValues().text("k").text("no blob").bigint(1),
      CqlValues().text("k").blob("v").integer(1),
      CqlValues().text("k").blob("v").bigint(1).bigint(2),
      CqlValues(),
  };
  Answers answers(wrong.size());
  for (std::size_t i = 0; i < wrong.size(); ++i)
    cql.session->execute({cql.put, wrong[i]}, {}, answers.done(i));
  answers.wait();
  cql.session->close();
  EXPECT_TRUE(answers.each_once());
  EXPECT_EQ(answers.errors(Errc::kInvalidArgument), wrong.size());
}

TEST_F(CqlBoundary, RefusesAStatementThatIsNone) {
  const Open cql = ready();
  const auto prepared = cql.session->prepare("SELECT nothing FROM nowhere");
  ASSERT_FALSE(prepared);
  EXPECT_EQ(prepared.error().code, Errc::kInvalidArgument);
  const auto queried = run_to_end(cql.session->query("SELECT nothing FROM nowhere", 5'000));
  ASSERT_FALSE(queried);
  EXPECT_EQ(queried.error().code, Errc::kInvalidArgument);
}

TEST_F(CqlBoundary, SaysSoWhereNobodyListens) {
  const auto session = CqlSession::open({.contacts = "127.0.0.1:1", .connect_timeout_ms = 2'000});
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, Errc::kUnavailable);
}

TEST_F(CqlBoundary, PagesThroughALongAnswer) {
  const Open cql = ready();
  const auto put = value_of(cql.session->prepare("INSERT INTO lists (k, c, v) VALUES (?, ?, ?)"));
  constexpr int kRows = 250;
  std::vector<CqlBatch> batches(1);
  for (int i = 0; i < kRows; ++i)
    batches[0].push_back({put, CqlValues().text("page").bigint(i).text("v" + std::to_string(i))});
  ASSERT_TRUE(run_to_end(cql.session->write_all(std::move(batches), 1)));
  const auto get =
      value_of(cql.session->prepare("SELECT c FROM lists WHERE k = ?", {.page_rows = 100}));
  std::string page;
  std::vector<std::int64_t> seen;
  int pages = 0;
  do {
    const auto rows =
        value_of(run_to_end(cql.session->execute({get, CqlValues().text("page")}, page)));
    for (std::size_t i = 0; i < rows.size(); ++i) seen.push_back(rows.bigint(i, 0).value_or(-1));
    page = rows.page();
    ++pages;
  } while (!page.empty());
  ASSERT_EQ(seen.size(), 250u);
  for (int i = 0; i < kRows; ++i) EXPECT_EQ(seen[static_cast<std::size_t>(i)], i);
  EXPECT_GE(pages, 3);
}

TEST_F(CqlBoundary, AppliesAConditionOnce) {
  const Open cql = ready();
  const auto put = value_of(cql.session->prepare(
      "INSERT INTO pairs (k, v) VALUES (?, ?) IF NOT EXISTS", {.idempotent = false}));
  const auto mine = CqlValues().text("lease").blob("mine");
  const auto yours = CqlValues().text("lease").blob("yours");
  const auto first = value_of(run_to_end(cql.session->execute({put, mine})));
  const auto second = value_of(run_to_end(cql.session->execute({put, yours})));
  ASSERT_EQ(first.size(), 1u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(first.boolean(0, 0), true);
  EXPECT_EQ(second.boolean(0, 0), false);
  const auto get = value_of(
      cql.session->prepare("SELECT v FROM pairs WHERE k = ?", {.consistency = CQL_SERIAL}));
  const auto read = value_of(run_to_end(cql.session->execute({get, CqlValues().text("lease")})));
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read.blob(0, 0), "mine");
}

TEST_F(CqlBoundary, SendsNoMoreAfterTheFirstErrorOfManyBatches) {
  const Open cql = ready();
  std::vector<CqlBatch> batches;
  batches.push_back({cql.putting("before")});
  batches.push_back({{cql.put, CqlValues().text("no blob")}});
  batches.push_back({cql.putting("after")});
  const auto written = run_to_end(cql.session->write_all(std::move(batches), 1));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kInvalidArgument);
  EXPECT_EQ(value_of(run_to_end(cql.session->execute(cql.getting("before")))).size(), 1u);
  EXPECT_EQ(value_of(run_to_end(cql.session->execute(cql.getting("after")))).size(), 0u);
  EXPECT_TRUE(run_to_end(cql.session->write_all({}, 4))) << "nothing to send is no error";
}

TEST_F(CqlBoundary, GivesUpAtTheDeadlineAndGoesOnAfterwards) {
  CqlOptions options = usual();
  options.call_timeout_ms = 200;
  const Open cql = ready(options);
  constexpr std::size_t kCalls = 20;
  Answers late(kCalls);
  {
    const FrozenNode frozen;
    cql.send(kCalls, late);
    late.wait();
  }
  EXPECT_EQ(late.errors(Errc::kUnavailable), kCalls);
  const Open patient = ready();
  Answers answers(kCalls);
  patient.send(kCalls, answers);
  answers.wait();
  EXPECT_EQ(answers.good(), kCalls);
  cql.session->close();
  EXPECT_TRUE(late.each_once());
}

TEST_F(CqlBoundary, RefusesACallBeyondTheLimitAtOnce) {
  CqlOptions options = usual();
  options.in_flight_max = 4;
  const Open cql = ready(options);
  Answers within(4), beyond(3);
  {
    const FrozenNode frozen;
    cql.send(4, within);
    EXPECT_EQ(cql.session->in_flight(), 4u);
    cql.send(3, beyond);
    EXPECT_EQ(beyond.answered(), 3u) << "on the caller's thread, before the call returns";
    EXPECT_EQ(within.answered(), 0u);
  }
  within.wait();
  EXPECT_EQ(within.good(), 4u);
  EXPECT_EQ(beyond.errors(Errc::kOverloaded), 3u);
  cql.session->close();
  EXPECT_TRUE(within.each_once());
  EXPECT_TRUE(beyond.each_once());
}

TEST_F(CqlBoundary, ClosesOnlyWhenCallsInFlightHaveBeenAnswered) {
  CqlOptions options = usual();
  options.drain_ms = 60'000;
  const Open cql = ready(options);
  constexpr std::size_t kCalls = 1'000;
  Answers answers(kCalls);
  cql.send(kCalls, answers);
  cql.session->close();
  EXPECT_EQ(answers.answered(), kCalls);
  EXPECT_EQ(answers.good(), kCalls);
  EXPECT_TRUE(answers.each_once());
}

TEST_F(CqlBoundary, CancelsAtACloseWhatIsNotAnsweredInTime) {
  CqlOptions options = usual();
  options.call_timeout_ms = 600'000;
  options.drain_ms = 20;
  const Open cql = ready(options);
  constexpr std::size_t kCalls = 200;
  Answers answers(kCalls), after(2);
  {
    const FrozenNode frozen;
    cql.send(kCalls, answers);
    cql.session->close();
    EXPECT_EQ(answers.answered(), kCalls) << "none is outstanding once it has returned";
    cql.send(2, after);
  }
  EXPECT_EQ(answers.errors(Errc::kUnavailable), kCalls);
  EXPECT_TRUE(answers.each_once());
  EXPECT_EQ(after.errors(Errc::kUnavailable), 2u);
  EXPECT_FALSE(cql.session->prepare("SELECT v FROM pairs WHERE k = ?"));
  cql.session->close();
  EXPECT_TRUE(after.each_once());
}

TEST_F(CqlBoundary, DoesNotCloseFromACallback) {
  const std::string contact = ring_contact();
  const cql_config config{.contacts = contact.c_str(),
                          .keyspace = nullptr,
                          .local_dc = nullptr,
                          .user = nullptr,
                          .password = nullptr,
                          .threads = 1,
                          .connect_timeout_ms = 60'000,
                          .speculative_ms = 0,
                          .in_flight_max = 10};
  char* error = nullptr;
  cql_session* session = cql_connect(&config, &error);
  ASSERT_NE(session, nullptr);
  struct Seen {
    cql_session* session;
    std::atomic<int> closed = -1;
  } seen{.session = session};
  const auto done = [](void* user, cql_result* result) {
    cql_result_free(result);
    auto& mine = *static_cast<Seen*>(user);
    mine.closed = cql_close(mine.session, 0);
    mine.closed.notify_all();
  };
  cql_query(session, "SELECT release_version FROM system.local", 10'000, done, &seen);
  seen.closed.wait(-1);
  EXPECT_EQ(seen.closed, 0) << "it would wait for itself";
  EXPECT_EQ(cql_close(session, 10'000), 1);
  EXPECT_EQ(cql_close(session, 0), 1) << "twice is harmless";
  cql_session_free(session);
}

// Asks until there is an answer: the driver looks for a lost node at growing intervals.
Task<Result<void>> answered(CqlSession* session, CqlBound bound) {
  constexpr int kAttemptsMax = 600;
  constexpr std::chrono::milliseconds kBetween(100);
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  Result<CqlRows> rows;
  for (int i = 0; i < kAttemptsMax; ++i) {
    rows = co_await session->execute(bound);
    if (rows) co_return Result<void>{};
    timer.expires_after(kBetween);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
  co_return std::unexpected(rows.error());
}

// Kills the ring's node and starts it again as another process: run alone and last.
TEST_F(CqlBoundary, AnswersEveryCallOnceWhenTheNodeIsKilledAndGoesOnWhenItIsBack) {
  const Open cql = ready();
  constexpr std::size_t kCalls = 500;
  Answers answers(kCalls), after(1);
  ::kill(ring_pid(), SIGSTOP);  // so that all are in flight
  cql.send(kCalls, answers);
  EXPECT_EQ(answers.answered(), 0u);
  ::kill(ring_pid(), SIGKILL);
  answers.wait();
  cql.send(1, after);
  after.wait();
  ASSERT_EQ(std::system(ring_says("PLAYHEAD_TEST_CASSANDRA_START").c_str()), 0);
  const auto back = run_to_end(answered(cql.session.get(), cql.getting("k0")));
  EXPECT_TRUE(back) << back.error().detail;
  cql.session->close();
  EXPECT_TRUE(answers.each_once());
  EXPECT_EQ(answers.errors(Errc::kUnavailable), kCalls);
  EXPECT_EQ(after.errors(Errc::kUnavailable), 1u);
}

}  // namespace
}  // namespace playhead
