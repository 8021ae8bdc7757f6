// The contract that every store passes, and what is Cassandra's own: registers that merge there,
// clocks that differ, history over the years, tables that are not there. Needs a ring:
// tools/cassandra.
#include "store/cassandra/cassandra_store.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "runtime/threads.h"
#include "store/cassandra/registers_test_kit.h"
#include "store/cassandra/ring_test_kit.h"
#include "store/cassandra/writes.h"
#include "store/store_contract.h"

namespace playhead {
namespace {

INSTANTIATE_TYPED_TEST_SUITE_P(Cassandra, StoreContract, CassandraHarness);

const AccountRef kAccount{"_", "a1"};
const ProfileRef kProfile{"_", "a1", "p1"};

std::vector<Change> changes_of(const ViewSpec& spec, bool first = true) {
  std::vector<Change> changes;
  changes.push_back(ViewChange{.view = make_view(spec), .first = first});
  return changes;
}

// A clock that stands where it is put.
class SetClock final : public Clock {
 public:
  explicit SetClock(std::int64_t now_ms) : now_ms_(now_ms) {}
  Instant now() const override { return {now_ms_}; }
  Millis monotonic_ms() const override { return 0; }

 private:
  std::int64_t now_ms_;
};

// One keyspace for the tests that look at rows of their own.
class CassandraStoreTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { keyspace_ = std::make_unique<TestKeyspace>(); }
  static void TearDownTestSuite() { keyspace_.reset(); }

  static std::unique_ptr<CassandraStore> open(const Clock& clock, Millis settle_delay_ms = 0) {
    CassandraStoreOptions options = keyspace_->options();
    options.settle_delay_ms = settle_delay_ms;
    return value_of(CassandraStore::open(options, clock));
  }
  static void run_cql(const std::string& text) {
    const auto session = value_of(CqlSession::open(ring_options(keyspace_->name())));
    value_of(run_to_end(session->query(text, 60'000)));
  }

  static std::unique_ptr<TestKeyspace> keyspace_;
  SystemClock clock_;
};
std::unique_ptr<TestKeyspace> CassandraStoreTest::keyspace_;

// A heartbeat's checkpoint is one row: history keeps what was last written whole.
TEST_F(CassandraStoreTest, WritesThePositionOfAViewIntoItsRowAlone) {
  const auto store = open(clock_);
  ViewSpec spec{.view = "moving", .account = "position", .playhead = 1'000};
  value_of(run_to_end(store->write(changes_of(spec))));
  spec.playhead = 2'000;
  std::vector<Change> changes = changes_of(spec, false);
  std::get<ViewChange>(changes[0]).position_only = true;
  value_of(run_to_end(store->write(std::move(changes))));
  const auto view = value_of(run_to_end(store->view({"_", "position"}, "moving")));
  EXPECT_EQ(view.value().view.playhead, 2'000);
  const auto rows =
      value_of(run_to_end(store->history({"_", "position", "p1"}, std::nullopt, 10))).views;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].view.playhead, 1'000);
}

// Goal: Cassandra's own merge of cells is TitleState::merge.
// Method: random deltas, full of ties, go to one title through two stores, all at once and some of
// them twice. What is then read must be their merge.
TEST_F(CassandraStoreTest, MergesDeltasThatComeAtOnceAsTitlesDo) {
  const std::vector<std::shared_ptr<CassandraStore>> stores = {open(clock_), open(clock_)};
  int count = 0;
  int deltas_written = 0;
  const bool held = rc::check([&] {
    const std::string title = "t" + std::to_string(++count);
    auto deltas = *rc::gen::container<std::vector<TitleState>>(gen_title_state());
    if (!deltas.empty()) deltas.push_back(deltas.front());
    TitleState expected;
    boost::asio::io_context context;
    std::size_t written = 0;
    for (std::size_t i = 0; i < deltas.size(); ++i) {
      expected.merge(deltas[i]);
      std::vector<Change> changes;
      changes.push_back(TitleChange{.profile = kProfile, .title = title, .delta = deltas[i]});
      boost::asio::co_spawn(
          context, stores[i % 2]->write(std::move(changes)),
          [&](std::exception_ptr, const Result<void>& result) { written += result.has_value(); });
    }
    context.run();
    RC_ASSERT(written == deltas.size());
    deltas_written += static_cast<int>(written);
    const auto read = value_of(run_to_end(stores[0]->titles(kProfile, {title})));
    RC_ASSERT(read.at(0).has_value() == !deltas.empty());
    if (read[0]) RC_ASSERT(*read[0] == expected);
  });
  EXPECT_TRUE(held);
  EXPECT_GT(deltas_written, 500) << "or this shows little";
}

TEST_F(CassandraStoreTest, MergesDeltasOfOneWriteAsTitlesDo) {
  const auto store = open(clock_);
  int count = 0;
  const bool held = rc::check([&] {
    const std::string title = "one-write-" + std::to_string(++count);
    const auto deltas =
        *rc::gen::nonEmpty(rc::gen::container<std::vector<TitleState>>(gen_title_state()));
    TitleState expected;
    std::vector<Change> changes;
    for (const TitleState& delta : deltas) {
      expected.merge(delta);
      changes.push_back(TitleChange{.profile = kProfile, .title = title, .delta = delta});
    }
    value_of(run_to_end(store->write(std::move(changes))));
    const auto read = value_of(run_to_end(store->titles(kProfile, {title})));
    RC_ASSERT(read.at(0).has_value());
    RC_ASSERT(*read[0] == expected);
  });
  EXPECT_TRUE(held);
}

TEST_F(CassandraStoreTest, ReplacesWhatItHasReadWhateverTheFormerWritersClockSaid) {
  const AccountRef account{"_", "clocks"};
  const SetClock fast(2'000'000'000'000), slow(1'700'000'000'000);
  const auto former = open(fast), latter = open(slow);
  const ViewSpec spec{.view = "v1", .account = "clocks", .playhead = 1'000};
  value_of(run_to_end(former->write(changes_of(spec))));
  ASSERT_EQ(value_of(run_to_end(latter->active_views(account))).size(), 1u);
  value_of(run_to_end(latter->write(
      changes_of({.view = "v1", .account = "clocks", .playhead = 2'000, .active = false}, false))));
  const auto view = value_of(run_to_end(former->view(account, "v1")));
  ASSERT_TRUE(view);
  EXPECT_EQ(view->view.playhead, 2'000);
  EXPECT_TRUE(value_of(run_to_end(former->active_views(account))).empty());
  const auto rows = value_of(run_to_end(former->history({"_", "clocks", "p1"}, {}, 10)));
  ASSERT_EQ(rows.views.size(), 1u);
  EXPECT_EQ(rows.views[0].view.playhead, 2'000);
}

TEST(WriteClock, IsAlwaysLaterThanWhatItGaveAndWasShown) {
  const SetClock clock(1'000);
  WriteClock write_clock(clock);
  EXPECT_EQ(write_clock.next_us(), 1'000'000);
  EXPECT_EQ(write_clock.next_us(), 1'000'001);
  write_clock.observe(5);
  EXPECT_EQ(write_clock.next_us(), 1'000'002);
  write_clock.observe(7'000'000);
  EXPECT_EQ(write_clock.next_us(), 7'000'001);
}

TEST_F(CassandraStoreTest, PagesThroughTheYearsOfHistory) {
  const auto store = open(clock_);
  const ProfileRef profile{"_", "years", "p1"};
  constexpr std::int64_t kYearMs = 31'556'952'000;
  std::vector<std::string> expected;
  for (int i = 0; i < 24; ++i) {
    // Two in each half of a year, from 1967 on; the later ones come first.
    const std::string name = "v" + std::to_string(100 + i);
    value_of(run_to_end(store->write(
        changes_of({.view = name, .account = "years", .start_ms = (i / 2 - 6) * kYearMs / 2}))));
  }
  for (int i = 22; i >= 0; i -= 2) {
    expected.push_back("v" + std::to_string(100 + i));
    expected.push_back("v" + std::to_string(101 + i));
  }
  for (const std::size_t rows_max : {1u, 3u, 5u, 24u, 100u}) {
    SCOPED_TRACE(rows_max);
    std::vector<std::string> paged;
    std::optional<HistoryKey> after;
    for (bool more = true; more;) {
      const auto page = value_of(run_to_end(store->history(profile, after, rows_max)));
      for (const StoredView& view : page.views) paged.emplace_back(view.ids.get().view);
      more = page.more;
      if (page.views.empty()) break;
      after = HistoryKey{page.views.back().keyed_start, paged.back()};
    }
    EXPECT_EQ(paged, expected);
  }
}

TEST(HistoryYear, IsTheYearOfTheStartAndNeverRunsOver) {
  EXPECT_EQ(history_year(Instant{0}), 1970);
  EXPECT_EQ(history_year(Instant{-1}), 1969);
  EXPECT_EQ(history_year(Instant{1'700'000'000'000}), 2023);
  EXPECT_GT(history_year(Instant{std::numeric_limits<std::int64_t>::max()}), 30'000);
  EXPECT_LT(history_year(kNever), -26'000);
}

Result<void> erase(CassandraStore& store, EraseChange change) {
  std::vector<Change> changes;
  changes.push_back(std::move(change));
  return run_to_end(store.write(std::move(changes)));
}

Result<void> merge(CassandraStore& store, const ProfileRef& profile, const TitleState& delta) {
  std::vector<Change> changes;
  changes.push_back(TitleChange{.profile = profile, .title = "t1", .delta = delta});
  return run_to_end(store.write(std::move(changes)));
}

TEST_F(CassandraStoreTest, ErasesTitlesOfAProfileThatHasNoView) {
  const auto store = open(clock_);
  const ProfileRef profile{"_", "marks-only", "p1"};
  value_of(merge(*store, profile, title_at(1'000, 5'000)));
  value_of(erase(*store, {.account = {"_", "marks-only"}, .through = Instant{2'000}}));
  EXPECT_TRUE(value_of(run_to_end(store->all_titles(profile, 10))).empty());
  const auto session = value_of(CqlSession::open(ring_options(keyspace_->name())));
  const auto rows = value_of(run_to_end(session->query(
      "SELECT title FROM progress WHERE tenant = '_' AND account = 'marks-only'", 60'000)));
  EXPECT_EQ(rows.size(), 0u) << "not only out of sight";
}

TEST_F(CassandraStoreTest, DoesNotWriteWhatIsToldLateOfBeforeAnErasure) {
  const auto store = open(clock_);
  const ProfileRef profile{"_", "told-late", "p1"};
  value_of(erase(*store, {.account = {"_", "told-late"}, .through = Instant{2'000}}));
  const auto told = [&](Millis at_ms) {
    std::vector<Change> changes;
    changes.push_back(TitleChange{
        .profile = profile, .title = "t1", .delta = title_at(at_ms, 5'000), .unless_erased = true});
    value_of(run_to_end(store->write(std::move(changes))));
    return value_of(run_to_end(store->titles(profile, {"t1"}))).at(0).has_value();
  };
  EXPECT_FALSE(told(2'000));
  EXPECT_TRUE(told(2'001));
}

// Registers carry times of their own: what is written after an erasure may be older than that.
TEST_F(CassandraStoreTest, KeepsWhateverIsWrittenAfterAnErasureAndErasesItWithTheNext) {
  const auto store = open(clock_);
  for (const std::string& erased : {std::string("p1"), std::string()}) {
    const ProfileRef profile{"_", "again" + erased, "p1"};
    const EraseChange erasure{.account = {"_", profile.account},
                              .profile = erased,
                              .through = Instant{1'700'000'000'000}};
    TitleState delta = title_at(1'000, 5'000);
    delta.played_max = 60'000;
    for (int round = 0; round < 3; ++round) {
      value_of(merge(*store, profile, delta));
      const auto kept = value_of(run_to_end(store->titles(profile, {"t1"})));
      ASSERT_TRUE(kept.at(0)) << "round " << round;
      EXPECT_EQ(*kept[0], delta);
      value_of(erase(*store, erasure));
      EXPECT_FALSE(value_of(run_to_end(store->titles(profile, {"t1"}))).at(0));
    }
  }
}

TEST_F(CassandraStoreTest, ErasesHistoryOfAllItsYears) {
  const auto store = open(clock_);
  const ProfileRef profile{"_", "old", "p1"};
  constexpr std::int64_t kYearMs = 31'556'952'000;
  for (int i = 0; i < 5; ++i)
    value_of(run_to_end(store->write(
        changes_of({.view = "v" + std::to_string(i), .account = "old", .start_ms = i * kYearMs}))));
  value_of(erase(*store, {.account = {"_", "old"}, .profile = "p1", .through = Instant{1}}));
  // Its years are listed again by a new view; nothing else may come back with them.
  value_of(run_to_end(
      store->write(changes_of({.view = "new", .account = "old", .start_ms = 2 * kYearMs}))));
  const auto rows = value_of(run_to_end(store->history(profile, {}, 10)));
  ASSERT_EQ(rows.views.size(), 1u);
  EXPECT_EQ(rows.views[0].ids.get().view, "new");
}

// Sets are on their way side by side: the last call's word stands, whichever arrives last.
TEST_F(CassandraStoreTest, KeepsTheOrderOfSetsThatAreWrittenSideBySide) {
  constexpr int kSets = 200;
  const auto store = open(clock_);
  boost::asio::io_context context;
  int written = 0;
  for (int i = 1; i <= kSets; ++i)
    boost::asio::co_spawn(
        context,
        store->write(changes_of(
            {.view = "v1", .account = "side-by-side", .playhead = i * 1'000, .active = true})),
        [&](std::exception_ptr, const Result<void>& result) { written += result.has_value(); });
  context.run();
  EXPECT_EQ(written, kSets);
  const auto found = value_of(run_to_end(store->active_views({"_", "side-by-side"})));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].view.playhead, kSets * 1'000);
}

TEST_F(CassandraStoreTest, TakesAnActiveRowThatCameBackForAHintOnly) {
  const auto store = open(clock_);
  value_of(
      run_to_end(store->write(changes_of({.view = "v1", .account = "hints", .active = false}))));
  run_cql("INSERT INTO active (tenant, account, view_id) VALUES ('_', 'hints', 'v1')");
  run_cql("INSERT INTO active (tenant, account, view_id) VALUES ('_', 'hints', 'never')");
  EXPECT_TRUE(value_of(run_to_end(store->active_views({"_", "hints"}))).empty());
}

TEST_F(CassandraStoreTest, ReadsMoreActiveViewsThanOneQuestionNames) {
  const auto store = open(clock_);
  std::vector<Change> changes;
  for (int i = 0; i < 230; ++i)
    changes.push_back(ViewChange{
        .view = make_view({.view = "v" + std::to_string(i), .account = "many"}), .first = true});
  value_of(run_to_end(store->write(std::move(changes))));
  EXPECT_EQ(value_of(run_to_end(store->active_views({"_", "many"}))).size(), 230u);
}

TEST_F(CassandraStoreTest, SettlesOnlyWhenWhatWasWrittenIsOldEnough) {
  constexpr Millis kDelayMs = 80;
  const auto store = open(clock_, kDelayMs);
  const Millis before_ms = clock_.monotonic_ms();
  value_of(run_to_end(store->settle()));
  value_of(run_to_end(store->write(changes_of({.view = "v1", .account = "settles"}))));
  value_of(run_to_end(store->settle()));
  EXPECT_GE(clock_.monotonic_ms() - before_ms, kDelayMs);
}

TEST_F(CassandraStoreTest, SaysCorruptForARowThatCannotBeDecoded) {
  const auto store = open(clock_);
  run_cql("INSERT INTO views (tenant, account, view_id, record) VALUES ('_', 'bad', 'v1', 0xffff)");
  run_cql(
      "INSERT INTO progress (tenant, account, profile, generation, title, watched) "
      "VALUES ('_', 'bad', 'p1', 0, 't1', 0x01)");
  const auto view = run_to_end(store->view({"_", "bad"}, "v1"));
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().code, Errc::kCorrupt);
  const auto titles = run_to_end(store->titles({"_", "bad", "p1"}, {"t1"}));
  ASSERT_FALSE(titles);
  EXPECT_EQ(titles.error().code, Errc::kCorrupt);
}

TEST_F(CassandraStoreTest, ResumesATaskOnTheExecutorItWasAwaitedFrom) {
  const auto store = open(clock_);
  Threads threads(2);
  threads.run();
  std::atomic<int> right = 0;
  std::vector<std::future<void>> done;
  const auto ask = [](Store* asked, std::size_t index, std::atomic<int>* matches) -> Task<> {
    const std::string view = "v" + std::to_string(index);
    const std::thread::id mine = std::this_thread::get_id();
    for (int i = 0; i < 50; ++i) {
      (void)co_await asked->write(changes_of({.view = view, .account = "executors"}));
      *matches += std::this_thread::get_id() == mine;
      (void)co_await asked->view({"_", "executors"}, view);
      *matches += std::this_thread::get_id() == mine;
    }
  };
  for (std::size_t i = 0; i < 2; ++i)
    done.push_back(boost::asio::co_spawn(threads.executor(i), ask(store.get(), i, &right),
                                         boost::asio::use_future));
  for (auto& each : done) each.get();
  EXPECT_EQ(right, 200);
  threads.stop();
  threads.join();
}

TEST_F(CassandraStoreTest, FailsAWriteThatIsNotAnsweredInTime) {
  CassandraStoreOptions options = keyspace_->options();
  options.cql.call_timeout_ms = 200;
  const auto store = value_of(CassandraStore::open(options, clock_));
  const FrozenNode frozen;
  const auto written = run_to_end(store->write(changes_of({.view = "v1", .account = "frozen"})));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code, Errc::kUnavailable);
  EXPECT_FALSE(run_to_end(store->view({"_", "frozen"}, "v1")));
}

TEST(CassandraSchema, IsSafeToApplyAgain) {
  const SystemClock clock;
  const TestKeyspace keyspace;
  const auto store = value_of(CassandraStore::open(keyspace.options(), clock));
  value_of(run_to_end(store->write(changes_of({.view = "v1"}))));
  const auto session = value_of(CqlSession::open(ring_options()));
  value_of(run_to_end(apply_schema(*session, {.keyspace = keyspace.name(), .replication = 1})));
  EXPECT_TRUE(value_of(run_to_end(store->view(kAccount, "v1"))));
}

TEST(CassandraSchema, IsLookedForWhenAStoreOpens) {
  const SystemClock clock;
  const TestKeyspace keyspace;
  const auto session = value_of(CqlSession::open(ring_options(keyspace.name())));
  value_of(run_to_end(
      session->query("UPDATE meta SET format = 99 WHERE name = 'schema' IF EXISTS", 60'000)));
  const auto newer = CassandraStore::open(keyspace.options(), clock);
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, Errc::kCorrupt);
  EXPECT_NE(newer.error().detail.find("newer playhead"), std::string::npos);
  value_of(run_to_end(session->query("DROP TABLE meta", 60'000)));
  const auto without = CassandraStore::open(keyspace.options(), clock);
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code, Errc::kCorrupt);
  EXPECT_NE(without.error().detail.find("playhead schema apply"), std::string::npos);
}

TEST(CassandraSchema, RefusesAKeyspaceThatIsNoName) {
  for (const std::string& name : {std::string(), std::string("Upper"), std::string("1st"),
                                  std::string("a b"), std::string(49, 'a')})
    EXPECT_FALSE(schema_text({.keyspace = name})) << name;
  EXPECT_FALSE(schema_text({.replication = 0}));
  const auto text = schema_text({.keyspace = "mine", .replication = 2});
  ASSERT_TRUE(text);
  EXPECT_EQ(text->find('@'), std::string::npos);
  EXPECT_NE(text->find("CREATE TABLE IF NOT EXISTS mine.views"), std::string::npos);
  EXPECT_NE(text->find("'replication_factor': 2"), std::string::npos);
}

// What `ask` gives, asked again while it is an error: calls may be on their way to a node that is
// gone.
template <typename Ask>
auto persistently(const Ask& ask) {
  constexpr int kAttemptsMax = 20;
  auto result = ask();
  for (int i = 1; i < kAttemptsMax && !result; ++i) result = ask();
  return value_of(std::move(result));
}

// Goal: a node that hangs holds nobody up.
// Method: with one of three frozen, and a deadline far away, every write is acknowledged.
TEST(CassandraRing, WritesAroundANodeThatDoesNotAnswer) {
  const std::vector<::pid_t> pids = ring_pids();
  ASSERT_EQ(pids.size(), 3u);
  const SystemClock clock;
  const TestKeyspace keyspace(3);
  CassandraStoreOptions options = keyspace.options();
  options.cql.call_timeout_ms = 600'000;
  options.cql.speculative_ms = 50;
  const auto store = value_of(CassandraStore::open(options, clock));
  const FrozenNode frozen(pids[1]);
  for (int i = 0; i < 60; ++i) {
    // Accounts of their own: each node is the first choice for some of them.
    const auto written = run_to_end(
        store->write(changes_of({.view = "v1", .account = "account-" + std::to_string(i)})));
    ASSERT_TRUE(written) << written.error().detail;
  }
}

// Goal: with three copies, what was acknowledged survives the loss of a node, and the store works
// on; with two nodes lost it refuses, rather than trust one copy. Method: writes before and after a
// SIGKILL, then all are read. Needs a ring of three, and leaves one node of it.
TEST(CassandraRing, LosesNothingWithANodeAndRefusesWithTwo) {
  const std::vector<::pid_t> pids = ring_pids();
  ASSERT_EQ(pids.size(), 3u);
  const SystemClock clock;
  const TestKeyspace keyspace(3);
  CassandraStoreOptions options = keyspace.options();
  options.cql.call_timeout_ms = 3'000;
  const auto store = value_of(CassandraStore::open(options, clock));
  constexpr int kViews = 100;
  const auto write = [&](int number) {
    std::vector<Change> changes =
        changes_of({.view = "v" + std::to_string(number), .start_ms = number, .playhead = number});
    changes.push_back(TitleChange{.profile = kProfile,
                                  .title = "t" + std::to_string(number),
                                  .delta = title_at(number, number)});
    return run_to_end(store->write(std::move(changes)));
  };
  for (int i = 0; i < kViews; ++i) persistently([&] { return write(i); });
  ::kill(pids[1], SIGKILL);
  for (int i = kViews; i < 2 * kViews; ++i) persistently([&] { return write(i); });
  for (int i = 0; i < 2 * kViews; ++i) {
    const auto view =
        persistently([&] { return run_to_end(store->view(kAccount, "v" + std::to_string(i))); });
    ASSERT_TRUE(view) << i;
    EXPECT_EQ(view->view.playhead, i);
  }
  const auto titles = persistently([&] { return run_to_end(store->all_titles(kProfile, 1'000)); });
  EXPECT_EQ(titles.size(), 200u);
  ::kill(pids[2], SIGKILL);
  const auto refused = write(2 * kViews);
  ASSERT_FALSE(refused) << "one copy is no quorum";
  EXPECT_EQ(refused.error().code, Errc::kUnavailable);
  EXPECT_FALSE(run_to_end(store->view(kAccount, "v0")));
}

}  // namespace
}  // namespace playhead
