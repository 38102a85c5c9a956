/**
 * The worked examples of docs/numbers.md: a meter, its reads with the decision taken at each, and what they add up to.
 *   flow|register, maxFlow 20 m3/s, size 1000000, maxGap PT1H
 *   08:00  999850
 *   09:00      50   rollover
 *   measured 200, estimated 0, unknown 0 h
 */
export interface RegisterExample {
  meter: {
    parameter: 'register' | 'flow';
    kind: string;
    maxFlow: number;
    maxGap: string;
    unit: string;
    size?: number;
    measures: 'delivery';
  };
  reads: { time: string; value: number; decision: string | null }[];
  /** The first and the last read. */
  from: string;
  to: string;
  told: { measured: number; estimated: number; unknownHours: number };
}

const DATE = '2026-03-01';

export function parseRegisterExample(text: string): RegisterExample {
  const [head = '', ...lines] = text.split('\n');
  const word = (name: string) => new RegExp(`\\b${name} (\\S+?)(,|$| )`).exec(head)?.[1];
  const kind = head.split(',')[0]!.trim();
  const size = word('size');
  const reads = lines.flatMap((line) => {
    const [, clock, value, decision] = /^(\d\d:\d\d)\s+(-?[\d.]+)\s*(\S+)?$/.exec(line.trim()) ?? [];
    if (clock === undefined) return [];
    return [{ time: `${DATE}T${clock}:00+08:00`, value: Number(value), decision: decision ?? null }];
  });
  const told = /measured (-?[\d.]+) m³, estimated (-?[\d.]+) m³, unknown ([\d.]+) h/.exec(lines.at(-1) ?? '');
  if (!told || reads.length < 2) throw new Error(`not a worked example:\n${text}`);
  return {
    meter: {
      parameter: kind === 'flow' ? 'flow' : 'register',
      kind,
      maxFlow: Number(word('maxFlow')),
      maxGap: word('maxGap') ?? 'PT1H',
      unit: word('unit') ?? (kind === 'flow' ? 'm3/s' : 'm3'),
      ...(size === undefined ? {} : { size: Number(size) }),
      measures: 'delivery',
    },
    reads,
    from: reads[0]!.time,
    to: reads.at(-1)!.time,
    told: { measured: Number(told[1]), estimated: Number(told[2]), unknownHours: Number(told[3]) },
  };
}
