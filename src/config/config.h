// All that a server can be told, and how it is told: a TOML file, read into the option structs of
// the modules they belong to. One table (options.h) names each option once; from it come loading,
// range checks, suggestions for misspelt keys, and docs/configuration.md.
//
// Pure but for load_config(), which reads one file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "auth/options.h"
#include "base/result.h"
#include "cache/cache.h"
#include "cache/cached_store.h"
#include "http/options.h"
#include "ingest/options.h"
#include "journal/rocksdb/rocks_journal.h"
#include "service/options.h"
#include "shard/options.h"
#include "store/backups.h"
#include "store/rocksdb/rocks_store.h"

namespace playhead {

/// A node of a cluster. Everything has an empty text as its default.
struct ClusterOptions {
  std::string node;          ///< its name; empty: this process is not one of a cluster
  std::string peer_listen;   ///< where other nodes reach it
  std::string peer_address;  ///< what they are told; empty: peer_listen
  std::string http_address;  ///< where clients reach it; empty: http.listen
  std::string secret_file;   ///< what nodes show each other; empty: nothing
};

/// The ring that a cluster keeps its data in.
struct RingOptions {
  std::string contacts = "127.0.0.1:9042";  ///< HOST:PORT, HOST:PORT: any of its nodes
  std::string keyspace = "playhead";
  std::string local_dc;
  std::string user, password_file;
  Millis settle_delay_ms = 60'000;  ///< how old a write is that no loss of power can undo
};

/// The cache that a cluster reads the newest history through.
struct CacheConfig {
  std::string kind;     ///< memcached or redis; empty: none
  std::string servers;  ///< HOST:PORT, HOST:PORT
  CacheOptions cache;
  CachedStoreOptions reads;
};

struct Config {
  std::string data;                ///< directory of journal and store; made if missing
  std::string log_level = "info";  ///< debug, info, warning or error
  std::uint32_t threads = 0;       ///< shards, each on a thread of its own; 0: one a core
  HttpOptions http;
  IngestOptions ingest;
  AuthOptions auth;
  ShardOptions shard;
  TransferOptions transfer;
  RocksJournalOptions journal;  ///< its path comes from `data`
  RocksStoreOptions store;      ///< its path comes from `data`
  BackupOptions backup;
  ClusterOptions cluster;
  RingOptions cassandra;
  CacheConfig cache;

  bool in_cluster() const { return !cluster.node.empty(); }
};

/// Where the journal and the store of a data directory lie.
std::string journal_path(const std::string& data);
std::string store_path(const std::string& data);

/// Lays the file at `path` over `config`. `config` is unchanged on an error.
///
/// Errors: not_found (no such file, or it can't be read), invalid_argument. The detail has one line
///   for each thing wrong, at most kConfigErrorsMax: file, line, key, and what is allowed.
Result<void> load_config(const std::string& path, Config& config);
inline constexpr std::size_t kConfigErrorsMax = 20;

/// The same for a text; `name` stands for the file in messages.
Result<void> read_config(std::string_view text, std::string_view name, Config& config);

/// Checks what no single range can say, as that one option is not above another.
/// Errors: invalid_argument.
Result<void> check_config(const Config& config);

/// `config` as a TOML file with every option and its meaning; read_config() reads it back.
std::string config_toml(const Config& config);

/// docs/configuration.md.
std::string config_markdown();

}  // namespace playhead
