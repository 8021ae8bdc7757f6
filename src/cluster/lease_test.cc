// The rules of a lease, one by one. sim/lease_sim_test.cc plays whole clusters of it.
#include "cluster/lease.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>

namespace playhead {
namespace {

constexpr LeaseOptions kUsual;

// The map's and the nodes' rows.
struct Rows {
  std::map<std::string, NodeRow> nodes;
  std::uint64_t next_seed = 1;
  std::shared_ptr<const SlotMap> map = std::make_shared<const SlotMap>();

  bool apply(const LeaseOrder& order) {
    if (const auto* change = std::get_if<ChangeMap>(&order.what)) {
      if (change->to->version() != map->version() + 1) return false;
      EXPECT_TRUE(check_successor(*map, *change->to));
      map = change->to;
      return true;
    }
    const auto& change = std::get<ChangeRow>(order.what);
    const auto row = nodes.find(change.to.node);
    if ((row == nodes.end() ? std::nullopt : std::optional(row->second)) != change.from)
      return false;
    nodes[change.to.node] = change.to;
    return true;
  }
  std::vector<NodeRow> all() const {
    std::vector<NodeRow> out;
    for (const auto& [name, row] : nodes) out.push_back(row);
    return out;
  }
};

// A node whose orders are carried out at once, but for those that `hold` takes.
struct Member {
  Rows& rows;
  Lease lease;
  std::vector<LeaseOrder> done;  // all that was ordered
  std::deque<LeaseOrder> held;
  std::function<bool(const LeaseOrder&)> hold = [](const LeaseOrder&) { return false; };

  Member(Rows& the_rows, const std::string& name)
      : rows(the_rows), lease({}, name, rows.next_seed++) {}

  void carry_out(Millis now_ms, std::vector<LeaseOrder> orders) {
    for (const LeaseOrder& order : orders) {
      done.push_back(order);
      if (hold(order))
        held.push_back(order);
      else
        answer(now_ms, order);
    }
  }
  void answer(Millis now_ms, const LeaseOrder& order) {
    const std::uint64_t ticket = order.ticket;
    if (std::holds_alternative<ReadMap>(order.what))
      carry_out(now_ms, lease.map_read(now_ms, ticket, rows.map));
    else if (std::holds_alternative<ReadRows>(order.what))
      carry_out(now_ms, lease.rows_read(now_ms, ticket, rows.all()));
    else if (std::holds_alternative<Flush>(order.what))
      carry_out(now_ms, lease.flushed(now_ms, ticket));
    else
      answer(now_ms, order, rows.apply(order) ? LeaseChange::kApplied : LeaseChange::kRefused);
  }
  void answer(Millis now_ms, const LeaseOrder& order, LeaseChange change) {
    carry_out(now_ms, lease.changed(now_ms, order.ticket, change));
  }
  void tick(Millis now_ms) { carry_out(now_ms, lease.tick(now_ms)); }
  LeaseOrder take_held() {
    LeaseOrder out = held.front();
    held.pop_front();
    return out;
  }
  std::size_t owned() const { return lease.answering().count(); }
};

template <typename What>
bool is(const LeaseOrder& order) {
  return std::holds_alternative<What>(order.what);
}

template <typename... Members>
void play(Millis from_ms, Millis to_ms, Members&... members) {
  for (Millis now_ms = from_ms; now_ms < to_ms; now_ms += 50) (members.tick(now_ms), ...);
}

TEST(Lease, IsRenewedEachSecondForThree) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  EXPECT_EQ(std::ranges::count_if(a.done, is<ChangeRow>), 10);
  EXPECT_EQ(a.lease.fresh_until_ms(), 19'000 + 3'000);
  EXPECT_EQ(a.owned(), kSlots);
  EXPECT_TRUE(a.lease.may_answer_fresh(7, 21'999));
  EXPECT_FALSE(a.lease.may_answer_fresh(7, 22'000));
}

TEST(Lease, CountsFromWhenTheRenewalWasSentNotFromItsAnswer) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  a.hold = is<ChangeRow>;
  play(20'000, 22'000, a);
  ASSERT_EQ(a.held.size(), 1u);
  EXPECT_EQ(a.lease.fresh_until_ms(), 22'000) << "what is under way counts for nothing";
  a.answer(22'000, a.take_held());
  EXPECT_EQ(a.lease.fresh_until_ms(), 23'000) << "sent at 20 s";
}

TEST(Lease, RunsOutWhileTheMachineSleeps) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  EXPECT_FALSE(a.lease.may_answer_fresh(7, 90'000)) << "before anything else happens";
}

// The lease guards freshness only: whom nobody has ended keeps his slots, and their epochs.
TEST(Lease, ThatRanOutIsRenewedUnderTheSameEpochIfNobodyTookOver) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  const std::uint64_t session = a.lease.session();
  EXPECT_FALSE(a.lease.may_answer_fresh(7, 90'000));
  a.tick(90'000);
  EXPECT_EQ(a.lease.session(), session);
  EXPECT_EQ(a.lease.map()->epoch_of(7), 1u);
  EXPECT_TRUE(a.lease.may_answer_fresh(7, 92'999));
}

TEST(Lease, IsTakenOverATenthAfterItsTimeFromTheReadOfAnUnchangedRenewal) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);  // and then only b lives on
  ASSERT_GT(a.owned(), 1'900u);
  ASSERT_GT(b.owned(), 1'900u);
  const NodeRow last = rows.nodes["a"];
  const std::uint64_t version = rows.map->version();
  Millis now_ms = 60'000;
  for (; !rows.nodes["a"].over; now_ms += 10) b.tick(now_ms);
  EXPECT_EQ(rows.nodes["a"].renewal, last.renewal);
  EXPECT_GT(now_ms, a.lease.fresh_until_ms());
  EXPECT_GE(now_ms, 59'000 + kUsual.take_after_ms);  // it was renewed, and read, from 59 s on
  EXPECT_LE(now_ms, 61'000 + kUsual.take_after_ms);
  play(now_ms, now_ms + 500, b);
  EXPECT_EQ(b.owned(), kSlots);
  EXPECT_EQ(rows.map->version(), version + 1) << "one change for all of its slots";
}

// Between the read that shows a renewal and the write that ends the session, it may be renewed.
TEST(Lease, IsNotTakenOverIfItIsRenewedInTheLastMoment) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  b.hold = [](const LeaseOrder& order) {
    const auto* change = std::get_if<ChangeRow>(&order.what);
    return change != nullptr && change->to.node == "a";
  };
  play(60'000, 65'000, b);
  ASSERT_EQ(b.held.size(), 1u);
  play(65'000, 65'100, a);
  ASSERT_TRUE(a.lease.may_answer_fresh(7, 65'100) || b.lease.may_answer_fresh(7, 65'100));
  b.answer(65'100, b.take_held());
  EXPECT_FALSE(rows.nodes["a"].over);
  play(65'100, 67'000, a, b);
  EXPECT_EQ((a.lease.answering() & b.lease.answering()).count(), 0u);
  EXPECT_EQ((a.lease.answering() | b.lease.answering()).count(), kSlots);
}

TEST(Lease, IsReadAtSerialAfterAnUncertainAnswerBeforeAnythingIsBelieved) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  a.hold = is<ChangeRow>;
  a.tick(20'000);
  const LeaseOrder renewal = a.take_held();
  ASSERT_TRUE(rows.apply(renewal));
  a.hold = is<ReadRows>;
  a.done.clear();
  a.answer(21'000, renewal, LeaseChange::kUncertain);
  EXPECT_TRUE(is<ReadRows>(a.done.at(0)));
  EXPECT_TRUE(std::ranges::none_of(a.done, is<ChangeRow>)) << "no other renewal before";
  EXPECT_EQ(a.lease.fresh_until_ms(), 22'000) << "not believed";
  a.hold = [](const LeaseOrder&) { return false; };
  a.answer(21'500, a.take_held());
  EXPECT_EQ(a.lease.fresh_until_ms(), 21'500 + 3'000) << "the next is sent once it is known";
}

TEST(Lease, CountsARenewalThatAReadConfirmsFromWhenItWasSent) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  a.hold = is<ChangeRow>;
  a.tick(20'000);
  const LeaseOrder renewal = a.take_held();
  ASSERT_TRUE(rows.apply(renewal));
  a.answer(21'000, renewal, LeaseChange::kUncertain);  // read at once; the next renewal is held
  EXPECT_EQ(a.lease.fresh_until_ms(), 20'000 + 3'000);
}

TEST(Lease, CountsARenewalThatLandsLateFromWhenThatOneWasSent) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  a.hold = is<ChangeRow>;
  a.tick(20'000);
  const LeaseOrder first = a.take_held();
  a.answer(21'000, first, LeaseChange::kUncertain);  // it is not there yet: another is sent
  ASSERT_EQ(a.held.size(), 1u);
  ASSERT_TRUE(rows.apply(first));
  a.answer(21'500, a.take_held());  // refused, and read
  EXPECT_EQ(a.lease.fresh_until_ms(), 20'000 + 3'000);
}

TEST(Lease, OwnsNothingByAMapWhoseFateIsUncertain) {
  Rows rows;
  Member a(rows, "a");
  a.hold = is<ChangeMap>;
  play(10'000, 14'000, a);
  ASSERT_EQ(a.held.size(), 1u);
  const LeaseOrder change = a.take_held();
  a.answer(14'000, change, LeaseChange::kUncertain);
  EXPECT_EQ(a.owned(), 0u);
  ASSERT_TRUE(rows.apply(change)) << "it lands late";
  a.answer(14'000, change, LeaseChange::kApplied);
  EXPECT_EQ(a.owned(), 0u) << "a second answer is none";
  play(14'000, 15'000, a);
  EXPECT_EQ(a.owned(), kSlots) << "it has been read";
}

TEST(Lease, AnswersForNothingThatItMayHaveGivenAway) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 20'000, a);
  a.hold = is<ChangeMap>;
  play(20'000, 30'000, a, b);  // a offers slots to b
  ASSERT_EQ(a.held.size(), 1u);
  const LeaseOrder offer = a.take_held();
  const SlotSet given = changed_slots(*rows.map, *std::get<ChangeMap>(offer.what).to);
  EXPECT_EQ(given.count(), kUsual.balance.gives_max);
  EXPECT_EQ(a.lease.answering() & given, SlotSet());
  a.answer(30'000, offer, LeaseChange::kUncertain);
  play(30'000, 32'000, a);
  EXPECT_EQ(a.lease.answering() & given, SlotSet())
      << "the map is as it was; the offer may land yet";
  ASSERT_TRUE(rows.apply(offer));
  b.tick(33'000);
  EXPECT_EQ(b.lease.answering(), given);
}

TEST(Lease, OffersAgainWhatWasRefused) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 20'000, a);
  a.hold = is<ChangeMap>;
  play(20'000, 30'000, a, b);
  const LeaseOrder offer = a.take_held();
  rows.map = std::make_shared<const SlotMap>(rows.map->with({}, {}));  // another was faster
  a.hold = [](const LeaseOrder&) { return false; };
  a.answer(30'000, offer);
  play(30'000, 30'500, a, b);
  EXPECT_GE(rows.map->slots_of(b.lease.session()).count(), kUsual.balance.gives_max);
}

TEST(Lease, ReadsTheMapBeforeTheRowsOrTakesABeginnersSlots) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  std::vector<std::size_t> reads;
  for (const LeaseOrder& order : a.done)
    if (is<ReadMap>(order) || is<ReadRows>(order)) reads.push_back(order.what.index());
  reads.erase(reads.begin());  // the first of all is of its own row
  for (std::size_t i = 0; i < reads.size(); ++i) EXPECT_EQ(reads[i], i % 2) << i;
}

TEST(Lease, OnlyJournalsWhenItsClockIsMoreThanHalfASecondOffItsPeers) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  a.carry_out(60'000, a.lease.clock_skew(60'000, -500));
  EXPECT_GT(a.owned(), 0u);
  a.hold = is<Flush>;
  a.carry_out(60'000, a.lease.clock_skew(60'000, -501));
  EXPECT_EQ(a.owned(), 0u) << "at once";
  a.hold = [](const LeaseOrder&) { return false; };
  a.answer(60'100, a.take_held());
  play(60'100, 62'000, a, b);
  EXPECT_EQ(b.owned(), kSlots) << "its slots go to whose clock is right";
  EXPECT_NE(a.lease.session(), 0u);
  a.carry_out(62'000, a.lease.clock_skew(62'000, 0));
  play(62'000, 160'000, a, b);
  EXPECT_GT(a.owned(), 1'900u) << "and come back";
}

std::size_t part_of(std::size_t left) {
  return std::min(left, std::max<std::size_t>(left / 8, kUsual.balance.gives_max));
}

// Some after the other, so that only few are without an owner at any moment, and not faster than
// their accounts can be read.
TEST(Lease, IsFlushedAndHandedOverInPartsByANodeThatLeaves) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  a.hold = is<Flush>;
  a.carry_out(60'000, a.lease.leave(60'000));
  EXPECT_EQ(a.lease.answering(), rows.map->slots_of(a.lease.session()) & ~a.lease.giving())
      << "for those whose turn is still to come";
  std::size_t left = kSlots - b.owned();
  Millis now_ms = 60'000;
  for (int parts = 1;; ++parts) {
    ASSERT_EQ(a.held.size(), 1u);
    ASSERT_LT(parts, 16);
    EXPECT_EQ(a.lease.giving().count(), part_of(left));
    EXPECT_EQ(rows.map->slots_of(a.lease.session()).count(), left) << "not before the flush";
    left -= a.lease.giving().count();
    a.answer(now_ms, a.take_held());
    if (left == 0) break;
    play(now_ms, now_ms + kUsual.leave_interval_ms - 100, a, b);
    EXPECT_TRUE(a.held.empty());
    now_ms += kUsual.leave_interval_ms;
    play(now_ms - 100, now_ms + 50, a, b);
  }
  a.tick(now_ms);
  EXPECT_TRUE(a.lease.has_left());
  EXPECT_TRUE(rows.nodes["a"].over);
  b.tick(now_ms + 1'000);
  EXPECT_EQ(b.owned(), kSlots) << "with its next look, without waiting for anything";
}

// Others have to read from it what has been stored.
TEST(Lease, IsHandedOverMoreSlowlyWhileTheStoreIsSlow) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  a.hold = is<Flush>;
  a.carry_out(60'000, a.lease.leave(60'000));
  Millis now_ms = 60'000;
  for (const Millis flush_ms : {900, 5'000}) {
    play(now_ms, now_ms + flush_ms, a, b);
    now_ms += flush_ms;
    ASSERT_EQ(a.held.size(), 1u);
    a.answer(now_ms, a.take_held());
    const Millis rest_ms = std::min(2 * flush_ms, kUsual.leave_rest_max_ms);
    play(now_ms, now_ms + rest_ms, a, b);
    EXPECT_TRUE(a.held.empty());
    now_ms += rest_ms;
    a.tick(now_ms);
  }
  EXPECT_EQ(a.held.size(), 1u);
}

// It has only so long, and what it has not given by then nobody answers for.
TEST(Lease, IsHandedOverInTimeHoweverSlowTheStoreIs) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  a.hold = is<Flush>;
  a.carry_out(60'000, a.lease.leave(60'000));
  Millis now_ms = 60'000, flush_ms = 0;
  for (; !a.lease.has_left() && now_ms < 120'000; now_ms += 50) {
    play(now_ms, now_ms + 50, a, b);
    flush_ms = a.held.empty() ? 0 : flush_ms + 50;
    if (flush_ms < 2'500) continue;
    flush_ms = 0;
    a.answer(now_ms, a.take_held());
  }
  EXPECT_LT(now_ms, 60'000 + 50'000);  // LeaseKeeperOptions::leave_max_ms
}

// A look that is under way may have read the map before it was changed.
TEST(Lease, IsLookedForOnceMoreIfTheNewsComeDuringALook) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 60'000, a);
  a.hold = is<ReadRows>;
  play(60'000, 61'100, a);
  ASSERT_EQ(a.held.size(), 1u);
  a.carry_out(61'100, a.lease.look(61'100));
  a.hold = [](const LeaseOrder&) { return false; };
  const auto maps = [&] { return std::ranges::count_if(a.done, is<ReadMap>); };
  const auto before = maps();
  a.answer(61'100, a.take_held());
  EXPECT_EQ(maps(), before + 1);
}

// Whoever takes over after a lease's end must find all of it in the store.
TEST(Lease, IsFlushedWholeWhenThoseWhoWereToTakeItAreGone) {
  Rows rows;
  Member a(rows, "a");
  {
    Member b(rows, "b");
    play(10'000, 60'000, a, b);
    a.hold = is<Flush>;
    a.carry_out(60'000, a.lease.leave(60'000));
    ASSERT_EQ(a.lease.giving().count(), part_of(a.owned() + a.lease.giving().count()));
  }
  play(60'000, 64'000, a);  // b is dead
  a.answer(64'000, a.take_held());
  play(64'000, 66'000, a);
  EXPECT_FALSE(a.lease.has_left());
  ASSERT_EQ(a.held.size(), 1u);
  EXPECT_EQ(a.lease.giving(), rows.map->slots_of(a.lease.session()));
  a.answer(66'000, a.take_held());
  play(66'000, 67'000, a);
  EXPECT_TRUE(a.lease.has_left());
}

// A store that was away for long needs some time until all have reached it again.
TEST(Lease, OfOthersIsNotTakenForOverJustAfterTheStoreWasAway) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  const std::uint64_t session = b.lease.session();
  ASSERT_NE(session, 0u);
  play(70'000, 79'900, a);
  EXPECT_FALSE(rows.nodes["b"].over) << "10 s it was";
  play(79'900, 85'000, a);
  EXPECT_TRUE(rows.nodes["b"].over);
}

// Others answer as fresh by the word of a row that is over in order.
TEST(Lease, IsNotOverInOrderWhileAnythingIsLeftBehind) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  a.lease.set_left_behind(true);
  a.carry_out(60'000, a.lease.leave(60'000));
  play(60'000, 85'000, a, b);
  EXPECT_EQ(b.owned(), kSlots);
  EXPECT_FALSE(a.lease.has_left());
  EXPECT_FALSE(rows.nodes["a"].over);
  a.lease.set_left_behind(false);
  play(85'000, 86'100, a, b);
  EXPECT_TRUE(a.lease.has_left());
  EXPECT_TRUE(rows.nodes["a"].over);
}

TEST(Lease, EndsWhenTheLastNodeLeaves) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  a.carry_out(20'000, a.lease.leave(20'000));
  play(20'000, 21'000, a);
  EXPECT_TRUE(a.lease.has_left());
  Member again(rows, "a");
  play(21'000, 24'000, again);
  EXPECT_EQ(again.owned(), kSlots) << "who left in order need not be waited for";
  EXPECT_EQ(again.lease.map()->epoch_of(7), 2u)
      << "one owner an epoch: another life, another epoch";
}

TEST(Lease, OfAProcessThatWasKilledIsWaitedForByItsSuccessorToo) {
  Rows rows;
  {
    Member a(rows, "a");
    play(10'000, 20'000, a);
  }
  Member again(rows, "a");
  play(50'000, 53'250, again);  // on a clock of its own
  EXPECT_EQ(again.lease.session(), 0u);
  play(53'300, 54'500, again);
  EXPECT_EQ(again.owned(), kSlots);
}

TEST(Lease, OfTwoProcessesOfOneNameIsHeldByTheFirst) {
  Rows rows;
  Member a(rows, "a");
  play(10'000, 20'000, a);
  Member twin(rows, "a");
  play(20'000, 60'000, a, twin);
  EXPECT_EQ(a.owned(), kSlots);
  EXPECT_EQ(twin.lease.session(), 0u);
}

TEST(Lease, IsNotEndedForAnOutageThatLetNobodyRenew) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  const std::uint64_t session = a.lease.session();
  b.tick(120'000);  // the rows are back, and b is first to see it
  b.tick(121'000);
  EXPECT_FALSE(rows.nodes["a"].over);
  play(121'000, 130'000, a, b);
  EXPECT_EQ(a.lease.session(), session);
}

TEST(Lease, IsGivenUpForGoodOnceItsRowSaysThatItIsOver) {
  Rows rows;
  Member a(rows, "a"), b(rows, "b");
  play(10'000, 60'000, a, b);
  const std::uint64_t session = a.lease.session();
  play(60'000, 70'000, b);
  a.tick(70'000);
  EXPECT_NE(a.lease.session(), session);
  EXPECT_EQ(a.lease.map()->slots_of(a.lease.session()).count(), 0u);
  EXPECT_EQ(b.owned(), kSlots);
}

}  // namespace
}  // namespace playhead
