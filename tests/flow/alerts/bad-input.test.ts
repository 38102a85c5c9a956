/** What goes wrong around alarms: each case has a defined answer and a test, here or where the last one of these finds it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRule } from '#alerts/rules/rules.ts';
import { rule } from '#model/register.ts';
import { createAlertsRig, createWeirRig, MINUTE, reference, T0 } from '#tests/helpers/alerts/rig.ts';
import { createWebhookRig } from '#tests/helpers/alerts/webhook-rig.ts';
import { startApi } from '#tests/helpers/api.ts';

describe('bad input', () => {
  it('a rule cycle can not be written: an expression names parameters, and no rule', async () => {
    const rig = createWeirRig().rule('first', { kind: 'expression', when: 'nh3n > 1', severity: 'minor' });
    await rig.apply();
    const faults = (when: string) => {
      const body = rule.parse({ kind: 'expression', select: { stations: ['weir'] }, when, severity: 'minor' });
      return checkRule(body, rig.control(), reference).map(({ path }) => path);
    };
    expect(faults('nh3n > 1 and do < 5')).toEqual([]);
    for (const when of ['first > 0', 'nh3n > 1 and not second', 'alarm("first")']) {
      expect([when, faults(when)]).toEqual([when, ['when']]);
    }
  });

  it('a circle of fallbacks is refused', async () => {
    const rig = await startApi();
    const put = (id: string, fallback?: string) =>
      rig.call('PUT', `/api/v1/channels/${id}`, { body: { kind: 'log', ...(fallback ? { fallback } : {}) } });
    expect([(await put('a')).statusCode, (await put('b', 'a')).statusCode]).toEqual([201, 201]);
    const refused = await put('a', 'b');
    expect([refused.statusCode, refused.json().errors]).toEqual([400, [expect.objectContaining({ path: 'fallback' })]]);
  });

  it('a clock that goes back an hour delays nobody: notices wait by the clock that can not be set', async () => {
    const rig = createWeirRig();
    const hook = await createWebhookRig(rig);
    await rig.send({ at: 60, value: 0.8 });
    // What is journaled after the step has the time of before it, and is told all the same.
    rig.message({ at: 1, value: 9 });
    expect(await hook.deliver()).toHaveLength(1);
    await rig.send({ at: 61, value: 9 });
    expect((await hook.deliver()).at(-1)).toBe('severity-changed class-target/weir/nh3n');
  });

  it('ten thousand alarms in a minute are less than a hundred notices, with all on record', {
    timeout: 120_000,
  }, async () => {
    const rig = createAlertsRig();
    const stations = Array.from({ length: 2500 }, (_, n) => `s${n}`);
    for (const [n, id] of stations.entries()) rig.station(id, { river: `river-${n % 15}` });
    const parameters = ['nh3n', 'codmn', 'tp', 'do'];
    rig.rule('class-target', { kind: 'class', severity: 'minor' });
    const hook = await createWebhookRig(rig);
    await rig.apply();
    for (let second = 0; second < 50; second++) {
      const some = stations.slice(second * 50, second * 50 + 50);
      rig.at(second / 60);
      for (const parameter of parameters) {
        const value = parameter === 'do' ? 0.5 : 50;
        rig.message(...some.map((station) => ({ station, parameter, at: second / 60, value })));
      }
      await rig.apply();
    }
    await rig.pass(60);
    await hook.deliver();
    const got = hook.got();
    expect(got.length).toBeLessThan(100);
    const told = got.flatMap(({ event, alarm, told: some }) =>
      (some ?? [{ event, alarms: [alarm.id] }]).flatMap(({ alarms }) => alarms),
    );
    expect([told.length, new Set(told).size]).toEqual([10_000, 10_000]);
    const count = rig.derived.prepare("SELECT count(*) AS n FROM transition WHERE event = 'raised'").get();
    expect(count).toEqual({ n: 10_000 });
    expect(rig.nowMs()).toBe(T0 + 60 * MINUTE);
  });
});

describe('every case', () => {
  /** Each with the name of its test. */
  const CASES: Record<string, string> = {
    'a rule cycle': 'a rule cycle can not be written',
    'a recipient without a channel': 'with nobody to reach is a transition that says so, and no notice',
    'an SMTP server that is away for a day': 'an SMTP server that is unreachable for a day',
    'a webhook that answers 200 with rubbish': '200 with rubbish',
    '… 301': "'301'",
    '… 413': "'413'",
    '… 429 with Retry-After': '429 with Retry-After: %s waits as it is told',
    '… 500': "'500'",
    '… never': 'an answer that never comes',
    'a clock step of an hour': 'a clock step of an hour: forward ends shelves and acknowledgements',
    'two operators acknowledging at once': 'of two who acknowledge at once one does',
    '… over HTTP': 'of two who do the same at once one is told that it is done already',
    'ten thousand alarms in a minute': 'ten thousand alarms in a minute are less than a hundred notices',
    'shelving for ever': 'shelves until an instant that lies ahead, never for ever, and for a reason',
  };

  it('has its test', () => {
    const tests = join(import.meta.dirname, '../..');
    const texts = ['unit', 'flow', 'api'].flatMap((folder) =>
      readdirSync(join(tests, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => file.endsWith('.test.ts') && join(tests, folder, file) !== import.meta.filename)
        .map((file) => readFileSync(join(tests, folder, file), 'utf8')),
    );
    const own = readFileSync(import.meta.filename, 'utf8').split("describe('every case'")[0]!;
    const missing = Object.entries(CASES).filter(([, name]) => ![...texts, own].some((text) => text.includes(name)));
    expect(missing).toEqual([]);
  });
});
