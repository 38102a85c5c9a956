/** Holes in a station's own cycle, and what its device is asked for. */
import { describe, expect, it } from 'vitest';
import type { Device } from '#ingest/transports/tcp/devices.ts';
import { MISSED_LIMITS, Missed } from '#ingest/transports/tcp/missed.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';

const NOW_MS = Date.UTC(2026, 10, 30, 8);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function rig({ cycleMs = (5 * MINUTE) as number | null, newestMs = null as number | null, isThere = true } = {}) {
  const clock = handClock(NOW_MS);
  const asked: string[] = [];
  const missed = new Missed({
    clock,
    limits: MISSED_LIMITS,
    newestMs: () => newestMs,
    cycleMs: () => cycleMs,
    ask: ({ address }, fromMs, toMs) => {
      if (isThere) asked.push(`${address} ${hours(fromMs)} ${hours(toMs)}`);
      return isThere;
    },
  });
  const device = (address = 'A1', asksMissed = true): Device => ({
    gateway: 'gw',
    address,
    station: `s-${address}`,
    password: null,
    isSpelledInHex: false,
    networks: null,
    asksMissed,
  });
  return {
    clock,
    missed,
    asked,
    hear(minutes: number, one = device(), toMinutes = minutes) {
      const span = { oldestMs: NOW_MS + minutes * MINUTE, newestMs: NOW_MS + toMinutes * MINUTE };
      missed.heard(one, span, missed.expect(one));
    },
    device,
    wait(ms: number) {
      for (let passed = 0; passed < ms; passed += 1000) {
        clock.advance(1000);
        missed.tick();
      }
    },
  };
}
/** Minutes from NOW_MS. */
const hours = (ms: number) => String(Math.round((ms - NOW_MS) / MINUTE));

describe('a hole', () => {
  it('in the cycle is asked for once it has had time to fill by itself', () => {
    const { hear, wait, asked } = rig();
    hear(-60);
    hear(-55);
    hear(-25);
    wait(29_000);
    expect(asked).toEqual([]);
    wait(1000);
    expect(asked).toEqual(['A1 -55 -25']);
  });

  it('of less than a reading is none', () => {
    const { hear, wait, asked } = rig();
    for (const minutes of [-60, -54, -49, -42]) hear(minutes);
    wait(60_000);
    expect(asked).toEqual([]);
  });

  it('is seen from what was stored before the service began', () => {
    const { hear, wait, asked } = rig({ newestMs: NOW_MS - 3 * HOUR });
    hear(0);
    wait(30_000);
    expect(asked).toEqual(['A1 -180 0']);
  });

  it('is no hole where a message brings the time between itself', () => {
    const { hear, wait, asked, device } = rig();
    hear(-60);
    hear(-55, device(), 0);
    wait(60_000);
    expect(asked).toEqual([]);
  });

  it('closes by what the device sends by itself, from its front', () => {
    const { hear, wait, asked } = rig();
    hear(-60);
    hear(-40);
    for (const minutes of [-55, -50, -45]) hear(minutes);
    wait(120_000);
    expect(asked).toEqual([]);
  });

  it('of days is asked for a day at a time, no further back than a week, twice at most', () => {
    const { hear, wait, asked, missed } = rig({ newestMs: NOW_MS - 30 * 24 * HOUR });
    hear(0);
    wait(30_000);
    expect(asked).toEqual([`A1 ${-7 * 24 * 60} ${-6 * 24 * 60}`]);
    wait(600_000);
    expect(asked).toHaveLength(14);
    expect(new Set(asked).size).toBe(7);
    expect(asked.at(-1)).toBe(`A1 ${-24 * 60} 0`);
    expect(missed.counters).toEqual({ missedAsked: 14, missedGivenUp: 7 });
  });

  it('of a station whose entry says no cycle, or whose gateway wants no questions, is not asked for', () => {
    const silent = rig({ cycleMs: null, newestMs: NOW_MS - HOUR });
    silent.hear(0);
    silent.wait(60_000);
    expect(silent.asked).toEqual([]);
    const unasked = rig({ newestMs: NOW_MS - HOUR });
    unasked.hear(0, unasked.device('A1', false));
    unasked.wait(60_000);
    expect(unasked.asked).toEqual([]);
  });
});

describe('requests', () => {
  it('go to five devices a second, whoever was away', () => {
    const { hear, wait, asked, device } = rig({ newestMs: NOW_MS - HOUR });
    for (let n = 0; n < 40; n++) hear(0, device(`A${n}`));
    wait(30_000);
    expect(asked.length).toBeLessThanOrEqual(10);
    wait(3000);
    expect(asked.length).toBeLessThanOrEqual(25);
    wait(30_000);
    expect(new Set(asked.map((line) => line.split(' ')[0])).size).toBe(40);
  });

  it('wait while the device is not there', () => {
    const { hear, wait, asked, missed } = rig({ newestMs: NOW_MS - HOUR, isThere: false });
    hear(0);
    wait(600_000);
    expect(asked).toEqual([]);
    expect(missed.counters).toEqual({ missedAsked: 0, missedGivenUp: 0 });
  });
});
