// From /proc/self and getrusage. A file that can't be read leaves its figure out.
#include "cli/process_figures.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace playhead {

void add_process_figures(MetricsText& out, Instant started_at) {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  out.counter("process_cpu_seconds_total", "CPU time used, user and system.",
              seconds(usage.ru_utime) + seconds(usage.ru_stime));
  out.gauge("process_start_time_seconds", "When the process started.",
            static_cast<double>(started_at.ms) / 1e3);
  std::ifstream statm("/proc/self/statm");
  double pages = 0, resident = 0;
  if (statm >> pages >> resident)
    out.gauge("process_resident_memory_bytes", "Memory in use.",
              resident * static_cast<double>(::sysconf(_SC_PAGESIZE)));
  std::error_code error;
  const std::filesystem::directory_iterator files("/proc/self/fd", error);
  if (!error)
    out.gauge("process_open_fds", "Files and sockets open.",
              static_cast<double>(std::distance(files, {})));
}

}  // namespace playhead
