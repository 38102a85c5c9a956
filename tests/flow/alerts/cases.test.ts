/**
 * Cases in the manner of promtool: a folder is a case, `case.json` in it says the rule, the readings in the order of
 * their arrival, and what must have happened. `values` is one word a reading: a number, `_` none at this time, `null`
 * measured nothing; after it `!3` a flag, `#5` its own time instead of its place's, `@40` its arrival, in minutes.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { isFlag } from '#model/flag.ts';
import { rule, station } from '#model/register.ts';
import { type Arrival, play } from '#src/rule-tests/play.ts';
import { MINUTE, reference, T0 } from '#tests/helpers/alerts/rig.ts';

const DIRECTORY = join(import.meta.dirname, '../../cases/alerts');

const schema = z.strictObject({
  about: z.string(),
  station: z.record(z.string(), z.unknown()).default({}),
  rule: z.record(z.string(), z.unknown()),
  parameter: z.string().default('nh3n'),
  latenessMinutes: z.number().default(120),
  everyMinutes: z.number().default(5),
  values: z.string(),
  /** `MINUTES EVENT STATE [cause]` of each transition in order; minutes = that of the entry's arrival. */
  transitions: z.array(z.string()),
  /** What stands at the end, times in minutes; any of the alarm's members. */
  alarms: z.array(z.record(z.string(), z.unknown())),
});

function parseValues(text: string, parameter: string, everyMinutes: number): Arrival[] {
  const words = text.trim().split(/\s+/);
  return words.flatMap((word, n): Arrival[] => {
    if (word === '_') return [];
    const match = /^(null|-?[\d.]+)(?:!(\d))?(?:#(\d+))?(?:@(\d+))?$/.exec(word);
    if (!match) throw new Error(`"${word}" is no reading`);
    const [, value = '', flag, at, arrival] = match;
    const time = at === undefined ? n * everyMinutes : Number(at);
    const given = Number(flag ?? (value === 'null' ? 9 : 1));
    if (!isFlag(given)) throw new Error(`"${word}" has no flag`);
    return [
      {
        station: 'weir',
        parameter,
        timeMs: T0 + time * MINUTE,
        receivedMs: T0 + Number(arrival ?? time) * MINUTE,
        value: value === 'null' ? null : Number(value),
        flag: given,
        deviceFlag: null,
      },
    ];
  });
}

const names = readdirSync(DIRECTORY).filter((name) => existsSync(join(DIRECTORY, name, 'case.json')));

describe('alert cases', () => {
  it('are there', () => {
    expect(names.length).toBeGreaterThanOrEqual(12);
  });

  it.each(names)('%s', async (name) => {
    const given = schema.parse(JSON.parse(readFileSync(join(DIRECTORY, name, 'case.json'), 'utf8')));
    const weir = {
      name: { zh: '站', en: 'Station' },
      kind: 'river-section',
      waterBody: 'river',
      target: 'II',
      parameters: [{ id: given.parameter, interval: 'PT5M' }],
      ...given.station,
    };
    const played = await play({
      reference,
      stations: { weir: station.parse(weir) },
      rules: { rule: rule.parse({ severity: 'major', ...given.rule }) },
      allowedLatenessMs: given.latenessMinutes * MINUTE,
      arrivals: parseValues(given.values, given.parameter, given.everyMinutes),
    });
    const lines = played.changes.map(
      ({ transition }) => `${(transition.atMs - T0) / MINUTE} ${transition.event} ${transition.to}`,
    );
    expect(lines).toEqual(given.transitions);
    const minutes = (timeMs: number | null) => (timeMs === null ? null : (timeMs - T0) / MINUTE);
    const alarms = played.alarms.map((alarm) => ({
      ...alarm,
      breachStart: minutes(alarm.breachStartMs),
      raisedAt: minutes(alarm.raisedAtMs),
      clearedAt: minutes(alarm.clearedAtMs),
    }));
    expect(alarms).toMatchObject(given.alarms);
    expect(alarms).toHaveLength(given.alarms.length);
  });
});
