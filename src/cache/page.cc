// Bytes and rules of pages. A value: format (1 byte), checksum (8) of all that follows, identity,
// version, times, flags, rows.
#include "cache/page.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/hash.h"
#include "base/ids.h"
#include "record/bytes.h"
#include "record/erasure.h"

namespace playhead {
namespace {

constexpr std::size_t kHeadBytes = 1 + sizeof(std::uint64_t);
constexpr std::uint8_t kWhole = 1;
constexpr std::uint8_t kFloor = 2;
// Exact as a double, which Redis keeps the order of a set by; far beyond the year 9999.
constexpr std::int64_t kPlaceMsMax = std::int64_t{1} << 52;
constexpr std::size_t kKeyNameBytesMax = 64;  ///< of a cluster's name in a key

}  // namespace

bool comes_before(const PageRow& a, const PageRow& b) {
  return std::tuple(b.keyed_start, a.view) < std::tuple(a.keyed_start, b.view);
}

bool is_of(const StoredView& view, const ProfileRef& profile) {
  const Ids ids = view.ids.get();
  return ids.tenant == profile.tenant && ids.account == profile.account &&
         ids.profile == profile.profile;
}

std::string page_identity(std::string_view cluster, const ProfileRef& profile) {
  // No id has a slash in it.
  std::string out(cluster);
  for (const std::string* part : {&profile.tenant, &profile.account, &profile.profile})
    out.append("/").append(*part);
  return out;
}

std::string page_key(std::string_view cluster, const ProfileRef& profile) {
  const Mark mark = mark_of(profile.tenant, profile.account, profile.profile);
  std::string out(cluster.substr(0, kKeyNameBytesMax));
  out.push_back(':');
  for (const std::uint64_t half : {mark.high, mark.low})
    for (int shift = 60; shift >= 0; shift -= 4)
      out.push_back("0123456789abcdef"[half >> shift & 15]);
  return out;
}

Result<OwnedRows> page_rows(const std::vector<StoredView>& views) {
  OwnedRows out;
  out.bytes.reserve(views.size());
  for (const StoredView& view : views) {
    if (!view.view.record) continue;
    std::string& bytes = out.bytes.emplace_back();
    encode(bytes, view);
    if (bytes.size() > kPageRowBytesMax)
      return fail(Errc::kInvalidArgument, "a row of " + std::to_string(bytes.size()) + " bytes");
    if (view.keyed_start < Instant{-kPlaceMsMax} || view.keyed_start > Instant{kPlaceMsMax})
      return fail(Errc::kInvalidArgument, "a start at " + std::to_string(view.keyed_start.ms));
    out.rows.push_back(
        {.keyed_start = view.keyed_start, .view = view.ids.get().view, .record = bytes});
  }
  std::ranges::sort(out.rows, comes_before);
  return out;
}

std::string encode_page(const PageEntry& entry, std::string_view identity) {
  std::string body;
  std::size_t size = 100 + identity.size();
  for (const PageRow& row : entry.rows) size += 20 + row.view.size() + row.record.size();
  body.reserve(size);
  body.push_back(static_cast<char>(kPageFormat));
  put_fixed(body, std::uint64_t{0});
  put_text(body, identity);
  put_varint(body, entry.version.epoch);
  put_varint(body, entry.version.count);
  put_signed(body, entry.as_of.ms);
  put_since(body, entry.born, entry.as_of);
  put_since(body, entry.refreshed, entry.as_of);
  put_varint(body, (entry.whole ? kWhole : 0U) | (entry.floor ? kFloor : 0U));
  put_varint(body, entry.rows.size());
  for (const PageRow& row : entry.rows) {
    put_since(body, row.keyed_start, entry.as_of);
    put_text(body, row.view);
    put_text(body, row.record);
  }
  std::string checksum;
  put_fixed(checksum, hash_bytes(std::string_view(body).substr(kHeadBytes)));
  body.replace(1, checksum.size(), checksum);
  return body;
}

std::expected<PageEntry, Miss> decode_page(std::string_view bytes, std::string_view identity) {
  if (bytes.size() > kPageBytesMax) return std::unexpected(Miss::kDamaged);
  Reader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  const auto checksum = in.fixed<std::uint64_t>();
  if (!in.ok() || format == 0) return std::unexpected(Miss::kDamaged);
  if (format > kPageFormat) return std::unexpected(Miss::kFormat);
  if (checksum != hash_bytes(in.rest())) return std::unexpected(Miss::kDamaged);
  if (in.text() != identity) return std::unexpected(in.ok() ? Miss::kForeign : Miss::kDamaged);

  PageEntry out;
  out.version = {.epoch = in.varint(), .count = in.varint()};
  out.as_of = Instant{in.integer()};
  out.born = in.since(out.as_of);
  out.refreshed = in.since(out.as_of);
  const std::uint64_t flags = in.varint();
  const std::uint64_t rows = in.varint();
  if (!in.ok() || flags > (kWhole | kFloor) || rows > kPageRowsMax)
    return std::unexpected(Miss::kDamaged);
  out.whole = (flags & kWhole) != 0;
  out.floor = (flags & kFloor) != 0;
  out.rows.reserve(rows);
  for (std::uint64_t i = 0; i < rows && in.ok(); ++i) {
    PageRow row;
    row.keyed_start = in.since(out.as_of);
    row.view = in.text(kIdBytesMax);
    row.record = in.text(kPageRowBytesMax);
    if (!out.rows.empty() && !comes_before(out.rows.back(), row)) in.fail();
    out.rows.push_back(row);
  }
  if (!in.ok() || !in.done()) return std::unexpected(Miss::kDamaged);
  return out;
}

std::expected<StoredView, Miss> read_row(const PageRow& row, const ProfileRef& profile) {
  Result<StoredView> view = decode_view(row.record);
  if (!view) return std::unexpected(Miss::kDamaged);
  if (!is_of(*view, profile)) return std::unexpected(Miss::kForeign);
  if (view->ids.get().view != row.view || view->keyed_start != row.keyed_start)
    return std::unexpected(Miss::kDamaged);
  return std::move(*view);
}

std::expected<Page, Miss> read_page(const PageEntry& entry, const ProfileRef& profile) {
  if (entry.floor) return std::unexpected(Miss::kAbsent);
  Page out{.version = entry.version, .as_of = entry.as_of, .whole = entry.whole};
  out.rows.reserve(entry.rows.size());
  for (const PageRow& row : entry.rows) {
    auto view = read_row(row, profile);
    if (!view) return std::unexpected(view.error());
    out.rows.push_back(std::move(*view));
  }
  return out;
}

bool lives(const PageEntry& entry, Instant now, const CacheOptions& options) {
  // Clocks of nodes differ by little. A page from far ahead is one whose writer's clock was set
  // back.
  return now < entry.born + options.page_life_ms_max && now >= entry.born - options.page_ttl_ms;
}

Millis ttl_of(const PageEntry& entry, Instant now, const CacheOptions& options) {
  return std::min(options.page_ttl_ms, entry.born + options.page_life_ms_max - now);
}

Step put_step(const PageEntry& found, PageVersion before, PageVersion after) {
  if (found.version >= after) return Step::kLeave;
  if (found.floor) return Step::kNothing;
  return found.version == before && before != PageVersion{} ? Step::kChange : Step::kRemove;
}

bool fill_replaces(const PageEntry& found, PageVersion version) { return version >= found.version; }

void lay_in(PageEntry& page, const std::vector<PageRow>& changed, std::uint32_t rows_max) {
  for (const PageRow& row : changed) {
    const auto known = std::ranges::find(page.rows, row.view, &PageRow::view);
    if (known != page.rows.end() && known->keyed_start == row.keyed_start) {
      *known = row;
      continue;
    }
    // A view keeps its place for ever; should one not, it is where it was last put.
    if (known != page.rows.end()) page.rows.erase(known);
    const auto place = std::ranges::lower_bound(page.rows, row, comes_before);
    if (place != page.rows.end() || page.whole) page.rows.insert(place, row);
  }
  if (page.rows.size() <= rows_max) return;
  page.rows.resize(rows_max);
  page.whole = false;
}

}  // namespace playhead
