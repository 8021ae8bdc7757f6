// /metrics: families of figures in Prometheus' text format. Names, types and meanings are a
// contract: docs/metrics.md, append only. One thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

namespace playhead {

/// Gathers families, each with all of its samples, and writes them once.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string>>;

  /// One sample; samples of a name become one family, whose help is that of the first.
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  /// `bounds`: of the buckets but the last, ascending; `counts`: of each bucket, not cumulative.
  void histogram(std::string_view name, std::string_view help, std::span<const double> bounds,
                 std::span<const std::uint64_t> counts, double sum);

  std::string text() const;
  const std::vector<prometheus::MetricFamily>& families() const { return families_; }

 private:
  prometheus::ClientMetric& add(std::string_view name, std::string_view help,
                                prometheus::MetricType type, Labels labels);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace playhead
