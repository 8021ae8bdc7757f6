// A log is blocks of 32 KiB; a record is one fragment or, over several blocks, first, middle…,
// last. A fragment: masked CRC-32C of type and data (4 bytes), length (2), type (1), data;
// little-endian.
#include "journal/rocksdb/tail.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace playhead {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = 32 << 10;
constexpr std::size_t kHeaderBytes = 7;
constexpr std::size_t kSectorBytes = 512;  // what a disk writes whole or not at all
constexpr std::size_t kUnwrittenMin = 16;  // fewer zeros may be a record's own

enum Type : std::uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4, kOthersEnd = 16 };

struct Fragment {
  std::uint8_t type = 0;
  std::size_t bytes = 0;  // with its header
};

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t out = 0;
  for (std::size_t i = bytes.size(); i-- > 0;)
    out = out << 8 | static_cast<unsigned char>(bytes[i]);
  return out;
}

std::uint32_t masked_crc(std::string_view bytes) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(bytes.data(), bytes.size());
  const std::uint32_t sum = crc.checksum();
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8U;
}

// Where the fragment at `at` ends by its own word, whether that is true or not.
std::size_t claimed_end(std::string_view log, std::size_t at) {
  if (at + kHeaderBytes > log.size()) return at + kHeaderBytes;
  return at + kHeaderBytes + little_endian(log.substr(at + 4, 2));
}

// The fragment at `at`, if it is whole and its checksum is right.
std::optional<Fragment> fragment(std::string_view log, std::size_t at) {
  const std::size_t end = claimed_end(log, at);
  const std::size_t block_end = (at / kBlockBytes + 1) * kBlockBytes;
  if (end > std::min(log.size(), block_end)) return std::nullopt;
  const auto type = static_cast<std::uint8_t>(log[at + 6]);
  if (type == 0 || type >= kOthersEnd) return std::nullopt;
  if (little_endian(log.substr(at, 4)) != masked_crc(log.substr(at + 6, end - at - 6)))
    return std::nullopt;
  return Fragment{type, end - at};
}

bool starts_record(std::string_view log, std::size_t at) {
  if (at + kHeaderBytes > log.size()) return false;
  const auto type = static_cast<std::uint8_t>(log[at + 6]);
  return (type == kFull || type == kFirst) && fragment(log, at);
}

// Whether a record begins anywhere behind `at`: in the rest of its block at any byte, for the
// lengths there can't be trusted; in later blocks where their fragments say.
bool record_follows(std::string_view log, std::size_t at) {
  const std::size_t block_end = std::min(log.size(), (at / kBlockBytes + 1) * kBlockBytes);
  for (std::size_t i = at + 1; i < block_end; ++i)
    if (starts_record(log, i)) return true;
  for (std::size_t block = block_end; block < log.size(); block += kBlockBytes) {
    for (std::size_t i = block; i < block + kBlockBytes;) {
      if (starts_record(log, i)) return true;
      const auto next = fragment(log, i);
      if (!next) break;
      i += next->bytes;
    }
  }
  return false;
}

// Whether some sector of the bytes from `from` on never reached the disk and so reads as zeros.
bool has_unwritten_sector(std::string_view log, std::size_t from) {
  while (from < log.size()) {
    const std::size_t end = std::min(log.size(), (from / kSectorBytes + 1) * kSectorBytes);
    const std::string_view piece = log.substr(from, end - from);
    if (piece.size() >= kUnwrittenMin && piece.find_first_not_of('\0') == std::string_view::npos)
      return true;
    from = end;
  }
  return false;
}

// What to make of a log that is right up to `sound` and wrong at `at`, which belongs to what begins
// at `sound`.
LogScan wrong_at(std::string_view log, std::size_t sound, std::size_t at, bool newest) {
  LogScan out{.end = LogScan::End::kDamaged, .sound_bytes = sound, .what = {}};
  const std::string where = "byte " + std::to_string(at);
  if (record_follows(log, at)) {
    out.what = where + " is wrong, and newer records follow";
  } else if (!newest) {
    out.what = where + " is wrong, and a newer log follows";
  } else if (claimed_end(log, at) > log.size() || at >= log.size() ||
             has_unwritten_sector(log, sound)) {
    out.end = LogScan::End::kTorn;
    out.what = "it ends in a write that was cut short, at byte " + std::to_string(sound);
  } else {
    out.what = where + " is wrong in the last record, which is all there";
  }
  return out;
}

struct Log {
  fs::path path;
  std::string bytes;
};

// Oldest first. Empty ones are left out: they say nothing.
Result<std::vector<Log>> read_logs(const std::string& path) {
  std::vector<Log> logs;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(path, error)) {
    if (entry.path().extension() != ".log") continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::stringstream bytes;
    bytes << file.rdbuf();
    if (!file) return fail(Errc::kUnavailable, "read " + entry.path().string());
    if (!bytes.view().empty()) logs.push_back({entry.path(), std::move(bytes).str()});
  }
  if (error) return fail(Errc::kUnavailable, "read " + path + ": " + error.message());
  std::ranges::sort(logs, {}, [](const Log& log) { return log.path.filename().string(); });
  return logs;
}

Result<void> cut(const fs::path& path, std::size_t bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  const bool done =
      file >= 0 && ::ftruncate(file, static_cast<off_t>(bytes)) == 0 && ::fsync(file) == 0;
  const int error = errno;
  if (file >= 0) ::close(file);
  if (done) return {};
  return fail(Errc::kUnavailable, "cut " + path.string() + ": " + std::strerror(error));
}

}  // namespace

LogScan scan_log(std::string_view bytes, bool newest) {
  std::size_t sound = 0;
  bool inside = false;  // of a record of several fragments
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t block_left = kBlockBytes - at % kBlockBytes;
    if (block_left < kHeaderBytes) {  // too little for a header: filled with zeros
      at += block_left;
      continue;
    }
    const auto next = fragment(bytes, at);
    if (!next) return wrong_at(bytes, sound, at, newest);
    const bool goes_on = next->type == kMiddle || next->type == kLast;
    if (goes_on != inside) return wrong_at(bytes, sound, at, newest);
    at += next->bytes;
    inside = next->type == kFirst || next->type == kMiddle;
    if (!inside) sound = at;
  }
  if (inside) return wrong_at(bytes, sound, bytes.size(), newest);
  return {.end = LogScan::End::kSound, .sound_bytes = bytes.size(), .what = {}};
}

std::vector<std::string> damaged_logs(const std::string& path) {
  const auto logs = read_logs(path);
  if (!logs) return {logs.error().detail};
  std::vector<std::string> out;
  for (const Log& log : *logs) {
    const LogScan scan = scan_log(log.bytes, &log == &logs->back());
    if (scan.end == LogScan::End::kDamaged)
      out.push_back(log.path.filename().string() + ": " + scan.what);
  }
  return out;
}

Result<void> mend_logs(const std::string& path) {
  const auto logs = read_logs(path);
  if (!logs) return std::unexpected(logs.error());
  for (const Log& log : *logs) {
    const LogScan scan = scan_log(log.bytes, &log == &logs->back());
    if (scan.end == LogScan::End::kDamaged)
      return fail(Errc::kCorrupt, log.path.filename().string() + ": " + scan.what);
    if (scan.end == LogScan::End::kTorn)
      if (auto done = cut(log.path, scan.sound_bytes); !done) return done;
  }
  return {};
}

}  // namespace playhead
