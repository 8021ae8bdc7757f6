// A row that can't be decoded stays: damage is for reads and `playhead check` to find.
#include "store/rocksdb/retention.h"

#include <algorithm>

#include "store/rocksdb/keys.h"

namespace playhead {
namespace {

constexpr Millis kDayMs = 86'400'000;

class OldRows final : public rocksdb::CompactionFilter {
 public:
  OldRows(RowKind kind, Instant oldest) : kind_(kind), oldest_(oldest) {}
  const char* Name() const override { return "playhead.Retention"; }

  bool Filter(int, const rocksdb::Slice& key, const rocksdb::Slice& value, std::string*,
              bool*) const override {
    switch (kind_) {
      case RowKind::kView: {
        const auto view = decode_view(value.ToStringView());
        return view && Retention::is_over(*view, oldest_);
      }
      case RowKind::kHistory: {
        const auto parts = read_key(KeyKind::kHistory, key.ToStringView());
        return parts && parts->keyed_start < oldest_;
      }
      case RowKind::kTitle: {
        const auto title = decode_title(value.ToStringView());
        return title && Retention::is_over(*title, oldest_);
      }
    }
    return false;
  }

 private:
  const RowKind kind_;
  const Instant oldest_;
};

// A filter a compaction: its time is that of its beginning.
class OldRowsFactory final : public rocksdb::CompactionFilterFactory {
 public:
  OldRowsFactory(const Retention& retention, RowKind kind) : retention_(retention), kind_(kind) {}
  const char* Name() const override { return "playhead.RetentionFactory"; }
  std::unique_ptr<rocksdb::CompactionFilter> CreateCompactionFilter(
      const rocksdb::CompactionFilter::Context&) override {
    return std::make_unique<OldRows>(kind_, retention_.oldest());
  }

 private:
  const Retention retention_;
  const RowKind kind_;
};

}  // namespace

Instant Retention::oldest() const {
  return days_ == 0 ? kNever : clock_->now() - Millis{days_} * kDayMs;
}

bool Retention::is_over(const StoredView& view, Instant oldest) {
  return !view.active && view.keyed_start < oldest;
}

bool Retention::is_over(const TitleState& title, Instant oldest) {
  return std::max({title.position.moved, title.watched.at, title.hidden.at, title.meta_order.at,
                   title.duration_order.at, title.credits_order.at}) < oldest;
}

std::shared_ptr<rocksdb::CompactionFilterFactory> retention_filter(const Retention& retention,
                                                                   RowKind kind) {
  if (!retention.limited()) return nullptr;
  return std::make_shared<OldRowsFactory>(retention, kind);
}

}  // namespace playhead
