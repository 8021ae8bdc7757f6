// The port to a cache of the newest rows of a profile's history. Adapters: cache/memcached,
// cache/redis. Beside a store (store/store.h), never in its place: what it holds is a copy.
//
// A *page* is the newest rows of one profile's history, without a gap, at most `page_rows_max` of
// them. A *version* counts the changes of a page: it grows by each write to the store that changes
// the profile's history, and by each one whose outcome is unknown. Only the owner of an account
// gives versions; a new owner begins with the epoch of its lease. A put says which version it
// follows on, and is applied to that one only. So a page never seems whole when a put was dropped:
// the next put finds it at another version than it follows on, and removes it.
//
// What a hit means. A page passed its checksum, names its profile, and is at `version`: then
//  1. it holds every change of the profile up to `version`, and `rows` are the newest ones, each as
//     last put; behind the last row lies nothing if `whole`, else perhaps more;
//  2. an owner that knows `version` as the profile's newest may lay its memory over it and answer
//     `stale: false`. At any other version it has to ask the store: for it that is a miss;
//  3. anybody else may answer `stale: true` with the page's `as_of`, and nothing better.
// A miss means nothing at all. Whatever the cache does, be it dead, slow, emptied, damaged or mixed
// up, costs time: a miss where there could have been a hit. The limit: the checksums are against
// damage and mix-ups, not against somebody who writes what he likes. Keep the cache private.
//
// What it asks of its callers:
//  1. The store first, then the version, then the put; a version is never given twice.
//  2. Who fills takes the version (and `as_of`) before it reads the store.
//  3. Who erases raises the version, then forgets; on kRefused or kUnknown, again. A page
//     lives `page_life_ms_max` at most, however often it is read: so long an erased row can be seen
//     as stale at the worst.
//
// Concurrency: every call from any executor of one thread; a Task resumes there, at its deadline at
// the latest. Calls for one profile are done in the order in which they came. No call blocks, and
// none is an error to whoever asks: what goes wrong is a miss, or a put that was not made.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/time.h"
#include "record/stored.h"
#include "runtime/clock.h"
#include "runtime/task.h"
#include "store/store.h"

namespace playhead {

/// Of a profile's page. Zero: unknown, as of one filled by a node that is not the owner.
struct PageVersion {
  std::uint64_t epoch = 0;  ///< of the owner's lease on the account's slot
  std::uint64_t count = 0;  ///< of the changes that this owner has made
  friend auto operator<=>(const PageVersion&, const PageVersion&) = default;
};

struct Page {
  PageVersion version;
  Instant as_of;                 ///< it holds all that the store had then
  bool whole = false;            ///< no row lies behind the last one
  std::vector<StoredView> rows;  ///< newest keyed start first, by view among equals
};

/// One change of a profile's history, as the store has taken it.
struct PageChange {
  ProfileRef profile;
  PageVersion before;            ///< the version that it follows on
  PageVersion after;             ///< greater
  Instant as_of;                 ///< when the store had taken it
  std::vector<StoredView> rows;  ///< of this profile; one that the page has is replaced
};

/// Why there is no page. The numbers are those of the counters.
enum class Miss : std::uint8_t {
  kAbsent,   ///< the cache has none
  kDamaged,  ///< its bytes are not what was written
  kForeign,  ///< it is another profile's, or another cluster's
  kFormat,   ///< a newer release wrote it
  kExpired,  ///< older than `page_life_ms_max`: the cache should have dropped it
  kRefused,  ///< not asked: too many calls wait, or the cache was silent of late
  kLate,     ///< no answer by the deadline
  kFailed,   ///< the connection broke, or the cache answered an error
};
inline constexpr std::size_t kMisses = 8;

/// What became of a put, a fill or a forget.
enum class Written : std::uint8_t {
  kApplied,
  kAbsent,   ///< there is no page; nothing was done
  kNewer,    ///< the page is at this version or beyond; nothing was done
  kGap,      ///< the page had missed a change, or was damaged: it is gone
  kRefused,  ///< nothing was written: too many calls wait, the cache is or was silent of late,
             ///< others' writes came between each time, or a row is none that a page can hold
  kUnknown,  ///< it failed on the way, or there was no answer in time: it may have happened, or
             ///< may yet. Harmless: versions tell
};
inline constexpr std::size_t kWrittens = 6;

/// What has happened since the start. A snapshot: not all of one moment.
struct CacheCounters {
  std::uint64_t hits = 0;
  std::array<std::uint64_t, kMisses> misses{};                      ///< by Miss
  std::array<std::uint64_t, kWrittens> puts{}, fills{}, forgets{};  ///< by Written
  std::uint64_t refreshed = 0;  ///< pages whose time was prolonged as they were read
  std::uint64_t contended = 0;  ///< writes begun anew, since somebody else's came between
  std::uint64_t opened = 0;     ///< times that a server was given up for a while

  std::uint64_t missed(Miss miss) const { return misses[static_cast<std::size_t>(miss)]; }
  std::uint64_t put(Written written) const { return puts[static_cast<std::size_t>(written)]; }
};

struct CacheOptions {
  std::string name = "playhead";      ///< of the cluster: two that share a cache never mix; an id
  std::uint32_t page_rows_max = 101;  ///< 1 to kPageRowsMax; one more than an answer shows
  Millis page_ttl_ms = 60'000;        ///< a page that nobody reads is gone after that
  Millis page_life_ms_max = 600'000;  ///< and one that is read, after that
  std::uint32_t lanes = 2;            ///< threads, each with a connection of its own to each server
  std::uint32_t waiting_max = 256;    ///< calls that wait for a lane; more are refused
  Millis connect_ms_max = 100;        ///< and never beyond a call's deadline
  std::uint32_t failures_max = 5;     ///< in a row; then the server is not asked
  Millis silence_ms = 1'000;          ///< for so long
};

class Cache {
 public:
  virtual ~Cache() = default;

  /// The profile's page. One whose time has half run out is prolonged.
  virtual Task<std::expected<Page, Miss>> newest(ProfileRef profile, Deadline deadline) = 0;

  /// Turns the page at `change.before` into the one at `change.after`. Makes no page where there is
  /// none. Rows that the store does not list in a history (`record` is false) only count.
  virtual Task<Written> put(PageChange change, Deadline deadline) = 0;

  /// Makes `page`, as read from the store, the profile's; replaces an older one, and one of the
  /// same version. One of unknown version replaces none but its like. Rows beyond `page_rows_max`
  /// are cut off.
  virtual Task<Written> fill(ProfileRef profile, Page page, Deadline deadline) = 0;

  /// Removes the page, and lets none older than `at` come back for `page_ttl_ms`. For an account:
  /// all its profiles, which the store lists until it is erased there.
  virtual Task<Written> forget(ProfileRef profile, PageVersion at, Deadline deadline) = 0;

  virtual CacheCounters counters() const = 0;
};

}  // namespace playhead
