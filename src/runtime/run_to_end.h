// What tests and benchmarks drive a Task with, where time is the machine's.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "base/result.h"
#include "runtime/task.h"

namespace playhead {

/// Drives `task` on a loop of its own, to its end.
template <typename T>
T run_to_end(Task<T> task) {
  boost::asio::io_context context;
  std::optional<T> result;
  boost::asio::co_spawn(context, std::move(task), [&](std::exception_ptr error, T value) {
    if (error) std::rethrow_exception(error);
    result = std::move(value);
  });
  context.run();
  return std::move(result).value();
}

/// Throws the error.
template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

}  // namespace playhead
