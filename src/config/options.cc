// The table itself, and what can be read off it.
#include "config/options.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "auth/token.h"
#include "base/ids.h"
#include "cache/page.h"
#include "cache/servers.h"

namespace playhead {
namespace {

/// Reaches a member through its parts: at<&Config::shard, &ShardOptions::rules,
/// &Rules::qualify_ms>.
template <auto... Members>
OptionValue at(Config& config) {
  return &(config.*....*Members);
}

constexpr std::uint64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB;
constexpr std::uint64_t kSecond = 1'000, kMinute = 60 * kSecond, kDay = 1'440 * kMinute;

Result<void> check_level(const std::string& text) {
  for (const char* level : {"debug", "info", "warning", "error"})
    if (text == level) return {};
  return fail(Errc::kInvalidArgument, "'" + text + "' is no log level");
}

Result<void> check_address(const std::string& text) {
  const auto address = parse_listen(text);
  if (!address) return std::unexpected(address.error());
  return {};
}

Result<void> check_optional_address(const std::string& text) {
  return text.empty() ? Result<void>() : check_address(text);
}

/// "*", or scheme://host[:port] as browsers write it in Origin.
Result<void> check_origin(const std::string& text) {
  const std::size_t scheme = text.find("://");
  const bool whole = scheme != std::string::npos && scheme > 0 && scheme + 3 < text.size() &&
                     text.find_first_of("/?# ", scheme + 3) == std::string::npos;
  if (text == "*" || whole) return {};
  return fail(Errc::kInvalidArgument, "'" + text + "' is no origin");
}

Result<void> check_key(const std::string& text) {
  KeySet keys;
  return add_jwk(text, keys);
}

Result<void> check_compression(const std::string& text) {
  if (text == "lz4" || text == "none") return {};
  return fail(Errc::kInvalidArgument, "'" + text + "' is no compression");
}

Result<void> check_name(const std::string& text) {
  if (is_token_name(text)) return {};
  return fail(Errc::kInvalidArgument, "that is no name");
}

Result<void> check_node(const std::string& text) {
  if (text.empty() || is_id(text)) return {};
  return fail(Errc::kInvalidArgument, "'" + text + "' is no name of a node");
}

Result<void> check_cache_kind(const std::string& text) {
  if (text.empty() || text == "memcached" || text == "redis") return {};
  return fail(Errc::kInvalidArgument, "'" + text + "' is no kind of cache");
}

Result<void> check_cache_servers(const std::string& text) {
  if (text.empty()) return {};
  const auto servers = parse_cache_servers(text);
  return servers ? Result<void>() : std::unexpected(servers.error());
}

Result<void> check_id(const std::string& text) {
  if (is_id(text)) return {};
  return fail(Errc::kInvalidArgument, "'" + text + "' is no id");
}

constexpr std::string_view kNodeForm = "1 to 128 of A-Z a-z 0-9 . _ ~ : @ -";
constexpr std::string_view kKeyForm =
    "a list of keys, each with \"kid\" and \"kty\", as `playhead key` makes them";
constexpr std::string_view kNameForm = "1 to 256 visible characters, but no \" and no \\";
constexpr std::string_view kAddressForm = "HOST:PORT, as in \"127.0.0.1:8080\"; port 0: a free one";
constexpr std::string_view kOriginForm =
    "a list of origins, as in [\"https://www.example.com\"], or [\"*\"]";

constexpr auto kSections = std::to_array<Section>({
    {"", "The server as a whole. These keys stand at the top of the file, before any section."},
    {"http", "The HTTP server: where it listens, and what a request may cost."},
    {"auth", "Whose tokens are believed, and what callers may do where no token says so."},
    {"ingest", "What one request body may hold."},
    {"viewing", "The rules by which reports become history and progress."},
    {"shard", "Active views in memory: intervals, expiry, checkpoints, and the limits of a shard."},
    {"import", "Imports of what other services hold: their size and their pace."},
    {"journal", "The journal on disk, which makes reports durable before they are answered."},
    {"store", "The store on disk, which holds views and progress."},
    {"backup", "Copies of the store, made while the server runs. See docs/backup.md."},
    {"cluster",
     "A node of a cluster, in a binary that is built for it. Without `node` all of this is unused. "
     "See docs/cluster.md."},
    {"cassandra", "The ring that a cluster keeps its data in."},
    {"cache",
     "A cache of each profile's newest history, for the nodes of a cluster; all of them are told "
     "the same. Without `kind` the rest is unused. See docs/cluster.md."},
});

constexpr auto kOptions = std::to_array<Option>({
    {"", "data", at<&Config::data>, 0, 0,
     "Directory of the journal and the store; made if missing. The flag `--data` overrides it.",
     nullptr, "a path"},
    {"", "log_level", at<&Config::log_level>, 0, 0, "The least severe messages that are logged.",
     check_level, "debug, info, warning or error"},
    {"", "threads", at<&Config::threads>, 0, 1'024,
     "Shards, each on a thread of its own. 0: one for each core."},

    {"http", "listen", at<&Config::http, &HttpOptions::listen>, 0, 0,
     "Address to serve on. Without keys only loopback is allowed, see [auth]. The flag `--listen` "
     "overrides it.",
     check_address, kAddressForm},
    {"http", "admin_listen", at<&Config::http, &HttpOptions::admin_listen>, 0, 0,
     "Address for `/livez`, `/readyz`, `/metrics`, `/docs`, `/v1/cluster` and `/v1/backups`. "
     "Empty: they share `listen`.",
     check_optional_address, kAddressForm},
    {"http", "tls_certificate", at<&Config::http, &HttpOptions::tls_certificate>, 0, 0,
     "PEM file with the certificate of the server and its chain; looked at each second. With it "
     "and "
     "`tls_key` the server speaks TLS, `admin_listen` too unless it is on loopback. See "
     "docs/tls.md.",
     nullptr, "a path"},
    {"http", "tls_key", at<&Config::http, &HttpOptions::tls_key>, 0, 0,
     "PEM file with the key of that certificate; likewise.", nullptr, "a path"},
    {"http", "cors_origins", at<&Config::http, &HttpOptions::cors_origins>, 0, 0,
     "Origins of the web pages that may call.", check_origin, kOriginForm},
    {"http", "demo_dir", at<&Config::http, &HttpOptions::demo_dir>, 0, 0,
     "Directory with titles that the console at `/` plays, as tools/demo-titles makes it; read at "
     "the start. Empty: none. The flag `--demo` overrides it.",
     nullptr, "a path"},
    {"http", "header_bytes_max", at<&Config::http, &HttpOptions::header_bytes_max>, kKiB, kMiB,
     "Size of a request's header section; above: 431."},
    {"http", "target_bytes_max", at<&Config::http, &HttpOptions::target_bytes_max>, 256, 64 * kKiB,
     "Size of a request's target; above: 414."},
    {"http", "body_bytes_max", at<&Config::http, &HttpOptions::body_bytes_max>, kKiB, 64 * kMiB,
     "Size of a request's body; above: 413 before it is read."},
    {"http", "pipeline_max", at<&Config::http, &HttpOptions::pipeline_max>, 1, 4'096,
     "Requests of one connection that are applied before the first is answered."},
    {"http", "connections_max", at<&Config::http, &HttpOptions::connections_max>, 1, 10'000'000,
     "Connections of one thread; above: 503."},
    {"http", "answer_bytes_max", at<&Config::http, &HttpOptions::answer_bytes_max>, kKiB, 16 * kMiB,
     "Answers of one connection that are gathered before they are written."},
    {"http", "handshake_timeout_ms", at<&Config::http, &HttpOptions::handshake_timeout_ms>, 100,
     10 * kMinute, "Time a new connection has until TLS stands; then it is closed."},
    {"http", "header_timeout_ms", at<&Config::http, &HttpOptions::header_timeout_ms>, 100,
     10 * kMinute, "From a request's first byte to the end of its headers; then: 408."},
    {"http", "body_timeout_ms", at<&Config::http, &HttpOptions::body_timeout_ms>, 100, 10 * kMinute,
     "From the end of the headers to the body's last byte; then: 408."},
    {"http", "idle_timeout_ms", at<&Config::http, &HttpOptions::idle_timeout_ms>, 100, kDay,
     "After this long without a request a connection is closed."},
    {"http", "write_timeout_ms", at<&Config::http, &HttpOptions::write_timeout_ms>, 100,
     10 * kMinute, "Time a client has to take an answer or an event, before it is cut off."},
    {"http", "stop_timeout_ms", at<&Config::http, &HttpOptions::stop_timeout_ms>, 0, 10 * kMinute,
     "Time that requests in flight have to finish when the server stops."},
    {"http", "stream_comment_interval_ms",
     at<&Config::http, &HttpOptions::stream_comment_interval_ms>, kSecond, 10 * kMinute,
     "A silent stream of events gets a comment this often, so that proxies keep it open."},

    {"auth", "keys_file", at<&Config::auth, &AuthOptions::keys_file>, 0, 0,
     "File with the keys that tokens are signed with, as a JSON Web Key Set; looked at each "
     "second. "
     "Without it and `keys` no token is asked for, and only loopback is served. See "
     "docs/access.md.",
     nullptr, "a path"},
    {"auth", "keys", at<&Config::auth, &AuthOptions::keys>, 0, 0,
     "Keys like those of the file, each as the text of a JSON Web Key.", check_key, kKeyForm, true},
    {"auth", "issuer", at<&Config::auth, &AuthOptions::issuer>, 0, 0,
     "Who makes the tokens: their `iss`.", check_name, kNameForm},
    {"auth", "audience", at<&Config::auth, &AuthOptions::audience>, 0, 0,
     "Whom they are for: their `aud`, or one of it.", check_name, kNameForm},
    {"auth", "token_cache_max", at<&Config::auth, &AuthOptions::token_cache_max>, 1'000, 10'000'000,
     "Tokens kept in memory, so that they are not verified anew at each request."},
    {"auth", "token_requests_per_s_max", at<&Config::auth, &AuthOptions::token_requests_per_s_max>,
     0, 1'000'000,
     "Requests with one token; above, but for bursts of two seconds' worth: 429. 0: any number."},
    {"auth", "account_requests_per_s_max",
     at<&Config::auth, &AuthOptions::account_requests_per_s_max>, 0, 1'000'000,
     "Requests with viewers' tokens of one account, likewise. Services are not counted here."},
    {"auth", "stream_limit", at<&Config::auth, &AuthOptions::stream_limit>, 0, 10'000,
     "Views that may play on an account at a time, as decided by `PUT`, where the token names no "
     "limit; above: 409. 0: any number."},

    {"ingest", "batch_reports_max", at<&Config::ingest, &IngestOptions::batch_reports_max>, 1,
     100'000,
     "Reports in one body; above: 413. Of CMCD records those beyond are dropped, since refused "
     "players would send them all again."},
    {"ingest", "acts_max", at<&Config::ingest, &IngestOptions::acts_max>, 1, 10'000,
     "Acts in one `PATCH` of progress; above: 413."},
    {"ingest", "titles_max", at<&Config::ingest, &IngestOptions::titles_max>, 1, 10'000,
     "Titles in one progress query; above: 413."},

    {"viewing", "qualify_ms", at<&Config::shard, &ShardOptions::rules, &Rules::qualify_ms>, 0,
     60 * kMinute,
     "Media played before a view counts for history and progress; of a short title, half of it."},
    {"viewing", "finish_percent", at<&Config::shard, &ShardOptions::rules, &Rules::finish_percent>,
     1, 100, "Part of the duration after which a title whose credits are unknown is finished."},
    {"viewing", "finish_span_ms", at<&Config::shard, &ShardOptions::rules, &Rules::finish_span_ms>,
     0, 10 * kMinute, "Media played beyond that point before the title counts as finished."},
    {"viewing", "resume_min_ms", at<&Config::shard, &ShardOptions::rules, &Rules::resume_min_ms>, 0,
     60 * kMinute, "Continue Watching shows titles played for this long …"},
    {"viewing", "resume_min_percent",
     at<&Config::shard, &ShardOptions::rules, &Rules::resume_min_percent>, 0, 100,
     "… or for this part of their duration."},

    {"shard", "report_interval_ms", at<&Config::shard, &ShardOptions::report_interval_ms>, kSecond,
     10 * kMinute, "Interval that players are asked to report at."},
    {"shard", "report_interval_max_ms", at<&Config::shard, &ShardOptions::report_interval_max_ms>,
     kSecond, 10 * kMinute, "The same under the heaviest load."},
    {"shard", "reports_per_s_high", at<&Config::shard, &ShardOptions::reports_per_s_high>, 1,
     10'000'000, "Reports a second of one shard above which the interval grows."},
    {"shard", "paused_expiry_ms", at<&Config::shard, &ShardOptions::paused_expiry_ms>, kSecond,
     7 * kDay, "Silence after which a paused view has ended."},
    {"shard", "cmcd_expiry_ms", at<&Config::shard, &ShardOptions::cmcd_expiry_ms>, kSecond, kDay,
     "Silence after which a view reported by CMCD has ended; other views have three intervals."},
    {"shard", "late_limit_ms", at<&Config::shard, &ShardOptions::late_limit_ms>, kMinute,
     366 * kDay, "Age above which a report is refused: 422."},
    {"shard", "checkpoint_interval_ms", at<&Config::shard, &ShardOptions::checkpoint_interval_ms>,
     kSecond, kDay, "Each changed view reaches the store at least this often."},
    {"shard", "journal_bytes_max", at<&Config::shard, &ShardOptions::journal_bytes_max>, 16 * kMiB,
     1'024 * kGiB,
     "Size of the journal above which reports get 503. Checkpoints keep it well below."},
    {"shard", "views_max", at<&Config::shard, &ShardOptions::views_max>, 1, 100'000'000,
     "Views in the memory of one shard; above it new views get 503."},
    {"shard", "account_views_max", at<&Config::shard, &ShardOptions::account_views_max>, 1, 100'000,
     "Views in memory for one account; above it new views get 503."},
    {"shard", "parked_max", at<&Config::shard, &ShardOptions::parked_max>, 1, 10'000'000,
     "Reports of one shard that wait for their account to be read; above: 503."},
    {"shard", "sweep_rows_max", at<&Config::shard, &ShardOptions::sweep_rows_max>, 1, 100'000,
     "Rows after which a checkpoint's write to the store takes no further slot."},
    {"shard", "subscribers_max", at<&Config::shard, &ShardOptions::subscribers_max>, 1, 100'000,
     "Streams of viewers open on one account; above: 503."},
    {"shard", "stream_queue_max", at<&Config::shard, &ShardOptions::stream_queue_max>, 1, 100'000,
     "Events that a slow stream may be behind, before it is dropped."},
    {"shard", "continue_titles_max", at<&Config::shard, &ShardOptions::continue_titles_max>, 1,
     1'000'000, "Titles of a profile that Continue Watching looks at."},
    {"shard", "profiles_max", at<&Config::shard, &ShardOptions::profiles_max>, 1, 100'000,
     "Profiles of an account that are listed."},
    {"shard", "erased_profiles_max", at<&Config::shard, &ShardOptions::erased_profiles_max>, 1,
     100'000, "Erased profiles of an account that are remembered one by one."},
    {"shard", "history_scan_max", at<&Config::shard, &ShardOptions::history_scan_max>, 100,
     1'000'000, "Rows that one filtered page of history looks at."},
    {"shard", "frame_records_max", at<&Config::shard, &ShardOptions::frame_records_max>, 1, 65'536,
     "Records in one frame of the journal."},

    {"import", "imports_max", at<&Config::transfer, &TransferOptions::imports_max>, 1, 64,
     "Imports at work at once; above: 503."},
    {"import", "records_max", at<&Config::transfer, &TransferOptions::records_max>, 1, 100'000,
     "Records in one body; above: 413."},
    {"import", "slice_records", at<&Config::transfer, &TransferOptions::slice_records>, 1, 10'000,
     "Records parsed and written to the store at once: as long others may have to wait."},
    {"import", "records_per_s_max", at<&Config::transfer, &TransferOptions::records_per_s_max>, 0,
     10'000'000, "Pace of all imports together, so that viewers do not wait for them. 0: none."},

    {"journal", "write_buffer_bytes",
     at<&Config::journal, &RocksJournalOptions::write_buffer_bytes>, kMiB, kGiB,
     "Memory of one memtable. Larger ones make longer pauses."},
    {"journal", "group_bytes_max", at<&Config::journal, &RocksJournalOptions::group_bytes_max>,
     64 * kKiB, kGiB, "Frames that are synced together."},
    {"journal", "waiting_bytes_max", at<&Config::journal, &RocksJournalOptions::waiting_bytes_max>,
     16 * kMiB, 64 * kGiB, "Frames that wait for the disk; above half of it: 503."},
    {"journal", "waiting_frames_max",
     at<&Config::journal, &RocksJournalOptions::waiting_frames_max>, 4'096, 10'000'000,
     "The same, counted in frames."},

    {"store", "block_cache_bytes", at<&Config::store, &RocksStoreOptions::block_cache_bytes>,
     8 * kMiB, 1'024 * kGiB, "Memory for rows, indexes and filters that were read."},
    {"store", "memtable_bytes_max", at<&Config::store, &RocksStoreOptions::memtable_bytes_max>,
     8 * kMiB, 64 * kGiB, "Memory for rows that have not been flushed."},
    {"store", "retention_days", at<&Config::store, &RocksStoreOptions::retention_days>, 0, 36'500,
     "Days for which views and positions are kept; 0: for ever. Older ones are not shown any "
     "more."},
    {"store", "compression", at<&Config::store, &RocksStoreOptions::compression>, 0, 0,
     "How rows are compressed on disk; rows that are there stay as they are.", check_compression,
     "\"lz4\" or \"none\""},
    {"store", "reader_threads", at<&Config::store, &RocksStoreOptions::reader_threads>, 1, 256,
     "Threads for the reads that must wait for the disk."},
    {"store", "background_threads", at<&Config::store, &RocksStoreOptions::background_threads>, 1,
     256, "Threads for flushes and compactions."},
    {"store", "waiting_reads_max", at<&Config::store, &RocksStoreOptions::waiting_reads_max>, 1,
     10'000'000, "Reads that wait for a thread; above: 503."},
    {"store", "waiting_writes_max", at<&Config::store, &RocksStoreOptions::waiting_writes_max>, 1,
     1'000'000, "Writes that wait; above: they are tried again."},
    {"store", "waiting_settles_max", at<&Config::store, &RocksStoreOptions::waiting_settles_max>, 1,
     1'000'000, "Flushes that wait; above: they are tried again."},

    {"backup", "directory", at<&Config::backup, &BackupOptions::directory>, 0, 0,
     "Directory for backups, of this server alone; made if missing. Empty: none can be made.",
     nullptr, "a path"},
    {"backup", "keep", at<&Config::backup, &BackupOptions::keep>, 1, 10'000,
     "Backups that are kept; each new one deletes those beyond. What was erased since is in them."},
    {"backup", "write_bytes_per_s_max", at<&Config::backup, &BackupOptions::write_bytes_per_s_max>,
     kMiB, 1'024 * kGiB,
     "Bytes a second that a backup writes, so that reports need not wait for the disk."},

    {"cluster", "node", at<&Config::cluster, &ClusterOptions::node>, 0, 0,
     "The node's name: the same after a restart, and no other node's. Empty: no cluster.",
     check_node, kNodeForm},
    {"cluster", "peer_listen", at<&Config::cluster, &ClusterOptions::peer_listen>, 0, 0,
     "Address at which the other nodes reach this one. It must be private: it is not encrypted.",
     check_optional_address, kAddressForm},
    {"cluster", "peer_address", at<&Config::cluster, &ClusterOptions::peer_address>, 0, 0,
     "Address that other nodes are told. Empty: `peer_listen`.", check_optional_address,
     kAddressForm},
    {"cluster", "http_address", at<&Config::cluster, &ClusterOptions::http_address>, 0, 0,
     "Address at which clients reach this node, for streams. Empty: `http.listen`.",
     check_optional_address, kAddressForm},
    {"cluster", "secret_file", at<&Config::cluster, &ClusterOptions::secret_file>, 0, 0,
     "File whose first line all nodes show each other. Empty: they take anybody for a node.",
     nullptr, "a path"},

    {"cassandra", "contacts", at<&Config::cassandra, &RingOptions::contacts>, 0, 0,
     "Some of its nodes; the others are found through them.", nullptr,
     "HOST:PORT, HOST:PORT, as in \"10.0.0.1:9042, 10.0.0.2:9042\""},
    {"cassandra", "keyspace", at<&Config::cassandra, &RingOptions::keyspace>, 0, 0,
     "Where `playhead schema apply` has made the tables.", nullptr, "a name"},
    {"cassandra", "local_dc", at<&Config::cassandra, &RingOptions::local_dc>, 0, 0,
     "The only data centre to talk to. Empty: any.", nullptr, "a name"},
    {"cassandra", "user", at<&Config::cassandra, &RingOptions::user>, 0, 0,
     "Whom to log in as. Empty: nobody.", nullptr, "a name"},
    {"cassandra", "password_file", at<&Config::cassandra, &RingOptions::password_file>, 0, 0,
     "File whose first line is that user's password.", nullptr, "a path"},
    {"cassandra", "settle_delay_ms", at<&Config::cassandra, &RingOptions::settle_delay_ms>, kSecond,
     60 * kMinute,
     "How old a write is that is on the disks of its replicas, whatever happens: more than their "
     "`commitlog_sync_period`. The journal is kept until then."},

    {"cache", "kind", at<&Config::cache, &CacheConfig::kind>, 0, 0,
     "What the cache is. Empty: there is none, and history is read from the ring.",
     check_cache_kind, "memcached, redis, or nothing"},
    {"cache", "servers", at<&Config::cache, &CacheConfig::servers>, 0, 0,
     "All servers of a Memcached, in the same order for all nodes; the one of a Redis. Keep the "
     "way to them private: what people watched goes over it.",
     check_cache_servers, "HOST:PORT, HOST:PORT, as in \"10.0.0.1:11211, 10.0.0.2:11211\""},
    {"cache", "name", at<&Config::cache, &CacheConfig::cache, &CacheOptions::name>, 0, 0,
     "The cluster's name there: clusters that share a cache have different ones.", check_id,
     kNodeForm},
    {"cache", "page_rows_max",
     at<&Config::cache, &CacheConfig::cache, &CacheOptions::page_rows_max>, 1, kPageRowsMax,
     "Rows kept of a profile. A question for more is answered by the ring; it is for one more than "
     "its `limit`."},
    {"cache", "page_ttl_ms", at<&Config::cache, &CacheConfig::cache, &CacheOptions::page_ttl_ms>,
     kSecond, 7 * kDay, "After this long without a read a profile's rows are dropped."},
    {"cache", "page_life_max_ms",
     at<&Config::cache, &CacheConfig::cache, &CacheOptions::page_life_ms_max>, kSecond, 7 * kDay,
     "And after this long in any case."},
    {"cache", "lanes", at<&Config::cache, &CacheConfig::cache, &CacheOptions::lanes>, 1, 64,
     "Threads that wait for the servers, each with a connection to each of them."},
    {"cache", "read_max_ms",
     at<&Config::cache, &CacheConfig::reads, &CachedStoreOptions::read_max_ms>, 1, 10 * kSecond,
     "Time that an answer waits for the cache, before the ring is asked."},
    {"cache", "versions_max",
     at<&Config::cache, &CacheConfig::reads, &CachedStoreOptions::versions_max>, 16, 100'000'000,
     "Profiles of which a node remembers what the cache must have; some 200 bytes each. Of others "
     "the cache is not asked."},
});

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

/// The key itself in another section is nearer than any misspelling.
std::size_t distance_to(const Option& option, std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string_view key = dot == std::string_view::npos ? name : name.substr(dot + 1);
  if (key == option.key) return 0;
  return std::min(distance(name, full_name(option)), distance(key, option.key) + 1);
}

}  // namespace

std::span<const Section> sections() { return kSections; }

std::span<const Option> options() { return kOptions; }

std::string full_name(const Option& option) {
  std::string name(option.section);
  if (!name.empty()) name += '.';
  return name += option.key;
}

Unit unit_of(const Option& option) {
  if (option.max == 0) return Unit::kNone;
  if (option.key.ends_with("_ms")) return Unit::kMillis;
  if (option.key.find("_bytes") != std::string_view::npos) return Unit::kBytes;
  return option.key.ends_with("_percent") ? Unit::kPercent : Unit::kNone;
}

std::string allowed(const Option& option) {
  if (!option.form.empty()) return std::string(option.form);
  std::string text = "an integer from " + std::to_string(option.min) + " to ";
  text += std::to_string(option.max);
  switch (unit_of(option)) {
    case Unit::kNone:
      return text;
    case Unit::kMillis:
      return text + " (milliseconds)";
    case Unit::kBytes:
      return text + " (bytes)";
    case Unit::kPercent:
      return text + " (percent)";
  }
  return text;
}

const Option* nearest(std::string_view name) {
  constexpr std::size_t kNameBytesMax = 128;  // longer ones are no slip
  if (name.size() > kNameBytesMax) return nullptr;
  const auto options = std::span(kOptions);
  const auto best = std::ranges::min_element(
      options, {}, [&](const Option& option) { return distance_to(option, name); });
  return distance_to(*best, name) <= 1 + name.size() / 4 ? &*best : nullptr;
}

}  // namespace playhead
