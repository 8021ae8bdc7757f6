// Titles' states drawn so that much of them is equal: ties are what is hard to order. For tests
// only.
#pragma once

#include <rapidcheck.h>

#include <limits>
#include <string>

#include "viewing/title.h"

namespace playhead {

inline rc::Gen<std::int64_t> gen_time_ms() {
  return rc::gen::element<std::int64_t>(std::numeric_limits<std::int64_t>::min(), -1'000, -1, 0, 1,
                                        1'700'000'000'000, 1'700'000'000'001,
                                        std::numeric_limits<std::int64_t>::max());
}

inline rc::Gen<std::string> gen_text() {
  return rc::gen::element<std::string>("", "a", "ab", "b", "~", std::string(1, '\0'),
                                       std::string("a\0", 2), "\x7f", "\xff");
}

inline Order draw_order() {
  return {Instant{*gen_time_ms()}, *rc::gen::element<std::uint32_t>(0, 1, 255, 256, 0xffffffff),
          *rc::gen::element<std::uint32_t>(0, 7, 0x80000000)};
}

inline Flag draw_flag() {
  return {.at = Instant{*gen_time_ms()},
          .act = *rc::gen::arbitrary<bool>(),
          .value = *rc::gen::arbitrary<bool>()};
}

inline Millis draw_span() { return *rc::gen::element<Millis>(-1, 0, 1, 255, 256, 3'600'000); }

/// A state with some of its registers set.
inline rc::Gen<TitleState> gen_title_state() {
  return rc::gen::exec([] {
    const auto there = [] { return *rc::gen::arbitrary<bool>(); };
    TitleState out;
    if (there())
      out.position = {.moved = Instant{*gen_time_ms()},
                      .act = there(),
                      .view = *gen_text(),
                      .cursor = draw_order(),
                      .at_end = there(),
                      .cleared = there(),
                      .device = *gen_text(),
                      .playhead = draw_span()};
    if (there()) out.watched = draw_flag();
    if (there()) out.hidden = draw_flag();
    if (there()) {
      out.meta_order = draw_order();
      out.series = *gen_text();
      out.next_title = *gen_text();
    }
    if (there()) {
      out.duration_order = draw_order();
      out.duration = draw_span();
    }
    if (there()) {
      out.credits_order = draw_order();
      out.credits = draw_span();
    }
    if (there()) out.played_max = draw_span();
    if (there()) out.import = {.at = Instant{*gen_time_ms()}, .origin = *gen_text()};
    return out;
  });
}

}  // namespace playhead
