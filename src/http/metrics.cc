// Families in prometheus-cpp's own structures, written by its serializer.
#include "http/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace playhead {

prometheus::ClientMetric& MetricsText::add(std::string_view name, std::string_view help,
                                           prometheus::MetricType type, Labels labels) {
  auto family = std::ranges::find(families_, name, &prometheus::MetricFamily::name);
  if (family == families_.end()) {
    families_.push_back({std::string(name), std::string(help), type, {}});
    family = families_.end() - 1;
  }
  prometheus::ClientMetric& metric = family->metric.emplace_back();
  for (const auto& [key, value] : labels) metric.label.push_back({std::string(key), value});
  return metric;
}

void MetricsText::counter(std::string_view name, std::string_view help, double value,
                          Labels labels) {
  add(name, help, prometheus::MetricType::Counter, labels).counter.value = value;
}

void MetricsText::gauge(std::string_view name, std::string_view help, double value, Labels labels) {
  add(name, help, prometheus::MetricType::Gauge, labels).gauge.value = value;
}

void MetricsText::histogram(std::string_view name, std::string_view help,
                            std::span<const double> bounds, std::span<const std::uint64_t> counts,
                            double sum) {
  auto& histogram = add(name, help, prometheus::MetricType::Histogram, {}).histogram;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    total += counts[i];
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({total, bound});
  }
  histogram.sample_count = total;
  histogram.sample_sum = sum;
}

std::string MetricsText::text() const { return prometheus::TextSerializer().Serialize(families_); }

}  // namespace playhead
