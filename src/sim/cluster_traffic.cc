// Requests on their way through a cluster, and what is held against their answers.
#include "record/inbox.h"
#include "service/handed_slots.h"
#include "sim/cluster_world.h"

namespace playhead::sim {
namespace {

constexpr Millis kPassingMs = 1'000;
constexpr Millis kSurelyAliveMs = 26'000;   // of a start that nobody has ended
constexpr Millis kSurelyTimelyMs = 20'000;  // of a report that makes its view active
constexpr unsigned kLimit = 2;

std::string told_name(const ViewTold& told) { return told.account + "/" + told.view; }

AccountRef account_of(const ViewTold& told) { return {std::string(kTenant), told.account}; }

}  // namespace

// ---- Between the nodes --------------------------------------------------------------------------

// As the node's server answers other nodes.
SimHandler ClusterWorld::handler_of(Node& node) {
  Life* life = node.life.get();
  return [this, life](PeerCall call, std::string bytes, PeerAnswer answer) {
    ++outcome_.passed_on;
    if (call == PeerCall::kHttp) return acts_.at(bytes)(*life, std::move(answer));
    if (call == PeerCall::kHanded)
      return life->process->start(0, take_handed(life->process->shards(), std::move(bytes)),
                                  std::move(answer));
    const std::size_t here = prng_.below(life->process->shards().count());
    const bool parts = call == PeerCall::kParts;
    outcome_.parts_given += parts;
    life->process->start(here,
                         parts ? take_parts(life->process->shards(), std::move(bytes))
                               : life->process->service().take_passed_on(here, std::move(bytes)),
                         [answer = std::move(answer)](Result<std::string> taken) mutable {
                           answer(std::move(taken));
                         });
  };
}

// What a client asks of any node is done by the owner, or here if he is silent.
template <typename T>
Task<T> ClusterWorld::at_owner(Life& life, std::string account, std::function<Task<T>(Life&)> act,
                               std::shared_ptr<bool> passed_on) {
  PeerNode* owner = life.routing.whom_to_ask(slot_of(kTenant, account), timeline_.monotonic_ms());
  if (owner == nullptr) co_return co_await act(life);
  *passed_on = true;
  auto results = std::make_shared<std::deque<T>>();
  const std::string number = std::to_string(++acts_made_);
  acts_[number] = [results, act](Life& there, PeerAnswer answer) {
    there.process->start(0, act(there), [results, answer = std::move(answer)](T value) mutable {
      results->push_back(std::move(value));
      answer(std::to_string(results->size() - 1));
    });
  };
  const auto answered = co_await life.peers.ask(owner->peer_address, PeerCall::kHttp, number,
                                                Deadline::after(timeline_, kPassingMs));
  if (answered) co_return (*results)[std::stoull(*answered)];
  Routing::fell_silent(*owner, timeline_.monotonic_ms());
  co_return co_await act(life);
}

ClusterWorld::Node* ClusterWorld::any_running() {
  std::vector<Node*> all;
  for (Node& node : nodes_)
    if (node.life) all.push_back(&node);
  return all.empty() ? nullptr : all[prng_.below(all.size())];
}

// ---- Reports ------------------------------------------------------------------------------------

void ClusterWorld::send(Player& player, std::shared_ptr<Request> request) {
  carry(timeline_, faults_, prng_, player, request,
        [this, &player, request] { arrive(player, request); });
}

void ClusterWorld::arrive(Player& player, const std::shared_ptr<Request>& request) {
  Node* node = any_running();
  if (node == nullptr) return;
  for (const Sent& sent : request->items) {
    ++sent.said->maybe;
    sent.said->arrived = timeline_.now();
  }
  if (request->limit)
    arrive_put(*node, player, request);
  else
    arrive_reports(*node, player, request);
}

// An attempt was acknowledged. One that was refused may have been taken by another node all the
// same: it stays possible.
void ClusterWorld::take(const Sent& sent, const Acked& how) {
  if (!sent.said->acked) sent.said->acked_at = timeline_.now();
  sent.said->acked = true;
  --sent.said->maybe;
  ++outcome_.acked;
  outcome_.unstored += !how.stored;
  Acked& known = acked_[sent.said];
  if (known.life == 0) known.life = how.life;
  known.stored = known.stored || how.stored;
  known.was_newest = known.was_newest || Model::possible(*sent.view).stated == sent.said->rank;
  trace(told_name(*sent.view) + " #" + std::to_string(sent.said->sequence) + " " +
        std::string(name_of(sent.said->state)) + " acknowledged" +
        (how.life == 0 ? "" : " by " + std::to_string(how.life)) +
        (how.stored ? "" : ", not stored"));
}

Task<Result<BatchOutcome>> ClusterWorld::submit(Life& life, std::size_t here,
                                                std::vector<Report> reports,
                                                std::shared_ptr<Acked> how) {
  const std::uint16_t slot = slot_of(kTenant, reports.front().account);
  if (life.routing.whom_to_ask(slot, timeline_.monotonic_ms()) == nullptr) how->life = life.number;
  auto outcome = co_await life.process->submit(here, kTenant, std::move(reports));
  how->stored = outcome && !outcome->unstored;
  co_return outcome;
}

void ClusterWorld::arrive_reports(Node& node, Player& player,
                                  const std::shared_ptr<Request>& request) {
  std::vector<Report> reports;
  for (const Sent& sent : request->items) reports.push_back(sent.view->report_of(*sent.said));
  Life& life = *node.life;
  const std::size_t here = prng_.below(life.process->shards().count());
  auto how = std::make_shared<Acked>();
  life.process->start(
      here, submit(life, here, std::move(reports), how),
      [this, &player, request, how](Result<BatchOutcome> outcome) {
        if (!outcome) return;
        std::vector<Reply> replies(request->items.size(), Reply::kAcked);
        for (const Rejected& rejected : outcome->rejected) {
          const Errc code = rejected.error.code;
          trace("rejected: " + rejected.error.detail);
          if (code != Errc::kTerminated && code != Errc::kUnavailable && code != Errc::kOverloaded)
            broken("a good report was refused: " + rejected.error.detail);
          replies[rejected.index] = code == Errc::kTerminated ? Reply::kTerminated : Reply::kRetry;
        }
        for (std::size_t i = 0; i < replies.size(); ++i)
          if (replies[i] == Reply::kAcked) take(request->items[i], *how);
        if (outcome->accepted + outcome->rejected.size() != replies.size())
          broken("a batch's figures do not add up");
        deliver(player, request, std::move(replies), {});
      });
}

void ClusterWorld::deliver(Player& player, const std::shared_ptr<Request>& request,
                           std::vector<Reply> replies, std::vector<std::string> in_the_way) {
  if (faults_.strikes(Fault::kLostReply)) return;
  timeline_.in(
      static_cast<Millis>(1 + prng_.below(50)),
      [&player, request, replies = std::move(replies), in_the_way = std::move(in_the_way)] {
        player.replied(*request, replies, in_the_way);
      });
}

// ---- Starts under a limit -----------------------------------------------------------------------

void ClusterWorld::arrive_put(Node& node, Player& player, const std::shared_ptr<Request>& request) {
  if (!request->terminate.empty())
    for (ViewTold& told : model_.views)
      if (told.view == request->terminate) told.terminating = true;
  auto passed_on = std::make_shared<bool>(false);
  const std::function<Task<Put>(Life&)> act = [request](Life& life) -> Task<Put> {
    const Sent& sent = request->items.front();
    co_return Put{.life = life.number,
                  .answer = co_await life.process->service().put_view(
                      std::string(kTenant), sent.view->report_of(*sent.said), request->limit,
                      request->terminate)};
  };
  node.life->process->start(
      0, at_owner<Put>(*node.life, request->items.front().view->account, act, passed_on),
      [this, &player, request, passed_on](Put put) {
        put_answered(player, request, *passed_on, put);
      });
}

void ClusterWorld::put_answered(Player& player, const std::shared_ptr<Request>& request,
                                bool passed_on, const Put& put) {
  const Sent& sent = request->items.front();
  if (put.answer) {
    take(sent, {.life = put.life, .stored = !put.answer->unstored, .was_newest = false});
    outcome_.unchecked += !put.answer->checked;
    if (put.answer->checked && plays(*sent.said)) granted(*sent.view, sent.said->arrived);
    return deliver(player, request, {Reply::kAcked}, {});
  }
  const Errc code = put.answer.error().error.code;
  std::vector<std::string> in_the_way;
  for (const ViewerItem& item : put.answer.error().in_the_way) in_the_way.push_back(item.view);
  Reply reply = Reply::kRetry;
  if (code == Errc::kLimitReached) reply = Reply::kLimit;
  if (code == Errc::kTerminated) reply = Reply::kTerminated;
  // On its way between nodes it may have been doubled: who refused it may take it yet.
  if (reply == Reply::kLimit && !passed_on) --sent.said->maybe;
  if (reply == Reply::kRetry && code != Errc::kUnavailable && code != Errc::kOverloaded)
    broken("a good start was refused: " + put.answer.error().error.detail);
  outcome_.refused_by_limit += reply == Reply::kLimit;
  deliver(player, request, {reply}, std::move(in_the_way));
}

// It makes its view active, or finds it so, whatever became of it before.
bool ClusterWorld::plays(const Said& said) {
  return is_opening(said.state) && said.arrived - said.at <= kSurelyTimelyMs;
}

// A checked grant has been answered: how many stand?
void ClusterWorld::granted(const ViewTold& view, Instant started) {
  ++outcome_.grants;
  std::erase_if(grants_, [&](const Grant& grant) { return grant.view == &view || !stands(grant); });
  grants_.push_back({&view, started});
  if (!stands(grants_.back())) return;
  trace("granted " + view.view);
  if (grants_.size() <= kLimit) return;
  std::string names;
  for (const Grant& grant : grants_) names += ' ' + grant.view->view;
  broken("more checked grants than the limit allows:" + names);
}

// Nobody has ended it, as far as anybody can know, and it has not been silent for long.
bool ClusterWorld::stands(const Grant& grant) const {
  const ViewTold& told = *grant.view;
  if (told.terminating || timeline_.now() - grant.started > kSurelyAliveMs) return false;
  for (const Said& said : told.said)
    if (is_ending(said.state) && said.arrived != kNever) return false;
  bool later = false;  // its device has gone on to another view
  for (const ViewTold& other : model_.views) {
    if (&other == &told) later = true;
    if (&other == &told || !later || other.account != told.account || other.device != told.device)
      continue;
    for (const Said& said : other.said)
      if (said.arrived != kNever) return false;
  }
  return true;
}

// ---- The viewers' own acts ----------------------------------------------------------------------

void ClusterWorld::terminate_one() {
  Node* node = any_running();
  if (model_.views.empty() || node == nullptr) return;
  ViewTold& told = model_.views[prng_.below(model_.views.size())];
  if (told.over) return;
  told.terminating = true;
  const std::function<Task<Result<void>>(Life&)> act = [&told](Life& life) {
    return life.process->service().terminate(account_of(told), told.view, "op");
  };
  node->life->process->start(
      0, at_owner<Result<void>>(*node->life, told.account, act, std::make_shared<bool>()),
      [this, &told](Result<void> done) {
        trace("terminate " + told.view + (done ? "" : ": " + done.error().detail));
        if (done) told.terminated = true;
      });
}

void ClusterWorld::act() {
  Node* node = any_running();
  if (node == nullptr) return;
  ActTold& told = model_.acts.emplace_back();
  told.account = accounts_[prng_.below(accounts_.size())];
  told.profile = prng_.chance(500) ? "p1" : "p2";
  told.title = "t" + std::to_string(prng_.below(3));
  told.at = timeline_.now();
  if (prng_.chance(400)) told.playhead = static_cast<Playhead>(prng_.below(20'000));
  if (prng_.chance(400)) told.watched = prng_.chance(500);
  if (prng_.chance(400)) told.hidden = prng_.chance(500);
  const std::function<Task<Result<bool>>(Life&)> act = [&told](Life& life) -> Task<Result<bool>> {
    const TitleAct one{.title = told.title,
                       .at = told.at,
                       .playhead = told.playhead,
                       .watched = told.watched,
                       .hidden = told.hidden};
    co_return co_await life.process->service().act(
        {std::string(kTenant), told.account, told.profile}, std::span(&one, 1));
  };
  node->life->process->start(
      0, at_owner<Result<bool>>(*node->life, told.account, act, std::make_shared<bool>()),
      [&told](Result<bool> done) { told.acked = done.has_value(); });
}

// ---- Looks while it all goes on -----------------------------------------------------------------

void ClusterWorld::look() {
  Node* node = any_running();
  if (model_.views.empty() || node == nullptr) return;
  const std::size_t newest = model_.views.size() - 1;
  const ViewTold& told =
      model_.views[newest - prng_.below(std::min<std::uint64_t>(newest + 1, 20))];
  const std::function<Task<Look>(Life&)> act = [this, &told](Life& life) -> Task<Look> {
    const std::uint16_t slot = slot_of(kTenant, told.account);
    ShardThreads& shards = life.process->shards();
    const auto foreign = [&] { return shards.shard(slot % shards.count()).is_foreign(slot); };
    Look look{.life = life.number, .began = timeline_.now(), .foreign = foreign(), .answer = {}};
    look.answer = co_await life.process->service().view(account_of(told), told.view);
    look.foreign = look.foreign && foreign();
    co_return look;
  };
  node->life->process->start(
      0, at_owner<Look>(*node->life, told.account, act, std::make_shared<bool>()),
      [this, &told](Look look) { check_look(told, look); });
}

// A fresh answer holds what its node had acknowledged before, and others before `as_of`; one of a
// node that is not the owner, all changes of state that were acknowledged as stored.
void ClusterWorld::check_look(const ViewTold& told, const Look& look) {
  if (!look.answer) return;
  ++(look.answer->stale ? outcome_.stale_answers : outcome_.fresh_answers);
  if (look.answer->stale) return check_stale_look(told, look);
  for (const Said& said : told.said) {
    const auto acked = acked_.find(&said);
    if (acked == acked_.end() || said.at <= look.answer->value.item.at) continue;
    const bool own = acked->second.life == look.life && said.acked_at < look.began;
    const bool others = acked->second.stored && said.acked_at < look.answer->as_of;
    if (!own && !others) continue;
    broken(told_name(told) + ": a fresh answer as of " +
           std::to_string(look.answer->as_of.ms % 10'000'000) + " by " + std::to_string(look.life) +
           " ends at " + std::to_string(look.answer->value.item.at.ms % 10'000'000) +
           ", and misses " + std::string(name_of(said.state)) + " of " +
           std::to_string(said.at.ms % 10'000'000) + ", acknowledged at " +
           std::to_string(said.acked_at.ms % 10'000'000) + (own ? " by itself" : " by another"));
    return;
  }
}

// Whether whoever acknowledged it knew that it changes its view's state. What comes later makes no
// change of what was a heartbeat; nor does what others took, who may not have told of it yet.
bool ClusterWorld::changed_state(const ViewTold& told, const Said& said) const {
  const auto acked = acked_.find(&said);
  auto before = std::ranges::find(told.said, &said, [](const Said& one) { return &one; });
  if (before != told.said.begin() && std::prev(before)->state == said.state) return false;
  while (before != told.said.begin()) {
    const Said& one = *--before;
    const auto known = acked_.find(&one);
    if (known == acked_.end() || one.acked_at > said.acked_at) continue;
    if (one.state == said.state) return false;
    if (known->second.life != 0 && known->second.life == acked->second.life) break;
  }
  return true;
}

void ClusterWorld::check_stale_look(const ViewTold& told, const Look& look) {
  if (!look.foreign) return;
  ++outcome_.foreign_answers;
  for (const Said& said : told.said) {
    const auto acked = acked_.find(&said);
    if (acked == acked_.end() || !acked->second.stored || !acked->second.was_newest ||
        !changed_state(told, said))
      continue;
    const bool counts =
        said.state == State::kStarting || said.state == State::kPaused || is_ending(said.state);
    if (!counts || said.acked_at >= look.began || said.at <= look.answer->value.item.at) continue;
    broken(told_name(told) + ": " + std::to_string(look.life) +
           ", which does not own it, ends at " +
           std::to_string(look.answer->value.item.at.ms % 10'000'000) + ", and misses " +
           std::string(name_of(said.state)) + " of " + std::to_string(said.at.ms % 10'000'000) +
           ", acknowledged as stored at " + std::to_string(said.acked_at.ms % 10'000'000));
  }
}

// What was acknowledged as stored is in the store or the inbox, whoever is away.
void ClusterWorld::check_stored() {
  ++outcome_.stored_checks;
  std::map<std::string, std::vector<StoredView>> copies;
  const auto add = [&](Result<StoredView> view) {
    if (!view) return broken("a stored view can't be read");
    std::string name(view->ids.get().view);
    copies[std::move(name)].push_back(*std::move(view));
  };
  for (const auto& [key, bytes] : rows_.now().views) add(decode_view(bytes));
  for (const auto& [key, bytes] : inbox_.rows) add(decode_inbox(bytes));
  for (const ViewTold& told : model_.views) {
    for (const Said& said : told.said) {
      const auto acked = acked_.find(&said);
      if (acked == acked_.end() || !acked->second.stored || !acked->second.was_newest ||
          !changed_state(told, said))
        continue;
      const bool starts = said.state == State::kStarting;
      if (!starts && said.state != State::kPaused && !is_ending(said.state)) continue;
      const bool there = std::ranges::any_of(copies[told.view], [&](const StoredView& view) {
        const Order& order = view.view.state_order;
        // A state that the view was in already, as far as anybody knew, is a heartbeat.
        return view.view.state == said.state ||
               Rank{order.at.ms, order.sequence, order.digest} >= said.rank;
      });
      if (!there)
        broken(told_name(told) + ": " + std::string(name_of(said.state)) + " of " +
               std::to_string(said.at.ms % 10'000'000) +
               " was acknowledged as stored, and neither store nor inbox has it");
    }
  }
}

}  // namespace playhead::sim
