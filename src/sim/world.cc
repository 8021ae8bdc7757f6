// A world's course: minutes of play, crashes, the final reckoning.
#include "sim/world.h"

#include <cstdio>

#include "base/assert.h"
#include "base/hash.h"

namespace playhead::sim {
namespace {

constexpr Millis kTickMs = 250;
constexpr unsigned kStreamQueueMax = 16;
constexpr std::string_view kStreamedAccount = "open";

ShardOptions shard_options() {
  ShardOptions options;
  options.paused_expiry_ms = 60'000;
  options.checkpoint_interval_ms = 40'000;
  options.sweep_rows_max = 4;
  options.stream_queue_max = kStreamQueueMax;
  return options;
}

Task<Result<void>> open_stream(Shard& shard, AccountRef account, std::shared_ptr<Channel> channel) {
  if (auto loaded = co_await shard.load(account); !loaded) co_return loaded;
  co_return shard.subscribe(account, std::move(channel));
}

}  // namespace

World::World(std::uint64_t seed, bool verbose)
    : verbose_(verbose), prng_(seed), faults_(FaultOptions::draw(prng_), prng_.next()) {
  const auto add = [&](std::string_view account, int device, std::optional<unsigned> limit) {
    players_.push_back(std::make_unique<Player>(
        Player::Parts{.timeline = &timeline_,
                      .faults = &faults_,
                      .model = &model_,
                      .account = std::string(account),
                      .device = "d" + std::to_string(device),
                      .limit = limit,
                      .send = [this](Player& player, std::shared_ptr<Request> request) {
                        send(player, std::move(request));
                      }}));
  };
  for (int device = 0; device < 3; ++device) add(kStreamedAccount, device, std::nullopt);
  for (int device = 0; device < 3; ++device) add(kStrictAccount, device, kStrictLimit);
  for (int device = 0; device < 2; ++device) add("other", device, std::nullopt);
}

void World::trace(const std::string& what) {
  const std::string line = std::to_string(timeline_.monotonic_ms()) + " " + what;
  outcome_.trace_hash = hash_bytes(line, outcome_.trace_hash);
  if (verbose_) std::printf("%s\n", line.c_str());
}

void World::run_until(Millis at_ms) {
  while (timeline_.step(at_ms))
    if (process_) process_->pump();
}

// ---- The server's lives -------------------------------------------------------------------------

void World::boot() {
  ++boots_;
  process_ = std::make_unique<Process>(Process::Parts{.timeline = &timeline_,
                                                      .faults = &faults_,
                                                      .disk = &disk_,
                                                      .rows = &rows_,
                                                      .boot = boots_,
                                                      .shards = 1 + prng_.below(3),
                                                      .options = shard_options()});
  booted_ms_ = timeline_.monotonic_ms();
  trace("boot " + std::to_string(boots_) + " with " + std::to_string(process_->shards().count()));
  process_->tick();
  if (prng_.chance(700)) subscribe();
}

void World::crash() {
  outcome_.expired += process_->shards().shard(0).figures().views_expired;
  process_->kill();
  process_.reset();
  channel_.reset();
  for (EraseTold& told : model_.erasures)
    if (!std::exchange(told.over, true)) told.through = timeline_.now();
  disk_.crash();
  rows_.crash();
  trace("crash");
  probe("after a crash", prng_.chance(300));
  const Millis down = prng_.chance(100) ? 100'000 : static_cast<Millis>(prng_.below(10'000));
  timeline_.in(down, [this] { boot(); });
}

void World::tick() {
  if (process_) process_->tick();
  read_stream();
  timeline_.in(kTickMs, [this] { tick(); });
}

// What may happen in a second.
void World::second() {
  timeline_.in(1'000, [this] { second(); });
  if (!process_) return;
  if (process_->stopped()) {
    trace("the journal failed");
    return crash();
  }
  process_->checkpoint();
  if (prng_.chance(30)) terminate_one();
  if (prng_.chance(20)) delete_one();
  if (prng_.chance(40)) act();
  if (prng_.chance(6)) erase_one();
  if (!channel_ && prng_.chance(50)) subscribe();
  if (prng_.chance(50)) check_live();
  if (prng_.chance(10)) probe("as if it crashed", false);
  if (!faults_.calm() && faults_.strikes(Fault::kCrash)) crash();
}

// ---- The network --------------------------------------------------------------------------------

void World::send(Player& player, std::shared_ptr<Request> request) {
  carry(timeline_, faults_, prng_, player, request,
        [this, &player, request] { arrive(player, request); });
}

void World::arrive(Player& player, const std::shared_ptr<Request>& request) {
  if (!process_) return;
  for (const Sent& sent : request->items) {
    ++sent.said->maybe;
    sent.said->arrived = timeline_.now();
  }
  if (request->limit)
    arrive_put(player, request);
  else
    arrive_reports(player, request);
}

// An attempt has its answer.
void World::take(const Sent& sent, bool acked) {
  if (acked) {
    if (!sent.said->acked) sent.said->acked_at = timeline_.now();
    sent.said->acked = true;
    ++outcome_.acked;
  }
  --sent.said->maybe;
}

void World::arrive_reports(Player& player, const std::shared_ptr<Request>& request) {
  std::vector<Report> reports;
  for (const Sent& sent : request->items) reports.push_back(sent.view->report_of(*sent.said));
  const std::size_t here = prng_.below(process_->shards().count());
  process_->start(
      here, process_->submit(here, kTenant, std::move(reports)),
      [this, &player, request](Result<BatchOutcome> outcome) {
        if (!outcome) return;
        std::vector<Reply> replies(request->items.size(), Reply::kAcked);
        for (const Rejected& rejected : outcome->rejected) {
          const bool erased = rejected.error.code == Errc::kErased;
          const bool terminated = erased || rejected.error.code == Errc::kTerminated;
          trace("rejected: " + rejected.error.detail);
          if (erased && !model_.maybe_erased(*request->items[rejected.index].view))
            outcome_.broken.push_back("a report was refused as erased, and nobody erased it");
          outcome_.refused_as_erased += erased;
          if (!terminated && rejected.error.code != Errc::kUnavailable &&
              rejected.error.code != Errc::kOverloaded)
            outcome_.broken.push_back("a good report was refused: " + rejected.error.detail);
          replies[rejected.index] = terminated ? Reply::kTerminated : Reply::kRetry;
        }
        for (std::size_t i = 0; i < replies.size(); ++i)
          take(request->items[i], replies[i] == Reply::kAcked);
        if (outcome->accepted + outcome->rejected.size() != replies.size())
          outcome_.broken.push_back("a batch's figures do not add up");
        deliver(player, request, std::move(replies), {});
      });
}

void World::arrive_put(Player& player, const std::shared_ptr<Request>& request) {
  const Sent sent = request->items.front();
  if (!request->terminate.empty())
    for (ViewTold& told : model_.views)
      if (told.view == request->terminate) told.terminating = true;
  const std::size_t here = prng_.below(process_->shards().count());
  process_->start(
      here,
      process_->service().put_view(std::string(kTenant), sent.view->report_of(*sent.said),
                                   request->limit, request->terminate),
      [this, &player, request, sent](std::expected<PutOutcome, PutRefusal> answer) {
        if (answer) {
          take(sent, true);
          return deliver(player, request, {Reply::kAcked}, {});
        }
        const Errc code = answer.error().error.code;
        std::vector<std::string> in_the_way;
        for (const ViewerItem& item : answer.error().in_the_way) in_the_way.push_back(item.view);
        // A failed journal leaves it open what became of the report.
        if (code != Errc::kUnavailable) take(sent, false);
        Reply reply = Reply::kRetry;
        if (code == Errc::kLimitReached) reply = Reply::kLimit;
        if (code == Errc::kTerminated || code == Errc::kErased) reply = Reply::kTerminated;
        outcome_.refused_by_limit += reply == Reply::kLimit;
        deliver(player, request, {reply}, std::move(in_the_way));
      });
}

void World::deliver(Player& player, const std::shared_ptr<Request>& request,
                    std::vector<Reply> replies, std::vector<std::string> in_the_way) {
  if (faults_.strikes(Fault::kLostReply)) return;
  timeline_.in(
      static_cast<Millis>(1 + prng_.below(50)),
      [&player, request, replies = std::move(replies), in_the_way = std::move(in_the_way)] {
        player.replied(*request, replies, in_the_way);
      });
}

// ---- The viewers' own acts ----------------------------------------------------------------------

void World::terminate_one() {
  if (model_.views.empty()) return;
  ViewTold& told = model_.views[prng_.below(model_.views.size())];
  if (told.over) return;
  told.terminating = true;
  process_->start(
      0, process_->service().terminate({std::string(kTenant), told.account}, told.view, "op"),
      [this, &told](Result<void> done) {
        if (!done) return;
        told.terminated = true;
        ++outcome_.terminations;
      });
}

void World::delete_one() {
  if (model_.views.empty()) return;
  ViewTold& told = model_.views[prng_.below(model_.views.size())];
  if (!told.record) return;
  told.deleting = true;
  process_->start(0,
                  process_->service().delete_history_item(
                      {std::string(kTenant), told.account, told.profile}, told.view),
                  [this, &told](Result<void> done) {
                    if (!done) return;
                    told.deleted = true;
                    ++outcome_.deletions;
                  });
}

void World::act() {
  const std::string_view account = prng_.chance(500) ? kStreamedAccount : kStrictAccount;
  ActTold& told = model_.acts.emplace_back();
  told.account = account;
  told.profile = prng_.chance(500) ? "p1" : "p2";
  told.title = "t" + std::to_string(prng_.below(3));
  told.at = timeline_.now();
  if (prng_.chance(400)) told.playhead = static_cast<Playhead>(prng_.below(20'000));
  if (prng_.chance(400)) told.watched = prng_.chance(500);
  if (prng_.chance(400)) told.hidden = prng_.chance(500);
  const TitleAct act{.title = told.title,
                     .at = told.at,
                     .playhead = told.playhead,
                     .watched = told.watched,
                     .hidden = told.hidden};
  process_->start(0,
                  process_->service().act({std::string(kTenant), told.account, told.profile},
                                          std::span(&act, 1)),
                  [&told](Result<bool> done) { told.acked = done.has_value(); });
}

void World::erase_one() {
  EraseTold& told = model_.erasures.emplace_back();
  told.account = prng_.chance(500) ? kStreamedAccount : kStrictAccount;
  if (prng_.chance(500)) told.profile = prng_.chance(500) ? "p1" : "p2";
  trace("erase " + told.account + "/" + told.profile);
  process_->start(0, process_->service().erase({std::string(kTenant), told.account}, told.profile),
                  [this, &told](Result<Receipt> done) {
                    trace(done ? "erased" : "not erased: " + done.error().detail);
                    if (!done) return;  // it may still come to pass, with the next checkpoint
                    told.over = told.acked = true;
                    told.through = done->erased_at;
                    ++outcome_.erasures;
                  });
}

// ---- The stream of one account ------------------------------------------------------------------

void World::subscribe() {
  const AccountRef account{std::string(kTenant), std::string(kStreamedAccount)};
  const std::size_t index = process_->index_of(account);
  auto channel =
      std::make_shared<Channel>(process_->shards().threads().executor(index), kStreamQueueMax);
  process_->start(index, open_stream(process_->shard_of(account), account, channel),
                  [this, channel](Result<void> opened) {
                    if (!opened) return;
                    if (channel_) channel_->close();
                    channel_ = channel;
                    streamed_.clear();
                  });
}

void World::read_stream() {
  if (!channel_ || !process_ || timeline_.monotonic_ms() < slow_until_ms_) return;
  if (faults_.strikes(Fault::kSlowStream)) {
    slow_until_ms_ = timeline_.monotonic_ms() + 60'000;
    return;
  }
  while (const auto event = channel_->pop()) {
    if (event->kind == ViewersEvent::Kind::kSnapshot) streamed_.clear();
    for (const ViewerItem& item : event->items) streamed_[item.view] = item.state;
    if (event->kind == ViewersEvent::Kind::kEnd) streamed_.erase(event->view);
  }
  if (channel_->dropped()) channel_.reset();
}

// ---- Checks -------------------------------------------------------------------------------------

void World::check_live() {
  const bool was_calm = faults_.calm();
  faults_.set_calm(true);
  process_->pump();
  Checks checks(*process_, model_, timeline_.now(),
                {.replayed = false,
                 .exact = false,
                 .strict_account = std::string(kStrictAccount),
                 .strict_limit = kStrictLimit});
  for (std::string& what : checks.run())
    outcome_.broken.push_back(std::to_string(timeline_.monotonic_ms()) + " live: " + what);
  ++outcome_.checks;
  outcome_.exact += checks.exact();
  if (channel_ && timeline_.monotonic_ms() >= slow_until_ms_) {
    read_stream();
    auto viewers = process_->run(
        0, process_->service().viewers({std::string(kTenant), std::string(kStreamedAccount)}));
    std::map<std::string, State> now;
    if (viewers)
      for (const ViewerItem& item : viewers->value) now[item.view] = item.state;
    if (channel_ && now != streamed_)
      outcome_.broken.push_back(std::to_string(timeline_.monotonic_ms()) +
                                " live: the stream shows other viewers than the list");
  }
  faults_.set_calm(was_calm);
}

// Lets a copy of all that a crash leaves go through a recovery of its own.
void World::probe(const char* when, bool with_checkpoint) {
  const bool was_calm = faults_.calm();
  Disk disk = disk_;
  Rows rows = rows_;
  if (process_) {
    disk.crash();
    rows.crash();
  }
  faults_.set_calm(true);
  const auto check = [&](const std::string& what) {
    Process process({.timeline = &timeline_,
                     .faults = &faults_,
                     .disk = &disk,
                     .rows = &rows,
                     .boot = boots_ + 1'000,
                     .shards = 1 + prng_.below(3),
                     .options = shard_options()});
    process.pump();
    Checks checks(process, model_, timeline_.now(),
                  {.replayed = true,
                   .exact = false,
                   .strict_account = std::string(kStrictAccount),
                   .strict_limit = kStrictLimit});
    for (std::string& broken : checks.run())
      outcome_.broken.push_back(std::to_string(timeline_.monotonic_ms()) + " " + what + ": " +
                                broken);
    ++outcome_.checks;
    outcome_.exact += checks.exact();
    if (with_checkpoint && !process.finish())
      outcome_.broken.push_back(what + ": the checkpoint failed");
  };
  check(when);
  if (with_checkpoint) {
    disk.crash();
    rows.crash();
    check(std::string(when) + ", a checkpoint and another");
  }
  faults_.set_calm(was_calm);
}

// ---- The whole ----------------------------------------------------------------------------------

// Nothing goes wrong any more, and everything is delivered.
void World::finish() {
  faults_.set_calm(true);
  trace("calm");
  for (const auto& player : players_) player->retire();
  bool all = false;
  for (int round = 0; round < 200 && !all; ++round) {
    run_until(timeline_.monotonic_ms() + 3'000);
    all = process_ != nullptr;
    for (const auto& player : players_) all = player->flush() && all;
  }
  if (!all) {
    outcome_.broken.push_back("the players' reports are not taken, though nothing is wrong");
    trace(process_ == nullptr ? "down" : process_->stopped() ? "stopped" : "runs");
  }
  run_until(timeline_.monotonic_ms() + 2'000);
  if (!process_) return;
  check_live();
  probe("at the end", true);
  for (const ViewTold& told : model_.views)
    for (const Said& said : told.said)
      if (!said.acked && !said.given_up && !model_.maybe_erased(told))
        outcome_.broken.push_back(told.view + ": a report was never acknowledged");
}

Outcome World::run() {
  boot();
  ends_ms_ = static_cast<Millis>(120'000 + prng_.below(360'000));
  for (const auto& player : players_)
    timeline_.in(static_cast<Millis>(prng_.below(5'000)), [&player] { player->wake(); });
  tick();
  second();
  run_until(ends_ms_);
  finish();
  if (process_) process_->kill();
  outcome_.faults = faults_.counts();
  trace("end with " + std::to_string(outcome_.acked) + " acknowledged, " +
        std::to_string(model_.views.size()) + " views");
  return std::move(outcome_);
}

}  // namespace playhead::sim
