// An index is read before the rows it names: a row is never older than its index entry.
#include "store/rocksdb/rows.h"

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <span>

#include "record/stored.h"
#include "store/rocksdb/erase.h"
#include "store/rocksdb/keys.h"

namespace playhead {
namespace {

using rocksdb::Status;

// One scan of a profile's titles beats as many gets: 15 us against 40 to 50 for a page of 40.
constexpr std::size_t kScanWantedMin = 4;
constexpr std::size_t kScanRowsMax = 200;

rocksdb::ReadOptions reading(Rows::Where where) {
  rocksdb::ReadOptions options;
  options.read_tier = where;
  return options;
}

Status corruption(const Error& error, std::string_view key) {
  return Status::Corruption(error.detail, rocksdb::Slice(key).ToString(true));
}

// Calls `visit` with the rest of each key that begins with `prefix`, from `from` on, until it says
// false.
Status scan(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, Rows::Where where,
            std::string_view prefix, std::string_view from,
            const std::function<bool(std::string_view rest, std::string_view value)>& visit) {
  rocksdb::ReadOptions options = reading(where);
  options.prefix_same_as_start = true;
  const std::unique_ptr<rocksdb::Iterator> rows(db.NewIterator(options, family));
  for (rows->Seek(from); rows->Valid(); rows->Next()) {
    const std::string_view key = rows->key().ToStringView();
    if (!key.starts_with(prefix)) break;
    if (!visit(key.substr(prefix.size()), rows->value().ToStringView())) break;
  }
  return rows->status();
}

// Gets many keys at once; calls `visit` with the index and value of each that is there.
Status get_all(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, Rows::Where where,
               const std::vector<std::string>& keys,
               const std::function<Status(std::size_t, std::string_view)>& visit) {
  const std::vector<rocksdb::Slice> slices(keys.begin(), keys.end());
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<Status> statuses(keys.size());
  db.MultiGet(reading(where), family, keys.size(), slices.data(), values.data(), statuses.data());
  Status result;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok()) {
      if (result.ok()) result = visit(i, values[i].ToStringView());
    } else if (!statuses[i].IsNotFound() && result.ok()) {
      result = statuses[i];
    }
  }
  return result;
}

}  // namespace

// The rows of `views` that are there, in their order.
Status Rows::views(Where where, const AccountRef& account, const std::vector<std::string>& views,
                   std::vector<StoredView>& out) const {
  if (views.empty()) return Status::OK();
  std::vector<std::string> keys;
  keys.reserve(views.size());
  for (const std::string& view : views)
    keys.push_back(account_key(account.tenant, account.account, view));
  const Instant oldest = families_.retention().oldest();
  return get_all(families_.db(), families_.views(), where, keys,
                 [&](std::size_t index, std::string_view value) {
                   auto view = decode_view(value);
                   if (!view) return corruption(view.error(), keys[index]);
                   if (!Retention::is_over(*view, oldest)) out.push_back(std::move(*view));
                   return Status::OK();
                 });
}

Status Rows::active_views(Where where, const AccountRef& account,
                          std::vector<StoredView>& out) const {
  const std::string prefix = account_prefix(account.tenant, account.account);
  std::vector<std::string> names;
  Status scanned = scan(families_.db(), families_.active(), where, prefix, prefix,
                        [&](std::string_view view, std::string_view) {
                          names.emplace_back(view);
                          return true;
                        });
  if (!scanned.ok()) return scanned;
  Status read = views(where, account, names, out);
  // It may have ended between the two reads.
  std::erase_if(out, [](const StoredView& view) { return !view.active; });
  return read;
}

Status Rows::view(Where where, const AccountRef& account, std::string_view view,
                  std::optional<StoredView>& out) const {
  const std::string key = account_key(account.tenant, account.account, view);
  rocksdb::PinnableSlice value;
  Status status = families_.db().Get(reading(where), families_.views(), key, &value);
  if (status.IsNotFound()) return Status::OK();
  if (!status.ok()) return status;
  auto decoded = decode_view(value.ToStringView());
  if (!decoded) return corruption(decoded.error(), key);
  out = std::move(*decoded);
  return status;
}

Status Rows::erasures(Where where, const AccountRef& account, Erasures& out) const {
  const std::string prefix = erasure_key(account.tenant, account.account);
  Status decoded;
  Status scanned = scan(families_.db(), families_.erasures(), where, prefix, prefix,
                        [&](std::string_view rest, std::string_view value) {
                          const auto through = read_through(value);
                          const auto profile = read_erasure_key(prefix + std::string(rest));
                          if (!through || (!rest.empty() && !profile)) {
                            decoded = Status::Corruption("an erasure's row");
                            return false;
                          }
                          out.add(profile ? &*profile : nullptr, *through);
                          return true;
                        });
  return scanned.ok() ? decoded : scanned;
}

Status Rows::titles(Where where, const ProfileRef& profile, const std::vector<std::string>& titles,
                    std::vector<std::optional<TitleState>>& out) const {
  out.assign(titles.size(), std::nullopt);
  if (titles.size() >= kScanWantedMin) {
    bool whole = false;
    const Status scanned = scan_titles(where, profile, titles, out, whole);
    if (!scanned.ok() || whole) return scanned;
    out.assign(titles.size(), std::nullopt);
  }
  return get_titles(where, profile, titles, out);
}

// Reads the profile's rows one by one; `whole` says that there were at most kScanRowsMax.
Status Rows::scan_titles(Where where, const ProfileRef& profile,
                         const std::vector<std::string>& titles,
                         std::vector<std::optional<TitleState>>& out, bool& whole) const {
  std::vector<std::size_t> order(titles.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) -> std::string_view { return titles[i]; });
  const auto title_of = [&](std::size_t i) -> std::string_view { return titles[i]; };
  const std::string prefix = profile_prefix(profile);
  std::size_t rows = 0;
  const Instant oldest = families_.retention().oldest();
  Status decoded;
  const Status scanned =
      scan(families_.db(), families_.titles(), where, prefix, prefix,
           [&](std::string_view title, std::string_view value) {
             if (++rows > kScanRowsMax) return false;
             // The same title may be asked for twice.
             for (const std::size_t i : std::ranges::equal_range(order, title, {}, title_of)) {
               auto state = decode_title(value);
               if (!state) {
                 decoded = corruption(state.error(), title_key(profile, title));
                 return false;
               }
               if (!Retention::is_over(*state, oldest)) out[i] = std::move(*state);
             }
             return true;
           });
  whole = rows <= kScanRowsMax;
  return scanned.ok() ? decoded : scanned;
}

Status Rows::get_titles(Where where, const ProfileRef& profile,
                        const std::vector<std::string>& titles,
                        std::vector<std::optional<TitleState>>& out) const {
  std::vector<std::string> keys;
  keys.reserve(titles.size());
  for (const std::string& title : titles) keys.push_back(title_key(profile, title));
  const Instant oldest = families_.retention().oldest();
  return get_all(families_.db(), families_.titles(), where, keys,
                 [&](std::size_t index, std::string_view value) {
                   auto state = decode_title(value);
                   if (!state) return corruption(state.error(), keys[index]);
                   if (!Retention::is_over(*state, oldest)) out[index] = std::move(*state);
                   return Status::OK();
                 });
}

Status Rows::all_titles(const ProfileRef& profile, std::size_t rows_max,
                        std::vector<NamedTitle>& out) const {
  const std::string prefix = profile_prefix(profile);
  const Instant oldest = families_.retention().oldest();
  Status decoded;
  Status scanned = scan(families_.db(), families_.titles(), rocksdb::kReadAllTier, prefix, prefix,
                        [&](std::string_view title, std::string_view value) {
                          if (out.size() >= rows_max) return false;
                          auto state = decode_title(value);
                          if (!state) {
                            decoded = corruption(state.error(), title_key(profile, title));
                            return false;
                          }
                          if (!Retention::is_over(*state, oldest))
                            out.push_back({std::string(title), std::move(*state)});
                          return true;
                        });
  return scanned.ok() ? decoded : scanned;
}

Status Rows::history(const ProfileRef& profile, const std::optional<HistoryKey>& after,
                     std::size_t rows_max, HistoryRows& out) const {
  const std::string prefix = profile_prefix(profile);
  std::string from = prefix;
  if (after) {
    from = history_key(profile, after->keyed_start, after->view);
    from += '\0';  // the first key behind it
  }
  constexpr std::size_t kStartBytes = 8;
  // What retention hides lies at the end, newest first: there the history ends. (A view that is
  // active all that time is in memory.)
  const Instant oldest = families_.retention().oldest();
  const std::string kept = history_key(profile, oldest, {}).substr(prefix.size());
  std::vector<std::string> names;
  Status scanned = scan(families_.db(), families_.history(), rocksdb::kReadAllTier, prefix, from,
                        [&](std::string_view rest, std::string_view) {
                          if (rest.substr(0, kStartBytes) > kept) return false;
                          if (names.size() >= rows_max) {
                            out.more = true;
                            return false;
                          }
                          if (rest.size() >= kStartBytes)
                            names.emplace_back(rest.substr(kStartBytes));
                          return true;
                        });
  if (!scanned.ok()) return scanned;
  return views(rocksdb::kReadAllTier, {profile.tenant, profile.account}, names, out.views);
}

Status Rows::profiles(const AccountRef& account, std::size_t rows_max,
                      std::vector<std::string>& out) const {
  const std::string prefix = account_prefix(account.tenant, account.account);
  return scan(families_.db(), families_.profiles(), rocksdb::kReadAllTier, prefix, prefix,
              [&](std::string_view profile, std::string_view) {
                if (out.size() >= rows_max) return false;
                out.emplace_back(profile);
                return true;
              });
}

}  // namespace playhead
