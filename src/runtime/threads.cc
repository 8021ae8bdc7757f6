// One io_context a thread.
#include "runtime/threads.h"

#include <pthread.h>

#include <string>

namespace playhead {

Threads::Threads(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>());
}

Threads::~Threads() {
  stop();
  join();
}

void Threads::run() {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    Loop& loop = *loops_[i];
    loop.thread = std::thread([&loop] { loop.context.run(); });
    ::pthread_setname_np(loop.thread.native_handle(), ("shard-" + std::to_string(i)).c_str());
  }
}

void Threads::stop() {
  for (auto& loop : loops_) {
    loop->guard.reset();
    loop->context.stop();
  }
}

void Threads::join() {
  for (auto& loop : loops_)
    if (loop->thread.joinable()) loop->thread.join();
}

}  // namespace playhead
