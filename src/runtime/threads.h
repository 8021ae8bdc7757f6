// A thread a core, each with its own event loop; nothing is shared between them but what is posted.
//
// Operation: make, run(), and at the end stop() and join(). Work posted before run() waits for it.
// Concurrency: post() and context() from any thread; the rest from the one that made it.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/task.h"

namespace playhead {

class Threads {
 public:
  explicit Threads(std::size_t count);
  ~Threads();

  std::size_t count() const { return loops_.size(); }
  boost::asio::io_context& context(std::size_t index) { return loops_[index]->context; }
  Executor executor(std::size_t index) { return loops_[index]->context.get_executor(); }

  /// Runs `work` on thread `index`, after what was posted to it before.
  template <typename Work>
  void post(std::size_t index, Work&& work) {
    boost::asio::post(loops_[index]->context, std::forward<Work>(work));
  }

  void run();
  void stop();
  void join();

 private:
  struct Loop {
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard =
        boost::asio::make_work_guard(context);
    std::thread thread;
  };
  std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace playhead
