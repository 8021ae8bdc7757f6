// Events of an account's viewers on their way to one stream.
#include "shard/channel.h"

#include <boost/asio/post.hpp>

namespace playhead {

bool Channel::push(std::shared_ptr<const ViewersEvent> event) {
  if (closed_.load() || dropped_.load()) return false;
  const bool full = behind_.fetch_add(1) >= max_;
  if (full) dropped_.store(true);
  boost::asio::post(reader_, [self = shared_from_this(), event = std::move(event), full] {
    if (!full) self->queue_.push_back(event);
    self->event_.signal();
  });
  return !full;
}

void Channel::drop() {
  dropped_.store(true);
  boost::asio::post(reader_, [self = shared_from_this()] { self->event_.signal(); });
}

std::shared_ptr<const ViewersEvent> Channel::pop() {
  if (queue_.empty()) return nullptr;
  auto event = std::move(queue_.front());
  queue_.pop_front();
  behind_.fetch_sub(1);
  return event;
}

Task<> Channel::wait() {
  event_.reset();  // it may speak of an event that has been taken since
  if (queue_.empty() && !dropped_.load() && !woken_) co_await event_.wait();
  woken_ = false;
}

}  // namespace playhead
