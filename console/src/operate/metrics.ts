// /metrics, read: Prometheus' text format as the server writes it (docs/metrics.md).

interface Sample {
  labels: string;
  value: number;
}

export class Metrics {
  private readonly samples = new Map<string, Sample[]>();

  constructor(text: string, readonly at: number) {
    for (const line of text.split('\n')) {
      const found = /^([a-z_]+)(\{[^}]*\})? (\S+)$/i.exec(line);
      if (!found) continue;
      const [, name = '', labels = '', value = ''] = found;
      const list = this.samples.get(name) ?? [];
      list.push({ labels, value: value === '+Inf' ? Infinity : Number(value) });
      this.samples.set(name, list);
    }
  }

  /** Over all labels, or those that hold `having`. */
  sum(name: string, having = ''): number {
    return (this.samples.get(name) ?? []).reduce((sum, one) => (one.labels.includes(having) ? sum + one.value : sum), 0);
  }

  /** Of a histogram: upper bound to count, by bound. */
  buckets(name: string): Array<[number, number]> {
    const found = (this.samples.get(`${name}_bucket`) ?? []).map((one): [number, number] => {
      const bound = /le="([^"]+)"/.exec(one.labels)?.[1] ?? '';
      return [bound === '+Inf' ? Infinity : Number(bound), one.value];
    });
    return found.sort((a, b) => a[0] - b[0]);
  }
}

/** What a counter has grown by each second since then; never negative, though the server may have started anew. */
export function rate(now: Metrics, before: Metrics, name: string, having = ''): number {
  const seconds = (now.at - before.at) / 1000;
  return seconds > 0 ? Math.max(0, (now.sum(name, having) - before.sum(name, having)) / seconds) : 0;
}

/** Mean of a histogram's observations since then; null if there were none. */
export function meanSince(now: Metrics, before: Metrics, name: string): number | null {
  const count = now.sum(`${name}_count`) - before.sum(`${name}_count`);
  return count > 0 ? (now.sum(`${name}_sum`) - before.sum(`${name}_sum`)) / count : null;
}

/** The bucket's bound below which `part` of the observations since then lie; null if there were none. */
export function quantileSince(now: Metrics, before: Metrics, name: string, part: number): number | null {
  const was = new Map(before.buckets(name));
  const grown = now.buckets(name).map(([bound, count]): [number, number] => [bound, count - (was.get(bound) ?? 0)]);
  const all = grown.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  const found = grown.find(([, count]) => count >= all * part);
  return found && Number.isFinite(found[0]) ? found[0] : grown.at(-2)?.[0] ?? null;
}
