// What the direct tests of a shard share: one server that is asked from outside, over the simulated
// disk and rows, under the virtual clock. Nothing goes wrong unless a test says so. One thread.
#pragma once

#include <boost/asio/post.hpp>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "sim/model.h"
#include "sim/process.h"

namespace playhead::testing {

inline constexpr Millis kSecond = 1000;
inline constexpr Millis kMinute = 60 * kSecond;

inline const AccountRef kAccount{std::string(sim::kTenant), "acct-1"};
inline const ProfileRef kProfile{kAccount.tenant, kAccount.account, "p1"};

/// One server with one shard, and its clock. Faults strike only between fail(true) and fail(false).
class Server {
 public:
  explicit Server(ShardOptions options = {}, sim::FaultOptions faults = {})
      : options_(options), faults_(faults, 1) {
    faults_.set_calm(true);
    boot();
    tick();
  }

  void fail(bool now) { faults_.set_calm(!now); }
  /// Lets time pass, as it does: with ticks.
  void pass(Millis span) {
    const Millis until = timeline_.monotonic_ms() + span;
    while (timeline_.step(until)) process_->pump();
  }
  Instant now() const { return timeline_.now(); }
  /// Hands everything to the store and drops the journal.
  Result<void> checkpoint() { return run_task(process_->checkpointer().finish()); }
  /// Kills the server and starts it again.
  void crash() {
    process_->kill();
    process_.reset();
    disk_.crash();
    rows_.crash();
    boot();
  }

  /// A report made now.
  Report say(State state, std::string_view view = "v1", std::string_view device = "tv") const {
    Report report{.account = kAccount.account,
                  .profile = kProfile.profile,
                  .title = "title-1",
                  .view = view,
                  .device = device};
    report.at = now();
    report.state = state;
    return report;
  }
  /// Reports whose answer is asked for later; handed over on the shard's thread, as a connection
  /// does: what they spawn there runs at once.
  Submission submit(const std::vector<Report>& reports) {
    std::optional<Submission> out;
    boost::asio::post(process_->shards().threads().executor(0),
                      [&] { out = process_->service().submit(0, kAccount.tenant, reports); });
    process_->pump();
    return std::move(*out);
  }
  Result<BatchOutcome> answer(Submission submission) {
    return run_task(outcome_of(std::move(submission)));
  }
  BatchOutcome tell(const std::vector<Report>& reports) {
    Result<BatchOutcome> outcome = answer(submit(reports));
    PLAYHEAD_ASSERT(outcome.has_value());
    return std::move(*outcome);
  }
  BatchOutcome tell(const Report& report) { return tell(std::vector{report}); }
  /// The error of a report that must be the only one of its batch to be refused.
  std::optional<Rejected> refusal_of(const Report& report) {
    BatchOutcome outcome = tell(report);
    if (outcome.rejected.empty()) return std::nullopt;
    return std::move(outcome.rejected.front());
  }
  /// Plays for `span` with a heartbeat every ten seconds; the first says `from`.
  void play(std::string_view view, Playhead from, Millis span) {
    for (Millis played = 0; played <= span; played += 10 * kSecond) {
      if (played > 0) pass(10 * kSecond);
      Report report = say(State::kPlaying, view);
      report.playhead = from + played;
      tell(report);
    }
  }
  std::expected<PutOutcome, PutRefusal> put(const Report& report,
                                            std::optional<unsigned> limit = std::nullopt,
                                            std::string terminate = "") {
    return run_task(process_->service().put_view(kAccount.tenant, report, limit, terminate));
  }

  /// The ids of the views that are active, in the order of their starts.
  std::vector<std::string> viewers() {
    const auto answer = run_task(process_->service().viewers(kAccount));
    PLAYHEAD_ASSERT(answer.has_value());
    std::vector<std::string> out;
    for (const ViewerItem& item : answer->value) out.push_back(item.view);
    return out;
  }
  ViewItem view(const std::string& view) {
    const auto answer = run_task(process_->service().view(kAccount, view));
    PLAYHEAD_ASSERT(answer.has_value());
    return answer->value;
  }
  std::optional<Playhead> position() {
    const auto answer = run_task(process_->service().progress(kProfile, {"title-1"}));
    PLAYHEAD_ASSERT(answer.has_value());
    return answer->value.empty() ? std::nullopt : answer->value.front().playhead;
  }
  /// The views in the profile's history, latest first.
  std::vector<std::string> history() {
    const auto answer =
        run_task(process_->service().history(kProfile, {.all = true}, std::nullopt, 100));
    PLAYHEAD_ASSERT(answer.has_value());
    std::vector<std::string> out;
    for (const HistoryItem& item : answer->value.items) out.push_back(item.view);
    return out;
  }
  Result<void> terminate(const std::string& view, const std::string& by_device) {
    return run_task(process_->service().terminate(kAccount, view, by_device));
  }
  Result<void> erase(const std::string& view) {
    return run_task(process_->service().delete_history_item(kProfile, view));
  }
  Result<bool> act(const TitleAct& act) {
    return run_task(process_->service().act(kProfile, std::span(&act, 1)));
  }

  /// A stream of the account's viewers.
  Result<std::shared_ptr<Channel>> stream(std::uint32_t queue_max) {
    auto channel = std::make_shared<Channel>(process_->shards().threads().executor(0), queue_max);
    if (auto opened = run_task(open_stream(shard(), channel)); !opened)
      return std::unexpected(opened.error());
    return channel;
  }
  /// What has come on a stream since the last look.
  std::vector<ViewersEvent> read(Channel& channel) {
    process_->pump();
    std::vector<ViewersEvent> out;
    while (const auto event = channel.pop()) out.push_back(*event);
    return out;
  }

  /// The server has asked to be stopped.
  bool stopped() const { return process_->stopped(); }
  Shard& shard() { return process_->shards().shard(0); }

 private:
  static constexpr Millis kTickMs = 100;
  static constexpr Millis kAnswerMaxMs = kMinute;

  static Task<Result<BatchOutcome>> outcome_of(Submission submission) {
    co_return co_await submission.outcome();
  }
  static Task<Result<void>> open_stream(Shard& shard, std::shared_ptr<Channel> channel) {
    if (auto loaded = co_await shard.load(kAccount); !loaded) co_return loaded;
    co_return shard.subscribe(kAccount, std::move(channel));
  }

  void boot() {
    process_ = std::make_unique<sim::Process>(sim::Process::Parts{.timeline = &timeline_,
                                                                  .faults = &faults_,
                                                                  .disk = &disk_,
                                                                  .rows = &rows_,
                                                                  .boot = ++boots_,
                                                                  .shards = 1,
                                                                  .options = options_});
  }
  void tick() {
    process_->tick();
    timeline_.in(kTickMs, [this] { tick(); });
  }
  template <typename T>
  T run_task(Task<T> task) {
    std::optional<T> out;
    process_->start(0, std::move(task), [&](T value) { out = std::move(value); });
    process_->pump();
    const Millis until = timeline_.monotonic_ms() + kAnswerMaxMs;
    while (!out) {
      PLAYHEAD_ASSERT(timeline_.step(until));
      process_->pump();
    }
    return std::move(*out);
  }

  ShardOptions options_;
  sim::Timeline timeline_;
  sim::Faults faults_;
  sim::Disk disk_{faults_};
  sim::Rows rows_{faults_};
  std::unique_ptr<sim::Process> process_;
  std::uint64_t boots_ = 0;
};

}  // namespace playhead::testing
