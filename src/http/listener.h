// Which of the server's doors a request came in by.
#pragma once

#include <cstdint>

namespace playhead {

/// What a listener serves.
enum class Listener : std::uint8_t { kEverything, kPublic, kOperators };

}  // namespace playhead
