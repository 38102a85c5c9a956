/**
 * What Prometheus may scrape. Values are read when asked, from the parts that own them; nothing is counted twice.
 */
import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client';

/** Counted by their owners since the process began; labels stand after the name as `name{code="…"}` pairs. */
export interface MetricSource {
  name: string;
  help: string;
  type: 'counter' | 'gauge';
  /** Label name, when `read` gives a record of label values. */
  label?: string;
  read: () => number | Record<string, number>;
}

/** @returns a function giving the exposition text. */
export function createMetrics(sources: readonly MetricSource[]): () => Promise<string> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'wellkeeper_' });
  for (const source of sources) register(registry, source);
  return () => registry.metrics();
}

function register(registry: Registry, { name, help, type, label, read }: MetricSource): void {
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
  values: number | Record<string, number>,
  label: string | undefined,
  put: (labels: Record<string, string>, value: number) => void,
): void {
  if (typeof values === 'number') put({}, values);
  else for (const [key, value] of Object.entries(values)) put({ [label!]: key }, value);
}
