// A whole server in this process, asked by https from many threads while its certificate changes.
// For the thread sanitizer: workers share a TlsContext, and OpenSSL's context beneath it.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <vector>

#include "base/test_directory.h"
#include "cli/client.h"
#include "cli/node.h"
#include "http/tls_test_kit.h"

namespace playhead {
namespace {

constexpr std::size_t kThreads = 2, kClients = 4;
constexpr int kChanges = 6, kAnswersAChange = 40;

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// Clients connect anew at each request, by whatever certificate is shown.
TEST(NodeTls, AnswersEveryRequestWhileItsCertificateChanges) {
  std::signal(SIGPIPE, SIG_IGN);
  TestDirectory directory;
  TlsFiles pairs[2];
  const std::string trusted = directory.root() / "trusted.pem";
  std::ofstream(trusted) << text_of(pairs[0].options().tls_certificate)
                         << text_of(pairs[1].options().tls_certificate);
  ::setenv("SSL_CERT_FILE", trusted.c_str(), 1);
  Config config;
  config.data = directory.root() / "data";
  config.threads = kThreads;
  config.http.listen = "127.0.0.1:0";
  config.http.tls_certificate = directory.root() / "certificate.pem";
  config.http.tls_key = directory.root() / "key.pem";
  const auto put = [&](const TlsFiles& pair) {
    constexpr auto kOver = std::filesystem::copy_options::overwrite_existing;
    std::filesystem::copy_file(pair.options().tls_certificate, config.http.tls_certificate, kOver);
    std::filesystem::copy_file(pair.options().tls_key, config.http.tls_key, kOver);
  };
  put(pairs[0]);
  auto opened = Node::open(config, [](const Error&) { std::abort(); });
  ASSERT_TRUE(opened) << opened.error().detail;
  Node& node = **opened;
  ASSERT_TRUE(node.listen());
  ASSERT_TRUE(node.replay([](FrameNumber, FrameNumber) {}));
  node.run_timers();

  std::atomic<int> answers = 0;
  std::atomic<bool> ending = false;
  std::vector<std::jthread> clients;
  for (std::size_t i = 0; i < kClients; ++i)
    clients.emplace_back([&] {
      while (!ending) {
        Client client({.host = "localhost", .port = node.server().port(), .secure = true}, "");
        const auto answer = client.send({.target = "/v1/accounts/a/viewers"});
        EXPECT_TRUE(answer) << answer.error().detail;
        if (answer) EXPECT_EQ(answer->status, 200u);
        ++answers;
      }
    });
  for (int change = 1; change <= kChanges; ++change) {
    put(pairs[change % 2]);
    const auto changed = node.refresh_certificate();
    EXPECT_TRUE(changed && *changed) << "the two files were changed one after the other, unseen";
    for (const int seen = answers; answers < seen + kAnswersAChange;) std::this_thread::yield();
  }
  ending = true;
  clients.clear();
  EXPECT_TRUE(node.stop());
  EXPECT_GE(answers, kChanges * kAnswersAChange);
}

}  // namespace
}  // namespace playhead
