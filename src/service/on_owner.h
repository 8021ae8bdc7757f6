// Runs a use case on its owner's thread, and what the use cases have in common. For service/*.cc.
#pragma once

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "service/service.h"

namespace playhead {

/// `task` on the owner's thread; the caller goes on where it was.
template <typename T>
Task<T> Service::on_owner(std::size_t owner, Task<T> task) {
  co_return co_await boost::asio::co_spawn(shards_.threads().executor(owner), std::move(task),
                                           boost::asio::use_awaitable);
}

/// Of what was read between two looks: memory may have been asked before the inbox was folded.
inline HowFresh worse(const HowFresh& a, const HowFresh& b) {
  return {.freshness = std::max(a.freshness, b.freshness), .as_of = std::min(a.as_of, b.as_of)};
}

/// `began`: before anything was read.
template <typename T>
Answer<T> answer_of(Instant began, const HowFresh& how, T value) {
  return {.value = std::move(value),
          .as_of = std::min(began, how.as_of),
          .stale = how.freshness != Freshness::kFresh};
}

/// Errors: not_found; unavailable where the answer would be stale, which an error can't say.
inline std::unexpected<Error> not_there(const HowFresh& how, std::string detail) {
  if (how.freshness == Freshness::kFresh) return fail(Errc::kNotFound, std::move(detail));
  return fail(Errc::kUnavailable, "nobody can say yet that there is " + detail + "; retry");
}

/// A view as the API shows it, from memory or from the store.
ViewItem view_item(const StoredView& stored);

}  // namespace playhead
