// Bytes that sort as what they mean: numbers big-endian with the sign flipped, texts ended by two
// zero bytes. The format number comes last, so that it never decides.
#include "store/cassandra/registers.h"

#include <algorithm>

namespace playhead {
namespace {

constexpr std::uint8_t kRegisterFormat = 1;

// Times beyond some 70,000 years are equal to Cassandra's timestamps; then the bytes decide.
constexpr std::int64_t kTimestampMsMax = std::int64_t{1} << 51;

std::int64_t timestamp_of(std::int64_t ms) {
  return std::clamp(ms, -kTimestampMsMax, kTimestampMsMax) * 1'000;
}

class Writer {
 public:
  template <typename T>
  void unsigned_number(T value) {
    for (std::size_t i = sizeof(T); i-- > 0;) out_ += static_cast<char>(value >> (8 * i));
  }
  void number(std::int64_t value) {
    unsigned_number(static_cast<std::uint64_t>(value) ^ (1ULL << 63));
  }
  void fact(bool value) { out_ += value ? '\1' : '\0'; }
  // A zero byte within becomes 0 255, so that the end, 0 0, sorts before whatever goes on.
  void text(std::string_view value) {
    for (const char byte : value) {
      out_ += byte;
      if (byte == '\0') out_ += '\xff';
    }
    out_.append(2, '\0');
  }
  void order(const Order& order) {
    number(order.at.ms);
    unsigned_number(order.sequence);
    unsigned_number(order.digest);
  }
  std::string done() && {
    out_ += static_cast<char>(kRegisterFormat);
    return std::move(out_);
  }

 private:
  std::string out_;
};

// After the first failure everything reads as zero.
class Parser {
 public:
  explicit Parser(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T unsigned_number() {
    if (rest_.size() < sizeof(T)) return static_cast<T>(fail());
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      value = static_cast<T>(value << 8 | static_cast<unsigned char>(rest_[i]));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::int64_t number() {
    return static_cast<std::int64_t>(unsigned_number<std::uint64_t>() ^ (1ULL << 63));
  }
  bool fact() {
    const auto byte = unsigned_number<std::uint8_t>();
    if (byte > 1) fail();
    return byte == 1;
  }
  std::string text() {
    std::string out;
    while (rest_.size() >= 2) {
      const char byte = rest_.front(), after = rest_[1];
      const bool escaped = byte == '\0' && after == '\xff';
      const bool end = byte == '\0' && !escaped;
      rest_.remove_prefix(byte == '\0' ? 2 : 1);
      if (end && after == '\0') return out;
      if (end) break;
      out += byte;
    }
    fail();
    return {};
  }
  Order order() {
    Order order;
    order.at = {number()};
    order.sequence = unsigned_number<std::uint32_t>();
    order.digest = unsigned_number<std::uint32_t>();
    return order;
  }
  // All of it was read, and no more.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::uint64_t fail() {
    ok_ = false;
    rest_ = {};
    return 0;
  }

  std::string_view rest_;
  bool ok_ = true;
};

Cell cell_of(std::int64_t ms, Writer&& writer) {
  return {.timestamp_us = timestamp_of(ms), .bytes = std::move(writer).done()};
}

std::optional<Cell> encode(const Position& position) {
  if (position == Position{}) return std::nullopt;
  Writer out;
  out.number(position.moved.ms);
  out.fact(position.act);
  out.text(position.view);
  out.order(position.cursor);
  out.fact(position.at_end);
  out.fact(position.cleared);
  out.text(position.device);
  out.number(position.playhead);
  return cell_of(position.moved.ms, std::move(out));
}

Position read_position(Parser& in) {
  Position out;
  out.moved = {in.number()};
  out.act = in.fact();
  out.view = in.text();
  out.cursor = in.order();
  out.at_end = in.fact();
  out.cleared = in.fact();
  out.device = in.text();
  out.playhead = in.number();
  return out;
}

std::optional<Cell> encode(const Flag& flag) {
  if (flag == Flag{}) return std::nullopt;
  Writer out;
  out.number(flag.at.ms);
  out.fact(flag.act);
  out.fact(flag.value);
  return cell_of(flag.at.ms, std::move(out));
}

Flag read_flag(Parser& in) {
  Flag out;
  out.at = {in.number()};
  out.act = in.fact();
  out.value = in.fact();
  return out;
}

std::optional<Cell> encode_meta(const TitleState& title) {
  if (title.meta_order == Order{} && title.series.empty() && title.next_title.empty())
    return std::nullopt;
  Writer out;
  out.order(title.meta_order);
  out.text(title.series);
  out.text(title.next_title);
  return cell_of(title.meta_order.at.ms, std::move(out));
}

std::optional<Cell> encode(const Order& order, Millis span) {
  if (order == Order{} && span == 0) return std::nullopt;
  Writer out;
  out.order(order);
  out.number(span);
  return cell_of(order.at.ms, std::move(out));
}

std::optional<Cell> encode_played(Millis played) {
  if (played <= 0) return std::nullopt;
  Writer out;
  out.number(played);
  return cell_of(played, std::move(out));  // the greatest wins: it is its own time
}

std::optional<Cell> encode(const Import& import) {
  if (import == Import{}) return std::nullopt;
  Writer out;
  out.number(import.at.ms);
  out.text(import.origin);
  return cell_of(import.at.ms, std::move(out));
}

// What a cell says, as an otherwise empty state.
TitleState read_register(Register which, Parser& in) {
  TitleState out;
  switch (which) {
    case Register::kPosition:
      out.position = read_position(in);
      break;
    case Register::kWatched:
      out.watched = read_flag(in);
      break;
    case Register::kHidden:
      out.hidden = read_flag(in);
      break;
    case Register::kMeta:
      out.meta_order = in.order();
      out.series = in.text();
      out.next_title = in.text();
      break;
    case Register::kDuration:
      out.duration_order = in.order();
      out.duration = in.number();
      break;
    case Register::kCredits:
      out.credits_order = in.order();
      out.credits = in.number();
      break;
    case Register::kPlayed:
      out.played_max = in.number();
      break;
    case Register::kImported:
      out.import.at = {in.number()};
      out.import.origin = in.text();
      break;
  }
  return out;
}

}  // namespace

std::string_view name_of(Register which) {
  constexpr std::array<std::string_view, kRegisters.size()> kNames = {
      "position", "watched", "hidden", "meta", "duration", "credits", "played", "imported"};
  return kNames[static_cast<std::size_t>(which)];
}

std::optional<Cell> encode_register(Register which, const TitleState& title) {
  switch (which) {
    case Register::kPosition:
      return encode(title.position);
    case Register::kWatched:
      return encode(title.watched);
    case Register::kHidden:
      return encode(title.hidden);
    case Register::kMeta:
      return encode_meta(title);
    case Register::kDuration:
      return encode(title.duration_order, title.duration);
    case Register::kCredits:
      return encode(title.credits_order, title.credits);
    case Register::kPlayed:
      return encode_played(title.played_max);
    case Register::kImported:
      return encode(title.import);
  }
  return std::nullopt;
}

Result<void> merge_register(Register which, std::string_view bytes, TitleState& title) {
  const std::string what = "a title's " + std::string(name_of(which));
  const int format = bytes.empty() ? 0 : static_cast<unsigned char>(bytes.back());
  if (format > kRegisterFormat)
    return fail(Errc::kCorrupt, what + " was written by a newer release (format " +
                                    std::to_string(format) + "), this one reads up to " +
                                    std::to_string(kRegisterFormat));
  if (format != kRegisterFormat) return fail(Errc::kCorrupt, what + " has no known format");
  bytes.remove_suffix(1);
  Parser in(bytes);
  const TitleState read = read_register(which, in);
  if (!in.done()) return fail(Errc::kCorrupt, what + " is cut short or damaged");
  title.merge(read);
  return {};
}

}  // namespace playhead
