/** What the service's test for trends found, as a sentence. */
import { type Answer, ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { DAY_MS } from '../core/zone.ts';
import { Loading, Trouble } from '../ui/states.tsx';

type Found = Answer<'GET /trends/test'>;

/** The test looks at months; ten years of them, or as many as there are. */
const YEARS = 10;
const MONTHS_MIN = 12;

export function TrendWords({ station, parameter, toMs }: { station: string; parameter: string; toMs: number }) {
  // A new question once a day is enough for months.
  const endMs = Math.ceil(toMs / DAY_MS) * DAY_MS;
  const test = useResource(`${station}/${parameter}/${endMs}`, (signal) => {
    const iso = (ms: number) => new Date(ms).toISOString();
    const query = { station, parameter, from: iso(endMs - YEARS * 365.25 * DAY_MS), to: iso(endMs) };
    // One month's weather is the next one's: months aren't taken for independent of each other.
    const test = { method: 'seasonal-kendall', season: 'P1M', serial: 'true' } as const;
    return ask('GET /trends/test', { query: { ...query, ...test }, signal });
  });
  if (test.failure) return <Trouble failure={test.failure} />;
  if (!test.data) return <Loading lines={1} />;
  // Flows and registers have no history of means: nothing to say about them.
  if (test.data.n === 0) return null;
  return (
    <p class="trend-words">
      <span class={`trend-arrow is-${directionOf(test.data)}`} aria-hidden="true" />
      {wordsOf(test.data)}
    </p>
  );
}

const isJudged = ({ refused, p, slope, n }: Found): boolean =>
  refused === undefined && p !== null && slope !== null && n >= MONTHS_MIN;

function directionOf(found: Found): 'rising' | 'falling' | 'level' | 'unknown' {
  if (!isJudged(found)) return 'unknown';
  return found.trend === 'increasing' ? 'rising' : found.trend === 'decreasing' ? 'falling' : 'level';
}

function wordsOf(found: Found): string {
  if (!isJudged(found)) return t('trendRefused', { n: found.n });
  const { slope, p, n, unit } = found;
  const filled = {
    slope: format.withUnit(Math.abs(slope!), unit),
    p: p! < 0.001 ? '< 0.001' : `= ${format.value(Number(p!.toPrecision(2)))}`,
    n,
  };
  if (found.trend === 'increasing') return t('trendRising', filled);
  return found.trend === 'decreasing' ? t('trendFalling', filled) : t('trendNone', filled);
}
