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
#include <fstream>
#include <random>
#include <thread>

#include "auth/token_authenticator.h"
#include "cli/data.h"
#include "cli/process_figures.h"
#include "service/handed_slots.h"
#include "store/archive.h"

namespace playhead {

namespace asio = boost::asio;

namespace {

constexpr Millis kTickMs = 100;
constexpr Millis kPurgesPerInterval = 4;
// A view's position is at most so old in the store; there it is all that is left if a node is lost.
constexpr Millis kProgressMs = 20;  // between two looks at how far a replay has come

// What only the store on this machine can do so far.
class NoArchive final : public Archive {
 public:
  Task<Result<std::vector<Added>>> add(std::vector<Change>) override { co_return refused(); }
  Task<Result<std::vector<StoredView>>> account_views(AccountRef, std::string,
                                                      std::size_t) override {
    co_return refused();
  }
  Task<Result<std::vector<TitleRow>>> account_titles(AccountRef, std::optional<TitlePlace>,
                                                     std::size_t) override {
    co_return refused();
  }

 private:
  static std::unexpected<Error> refused() {
    return fail(Errc::kUnprocessable, "a cluster can't import or export yet; see docs/cluster.md");
  }
};

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

void add_rows_written(MetricsText& out, const RowsWritten& rows) {
  const auto add = [&](std::string_view tables, std::uint64_t number) {
    out.counter(
        "playhead_cassandra_rows_written_total",
        "Rows changed in Cassandra, or tried to: of views and titles, the inbox, the leases.",
        static_cast<double>(number), {{"tables", std::string(tables)}});
  };
  add("store", rows.store);
  add("inbox", rows.inbox);
  add("leases", rows.leases);
}

void add_store_figures(MetricsText& out, const RocksStoreFigures& store) {
  const auto number = [](std::uint64_t value) { return static_cast<double>(value); };
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
}

}  // namespace

Node::Node(const Config& config)
    : config_(config), started_at_(clock_.now()), idle_(thread_count(config)) {}

Node::~Node() {
  if (threads_ == nullptr) return;
  if (cluster_ != nullptr) cluster_->stop();
  threads_->stop();
  threads_->join();
  // Before what they call goes: the journal answers its frames, the store its reads, purges and
  // backups.
  journal_.reset();
  if (parts_ != nullptr) parts_->close();
  backups_.reset();
  rocks_.reset();
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

  node->open_services(std::move(fatal));
  return node;
}

void Node::open_services(std::function<void(const Error&)> fatal) {
  threads_ = std::make_unique<Threads>(thread_count(config_));
  shards_ = std::make_unique<ShardThreads>(*threads_);
  const std::uint64_t boot = random_number();
  Others others;
  if (parts_ != nullptr) {
    cluster_ = std::make_unique<ClusterNode>(config_, *parts_, clock_, random_number());
    parts_->set_leases(cluster_->fresh());
    others = {
        .routing = &cluster_->routing(), .peers = &parts_->peers(), .inbox = &parts_->inbox()};
  }
  shards_->make({.boot = boot,
                 .hash_seed = random_number(),
                 .journal = journal_.get(),
                 .store = store_,
                 .clock = &clock_,
                 .inbox = parts_ != nullptr ? &parts_->inbox() : nullptr,
                 .owners = cluster_ != nullptr ? &cluster_->owners() : nullptr,
                 .fresh = cluster_ != nullptr ? &cluster_->fresh() : nullptr,
                 .fatal = std::move(fatal)},
                shard_options(config_));
  service_ = std::make_unique<Service>(*shards_, *store_, clock_, config_.shard, others);
  Archive& archive = rocks_ != nullptr ? static_cast<Archive&>(*rocks_) : *no_archive_;
  transfer_ = std::make_unique<Transfer>(*shards_, *store_, archive, clock_, config_.shard,
                                         config_.transfer);
  backup_service_ = std::make_unique<BackupService>(*shards_, *store_, backups_.get(), clock_);
  checkpointer_ =
      std::make_unique<Checkpointer>(*shards_, *journal_, *store_, clock_, config_.shard);
  ServerParts parts{.shards = shards_.get(),
                    .service = service_.get(),
                    .transfer = transfer_.get(),
                    .backups = backup_service_.get(),
                    .authenticator = authenticator_.get(),
                    .clock = &clock_,
                    .others = others,
                    .boot = boot,
                    .started_at = started_at_,
                    .collect = [this](MetricsText& out) { collect(out); }};
  if (cluster_ != nullptr) {
    cluster_->attach(*shards_, *checkpointer_);
    parts.node = config_.cluster.node;
    parts.cluster = [this] { return cluster_->status(); };
    parts.figures = [this] { return cluster_->loads().all(); };
  }
  server_ = std::make_unique<Server>(parts, config_.http, config_.ingest);
}

Result<void> Node::open_disk() {
  auto lock = take_data(config_.data);
  if (!lock) return std::unexpected(lock.error());
  lock_ = *std::move(lock);
  RocksJournalOptions options = config_.journal;
  if (config_.in_cluster())
    std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), options.power);
  auto journal = RocksJournal::open(std::move(options));
  if (!journal) return std::unexpected(journal.error());
  journal_ = *std::move(journal);
  return open_store();
}

Result<void> Node::open_store() {
  if (config_.in_cluster()) {
    if (config_.shard.checkpoint_interval_ms == ShardOptions{}.checkpoint_interval_ms)
      config_.shard.checkpoint_interval_ms = kClusterCheckpointMs;
    auto parts = ClusterParts::open(config_, clock_);
    if (!parts) return std::unexpected(parts.error());
    parts_ = *std::move(parts);
    store_ = &parts_->store();
    no_archive_ = std::make_unique<NoArchive>();
    return {};
  }
  auto store = RocksStore::open(config_.store);
  if (!store) return std::unexpected(store.error());
  rocks_ = *std::move(store);
  store_ = rocks_.get();
  if (config_.backup.directory.empty()) return {};
  auto backups = rocks_->open_backups(config_.backup);
  if (!backups) return std::unexpected(backups.error());
  backups_ = *std::move(backups);
  return {};
}

Result<void> Node::join() {
  if (cluster_ == nullptr) return {};
  auto listening = parts_->listen([this](PeerCall call, std::string bytes, PeerAnswer answer) {
    answer_peer(call, std::move(bytes), std::move(answer));
  });
  if (!listening) return listening;
  cluster_->start();
  return {};
}

void Node::answer_peer(PeerCall call, std::string bytes, PeerAnswer answer) {
  if (stopping_) return answer(fail(Errc::kUnavailable, "the node stops"));
  if (call == PeerCall::kHttp) return server_->take_passed_on(std::move(bytes), std::move(answer));
  const std::size_t shard = next_shard_++ % shards_->count();
  const auto answer_with = [&](Task<Result<std::string>> task) {
    auto tell = [](Task<Result<std::string>> what, PeerAnswer then) -> Task<> {
      then(co_await std::move(what));
    };
    asio::co_spawn(threads_->executor(shard), tell(std::move(task), std::move(answer)),
                   asio::detached);
  };
  switch (call) {
    case PeerCall::kReports:
      return answer_with(service_->take_passed_on(shard, std::move(bytes)));
    case PeerCall::kFigures:
      return answer_with(cluster_->loads().own());
    case PeerCall::kParts:
      return answer_with(take_parts(*shards_, std::move(bytes)));
    case PeerCall::kHanded:
      return answer_with(take_handed(*shards_, std::move(bytes)));
    case PeerCall::kChangedMap:
      cluster_->look();
      return answer(std::string());
    case PeerCall::kHttp:
      break;
  }
  answer(fail(Errc::kInvalidArgument, "a call of another release"));
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

// In a cluster the other half goes by itself.
Result<void> Node::checkpoint() {
  return run(cluster_ != nullptr ? checkpointer_->hand_over() : checkpointer_->step());
}

Result<void> Node::stop() {
  // While it still answers, and passes on to those who take its slots.
  if (cluster_ != nullptr && !cluster_->leave())
    spdlog::warn("the slots were not handed over in order: others take them when the lease ends");
  if (backups_ != nullptr) backups_->stop();
  server_->stop();
  stopping_ = true;
  for (auto& idle : idle_) idle.wait(false);
  // Cassandra takes a minute to settle.
  auto left =
      run(cluster_ != nullptr ? checkpointer_->finish_unsettled() : checkpointer_->finish());
  if (cluster_ != nullptr) {
    parts_->stop_listening();
    cluster_->stop();
  }
  threads_->stop();
  threads_->join();
  return left;
}

void Node::collect(MetricsText& out) const {
  const RocksJournalFigures journal = journal_->figures();
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
  if (rocks_ != nullptr) add_store_figures(out, rocks_->figures());
  if (parts_ != nullptr) {
    add_rows_written(out, parts_->rows_written());
    parts_->collect(out);
  }
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
