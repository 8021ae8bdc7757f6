// The main thread: starts the node, checkpoints now and then, and waits for a signal.
#include "cli/serve.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>

#include "cli/node.h"

namespace playhead {
namespace {

constexpr int kExitError = 1;
constexpr Millis kCheckpointStepMs = 1'000;

// Signals are taken by sigtimedwait() on the main thread, by nobody else.
sigset_t block_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  return set;
}

// The signal that came within `span_ms`; 0 if none did.
int wait_for_signal(const sigset_t& set, Millis span_ms) {
  const timespec span{.tv_sec = span_ms / 1000, .tv_nsec = span_ms % 1000 * 1'000'000};
  const int signal = ::sigtimedwait(&set, nullptr, &span);
  return signal > 0 ? signal : 0;
}

void set_up_log(const Config& config) {
  auto log = spdlog::stderr_logger_mt("playhead");
  log->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  log->set_level(spdlog::level::from_str(config.log_level));
  spdlog::set_default_logger(std::move(log));
}

// Nothing may be acknowledged after this, so nothing is tidied up either: what was acknowledged is
// on the disk, and the next start reads it.
void end_at_once(const Error& error) {
  spdlog::critical(
      "the journal can't be synced any more, the server ends without acknowledging on doubt: {}. "
      "Look at the disk (space, errors), then start again",
      error.detail);
  spdlog::shutdown();
  std::_Exit(kExitError);
}

// All that was acknowledged is in the journal, and stays there.
void end_while_reading() {
  spdlog::info("stopped while reading the journal; the next start reads it anew");
  spdlog::shutdown();
  std::_Exit(0);
}

int fail_with(const Error& error) {
  spdlog::error("{}", error.detail);
  return kExitError;
}

void say_where(const Config& config, Node& node) {
  const auto host = parse_listen(config.http.listen)->host;
  const std::string shown = host.contains(':') ? "[" + host + "]" : host;
  const char* scheme = config.http.has_tls() ? "https" : "http";
  const unsigned port = node.server().port();
  std::printf("playhead: serving on %s://%s:%u, data in %s\n", scheme, shown.c_str(), port,
              config.data.c_str());
  if (node.server().admin_port() != 0)
    std::printf("playhead: operators' listener on port %u\n", node.server().admin_port());
  // No browser can open 0.0.0.0 or [::].
  const std::string page = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "[::1]" : shown;
  std::printf("playhead: the console is at %s://%s:%u/\n", scheme, page.c_str(), port);
  std::fflush(stdout);
}

void refresh_keys(Node& node) {
  const auto changed = node.refresh_keys();
  if (!changed)
    spdlog::warn("the keys have changed and can't be used, those from before hold on: {}",
                 changed.error().detail);
  else if (*changed)
    spdlog::info("the keys have changed: tokens are checked by the new ones");
}

void say_until_when(Node& node) {
  const auto ends = node.server().certificate_expires_at();
  if (!ends) return;
  if (*ends <= SystemClock().now())
    spdlog::warn("the certificate has ended at {}: clients will refuse it", format_rfc3339(*ends));
  else
    spdlog::info("TLS by a certificate that ends at {}", format_rfc3339(*ends));
}

void refresh_certificate(Node& node) {
  const auto changed = node.refresh_certificate();
  if (!changed)
    spdlog::warn("the certificate has changed and can't be used, the one from before holds on: {}",
                 changed.error().detail);
  else if (*changed)
    say_until_when(node);
}

// With keys any address may be listened on: a proxy that speaks TLS may be in front.
void warn_of_plain(const Config& config, const Node& node) {
  if (config.http.has_tls() || !node.guards()) return;
  for (const std::string& listen : {config.http.listen, config.http.admin_listen}) {
    const auto address = parse_listen(listen);
    if (address && !is_loopback(address->host))
      spdlog::warn(
          "{} is plain HTTP: tokens and what people watch can be read on the way. Put a proxy that "
          "speaks TLS in front, or set http.tls_certificate and http.tls_key, as docs/tls.md tells",
          listen);
  }
}

// Until a signal comes. A checkpoint that fails is made up for by a later one.
void run(Node& node, const sigset_t& signals) {
  while (wait_for_signal(signals, kCheckpointStepMs) == 0) {
    refresh_keys(node);
    refresh_certificate(node);
    if (auto done = node.checkpoint(); !done)
      spdlog::warn("a checkpoint failed, it will be repeated: {}", done.error().detail);
  }
}

}  // namespace

int serve(const Config& config) {
  const sigset_t signals = block_signals();
  set_up_log(config);
  auto opened = Node::open(config, end_at_once);
  if (!opened) return fail_with(opened.error());
  Node& node = **opened;
  if (auto bound = node.listen(); !bound) return fail_with(bound.error());
  if (!node.guards())
    spdlog::info("without keys: everybody on this machine may read and write everything");
  warn_of_plain(config, node);
  say_until_when(node);
  FrameNumber shown = 0;
  const auto read = node.replay([&](FrameNumber frame, FrameNumber last) {
    if (wait_for_signal(signals, 0) != 0) end_while_reading();
    if (frame == shown || last == 0) return;
    shown = frame;
    spdlog::info("reading the journal: {} % (frame {} of {})", frame * 100 / last, frame, last);
  });
  if (!read) return fail_with(read.error());
  node.run_timers();
  if (auto joined = node.join(); !joined) return fail_with(joined.error());
  say_where(config, node);
  run(node, signals);
  spdlog::info("stopping: answering what is in flight, writing what has changed");
  if (auto left = node.stop(); !left)
    spdlog::warn("not all was written to the store; the next start reads it from the journal: {}",
                 left.error().detail);
  return 0;
}

}  // namespace playhead
