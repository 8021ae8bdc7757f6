// Reads a store without opening it for writing: every row decodes, and rows and indexes agree.
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>

#include <charconv>
#include <memory>
#include <utility>

#include "journal/rocksdb/status.h"
#include "record/stored.h"
#include "store/rocksdb/erase.h"
#include "store/rocksdb/families.h"
#include "store/rocksdb/keys.h"

namespace playhead {
namespace {

constexpr std::uint64_t kCheckCacheBytes = 64ULL << 20;

class Check {
 public:
  Check(const Families& families, StoreReport& report)
      : families_(families), report_(report), oldest_(oldest(families)) {}
  void run();

 private:
  using Handle = rocksdb::ColumnFamilyHandle*;

  void damaged(std::string_view family, std::string_view key, const std::string& what);
  template <typename Visit>
  void each(Handle family, KeyKind kind, std::uint64_t& rows, const Visit& visit);
  bool holds(Handle family, const std::string& key) const;
  void check_view(std::string_view key, const KeyParts& parts, std::string_view value);
  void check_erasures();
  void check_index(Handle family, std::string_view key, const KeyParts& parts);

  // Of what is older a compaction may have dropped a part.
  static Instant oldest(const Families& families) {
    static const SystemClock clock;
    std::string days;
    families.db().Get({}, families.meta(), kRetentionKey, &days).PermitUncheckedError();
    std::uint32_t number = 0;
    std::from_chars(days.data(), days.data() + days.size(), number);
    return Retention(&clock, number).oldest();
  }

  const Families& families_;
  StoreReport& report_;
  const Instant oldest_;
};

void note(StoreReport& report, std::string what) {
  ++report.damaged;
  if (report.damage.size() < kStoreDamageMax) report.damage.push_back(std::move(what));
}

void Check::damaged(std::string_view family, std::string_view key, const std::string& what) {
  note(report_, std::string(family) + " row " + rocksdb::Slice(key).ToString(true) + ": " + what);
}

template <typename Visit>
void Check::each(Handle family, KeyKind kind, std::uint64_t& rows, const Visit& visit) {
  rocksdb::ReadOptions reading;
  reading.total_order_seek = true;
  reading.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> all(families_.db().NewIterator(reading, family));
  for (all->SeekToFirst(); all->Valid(); all->Next()) {
    ++rows;
    const std::string_view key = all->key().ToStringView();
    const auto parts = read_key(kind, key);
    if (!parts) {
      damaged(family->GetName(), key, "its key is malformed");
    } else if (parts->slot != slot_of(parts->tenant, parts->account)) {
      damaged(family->GetName(), key, "it lies in the wrong slot");
    } else {
      visit(key, *parts, all->value().ToStringView());
    }
  }
  if (!all->status().ok())
    note(report_, family->GetName() + ": not readable beyond row " + std::to_string(rows) + ": " +
                      all->status().ToString());
}

bool Check::holds(Handle family, const std::string& key) const {
  rocksdb::PinnableSlice value;
  return families_.db().Get({}, family, key, &value).ok();
}

void Check::check_view(std::string_view key, const KeyParts& parts, std::string_view value) {
  const auto view = decode_view(value);
  if (!view) return damaged("views", key, view.error().detail);
  if (Retention::is_over(*view, oldest_)) return;
  const Ids ids = view->ids.get();
  if (ids.tenant != parts.tenant || ids.account != parts.account || ids.view != parts.last)
    return damaged("views", key, "it holds another view");
  const ProfileRef profile{std::string(ids.tenant), std::string(ids.account),
                           std::string(ids.profile)};
  if (view->active != holds(families_.active(), std::string(key)))
    damaged("views", key,
            view->active ? "it is active, and not listed as such"
                         : "it is listed as active, and is not");
  if (view->view.record && view->keyed_start >= oldest_ &&
      !holds(families_.history(), history_key(profile, view->keyed_start, ids.view)))
    damaged("views", key, "it is not in history");
  if (!holds(families_.profiles(), account_key(ids.tenant, ids.account, ids.profile)))
    damaged("views", key, "its profile is not listed");
}

void Check::check_index(Handle family, std::string_view key, const KeyParts& parts) {
  if (family == families_.history() && parts.keyed_start < oldest_) return;
  if (!holds(families_.views(), account_key(parts.tenant, parts.account, parts.last)))
    damaged(family->GetName(), key, "its view is missing");
}

void Check::check_erasures() {
  rocksdb::ReadOptions reading;
  reading.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> all(
      families_.db().NewIterator(reading, families_.erasures()));
  for (all->SeekToFirst(); all->Valid(); all->Next()) {
    ++report_.erasures;
    const std::string_view key = all->key().ToStringView();
    if (key.size() != kErasurePrefixBytes && !read_erasure_key(key))
      damaged("erasures", key, "its key is malformed");
    else if (!read_through(all->value().ToStringView()))
      damaged("erasures", key, "it can't be read");
  }
  if (!all->status().ok()) note(report_, "erasures: " + all->status().ToString());
}

void Check::run() {
  each(families_.views(), KeyKind::kAccount, report_.views,
       [this](auto key, const KeyParts& parts, auto value) { check_view(key, parts, value); });
  each(families_.active(), KeyKind::kAccount, report_.active,
       [this](auto key, const KeyParts& parts, auto) {
         check_index(families_.active(), key, parts);
       });
  each(families_.history(), KeyKind::kHistory, report_.history,
       [this](auto key, const KeyParts& parts, auto) {
         check_index(families_.history(), key, parts);
       });
  each(families_.profiles(), KeyKind::kAccount, report_.profiles, [](auto, auto&, auto) {});
  each(families_.titles(), KeyKind::kTitle, report_.titles, [this](auto key, auto&, auto value) {
    if (const auto title = decode_title(value); !title)
      damaged("titles", key, title.error().detail);
  });
  check_erasures();
  for (Handle family : families_.all()) {
    std::uint64_t bytes = 0;
    if (families_.db().GetIntProperty(family, rocksdb::DB::Properties::kTotalSstFilesSize, &bytes))
      report_.disk_bytes += bytes;
  }
}

}  // namespace

Result<StoreReport> check_store(const std::string& path) {
  const auto lock = DirectoryLock::take(path, "store");
  if (!lock) return std::unexpected(lock.error());
  StoreReport report;
  const auto families = Families::open({.path = path, .block_cache_bytes = kCheckCacheBytes},
                                       Families::Access::kReadOnly);
  if (families)
    Check(*families, report).run();
  else if (families.error().code == Errc::kCorrupt)
    note(report, families.error().detail);
  else
    return std::unexpected(families.error());
  return report;
}

}  // namespace playhead
