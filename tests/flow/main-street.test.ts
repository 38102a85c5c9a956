/**
 * A day of a real sonde over MQTT into three services: in order, shuffled within two hours, every message doubled.
 * Twice in each: as a day of 2019, whose hours are closed on arrival and recomputed, and shifted to today into hours
 * that are open until a later start closes them. All must tell the same trends, to the bit: those that follow from the
 * file and the final flags by arithmetic written here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ReplaySample } from '#seeds/replay-publish.ts';
import { readWhole } from '#tests/helpers/ingest/files.ts';
import { startTestService, type TestService } from '#tests/helpers/service.ts';

const FILE = join(import.meta.dirname, '../../../shared/data/lro/MainStreet2019.csv');
const HOUR = 3_600_000;
/** A day with spikes and gaps; local standard time, UTC−07:00. */
const DAY_START = Date.parse('2019-08-19T00:00:00-07:00');
const DAY_END = DAY_START + 24 * HOUR;
const PARAMETERS = ['temp', 'ec', 'ph', 'do', 'turbidity', 'level'];
/** Whole hours, so that hours hold the same readings; the last one ends at least an hour ago. */
const SHIFT = Math.floor((Date.now() - HOUR - DAY_END) / HOUR) * HOUR;

type Arrival = 'in order' | 'shuffled within two hours' | 'every message doubled';
const ARRIVALS: Arrival[] = ['in order', 'shuffled within two hours', 'every message doubled'];

interface Reading {
  time: string;
  value: number | null;
  flag: number;
  provisional?: boolean;
}
interface Bucket {
  start: string;
  count: number;
  valid: number;
  mean: number | null;
  min: number | null;
  max: number | null;
  provisional?: boolean;
}

/** Narrower than the defaults, so that every test of the quality control has something to find. */
const QC: Record<string, object> = {
  temp: { ratePerHour: [0.8, 2] },
  ec: { spike: [5, 20] },
  ph: { flat: { tolerance: 0.005, suspect: 'PT45M', fail: 'PT90M' } },
  do: { suspect: [7.5, 14] },
  turbidity: { spike: [1, 5], fail: [0, 100] },
};

async function samplesOf(station: string, shiftMs: number): Promise<ReplaySample[]> {
  const { taken } = await readWhole(readFileSync(FILE), {
    station,
    map: 'temp=temp,cond=ec,ph=ph,do=do,turb=turbidity,stage=level',
    units: 'temp=degC,cond=uS/cm,do=mg/L,turb=NTU,stage=cm',
    tz: '-07:00',
    missing: '-9999,NULL',
  });
  return taken
    .filter(({ timeMs }) => timeMs >= DAY_START && timeMs < DAY_END)
    .map(({ timeMs, values }) => {
      const sent = Object.entries(values).map(([parameter, { value, unit }]) => [
        parameter,
        value === null ? null : { value, unit: unit! },
      ]);
      return { station, time: timeMs + shiftMs, values: Object.fromEntries(sent) as ReplaySample['values'] };
    });
}

/** Park–Miller: the same shuffle in every run. */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function arrange(samples: readonly ReplaySample[], arrival: Arrival): ReplaySample[] {
  if (arrival === 'every message doubled') return samples.flatMap((sample) => [sample, sample]);
  if (arrival === 'in order') return [...samples];
  const random = randoms(20_190_819);
  return samples
    .map((sample) => ({ sample, at: sample.time + random() * 2 * HOUR }))
    .sort((a, b) => a.at - b.at)
    .map(({ sample }) => sample);
}

/** What trends must be: by hour, from every reading in time order; means of flags 1 and 2, pH through [H⁺]. */
function expectedTrends(readings: readonly Reading[], parameter: string): Omit<Bucket, 'start'>[] {
  const hours = Map.groupBy(readings, ({ time }) => Math.floor(Date.parse(time) / HOUR));
  return [...hours.values()].map((hour) => {
    const measured = hour.filter(({ value }) => value !== null) as { value: number; flag: number }[];
    const valid = measured.filter(({ flag }) => flag === 1 || flag === 2).map(({ value }) => value);
    const mean =
      parameter === 'ph'
        ? -Math.log10(valid.reduce((sum, value) => sum + 10 ** -value, 0) / valid.length)
        : valid.reduce((sum, value) => sum + value, 0) / valid.length;
    return {
      count: measured.length,
      valid: valid.length,
      mean: valid.length === 0 ? null : mean,
      min: valid.length === 0 ? null : Math.min(...valid),
      max: valid.length === 0 ? null : Math.max(...valid),
    };
  });
}

describe.skipIf(!existsSync(FILE))('a day of Main Street 2019 (skipped without ../shared/data/lro)', () => {
  const services = new Map<Arrival, TestService>();
  afterAll(() => Promise.all([...services.values()].map((service) => service.remove())));

  const rangeOf = (station: string) => {
    const shift = station === 'today' ? SHIFT : 0;
    return `from=${new Date(DAY_START + shift).toISOString()}&to=${new Date(DAY_END + shift).toISOString()}`;
  };
  const readingsOf = async (arrival: Arrival, station: string, parameter: string) =>
    (
      await services
        .get(arrival)!
        .call<{ items: Reading[] }>('GET', `/series/${station}/${parameter}/readings?${rangeOf(station)}`)
    ).body.items;
  const trendsOf = async (arrival: Arrival, station: string, parameter: string) =>
    (
      await services
        .get(arrival)!
        .call<{ items: Bucket[] }>(
          'GET',
          `/trends?station=${station}&parameter=${parameter}&interval=PT1H&${rangeOf(station)}`,
        )
    ).body.items;

  describe.each(ARRIVALS)('%s', (arrival) => {
    beforeAll(async () => {
      // Nothing of today is late, and its hours stay open, until the second start says otherwise.
      const open = await startTestService({ env: { WK_SEEDS: 'none', WK_ALLOWED_LATENESS: 'P3D' } });
      services.set(arrival, open);
      for (const name of ['2019', 'today']) {
        const { status } = await open.call('PUT', `/stations/${name}`, {
          name: { zh: '主街', en: 'Main Street' },
          kind: 'river-section',
          waterBody: 'river',
          target: 'II',
          parameters: PARAMETERS.map((id) => ({ id, interval: 'PT15M', qc: QC[id] })),
        });
        expect(status).toBe(201);
      }
      const password = await open.gateway('gw', ['2019', 'today']);
      const client = await open.connect('gw', password);
      const messages = [...(await samplesOf('2019', 0)), ...(await samplesOf('today', SHIFT))];
      expect(messages).toHaveLength(2 * 96);
      await Promise.all(
        arrange(messages, arrival).map((sample) =>
          client.publishAsync('wk/v1/gw/readings', JSON.stringify({ samples: [sample] }), { qos: 1 }),
        ),
      );
    });

    it('tells of open hours that they are provisional', async () => {
      const buckets = await trendsOf(arrival, 'today', 'temp');
      expect(buckets).toHaveLength(24);
      expect(buckets.every(({ provisional }) => provisional === true)).toBe(true);
      expect((await readingsOf(arrival, 'today', 'temp')).every(({ provisional }) => provisional === true)).toBe(true);
    });

    it('has closed them after the next start', async () => {
      const open = services.get(arrival)!;
      expect(await open.end('SIGTERM')).toEqual({ code: 0, signal: null });
      services.set(
        arrival,
        await startTestService({
          dataDir: open.dataDir,
          env: { WK_SEEDS: 'none', WK_ALLOWED_LATENESS: 'PT1S' },
        }),
      );
      for (const station of ['2019', 'today']) {
        for (const parameter of PARAMETERS) {
          const buckets = await trendsOf(arrival, station, parameter);
          expect(buckets.filter(({ provisional }) => provisional)).toEqual([]);
        }
      }
    });

    it.each(['2019', 'today'])('equals what follows from the file: %s', async (station) => {
      const sent = await samplesOf(station, station === 'today' ? SHIFT : 0);
      for (const parameter of PARAMETERS) {
        const readings = await readingsOf(arrival, station, parameter);
        expect(readings.map(({ time }) => Date.parse(time))).toEqual(sent.map(({ time }) => time));
        for (const [index, { value }] of readings.entries()) {
          const given = sent[index]!.values[parameter]!;
          const raw = (typeof given === 'object' && given !== null ? given.value : given) as number | null;
          if (raw === null) expect(value).toBeNull();
          else expect(value).toBeCloseTo(parameter === 'level' ? raw / 100 : raw, 12);
        }
        const buckets = await trendsOf(arrival, station, parameter);
        expect(
          buckets.map(({ count, valid, mean, min, max }) => ({ count, valid, mean, min, max })),
          parameter,
        ).toEqual(expectedTrends(readings, parameter));
      }
    });

    it('counts every value once in the ledger', async () => {
      const { body } = await services.get(arrival)!.call<Record<string, number>>('GET', '/gateways/gw/ledger');
      const values = 2 * 96 * PARAMETERS.length;
      const again = arrival === 'every message doubled' ? values : 0;
      expect(body).toMatchObject({
        received: values + again,
        stored: values,
        duplicate: again,
        quarantined: 0,
        pending: 0,
      });
    });
  });

  it.each(['2019', 'today'])('tells the same whatever the arrival: %s', async (station) => {
    const flagged = new Map<string, number>();
    for (const parameter of PARAMETERS) {
      const [first, ...others] = ARRIVALS;
      const readings = await readingsOf(first!, station, parameter);
      const buckets = await trendsOf(first!, station, parameter);
      flagged.set(parameter, readings.filter(({ flag }) => flag === 3 || flag === 4).length);
      for (const arrival of others) {
        expect(await readingsOf(arrival, station, parameter), `${arrival}, ${parameter}`).toEqual(readings);
        expect(await trendsOf(arrival, station, parameter), `${arrival}, ${parameter}`).toEqual(buckets);
      }
    }
    // A day on which every reading is good would prove nothing about flags.
    for (const parameter of Object.keys(QC)) expect(flagged.get(parameter), parameter).toBeGreaterThan(0);
  });
});
