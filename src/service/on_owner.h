// Runs a use case on its owner's thread, and what the use cases have in common. For service/*.cc.
#pragma once

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

/// A view as the API shows it, from memory or from the store.
ViewItem view_item(const StoredView& stored);

}  // namespace playhead
