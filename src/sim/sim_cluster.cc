// Slow, failing, lost, doubled, late.
#include "sim/sim_cluster.h"

namespace playhead::sim {
namespace {

std::unexpected<Error> gone() { return fail(Errc::kUnavailable, "the simulated inbox is away"); }

}  // namespace

Troubles::Troubles(Faults& faults, Prng& prng) : faults_(faults) {
  const auto set = [&](Trouble trouble, unsigned usual) {
    per_mille_[static_cast<std::size_t>(trouble)] =
        prng.chance(200) ? 0 : static_cast<unsigned>(1 + prng.below(2 * usual));
  };
  set(Trouble::kKill, 10);        // of a node's second, as are the next ones
  set(Trouble::kStaysAway, 300);  // of a kill
  set(Trouble::kNotedFirst, 300);
  set(Trouble::kPause, 8);
  set(Trouble::kCutOff, 8);
  set(Trouble::kHandOver, 5);  // of a look at a slot
  set(Trouble::kStoreAway, 5);
  set(Trouble::kSlowInbox, 40);
  set(Trouble::kFailedAppend, 30);
  set(Trouble::kFailedLate, 30);
  set(Trouble::kHalfAppended, 30);
  set(Trouble::kFailedInboxRead, 30);
  set(Trouble::kFailedRemove, 60);
  set(Trouble::kLostCall, 30);
  set(Trouble::kLostAnswer, 30);
  set(Trouble::kDoubledCall, 30);
  set(Trouble::kLateCall, 50);
  set(Trouble::kLateNews, 200);
}

bool Troubles::strikes(Trouble trouble) {
  const auto index = static_cast<std::size_t>(trouble);
  if (faults_.calm() || per_mille_[index] == 0 || !faults_.prng().chance(per_mille_[index]))
    return false;
  ++counts_[index];
  return true;
}

Task<> Pauses::pause(Millis takes) {
  auto event = std::make_shared<Event>();
  timeline_.in(takes, [weak = std::weak_ptr(event)] {
    if (const auto waiting = weak.lock(); waiting && !waiting->set()) waiting->signal();
  });
  co_await wait(std::move(event));
}

Task<> Pauses::wait(std::shared_ptr<Event> event) {
  if (!alive_) co_return;
  const auto place = waiting_.insert(waiting_.end(), event);
  co_await event->wait();
  waiting_.erase(place);
}

void Pauses::kill() {
  alive_ = false;
  for (const auto& event : waiting_)
    if (!event->set()) event->signal();
}

Millis SimInbox::delay() {
  if (troubles_.strikes(Trouble::kSlowInbox))
    return static_cast<Millis>(200 + troubles_.prng().below(8'000));
  return static_cast<Millis>(troubles_.prng().below(10));
}

// On its way from here on, whatever becomes of this node.
Task<Result<void>> SimInbox::append(std::vector<InboxRow> rows) {
  if (auto checked = check_inbox_rows(rows); !checked) co_return checked;
  if (!pauses_.alive()) co_return gone();
  std::size_t step = 1;
  bool fails = table_.away;
  if (fails || troubles_.strikes(Trouble::kFailedAppend)) {
    fails = true;
    rows.clear();
  } else if (troubles_.strikes(Trouble::kHalfAppended)) {
    fails = true;
    step = 2;
  } else if (troubles_.strikes(Trouble::kFailedLate)) {
    fails = true;
  }
  const auto land = [&table = table_, rows = std::move(rows), step] {
    for (std::size_t i = 0; i < rows.size(); i += step)
      table.rows.try_emplace(rows[i].key, rows[i].record);
  };
  if (troubles_.faults().calm()) {
    land();
  } else {
    const Millis there = delay();
    timeline_.in(there, land);
    co_await pauses_.pause(there + 1 + static_cast<Millis>(troubles_.prng().below(10)));
  }
  if (fails || !pauses_.alive()) co_return gone();
  co_return Result<void>{};
}

Task<Result<std::vector<InboxRow>>> SimInbox::read(std::uint16_t bucket,
                                                   std::optional<InboxKey> after,
                                                   std::size_t rows_max) {
  const auto rows_now = [&] {
    std::vector<InboxRow> out;
    auto place = after ? table_.rows.upper_bound(*after) : table_.rows.begin();
    for (; place != table_.rows.end() && out.size() < rows_max; ++place)
      if (inbox_bucket(place->first.slot) == bucket) out.push_back({place->first, place->second});
    return out;
  };
  if (!pauses_.alive()) co_return gone();
  // What is read is as old as the question or as new as the answer.
  auto before = rows_now();
  const bool fails = table_.away || troubles_.strikes(Trouble::kFailedInboxRead);
  if (!troubles_.faults().calm()) co_await pauses_.pause(delay());
  if (fails || !pauses_.alive()) co_return gone();
  if (troubles_.prng().chance(500)) co_return before;
  co_return rows_now();
}

Task<Result<void>> SimInbox::remove(std::vector<InboxKey> rows) {
  if (!pauses_.alive()) co_return gone();
  const bool fails = table_.away || troubles_.strikes(Trouble::kFailedRemove);
  if (fails && (table_.away || troubles_.prng().chance(500))) rows.clear();
  const auto land = [&table = table_, rows = std::move(rows)] {
    for (const InboxKey& key : rows) table.rows.erase(key);
  };
  if (troubles_.faults().calm()) {
    land();
  } else {
    const Millis there = delay();
    timeline_.in(there, land);
    co_await pauses_.pause(there + 1);
  }
  if (fails || !pauses_.alive()) co_return gone();
  co_return Result<void>{};
}

Millis SimPeers::delay() {
  if (troubles_.strikes(Trouble::kLateCall))
    return static_cast<Millis>(100 + troubles_.prng().below(5'000));
  return static_cast<Millis>(1 + troubles_.prng().below(10));
}

Task<Result<std::string>> SimPeers::ask(std::string address, PeerCall call, std::string bytes,
                                        Deadline until) {
  if (!pauses_.alive()) co_return gone();
  struct Waiting {
    std::shared_ptr<Event> event = std::make_shared<Event>();
    std::optional<Result<std::string>> answer;
  };
  auto waiting = std::make_shared<Waiting>();
  const auto end = [waiting] {
    if (!waiting->event->set()) waiting->event->signal();
  };
  const auto deliver = [this_wires = &wires_, timeline = &timeline_, troubles = &troubles_, waiting,
                        end, address, call, bytes] {
    const auto other = this_wires->find(address);
    if (other == this_wires->end()) return;
    other->second(call, bytes, [=](Result<std::string> answer) {
      if (troubles->strikes(Trouble::kLostAnswer)) return;
      const auto back = static_cast<Millis>(1 + troubles->prng().below(10));
      timeline->in(back, [waiting, end, answer = std::move(answer)]() mutable {
        if (!waiting->answer && !waiting->event->set()) waiting->answer = std::move(answer);
        end();
      });
    });
  };
  if (!troubles_.strikes(Trouble::kLostCall)) timeline_.in(delay(), deliver);
  if (troubles_.strikes(Trouble::kDoubledCall)) timeline_.in(delay(), deliver);
  timeline_.in(until.at_ms - timeline_.monotonic_ms(), end);
  co_await pauses_.wait(waiting->event);
  if (!pauses_.alive() || !waiting->answer)
    co_return fail(Errc::kUnavailable, "the simulated node does not answer");
  co_return *std::move(waiting->answer);
}

}  // namespace playhead::sim
