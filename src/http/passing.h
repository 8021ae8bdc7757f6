// Requests between nodes: what a client asked one for an account that is another's. A message is
// one byte that says how the request came in, then the request as the client sent it; its answer is
// the answer's bytes.
#pragma once

#include <string>
#include <string_view>

#include "http/listener.h"
#include "http/worker.h"

namespace playhead {

std::string encode_request(std::string_view request, Listener listener, bool secure);

/// Answers a request that another node passed on. On the worker's thread. Errors: invalid_argument
/// (it is no whole request), unprocessable (its answer has no end).
Task<Result<std::string>> answer_request(std::shared_ptr<Worker> worker, std::string message);

}  // namespace playhead
