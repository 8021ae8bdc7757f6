// A server process of a test's own, to kill, freeze and start again. For test programs and
// benchmarks only.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace playhead {

inline ::sockaddr_in loopback(std::uint16_t port) {
  ::sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(port);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

/// A connection to a port of this machine; closed with it.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(std::uint16_t port)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const ::sockaddr_in address = loopback(port);
    connected_ =
        ::connect(fd_, reinterpret_cast<const ::sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~LoopbackSocket() { ::close(fd_); }
  LoopbackSocket(const LoopbackSocket&) = delete;

  bool connected() const { return connected_; }
  /// Sends a line, and gives the answer up to `end`; the rest of it is lost.
  std::string ask(const std::string& line, const std::string& end = "\n") {
    const std::string sent = line + "\r\n";
    if (::send(fd_, sent.data(), sent.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send");
    std::string out;
    for (char byte = 0; !out.ends_with(end) && ::recv(fd_, &byte, 1, 0) == 1;) out.push_back(byte);
    return out.substr(0, out.find_last_not_of("\r\n") + 1);
  }

 private:
  int fd_;
  bool connected_ = false;
};

/// A server process on a free port of the loopback, killed with it. It dies with the test, too.
class TestServer {
 public:
  using Command = std::function<std::vector<std::string>(std::uint16_t port)>;

  explicit TestServer(Command command) : command_(std::move(command)) { start(); }
  ~TestServer() { kill(); }
  TestServer(const TestServer&) = delete;

  std::uint16_t port() const { return port_; }
  ::pid_t pid() const { return pid_; }

  /// As after a crash of its machine.
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  /// From its return on it takes what it is sent and answers nothing.
  void freeze() {
    ::kill(pid_, SIGSTOP);
    ::waitpid(pid_, nullptr, WUNTRACED);
  }
  void thaw() { ::kill(pid_, SIGCONT); }

  /// On the port that it had, if it had one. Returns once it takes connections.
  void start() {
    constexpr int kTriesMax = 20;
    for (int tries = 0; tries < kTriesMax; ++tries) {
      const std::uint16_t port = port_ != 0 ? port_ : free_port();
      spawn(command_(port));
      while (::waitpid(pid_, nullptr, WNOHANG) == 0) {
        if (LoopbackSocket(port).connected()) {
          port_ = port;
          return;
        }
        ::poll(nullptr, 0, 2);
      }
      pid_ = 0;  // somebody else has the port
    }
    throw std::runtime_error("a server does not start: " + command_(0).front());
  }

 private:
  static std::uint16_t free_port() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::sockaddr_in address = loopback(0);
    ::socklen_t size = sizeof(address);
    ::bind(fd, reinterpret_cast<const ::sockaddr*>(&address), size);
    ::getsockname(fd, reinterpret_cast<::sockaddr*>(&address), &size);
    ::close(fd);
    return ntohs(address.sin_port);
  }

  void spawn(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const ::pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() == parent) ::execvp(arguments.front(), arguments.data());
    ::_exit(127);
  }

  const Command command_;
  std::uint16_t port_ = 0;
  ::pid_t pid_ = 0;
};

inline TestServer::Command memcached_command() {
  return [](std::uint16_t port) -> std::vector<std::string> {
    return {"memcached", "-u", "nobody", "-l", "127.0.0.1", "-p", std::to_string(port),
            "-U",        "0",  "-m",     "64", "-t",        "1"};
  };
}
inline TestServer::Command redis_command() {
  return [](std::uint16_t port) -> std::vector<std::string> {
    return {"redis-server", "--bind", "127.0.0.1",  "--port", std::to_string(port), "--save", "",
            "--appendonly", "no",     "--loglevel", "warning"};
  };
}

}  // namespace playhead
