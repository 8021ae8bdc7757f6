// A page as one value's bytes, and what a change makes of it. Pure: no clock, no I/O. The bytes
// come back from a cache that may lie, so reading them is total. Source of the format:
// docs/formats.md.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "cache/cache.h"

namespace playhead {

inline constexpr std::uint8_t kPageFormat = 1;
inline constexpr std::uint32_t kPageRowsMax = 500;
/// Of a row: fifteen ids' worth. Hence a page of kPageRowsMax rows is under Memcached's 1 MiB.
inline constexpr std::size_t kPageRowBytesMax = 2'000;
inline constexpr std::size_t kPageBytesMax = 1'000 + kPageRowsMax * kPageRowBytesMax;

/// Names a page among all that share the cache: the cluster's name and the profile's ids. An entry
/// holds it whole; its key is a hash of it.
std::string page_identity(std::string_view cluster, const ProfileRef& profile);
/// At most 128 bytes of printable ASCII.
std::string page_key(std::string_view cluster, const ProfileRef& profile);

/// A row: its place, and the view's bytes (record/stored.h). Borrows.
struct PageRow {
  Instant keyed_start;
  std::string_view view;
  std::string_view record;
};

/// A page as it lies in a cache. Rows borrow from what they were read or made from.
struct PageEntry {
  PageVersion version;
  Instant as_of;
  Instant born;       ///< when it was filled: its life ends `page_life_ms_max` later
  Instant refreshed;  ///< when its time last began
  bool whole = false;
  bool floor = false;  ///< no page, but what keeps one older than `version` from coming back
  std::vector<PageRow> rows;
};

/// Rows with the bytes that they borrow; their views' names borrow from what they were made from.
struct OwnedRows {
  std::vector<std::string> bytes;
  std::vector<PageRow> rows;
};
/// The rows of those views that belong into a history, in a page's order.
/// Errors: invalid_argument (a row that no page can hold).
Result<OwnedRows> page_rows(const std::vector<StoredView>& views);

std::string encode_page(const PageEntry& entry, std::string_view identity);
/// Rows borrow from `bytes`. Misses: kDamaged, kForeign, kFormat.
std::expected<PageEntry, Miss> decode_page(std::string_view bytes, std::string_view identity);

/// The order of a page: newest first, by view among equals.
bool comes_before(const PageRow& a, const PageRow& b);
bool is_of(const StoredView& view, const ProfileRef& profile);

/// The view of a row, which must be what its place and `profile` say. Misses: kDamaged, kForeign.
std::expected<StoredView, Miss> read_row(const PageRow& row, const ProfileRef& profile);
/// All rows of a page that is no floor. Misses: as read_row().
std::expected<Page, Miss> read_page(const PageEntry& entry, const ProfileRef& profile);

/// Whether a page has not yet lived too long, by the clock of whoever looks.
bool lives(const PageEntry& entry, Instant now, const CacheOptions& options);
/// For how long it is to be kept from now on: never beyond its life.
Millis ttl_of(const PageEntry& entry, Instant now, const CacheOptions& options);

/// What a put is to do with what it finds.
enum class Step : std::uint8_t {
  kChange,   ///< apply it
  kLeave,    ///< the page, or its floor, is at its version or beyond
  kNothing,  ///< there is no page
  kRemove,   ///< the page missed a change: put a floor there
};
Step put_step(const PageEntry& found, PageVersion before, PageVersion after);
/// Whether a fill at `version` replaces what is there.
bool fill_replaces(const PageEntry& found, PageVersion version);

/// Lays `changed` into the page. A row behind the end of a page that is not whole is left out: what
/// lies between is not known.
void lay_in(PageEntry& page, const std::vector<PageRow>& changed, std::uint32_t rows_max);

}  // namespace playhead
