// Views and title rows as bytes. A field that holds its default is left out: a bitmap says which
// are there. Times are distances from the record's base. docs/formats.md tells the layout.
#include "record/stored.h"

#include "base/assert.h"
#include "record/bytes.h"

namespace playhead {
namespace {

// The format that a view is written in is the first that has all its fields: 2 with those of what
// stands still.
constexpr std::uint8_t kViewFormat = 2;
constexpr unsigned kFirstFieldOf2 = 24;
constexpr std::uint8_t kTitleFormat = 1;

Result<void> check_format(std::uint8_t format, std::uint8_t known, std::string_view what) {
  if (format > 0 && format <= known) return {};
  if (format > known)
    return fail(Errc::kCorrupt, std::string(what) + " was written by a newer release (format " +
                                    std::to_string(format) + "), this one reads up to " +
                                    std::to_string(known));
  return fail(Errc::kCorrupt, std::string(what) + " has no known format");
}

void put_order(std::string& out, const Order& order, Instant base) {
  put_since(out, order.at, base);
  put_varint(out, order.sequence);
  put_fixed(out, order.digest);
}

Order read_order(Reader& in, Instant base) {
  Order order;
  order.at = in.since(base);
  order.sequence = in.narrow<std::uint32_t>();
  order.digest = in.fixed<std::uint32_t>();
  return order;
}

// Calls `visit(bit, field...)` with the same field of each view, in the order of the bits on disk:
// append, never reorder.
template <typename Visit, typename... Views>
void each_field(Visit visit, Views&... views) {
  visit(0, views.start...);
  visit(1, views.cursor...);
  visit(2, views.state_order...);
  visit(3, views.position_order...);
  visit(4, views.ended_order...);
  visit(5, views.opened_order...);
  visit(6, views.duration_order...);
  visit(7, views.credits_order...);
  visit(8, views.meta_order...);
  visit(9, views.playhead...);
  visit(10, views.duration...);
  visit(11, views.credits...);
  visit(12, views.shortest...);
  visit(13, views.moved...);
  visit(14, views.watched...);
  visit(15, views.played...);
  visit(16, views.bare_first...);
  visit(17, views.bare_last...);
  visit(18, views.beyond...);
  visit(19, views.qualified_at...);
  visit(20, views.finished_at...);
  visit(21, views.terminated_at...);
  visit(22, views.clock_offset...);
  visit(23, views.completed_at...);
  visit(24, views.still_order...);
  visit(25, views.still...);
}
constexpr unsigned kViewFields = 26;

struct Put {
  std::string& out;
  Instant base;
  void operator()(Instant at) const { put_since(out, at, base); }
  void operator()(Millis span) const { put_signed(out, span); }
  void operator()(const Order& order) const { put_order(out, order, base); }
  void operator()(const Stretch& stretch) const {
    put_since(out, stretch.first, base);
    put_since(out, stretch.last, base);
    put_signed(out, stretch.low);
    put_signed(out, stretch.high);
  }
};

struct Get {
  Reader& in;
  Instant base;
  void operator()(Instant& at) const { at = in.since(base); }
  void operator()(Millis& span) const { span = in.integer(); }
  void operator()(Order& order) const { order = read_order(in, base); }
  void operator()(Stretch& stretch) const {
    stretch.first = in.since(base);
    stretch.last = in.since(base);
    stretch.low = in.integer();
    stretch.high = in.integer();
  }
};

// The format that it needs.
std::uint8_t put_view(std::string& out, const View& view, Instant base) {
  const View defaults;
  std::uint32_t present = 0;
  const std::size_t bitmap = out.size();
  put_fixed(out, present);
  each_field(
      [&](unsigned bit, const auto& field, const auto& unset) {
        if (field == unset) return;
        present |= 1U << bit;
        Put{out, base}(field);
      },
      view, defaults);
  std::memcpy(out.data() + bitmap, &present, sizeof present);
  out.push_back(static_cast<char>(view.state));
  out.push_back(static_cast<char>(view.end_reason));
  out.push_back(static_cast<char>(view.kind));
  return present >> kFirstFieldOf2 == 0 ? 1 : 2;
}

View read_view(Reader& in, Instant base) {
  View view;
  const auto present = in.fixed<std::uint32_t>();
  if (present >> kViewFields != 0) in.fail();
  each_field(
      [&](unsigned bit, auto& field) {
        if ((present >> bit & 1) != 0) Get{in, base}(field);
      },
      view);
  view.state = in.value_of(State::kKeep);
  view.end_reason = in.value_of(EndReason::kTerminated);
  view.kind = in.value_of(Kind::kLive);
  return view;
}

// The true-or-false facts of a stored view, in the order of their bits on disk.
template <typename AnyStored, typename Visit>
void each_fact(AnyStored& stored, Visit visit) {
  visit(0, stored.view.record);
  visit(1, stored.view.completed);
  visit(2, stored.view.deleted);
  visit(3, stored.cmcd);
  visit(4, stored.active);
  visit(5, stored.expired);
  visit(7, stored.view.opened_by_start);
}
constexpr unsigned kTrailBit = 6;

void put_point(std::string& out, const Trail::Point& point, Instant base) {
  put_order(out, point.order, base);
  put_signed(out, point.playhead);
  out.push_back(static_cast<char>(point.state));
}

Trail::Point read_point(Reader& in, Instant base) {
  Trail::Point point;
  point.order = read_order(in, base);
  point.playhead = in.integer();
  point.state = in.value_of(State::kKeep);
  return point;
}

void put_trail(std::string& out, const Trail& trail, Instant base) {
  out.push_back(static_cast<char>(trail.count));
  put_signed(out, trail.banked);
  put_point(out, trail.oldest, base);
  for (std::size_t i = 0; i < trail.count; ++i) put_point(out, trail.points[i], base);
}

Trail read_trail(Reader& in, Instant base) {
  Trail trail;
  trail.count = in.fixed<std::uint8_t>();
  if (trail.count > kTrailMax) {
    in.fail();
    trail.count = 0;
  }
  trail.banked = in.integer();
  trail.oldest = read_point(in, base);
  for (std::size_t i = 0; i < trail.count; ++i) trail.points[i] = read_point(in, base);
  return trail;
}

// What a record may end with: where it was imported from, and whether it has a place within the
// account's limit. Behind that stands what a later release adds.
struct Extension {
  Import import;
  bool granted = false;
};

void put_extension(std::string& out, const Import& import, bool granted, Instant base) {
  std::string extension;
  if (import != Import{} || granted) {
    put_since(extension, import.at, base);
    put_text(extension, import.origin);
  }
  if (granted) extension.push_back('\1');
  put_text(out, extension);
}

Extension read_extension(Reader& in, Instant base) {
  Reader extension(in.text());
  Extension out;
  if (extension.done()) return out;
  out.import.at = extension.since(base);
  out.import.origin = extension.text(kIdBytesMax);
  if (!extension.done()) out.granted = (extension.fixed<std::uint8_t>() & 1) != 0;
  if (!extension.ok()) in.fail();
  return out;
}

void put_ids(std::string& out, const Ids& ids) {
  for (const std::string_view text :
       {ids.tenant, ids.account, ids.profile, ids.title, ids.series, ids.next_title, ids.view,
        ids.device, ids.device_type, ids.ended_by})
    put_text(out, text);
}

Ids read_ids(Reader& in) {
  Ids ids;
  for (std::string_view* text :
       {&ids.tenant, &ids.account, &ids.profile, &ids.title, &ids.series, &ids.next_title,
        &ids.view, &ids.device, &ids.device_type, &ids.ended_by})
    *text = in.text(kIdBytesMax);
  return ids;
}

void put_flag(std::string& out, const Flag& flag, Instant base) {
  put_since(out, flag.at, base);
  out.push_back(static_cast<char>((flag.act ? 1 : 0) | (flag.value ? 2 : 0)));
}

Flag read_flag(Reader& in, Instant base) {
  Flag flag;
  flag.at = in.since(base);
  const auto bits = in.fixed<std::uint8_t>();
  if (bits > 3) in.fail();
  flag.act = (bits & 1) != 0;
  flag.value = (bits & 2) != 0;
  return flag;
}

enum TitleBit : std::uint16_t {
  kPosition = 1,
  kWatched = 2,
  kHidden = 4,
  kMeta = 8,
  kDuration = 16,
  kCredits = 32,
  kPlayed = 64,
  kPositionAct = 128,
  kPositionCleared = 256,
  kPositionAtEnd = 512,
  kTitleBits = 1023,
};

std::uint16_t title_bits(const TitleState& title) {
  std::uint16_t bits = 0;
  const auto set = [&](bool there, TitleBit bit) {
    if (there) bits = static_cast<std::uint16_t>(bits | bit);
  };
  set(title.position != Position{}, kPosition);
  set(title.watched != Flag{}, kWatched);
  set(title.hidden != Flag{}, kHidden);
  set(title.meta_order != Order{} || !title.series.empty() || !title.next_title.empty(), kMeta);
  set(title.duration != 0 || title.duration_order != Order{}, kDuration);
  set(title.credits != 0 || title.credits_order != Order{}, kCredits);
  set(title.played_max != 0, kPlayed);
  set(title.position.act, kPositionAct);
  set(title.position.cleared, kPositionCleared);
  set(title.position.at_end, kPositionAtEnd);
  return bits;
}

}  // namespace

StoredView StoredView::clone() const {
  StoredView copy;
  copy.ids = PackedIds(ids.get());
  copy.view = view;
  copy.trail = trail;
  copy.import = import;
  copy.keyed_start = keyed_start;
  copy.last_arrival = last_arrival;
  copy.interval_ms = interval_ms;
  copy.cmcd = cmcd;
  copy.active = active;
  copy.expired = expired;
  copy.granted = granted;
  return copy;
}

TitleState contribution_of(const View& view, const Ids& ids) {
  return contribution(
      view,
      {.view = ids.view, .device = ids.device, .series = ids.series, .next_title = ids.next_title});
}

void encode(std::string& out, const StoredView& stored) {
  const std::size_t format = out.size();
  out.push_back('\0');
  put_ids(out, stored.ids.get());
  const Instant base = stored.keyed_start;
  put_signed(out, base.ms);
  put_since(out, stored.last_arrival, base);
  put_varint(out, stored.interval_ms);
  std::uint8_t facts = 0;
  each_fact(stored, [&](unsigned bit, bool fact) {
    if (fact) facts = static_cast<std::uint8_t>(facts | 1U << bit);
  });
  if (stored.trail) facts = static_cast<std::uint8_t>(facts | 1U << kTrailBit);
  put_fixed(out, facts);
  out[format] = static_cast<char>(put_view(out, stored.view, base));
  if (stored.trail) put_trail(out, *stored.trail, base);
  put_extension(out, stored.import.value_or(Import{}), stored.granted, base);
}

Result<StoredView> decode_view(std::string_view bytes) {
  Reader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  if (auto known = check_format(format, kViewFormat, "a view"); !known)
    return std::unexpected(known.error());
  StoredView stored;
  const Ids ids = read_ids(in);
  stored.keyed_start = {in.integer()};
  const Instant base = stored.keyed_start;
  stored.last_arrival = in.since(base);
  stored.interval_ms = in.narrow<std::uint32_t>();
  const auto facts = in.fixed<std::uint8_t>();
  stored.view = read_view(in, base);
  each_fact(stored, [&](unsigned bit, bool& fact) { fact = (facts >> bit & 1) != 0; });
  if ((facts >> kTrailBit & 1) != 0) stored.trail = read_trail(in, base);
  Extension extension = read_extension(in, base);
  if (extension.import != Import{}) stored.import = std::move(extension.import);
  stored.granted = extension.granted && stored.active;
  if (!in.ok() || !in.done())
    return fail(Errc::kCorrupt, "a view's bytes are cut short or damaged");
  stored.ids = PackedIds(ids);
  return stored;
}

void encode(std::string& out, const TitleState& title) {
  out.push_back(static_cast<char>(kTitleFormat));
  const std::uint16_t bits = title_bits(title);
  put_fixed(out, bits);
  // A row's times lie close to each other: the first one there is the base of the rest.
  const Instant base = (bits & kPosition) != 0 ? title.position.moved : Instant{};
  put_signed(out, base.ms);
  if ((bits & kPosition) != 0) {
    put_text(out, title.position.view);
    put_order(out, title.position.cursor, base);
    put_text(out, title.position.device);
    put_signed(out, title.position.playhead);
  }
  if ((bits & kWatched) != 0) put_flag(out, title.watched, base);
  if ((bits & kHidden) != 0) put_flag(out, title.hidden, base);
  if ((bits & kMeta) != 0) {
    put_text(out, title.series);
    put_text(out, title.next_title);
    put_order(out, title.meta_order, base);
  }
  if ((bits & kDuration) != 0) {
    put_signed(out, title.duration);
    put_order(out, title.duration_order, base);
  }
  if ((bits & kCredits) != 0) {
    put_signed(out, title.credits);
    put_order(out, title.credits_order, base);
  }
  if ((bits & kPlayed) != 0) put_signed(out, title.played_max);
  put_extension(out, title.import, false, base);
}

Result<TitleState> decode_title(std::string_view bytes) {
  Reader in(bytes);
  const auto format = in.fixed<std::uint8_t>();
  if (auto known = check_format(format, kTitleFormat, "a title's row"); !known)
    return std::unexpected(known.error());
  TitleState title;
  const auto bits = in.fixed<std::uint16_t>();
  if ((bits & ~kTitleBits) != 0) in.fail();
  const Instant base{in.integer()};
  if ((bits & kPosition) != 0) {
    title.position.moved = base;
    title.position.act = (bits & kPositionAct) != 0;
    title.position.cleared = (bits & kPositionCleared) != 0;
    title.position.at_end = (bits & kPositionAtEnd) != 0;
    title.position.view = in.text(kIdBytesMax);
    title.position.cursor = read_order(in, base);
    title.position.device = in.text(kIdBytesMax);
    title.position.playhead = in.integer();
  }
  if ((bits & kWatched) != 0) title.watched = read_flag(in, base);
  if ((bits & kHidden) != 0) title.hidden = read_flag(in, base);
  if ((bits & kMeta) != 0) {
    title.series = in.text(kIdBytesMax);
    title.next_title = in.text(kIdBytesMax);
    title.meta_order = read_order(in, base);
  }
  if ((bits & kDuration) != 0) {
    title.duration = in.integer();
    title.duration_order = read_order(in, base);
  }
  if ((bits & kCredits) != 0) {
    title.credits = in.integer();
    title.credits_order = read_order(in, base);
  }
  if ((bits & kPlayed) != 0) title.played_max = in.integer();
  title.import = read_extension(in, base).import;
  if (!in.ok() || !in.done()) return fail(Errc::kCorrupt, "a title's row is cut short or damaged");
  return title;
}

}  // namespace playhead
