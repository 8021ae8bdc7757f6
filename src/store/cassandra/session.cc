// Calls into the driver, and the way back from its callbacks to coroutines.
#include "store/cassandra/session.h"

#include <algorithm>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>
#include <mutex>
#include <optional>
#include <utility>

namespace playhead {
namespace {

Errc errc_of(int code) {
  switch (code) {
    case CQL_INVALID:
      return Errc::kInvalidArgument;
    case CQL_OVERLOADED:
      return Errc::kOverloaded;
    default:
      return Errc::kUnavailable;
  }
}

// The driver's own words, which it gave us to free.
std::string taken(char* text) {
  if (text == nullptr) return "the CQL driver failed";
  std::string out(text);
  cql_text_free(text);
  return out;
}

// A callback's context is made for one call and gone with its answer.
void on_done(void* user, cql_result* result) noexcept {
  const std::unique_ptr<CqlSession::Done> done(static_cast<CqlSession::Done*>(user));
  const int code = cql_result_code(result);
  if (code == CQL_OK) {
    (*done)(CqlRows(result));
    return;
  }
  Error error{errc_of(code), cql_result_error(result)};
  cql_result_free(result);
  (*done)(std::unexpected(std::move(error)));
}

void* context_of(CqlSession::Done done) { return new CqlSession::Done(std::move(done)); }

cql_bound borrowed(const CqlBound& bound) {
  const std::string& bytes = bound.values.bytes();
  return {.statement = bound.statement.get(),
          .values = reinterpret_cast<const std::uint8_t*>(bytes.data()),
          .values_size = bytes.size()};
}

// What `start` answers to its Done, on the awaiting executor.
template <typename T, typename Start>
Task<Result<T>> answer_of(Start start) {
  std::optional<Result<T>> answer;
  co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>&, void()>(
      [&](auto handler) {
        // Work that is outstanding keeps the caller's loop alive until the answer is there.
        auto executor = boost::asio::prefer(boost::asio::get_associated_executor(handler),
                                            boost::asio::execution::outstanding_work.tracked);
        start([&answer, executor, handler = std::move(handler)](Result<T> result) mutable {
          answer = std::move(result);
          boost::asio::post(executor, std::move(handler));
        });
      },
      boost::asio::use_awaitable);
  co_return std::move(*answer);
}

// Calls on their way, a window at a time; their rows by number.
class Window : public std::enable_shared_from_this<Window> {
 public:
  using Rows = std::vector<CqlRows>;
  using Done = std::move_only_function<void(Result<Rows>)>;
  using Send = std::move_only_function<void(std::size_t call, CqlSession::Done)>;

  Window(std::size_t calls, std::size_t size, Send send, Done done)
      : calls_(calls),
        size_(std::max<std::size_t>(size, 1)),
        send_(std::move(send)),
        rows_(calls),
        done_(std::move(done)) {}

  // Sends what has room. An answer calls it again, from its own thread.
  void pump() {
    while (const auto call = next())
      send_(*call, [self = shared_from_this(), call](Result<CqlRows> rows) {
        self->answered(*call, std::move(rows));
        self->pump();
      });
  }

 private:
  // The call to send; the last caller that finds nothing in flight and nothing to send ends it all.
  std::optional<std::size_t> next() {
    std::unique_lock lock(mutex_);
    const bool more = !error_ && sent_ < calls_;
    if (more && in_flight_ < size_) {
      ++in_flight_;
      return sent_++;
    }
    if (more || in_flight_ > 0 || !done_) return std::nullopt;
    Done done = std::exchange(done_, nullptr);
    lock.unlock();
    if (error_)
      done(std::unexpected(std::move(*error_)));
    else
      done(std::move(rows_));
    return std::nullopt;
  }

  void answered(std::size_t call, Result<CqlRows> rows) {
    const std::scoped_lock lock(mutex_);
    --in_flight_;
    if (rows)
      rows_[call] = std::move(*rows);
    else if (!error_)
      error_ = std::move(rows.error());
  }

  const std::size_t calls_, size_;
  Send send_;
  std::mutex mutex_;  // guards what follows
  std::size_t sent_ = 0, in_flight_ = 0;
  Rows rows_;
  std::optional<Error> error_;
  Done done_;
};

}  // namespace

Result<std::unique_ptr<CqlSession>> CqlSession::open(const CqlOptions& options) {
  const auto optional = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  const cql_config config{.contacts = options.contacts.c_str(),
                          .keyspace = optional(options.keyspace),
                          .local_dc = optional(options.local_dc),
                          .user = optional(options.user),
                          .password = optional(options.password),
                          .threads = options.threads,
                          .connect_timeout_ms = options.connect_timeout_ms,
                          .speculative_ms = options.speculative_ms,
                          .in_flight_max = options.in_flight_max,
                          .keepalive_ms = options.keepalive_ms};
  char* error = nullptr;
  cql_session* session = cql_connect(&config, &error);
  if (session == nullptr)
    return fail(Errc::kUnavailable,
                "connect to Cassandra at " + options.contacts + ": " + taken(error));
  return std::unique_ptr<CqlSession>(new CqlSession(options, session));
}

CqlSession::~CqlSession() { close(); }

void CqlSession::close() { cql_close(session_.get(), options_.drain_ms); }

Result<CqlStatement> CqlSession::prepare(const std::string& text,
                                         const CqlStatementOptions& options) {
  const cql_statement_options how{
      .consistency = static_cast<std::uint16_t>(options.consistency),
      .serial_consistency = static_cast<std::uint16_t>(options.serial_consistency),
      .idempotent = options.idempotent ? 1U : 0U,
      .page_rows = options.page_rows};
  cql_statement* statement = nullptr;
  char* error = nullptr;
  const int code = cql_prepare(session_.get(), text.c_str(), &how, options_.connect_timeout_ms,
                               &statement, &error);
  if (code != CQL_OK) return fail(errc_of(code), "prepare '" + text + "': " + taken(error));
  return CqlStatement(statement, [](const cql_statement* mine) {
    cql_statement_free(const_cast<cql_statement*>(mine));
  });
}

Result<CqlRows> CqlSession::execute_now(const CqlBound& bound) {
  std::promise<Result<CqlRows>> answer;
  execute(bound, {}, [&](Result<CqlRows> rows) { answer.set_value(std::move(rows)); });
  return answer.get_future().get();
}

void CqlSession::execute(const CqlBound& bound, const std::string& page, Done done) {
  const cql_bound raw = borrowed(bound);
  cql_execute(session_.get(), &raw, reinterpret_cast<const std::uint8_t*>(page.data()), page.size(),
              options_.call_timeout_ms, on_done, context_of(std::move(done)));
}

void CqlSession::batch(const CqlBatch& batch, Done done) {
  std::vector<cql_bound> raw;
  raw.reserve(batch.size());
  for (const CqlBound& bound : batch) raw.push_back(borrowed(bound));
  cql_batch(session_.get(), raw.data(), raw.size(), options_.call_timeout_ms, on_done,
            context_of(std::move(done)));
}

Task<Result<CqlRows>> CqlSession::execute(CqlBound bound, std::string page) {
  const auto start = [&](Done done) { execute(bound, page, std::move(done)); };
  co_return co_await answer_of<CqlRows>(start);
}

Task<Result<CqlRows>> CqlSession::query(std::string text, std::uint32_t timeout_ms) {
  const auto start = [&](Done done) {
    cql_query(session_.get(), text.c_str(), timeout_ms, on_done, context_of(std::move(done)));
  };
  co_return co_await answer_of<CqlRows>(start);
}

Task<Result<std::vector<CqlRows>>> CqlSession::execute_all(CqlBound bound) {
  std::vector<CqlRows> out;
  std::string page;
  do {
    auto rows = co_await execute(bound, page);
    if (!rows) co_return std::unexpected(std::move(rows.error()));
    page = rows->page();
    out.push_back(std::move(*rows));
  } while (!page.empty());
  co_return out;
}

Task<Result<std::vector<CqlRows>>> CqlSession::execute_each(std::vector<CqlBound> bound,
                                                            std::size_t window) {
  const auto send = [&](std::size_t call, Done done) { execute(bound[call], {}, std::move(done)); };
  const auto start = [&](Window::Done done) {
    std::make_shared<Window>(bound.size(), window, send, std::move(done))->pump();
  };
  co_return co_await answer_of<std::vector<CqlRows>>(start);
}

Task<Result<void>> CqlSession::write_all(std::vector<CqlBatch> batches, std::size_t window) {
  const auto send = [&](std::size_t call, Done done) { batch(batches[call], std::move(done)); };
  const auto start = [&](Window::Done done) {
    std::make_shared<Window>(batches.size(), window, send, std::move(done))->pump();
  };
  auto rows = co_await answer_of<std::vector<CqlRows>>(start);
  if (!rows) co_return std::unexpected(std::move(rows.error()));
  co_return Result<void>{};
}

void Preparing::add(CqlStatement& statement, const std::string& text,
                    const CqlStatementOptions& options) {
  if (!result_) return;
  if (auto prepared = session_.prepare(text, options))
    statement = *std::move(prepared);
  else
    result_ = std::unexpected(std::move(prepared.error()));
}

}  // namespace playhead
