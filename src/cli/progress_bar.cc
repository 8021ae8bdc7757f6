// Draws with a carriage return and one escape sequence (erase the line).
#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "cli/show.h"

namespace playhead {
namespace {

constexpr Millis kRedrawMs = 100;     // on a terminal
constexpr Millis kRepeatMs = 10'000;  // elsewhere

}  // namespace

std::string bar_text(const Standing& standing) {
  constexpr std::uint64_t kWidth = 30;
  const std::uint64_t total = std::max<std::uint64_t>(standing.total, 1);
  const std::uint64_t done = std::min(standing.done, total);
  const std::uint64_t filled = done * kWidth / total;
  std::string text = fmt::format("[{:#<{}}{:-<{}}] {:3} %  {} of {} {}", "", filled, "",
                                 kWidth - filled, done * 100 / total, show_count(standing.done),
                                 show_count(standing.total), standing.unit);
  if (standing.whole_ms > 0)
    text += fmt::format("  {}", show_position(standing.elapsed_ms, standing.whole_ms));
  return text;
}

ProgressBar::ProgressBar() : terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::show(const Standing& standing) {
  const bool last = standing.done == standing.total;
  const Millis pause = terminal_ ? kRedrawMs : kRepeatMs;
  if (!last && standing.elapsed_ms < shown_at_ms_ + pause && (drawn_ || !terminal_)) return;
  shown_at_ms_ = standing.elapsed_ms;
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s", bar_text(standing).c_str());
    std::fflush(stderr);
    drawn_ = true;
  } else if (!last) {
    std::fprintf(stderr, "%s\n", bar_text(standing).c_str());
  }
}

void ProgressBar::say(std::string_view line) {
  clear();
  std::fprintf(stderr, "%.*s\n", static_cast<int>(line.size()), line.data());
}

void ProgressBar::clear() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
  drawn_ = false;
}

}  // namespace playhead
