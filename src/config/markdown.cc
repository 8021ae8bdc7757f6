// The table of options as a TOML file and as documentation.
#include <algorithm>

#include "config/options.h"

namespace playhead {
namespace {

/// Digits in groups of three, as TOML allows: 1_048_576.
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t end = digits.size(); end > 3;) digits.insert(end -= 3, "_");
  return digits;
}

/// A TOML basic string.
std::string in_quotes(const std::string& text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      ((out += "\\u00") += kHex[byte >> 4]) += kHex[byte & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string toml_value(std::string* text) { return in_quotes(*text); }

std::string toml_value(std::vector<std::string>* list) {
  std::string out = "[";
  for (const std::string& text : *list) out += (out.size() > 1 ? ", " : "") + in_quotes(text);
  return out + "]";
}

template <typename Number>
std::string toml_value(Number* number) {
  return grouped(static_cast<std::uint64_t>(*number));
}

std::string value_text(const Option& option, const Config& config) {
  // The table reaches values to read and to write; this only reads.
  return std::visit([](auto* value) { return toml_value(value); },
                    option.value(const_cast<Config&>(config)));
}

/// "key = value"; a secret is left out, and said to be.
std::string shown_line(const Option& option, const Config& config) {
  const std::string key(option.key), value = value_text(option, config);
  if (option.secret && value != "[]") return "# " + key + " = [...]  (not shown)\n";
  return key + " = " + value + "\n";
}

/// A length of time or a size, as people say it: "10 s", "4 GiB"; nothing if that is no shorter.
std::string spoken(std::uint64_t number, Unit unit) {
  struct Step {
    std::uint64_t size;
    const char* name;
  };
  static constexpr Step kTimes[] = {
      {86'400'000, " d"}, {3'600'000, " h"}, {60'000, " min"}, {1'000, " s"}, {1, " ms"}};
  static constexpr Step kSizes[] = {{1ULL << 40, " TiB"},
                                    {1ULL << 30, " GiB"},
                                    {1ULL << 20, " MiB"},
                                    {1ULL << 10, " KiB"},
                                    {1, " B"}};
  if (number == 0 || unit == Unit::kNone) return grouped(number);
  if (unit == Unit::kPercent) return std::to_string(number) + " %";
  for (const Step& step : unit == Unit::kMillis ? kTimes : kSizes)
    if (number % step.size == 0) return std::to_string(number / step.size) + step.name;
  return grouped(number);
}

/// The default in the words of spoken(), in brackets, where that is easier to read.
std::string aside(const Option& option, const Config& config) {
  return std::visit(
      [&](auto* value) -> std::string {
        if constexpr (std::is_integral_v<std::remove_pointer_t<decltype(value)>>) {
          const std::string words = spoken(static_cast<std::uint64_t>(*value), unit_of(option));
          if (words != grouped(static_cast<std::uint64_t>(*value))) return " (" + words + ")";
        }
        return "";
      },
      option.value(const_cast<Config&>(config)));
}

std::string range_text(const Option& option) {
  if (option.max == 0) return std::string(option.form);
  const Unit unit = unit_of(option);
  return spoken(option.min, unit) + " to " + spoken(option.max, unit);
}

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Made from src/config/options.cc by `playhead config --markdown`; a test fails when this file is older. -->

Playhead needs no configuration: `playhead serve --data DIR` serves on 127.0.0.1:8080 with the defaults below.
What should differ goes into a TOML file, with only the keys that differ:

```toml
# playhead.toml
data = "/var/lib/playhead"

[http]
listen = "127.0.0.1:8080"
admin_listen = "127.0.0.1:9090"

[auth]
stream_limit = 4
```

```sh
playhead config > playhead.toml          # a file with every option, its meaning and its default
playhead config --config playhead.toml   # checks a file, and prints all options as a server would see them
playhead serve --config playhead.toml    # flags (--data, --listen, --admin-listen, …) override the file
```

Units are in the names: times in milliseconds (`_ms`), sizes in bytes (`_bytes`). TOML allows `10_000` for 10000.
An unknown key, a value out of range or of the wrong type is refused at the start, with the line and what is
allowed. A server reads its file once, when it starts; the files of keys and certificate that it names it reads anew when they change.
)";

}  // namespace

std::string config_toml(const Config& config) {
  std::string out =
      "# All options of Playhead. Keep the lines that differ from the default; see\n"
      "# docs/configuration.md.\n";
  for (const Section& section : sections()) {
    out += "\n# " + std::string(section.meaning) + "\n";
    if (!section.name.empty()) out += "[" + std::string(section.name) + "]\n";
    for (const Option& option : options()) {
      if (option.section != section.name) continue;
      std::string meaning(option.meaning);
      std::erase(meaning, '`');
      out += "\n# " + meaning + "\n# " + range_text(option) + "\n";
      out += shown_line(option, config);
    }
  }
  return out;
}

std::string config_markdown() {
  const Config defaults;
  std::string out(kIntroduction);
  for (const Section& section : sections()) {
    out += section.name.empty() ? "\n## Top\n\n" : "\n## [" + std::string(section.name) + "]\n\n";
    out += std::string(section.meaning) + "\n\n";
    out += "| key | default | allowed | meaning |\n|---|---|---|---|\n";
    for (const Option& option : options()) {
      if (option.section != section.name) continue;
      const std::string value = value_text(option, defaults);
      out += "| `" + std::string(option.key) + "` | `" + value + "`" + aside(option, defaults);
      out += " | " + range_text(option) + " | " + std::string(option.meaning) + " |\n";
    }
  }
  return out;
}

}  // namespace playhead
