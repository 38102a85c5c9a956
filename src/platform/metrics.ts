/**
 * What Prometheus may scrape. Values are read when asked, from the parts that own them; nothing is counted twice.
 */
import { Counter, collectDefaultMetrics, Gauge, type Metric, Registry } from '@prometheus-io/client';
import { DURATION_BOUNDS_S, type Durations } from '#model/duration-histogram.ts';

/** Label → values by it; several labels' values are joined by `/` in the key. */
type Values = number | Record<string, number>;

/** Counted by their owners since the process began; labels stand after the name as `name{code="…"}` pairs. */
export type MetricSource =
  | {
      name: string;
      help: string;
      type: 'counter' | 'gauge';
      /** Label name, when `read` gives a record of label values. */
      label?: string;
      read: () => Values;
    }
  | {
      name: string;
      help: string;
      type: 'histogram';
      label?: string;
      read: () => Durations | Record<string, Durations>;
    };

/** @returns a function giving the exposition text. */
export function createMetrics(sources: readonly MetricSource[]): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'wellkeeper_' });
  for (const source of sources) register(registry, source);
  return () => registry.metrics();
}

function register(registry: Registry, source: MetricSource): void {
  if (source.type === 'histogram') {
    registerHistogram(registry, source);
    return;
  }
  const { name, help, type, label, read } = source;
  const common = { name, help, registers: [registry], labelNames: label ? [label] : [] };
  if (type === 'gauge') {
    new Gauge({
      ...common,
      collect() {
        this.reset();
        each(read(), label, (labels, value) => this.set(labels, value));
      },
    });
    return;
  }
  new Counter({
    ...common,
    collect() {
      this.reset();
      each(read(), label, (labels, value) => this.inc(labels, value));
    },
  });
}

function each(
  values: Values,
  label: string | undefined,
  put: (labels: Record<string, string>, value: number) => void,
): void {
  if (typeof values === 'number') put({}, values);
  else for (const [key, value] of Object.entries(values)) put({ [label!]: key }, value);
}

/** Buckets that somebody else has counted: the library's own histogram would have to see every observation. */
function registerHistogram(
  registry: Registry,
  { name, help, label, read }: MetricSource & { type: 'histogram' },
): void {
  const series = ({ counts, sumSeconds }: Durations, labels: Record<string, string>) => {
    let total = 0;
    const buckets = counts.map((count, index) => {
      total += count;
      const le = DURATION_BOUNDS_S[index] ?? '+Inf';
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sumSeconds },
      { metricName: `${name}_count`, labels, value: total },
    ];
  };
  const metric = {
    name,
    help,
    type: 'histogram',
    async get() {
      const found = read();
      const values =
        label === undefined
          ? series(found as Durations, {})
          : Object.entries(found as Record<string, Durations>).flatMap(([key, one]) => series(one, { [label]: key }));
      return { name, help, type: 'histogram', aggregator: 'sum', values };
    },
    reset() {},
  };
  registry.registerMetric(metric as unknown as Metric<string>);
}
