// The coroutine type of the project, and where coroutines run. Asio is wrapped here.
// Parameters of a coroutine are values; a capturing lambda is never itself the operand of co_await.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace playhead {

template <typename T = void>
using Task = boost::asio::awaitable<T>;

using Executor = boost::asio::any_io_executor;

}  // namespace playhead
