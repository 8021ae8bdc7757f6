// Reads TOML into the options. toml++ is kept to this file, and without its exceptions.
#include "config/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <fstream>

#include "config/options.h"

namespace playhead {
namespace {

/// Collects what is wrong, a line each, up to the limit.
class Errors {
 public:
  explicit Errors(std::string_view file) : file_(file) {}

  void add(const toml::source_region& place, const std::string& text) {
    if (++count_ > kConfigErrorsMax) return;
    if (!lines_.empty()) lines_ += '\n';
    lines_ += file_ + ":" + std::to_string(place.begin.line) + ": " + text;
  }

  Result<void> result() const {
    if (count_ == 0) return {};
    std::string lines = lines_;
    if (count_ > kConfigErrorsMax)
      lines += "\n… and " + std::to_string(count_ - kConfigErrorsMax) + " more";
    return fail(Errc::kInvalidArgument, std::move(lines));
  }

 private:
  std::string file_, lines_;
  std::size_t count_ = 0;
};

std::string described(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table:
      return "a section";
    case toml::node_type::array:
      return "a list";
    case toml::node_type::string:
      return "a text";
    case toml::node_type::integer:
      return std::to_string(node.as_integer()->get());
    case toml::node_type::floating_point:
      return "a fraction";
    case toml::node_type::boolean:
      return node.as_boolean()->get() ? "true" : "false";
    default:
      return "a date or time";
  }
}

/// Reads one number; false if `node` is none, or out of range.
template <typename Number>
bool read_value(const toml::node& node, const Option& option, Number* value) {
  const auto* integer = node.as_integer();
  if (integer == nullptr || integer->get() < 0) return false;
  const auto number = static_cast<std::uint64_t>(integer->get());
  if (number < option.min || number > option.max) return false;
  *value = static_cast<Number>(number);
  return true;
}

bool read_value(const toml::node& node, const Option& option, std::string* value) {
  const auto* text = node.as_string();
  if (text == nullptr || (option.check != nullptr && !option.check(text->get()))) return false;
  *value = text->get();
  return true;
}

bool read_value(const toml::node& node, const Option& option, std::vector<std::string>* value) {
  const auto* list = node.as_array();
  if (list == nullptr) return false;
  value->clear();
  for (const toml::node& element : *list)
    if (!read_value(element, option, &value->emplace_back())) return false;
  return true;
}

const Option* find(std::string_view section, std::string_view key) {
  for (const Option& option : options())
    if (option.section == section && option.key == key) return &option;
  return nullptr;
}

std::string unknown(std::string_view section, std::string_view key) {
  std::string name(section);
  if (!name.empty()) name += '.';
  name += key;
  const Option* near = nearest(name);
  return "there is no option '" + name + "'" +
         (near != nullptr ? "; did you mean '" + full_name(*near) + "'?"
                          : "; `playhead config` lists all");
}

void read_table(const toml::table& table, std::string_view section, Config& config,
                Errors& errors) {
  for (const auto& [key, node] : table) {
    if (const Option* option = find(section, key.str())) {
      const bool taken = std::visit([&](auto* value) { return read_value(node, *option, value); },
                                    option->value(config));
      if (taken) continue;
      const auto* text = node.as_string();
      const std::string got = text != nullptr && option->check != nullptr && !option->secret
                                  ? "'" + text->get() + "'"
                                  : described(node);
      errors.add(node.source(),
                 full_name(*option) + " has to be " + allowed(*option) + "; it is " + got);
      continue;
    }
    const bool known = std::ranges::any_of(
        sections(), [&](const Section& one) { return section.empty() && one.name == key.str(); });
    if (known && node.is_table()) {
      read_table(*node.as_table(), key.str(), config, errors);
    } else if (known) {
      errors.add(key.source(), "'" + std::string(key.str()) + "' is a section: write [" +
                                   std::string(key.str()) + "] on a line of its own");
    } else {
      errors.add(key.source(), unknown(section, key.str()));
    }
  }
}

}  // namespace

std::string journal_path(const std::string& data) { return data + "/journal"; }

std::string store_path(const std::string& data) { return data + "/store"; }

Result<void> read_config(std::string_view text, std::string_view name, Config& config) {
  Errors errors(name);
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    errors.add(parsed.error().source(), std::string(parsed.error().description()));
    return errors.result();
  }
  Config read = config;
  read_table(parsed.table(), {}, read, errors);
  if (const auto result = errors.result(); !result) return result;
  if (const auto result = check_config(read); !result)
    return fail(Errc::kInvalidArgument, std::string(name) + ": " + result.error().detail);
  config = std::move(read);
  return {};
}

Result<void> load_config(const std::string& path, Config& config) {
  constexpr std::size_t kFileBytesMax = 1 << 20;
  std::ifstream file(path, std::ios::binary);
  std::string text(kFileBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file.is_open() || file.bad())
    return fail(Errc::kNotFound, "can't read '" + path +
                                     "'; `playhead config` prints a file to "
                                     "start from");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kFileBytesMax)
    return fail(Errc::kInvalidArgument, path + ": a configuration has at most 1 MiB");
  return read_config(text, path, config);
}

Result<void> check_config(const Config& config) {
  const auto above = [](std::string_view lesser, std::string_view greater) {
    return fail(Errc::kInvalidArgument,
                std::string(lesser) + " is above " + std::string(greater) + "; raise the latter");
  };
  if (config.shard.report_interval_ms > config.shard.report_interval_max_ms)
    return above("shard.report_interval_ms", "shard.report_interval_max_ms");
  if (config.journal.group_bytes_max > config.journal.waiting_bytes_max)
    return above("journal.group_bytes_max", "journal.waiting_bytes_max");
  if (config.http.target_bytes_max > config.http.header_bytes_max)
    return above("http.target_bytes_max", "http.header_bytes_max");
  if (config.http.tls_certificate.empty() != config.http.tls_key.empty())
    return fail(Errc::kInvalidArgument,
                "http.tls_certificate and http.tls_key belong together; set both, or neither");
  if (!config.cache.kind.empty() && config.cache.servers.empty())
    return fail(Errc::kInvalidArgument, "cache.kind is set, but not cache.servers");
  if (config.cache.cache.page_ttl_ms > config.cache.cache.page_life_ms_max)
    return above("cache.page_ttl_ms", "cache.page_life_max_ms");
  return {};
}

}  // namespace playhead
