/** The simulated world: deterministic, plausible, Class II but for the accident, and coherent to the litre. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meets } from '#model/class.ts';
import { readSeeds } from '#seeds/load.ts';
import { loadReference } from '#seeds/reference.ts';
import { fleetOf, isSilent } from '#seeds/simulation/fleet.ts';
import { flowAt, LOSS, registerReading, volumeAt } from '#seeds/simulation/flows.ts';
import { historySamples } from '#seeds/simulation/history.ts';
import { batches, chinaTime, samplesAt } from '#seeds/simulation/messages.ts';
import { smoothNoise, uniform } from '#seeds/simulation/noise.ts';
import { eventNh3n } from '#seeds/simulation/pollution.ts';
import { POLLUTED_STATION, worldOf } from '#seeds/simulation/sites.ts';
import { classOf, limitFor } from '#src/assess/classify.ts';

const reference = loadReference();
const standard = reference.standards.get('gb3838-2002')!;
const world = worldOf(readSeeds('seeds', reference));
const fleet = fleetOf(world.stations);
const START = Date.parse('2026-11-22T00:00:00Z');
const DAY = 86_400_000;
const water = [...world.stations].filter(([, station]) =>
  station.parameters.some((parameter) => parameter.id === 'nh3n'),
);

describe('water', () => {
  it('keeps its target class all year round, everywhere, without the accident', () => {
    for (let timeMs = START; timeMs < START + 366 * DAY; timeMs += 4 * 3_600_000 * 5) {
      for (const [id, station] of water) {
        for (const [parameter, value] of Object.entries(world.values(id, timeMs, null))) {
          const limit = limitFor(standard, parameter, station.waterBody, station.target!);
          // Total nitrogen of reservoirs exceeds its limit and does not count; the class rule knows that, we do too.
          if (limit && parameter !== 'tn')
            expect(meets(value, limit), `${id} ${parameter} ${value} ${chinaTime(timeMs)}`).toBe(true);
        }
      }
    }
  });

  it('stays inside the default gross ranges and below the spike thresholds from one reading to the next', () => {
    for (let timeMs = START; timeMs < START + 2 * DAY; timeMs += 600_000) {
      for (const [id] of water) {
        const now = world.values(id, timeMs, null);
        const next = world.values(id, timeMs + 5000, null);
        for (const [parameter, value] of Object.entries(now)) {
          const { qc } = reference.parameters.get(parameter)!;
          if (qc.suspect)
            expect(value >= qc.suspect[0] && value <= qc.suspect[1], `${id} ${parameter} ${value}`).toBe(true);
          if (qc.spike) expect(Math.abs(next[parameter]! - value)).toBeLessThan(qc.spike[0]);
        }
      }
    }
  });

  it('is warmer in summer and in the afternoon, and holds less oxygen then', () => {
    const mean = (from: number, parameter: string) => {
      let total = 0;
      for (let i = 0; i < 60; i++) total += world.values('taocha', from + i * DAY, null)[parameter]!;
      return total / 60;
    };
    const [winter, summer] = [Date.parse('2026-01-01T07:00Z'), Date.parse('2026-07-01T07:00Z')];
    expect(mean(summer, 'temp') - mean(winter, 'temp')).toBeGreaterThan(12);
    expect(mean(winter, 'do') - mean(summer, 'do')).toBeGreaterThan(2);
    expect(mean(summer, 'temp')).toBeGreaterThan(mean(summer - 8 * 3_600_000, 'temp'));
  });

  it('is the same whenever it is asked', () => {
    const again = worldOf(readSeeds('seeds', reference));
    fc.assert(
      fc.property(
        fc.constantFrom(...world.stations.keys()),
        fc.integer({ min: START - 400 * DAY, max: START + 400 * DAY }),
        (id, timeMs) => {
          expect(again.values(id, timeMs, null)).toEqual(world.values(id, timeMs, null));
        },
      ),
    );
  });
});

describe('the accident', () => {
  const nh3n = (seconds: number) => world.values(POLLUTED_STATION, START + seconds * 1000, seconds * 1000).nh3n!;

  it('breaks Class II well within a minute, reaches III, then IV, and is over after some minutes', () => {
    const reached = (seconds: number) => classOf(standard, 'nh3n', 'river', nh3n(seconds));
    const firstBreach = Array.from({ length: 60 }, (_, i) => i).find((seconds) => nh3n(seconds) > 0.5);
    expect(firstBreach).toBeLessThan(30);
    expect(reached(60)).toBe('III');
    expect(nh3n(60)).toBe(0.83);
    expect(reached(160)).toBe('IV');
    expect(nh3n(280)).toBeLessThan(0.5 * 0.95);
  });

  it('rises in steps that no quality test takes for a broken sensor', () => {
    const { spike } = reference.parameters.get('nh3n')!.qc;
    for (let seconds = 0; seconds < 900; seconds += 5)
      expect(Math.abs(nh3n(seconds + 5) - nh3n(seconds))).toBeLessThan(spike![0]);
  });

  it('comes again, and never before the start', () => {
    expect(eventNh3n(60_000)).toBe(eventNh3n(60_000 + 900_000));
    expect(eventNh3n(-60_000)).toBe(0);
  });
});

describe('flows and registers', () => {
  const outlet = fc.record({
    id: fc.constant('o'),
    meanFlow: fc.double({ min: 0.1, max: 60, noNaN: true }),
    phase: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  it('a register difference is the integral of the flow', () => {
    fc.assert(
      fc.property(outlet, fc.integer({ min: 0, max: 365 * 24 }), (o, hour) => {
        const fromMs = START + hour * 3_600_000;
        const steps = 3600;
        let integral = 0;
        for (let i = 0; i < steps; i++) integral += flowAt(o, fromMs + i * 1000 + 500);
        expect(volumeAt(o, fromMs + steps * 1000) - volumeAt(o, fromMs)).toBeCloseTo(integral, 3);
      }),
      { numRuns: 30 },
    );
  });

  it('registers rise, and begin again at their size', () => {
    expect(registerReading(12_345.6789, 10_000)).toBe(2345.678);
    fc.assert(
      fc.property(outlet, fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 1e7 }), (o, at, step) => {
        expect(volumeAt(o, START + at + step)).toBeGreaterThan(volumeAt(o, START + at));
      }),
    );
  });

  it('what all take out is what enters, less the loss, and every flow is one that its meter believes', () => {
    const register = (id: string, timeMs: number) => world.values(id, timeMs, null).register!;
    const outlets = [...world.stations]
      .filter(([id]) => id.startsWith('mr-offtake-') || id.endsWith('-trunk'))
      .map(([id]) => id);
    const [from, to] = [START, START + 3 * DAY];
    const out = outlets.reduce((total, id) => total + register(id, to) - register(id, from), 0);
    const intake = register('taocha', to) - register('taocha', from);
    expect(out / (1 - LOSS)).toBeCloseTo(intake, 0);
    for (const id of outlets)
      expect(world.values(id, from, null).flow, id).toBeLessThan(id.endsWith('-trunk') ? 60 : 15);
    expect(world.values('taocha', from, null).flow).toBeLessThan(420);
  });

  it('the canal carries less from gate to gate', () => {
    const gates = [...world.stations.keys()].filter((id) => id.startsWith('mr-gate-'));
    const flows = gates.map((id) => world.values(id, START, null).flow!);
    expect(flows[0]!).toBeGreaterThan(200);
    expect(flows.at(-1)!).toBeGreaterThan(30);
    expect(flows.at(-1)!).toBeLessThan(60);
  });
});

describe('the fleet', () => {
  it('has at least 20 gateways; every station has one, and only one', () => {
    expect(fleet.length).toBeGreaterThanOrEqual(20);
    const owned = fleet.flatMap((gateway) => gateway.stations);
    expect(new Set(owned).size).toBe(owned.length);
    expect(new Set(owned)).toEqual(new Set(world.stations.keys()));
    expect(fleet.every((gateway) => gateway.intervalMs >= 5000 && gateway.intervalMs <= 10_000)).toBe(true);
  });

  it('has one that falls silent and sends afterwards every moment that it missed, once and in order', () => {
    const silent = fleet.filter((gateway) => gateway.silence !== null);
    expect(silent).toHaveLength(1);
    const gateway = silent[0]!;
    const times: string[] = [];
    for (let sinceMs = 0; sinceMs <= 300_000; sinceMs += gateway.intervalMs) {
      const samples = samplesAt(world, gateway, START, START + sinceMs);
      if (isSilent(gateway, sinceMs)) expect(samples).toEqual([]);
      times.push(...samples.map((sample) => sample.time));
    }
    const expected = Array.from({ length: 61 }, (_, i) => chinaTime(START + i * 5000));
    expect(times).toEqual(expected);
  });

  it('cuts what it says into messages that a service takes', () => {
    const gateway = fleet.toSorted((a, b) => b.stations.length - a.stations.length)[0]!;
    const messages = batches(samplesAt(world, gateway, START, START), 50);
    expect(messages.flat()).toHaveLength(gateway.stations.length);
    for (const samples of messages) {
      expect(samples.reduce((total, sample) => total + Object.keys(sample.values).length, 0)).toBeLessThanOrEqual(50);
    }
  });
});

describe('history', () => {
  it('stands on a fixed grid in order of time, so that loading it in pieces is loading it whole', () => {
    const whole = [...historySamples(world, START, START + 2 * DAY)];
    const pieces = [
      ...historySamples(world, START, START + 1.3 * DAY),
      ...historySamples(world, START + 1.3 * DAY, START + 2 * DAY),
    ];
    expect(pieces).toEqual(whole);
    const times = whole.map((sample) => Date.parse(sample.time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const at = (station: string, parameter: string) =>
      whole.filter((sample) => sample.station === station && parameter in sample.values).length;
    expect([
      at('taocha', 'nh3n'),
      at('taocha', 'register'),
      at('mr-offtake-001', 'register'),
      at('langhe-mouth', 'nh3n'),
      at('mr-gate-001', 'flow'),
    ]).toEqual([12, 48, 2, 2, 0]);
  });
});

describe('noise', () => {
  it('is bounded, smooth, the same again, and not the same for another key', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 2e12 }), (key, timeMs) => {
        const value = smoothNoise(key, timeMs, 60_000);
        expect(Math.abs(value)).toBeLessThanOrEqual(1);
        expect(Math.abs(smoothNoise(key, timeMs + 60, 60_000) - value)).toBeLessThan(0.01);
        expect(smoothNoise(key, timeMs, 60_000)).toBe(value);
      }),
    );
    const mean = (key: string) =>
      Array.from({ length: 2000 }, (_, i) => uniform(key, i)).reduce((a, b) => a + b) / 2000;
    expect(mean('a')).toBeCloseTo(0.5, 1);
    expect(mean('a')).not.toBe(mean('b'));
  });
});
