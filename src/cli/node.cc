// Making, starting and stopping, each in the order that its parts need.
#include "cli/node.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "auth/token_authenticator.h"
#include "cli/data.h"
#include "cli/process_figures.h"

namespace playhead {

namespace asio = boost::asio;

namespace {

constexpr Millis kTickMs = 100;
constexpr Millis kPurgesPerInterval = 4;
constexpr Millis kProgressMs = 20;  // between two looks at how far a replay has come

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

std::size_t thread_count(const Config& config) {
  if (config.threads > 0) return config.threads;
  return std::max(1U, std::thread::hardware_concurrency());
}

// A shard refuses reports before the journal must refuse a frame, which memory would be ahead of.
// The other half is for what is not refused: reports that waited for their account.
ShardOptions shard_options(const Config& config) {
  const std::uint64_t parts = 2 * thread_count(config);
  ShardOptions options = config.shard;
  options.waiting_bytes_max = config.journal.waiting_bytes_max / parts;
  options.waiting_frames_max =
      std::max<std::uint64_t>(1, config.journal.waiting_frames_max / parts);
  return options;
}

void add_backup_figures(MetricsText& out, const BackupFigures& backups) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  const Backup last = backups.last.value_or(Backup{});
  out.counter("playhead_backups_total", "Backups made.", number(backups.made));
  out.counter("playhead_backup_errors_total", "Backups that failed.", number(backups.errors));
  out.gauge("playhead_backup_last_seconds",
            "The moment that the newest backup is of, in Unix time; 0: there is none.",
            number(last.at.ms) / 1000);
  out.gauge("playhead_backup_last_bytes", "Bytes of its files.", number(last.bytes));
}

}  // namespace

Node::Node(const Config& config)
    : config_(config), started_at_(clock_.now()), idle_(thread_count(config)) {}

Node::~Node() {
  if (threads_ == nullptr) return;
  threads_->stop();
  threads_->join();
  // Before what they call goes: the journal answers its frames, the store its reads, purges and
  // backups.
  journal_.reset();
  backups_.reset();
  store_.reset();
  server_.reset();
}

Result<std::unique_ptr<Node>> Node::open(const Config& config,
                                         std::function<void(const Error&)> fatal) {
  std::unique_ptr<Node> node(new Node(config));
  node->config_.journal.path = journal_path(config.data);
  node->config_.store.path = store_path(config.data);
  node->config_.store.clock = &node->clock_;
  if (auto made = node->make_authenticator(); !made) return std::unexpected(made.error());
  if (auto opened = node->open_disk(); !opened) return std::unexpected(opened.error());

  node->threads_ = std::make_unique<Threads>(thread_count(config));
  node->shards_ = std::make_unique<ShardThreads>(*node->threads_);
  const std::uint64_t boot = random_number();
  node->shards_->make({.boot = boot,
                       .hash_seed = random_number(),
                       .journal = node->journal_.get(),
                       .store = node->store_.get(),
                       .clock = &node->clock_,
                       .fatal = std::move(fatal)},
                      shard_options(config));
  node->service_ =
      std::make_unique<Service>(*node->shards_, *node->store_, node->clock_, config.shard);
  node->transfer_ = std::make_unique<Transfer>(*node->shards_, *node->store_, *node->store_,
                                               node->clock_, config.shard, config.transfer);
  node->backup_service_ = std::make_unique<BackupService>(*node->shards_, *node->store_,
                                                          node->backups_.get(), node->clock_);
  node->checkpointer_ = std::make_unique<Checkpointer>(*node->shards_, *node->journal_,
                                                       *node->store_, node->clock_, config.shard);
  node->server_ = std::make_unique<Server>(
      ServerParts{.shards = node->shards_.get(),
                  .service = node->service_.get(),
                  .transfer = node->transfer_.get(),
                  .backups = node->backup_service_.get(),
                  .authenticator = node->authenticator_.get(),
                  .clock = &node->clock_,
                  .boot = boot,
                  .started_at = node->started_at_,
                  .collect = [self = node.get()](MetricsText& out) { self->collect(out); }},
      config.http, config.ingest);
  return node;
}

Result<void> Node::open_disk() {
  auto lock = take_data(config_.data);
  if (!lock) return std::unexpected(lock.error());
  lock_ = *std::move(lock);
  auto journal = RocksJournal::open(config_.journal);
  if (!journal) return std::unexpected(journal.error());
  journal_ = *std::move(journal);
  auto store = RocksStore::open(config_.store);
  if (!store) return std::unexpected(store.error());
  store_ = *std::move(store);
  if (config_.backup.directory.empty()) return {};
  auto backups = store_->open_backups(config_.backup);
  if (!backups) return std::unexpected(backups.error());
  backups_ = *std::move(backups);
  return {};
}

Result<void> Node::make_authenticator() {
  if (!config_.auth.has_keys()) {
    authenticator_ = std::make_unique<OpenLoopback>(config_.auth);
    return {};
  }
  auto made = TokenAuthenticator::open(config_.auth, clock_);
  if (!made) return std::unexpected(made.error());
  authenticator_ = *std::move(made);
  return {};
}

Result<void> Node::listen() {
  if (auto bound = server_->listen(); !bound) return bound;
  threads_->run();
  return {};
}

// Each shard reads the whole journal on a thread of its own, for the shards' own threads answer
// /livez meanwhile.
Result<void> Node::replay(const std::function<void(FrameNumber, FrameNumber)>& progress) {
  const std::size_t count = shards_->count();
  std::vector<Result<void>> results(count);
  std::vector<std::atomic<FrameNumber>> read(count);
  std::atomic<std::size_t> running = count;
  std::vector<std::jthread> readers;
  for (std::size_t i = 0; i < count; ++i)
    readers.emplace_back([&, i] {
      results[i] = shards_->shard(i).replay([&](FrameNumber frame) { read[i] = frame; });
      --running;
    });
  const FrameNumber last = journal_->extent().last;
  while (running > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(kProgressMs));
    const auto slowest = std::ranges::min_element(read, {}, [](const auto& n) { return n.load(); });
    server_->set_ready(false, "the journal is being read: frame " + std::to_string(*slowest) +
                                  " of " + std::to_string(last));
    progress(*slowest, last);
  }
  readers.clear();
  for (const Result<void>& result : results)
    if (!result) return result;
  return {};
}

void Node::run_timers() {
  for (std::size_t i = 0; i < shards_->count(); ++i)
    asio::co_spawn(threads_->executor(i), keep_time(i), asio::detached);
  asio::co_spawn(threads_->executor(0), keep_purging(), asio::detached);
  server_->set_ready(true);
}

// Often enough for what a receipt promises (service/erase.cc), and seldom, for it rewrites files.
Task<> Node::keep_purging() {
  asio::steady_timer timer(threads_->executor(0));
  while (!stopping_) {
    timer.expires_after(std::chrono::milliseconds(
        std::max(kTickMs, config_.shard.checkpoint_interval_ms / kPurgesPerInterval)));
    co_await timer.async_wait(asio::use_awaitable);
    if (auto purged = co_await store_->purge(); !purged && !stopping_)
      spdlog::warn("what was erased is still in files, a later purge will remove it: {}",
                   purged.error().detail);
  }
}

Task<> Node::keep_time(std::size_t index) {
  Shard& shard = shards_->shard(index);
  asio::steady_timer timer(threads_->executor(index));
  while (!stopping_) {
    timer.expires_after(std::chrono::milliseconds(kTickMs));
    co_await timer.async_wait(asio::use_awaitable);
    shard.tick();
  }
  idle_[index] = true;
  idle_[index].notify_all();
}

// Runs `task` beside the shards, and waits for it.
Result<void> Node::run(Task<Result<void>> task) {
  asio::io_context context(1);
  auto done = asio::co_spawn(context, std::move(task), asio::use_future);
  context.run();
  return done.get();
}

Result<void> Node::checkpoint() { return run(checkpointer_->step()); }

Result<void> Node::stop() {
  if (backups_ != nullptr) backups_->stop();
  server_->stop();
  stopping_ = true;
  for (auto& idle : idle_) idle.wait(false);
  auto left = run(checkpointer_->finish());
  threads_->stop();
  threads_->join();
  return left;
}

void Node::collect(MetricsText& out) const {
  const RocksJournalFigures journal = journal_->figures();
  const RocksStoreFigures store = store_->figures();
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
  out.gauge("playhead_journal_bytes", "Bytes of the frames kept.", number(journal_->bytes()));
  out.counter("playhead_journal_frames_total", "Frames made durable.", number(journal.frames));
  out.counter("playhead_journal_bytes_total", "Bytes of those frames.", number(journal.bytes));
  out.counter("playhead_journal_frames_refused_total", "Frames answered with an error.",
              number(journal.refused));
  std::vector<double> bounds;
  for (const std::uint64_t us : RocksJournalFigures::kSyncUsBounds)
    bounds.push_back(number(us) / 1e6);
  out.histogram("playhead_journal_sync_seconds", "Time of each group commit.", bounds,
                journal.sync_us_buckets, number(journal.sync_us) / 1e6);
  out.counter("playhead_store_writes_total", "Sets of changes written.", number(store.writes));
  out.counter("playhead_store_write_errors_total", "Sets that could not be written.",
              number(store.write_errors));
  out.counter("playhead_store_reads_total", "Reads by reader threads.", number(store.reads));
  out.counter("playhead_store_tries_total", "Reads from memory only.", number(store.tries));
  out.counter("playhead_store_try_misses_total", "Those that would have blocked.",
              number(store.try_misses));
  out.counter("playhead_store_flushes_total", "Flushes made for checkpoints.",
              number(store.flushes));
  out.counter("playhead_store_refused_total", "Requests above a limit.", number(store.refused));
  out.counter("playhead_store_slots_purged_total",
              "Slots rewritten because something there was erased.", number(store.slots_purged));
  out.gauge("playhead_store_disk_bytes", "Bytes of the store's files.", number(store.disk_bytes));
  out.gauge("playhead_store_memtable_bytes", "Bytes not flushed yet.",
            number(store.memtable_bytes));
  out.gauge("playhead_store_cache_bytes", "Bytes of the block cache.", number(store.cache_bytes));
  const TransferFigures transfer = transfer_->figures();
  out.counter("playhead_import_records_total", "Records that changed something.",
              number(transfer.imported));
  out.counter("playhead_import_repeats_total", "Records of which all was known.",
              number(transfer.already_there));
  out.counter("playhead_import_rejected_total", "Records that could not be taken.",
              number(transfer.rejected));
  out.counter("playhead_imports_refused_total", "Imports above imports_max.",
              number(transfer.refused));
  out.counter("playhead_export_records_total", "Records given out by exports.",
              number(transfer.exported));
  if (backups_ != nullptr) add_backup_figures(out, backups_->figures());
  add_process_figures(out, started_at_);
}

}  // namespace playhead
