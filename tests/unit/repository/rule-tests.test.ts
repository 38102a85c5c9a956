/** `npm run rules:test`: how files are read and blamed, how outcomes are compared, and what the command answers. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { loadReference } from '#seeds/reference.ts';
import { seriesValues } from '#src/rule-tests/arrivals.ts';
import { runRuleTests } from '#src/rule-tests/run.ts';
import { runCommand } from '#tests/helpers/command.ts';
import { fencesOf, readDocument } from '#tests/helpers/repository/documents.ts';
import { tempDir } from '#tests/helpers/temp-dir.ts';

const reference = loadReference();
const CASES = join(import.meta.dirname, '../../cases/rules');

const STATION = {
  kind: 'river-section',
  waterBody: 'river',
  target: 'II',
  parameters: [{ id: 'nh3n', interval: 'PT5M' }],
};
const RULE = { kind: 'class', parameters: ['nh3n'], severity: 'major' };
const SERIES = { station: 'weir', parameter: 'nh3n', interval: 'PT5M', values: '0.3 0.6 0.2' };
const ALARM = { rule: 'r', station: 'weir', parameter: 'nh3n' };

const file = (test: object, more: object = {}) => ({
  stations: { weir: STATION },
  rules: { r: RULE },
  tests: [{ name: 'one', series: [SERIES], expect: [], ...test }],
  ...more,
});

function written(content: unknown): string {
  const path = join(tempDir(), 'rules.yaml');
  writeFileSync(path, typeof content === 'string' ? content : stringify(content));
  return path;
}

/** Differences of the only test. */
async function differencesOf(test: object): Promise<string[]> {
  const [result] = await runRuleTests(written(file(test)), 'rules.yaml', reference);
  return result!.differences;
}

describe('values', () => {
  it('are numbers, null and holes, with flags and repetitions', () => {
    expect(seriesValues(' 0.3 -1e-3x2\n_ null 0.9!3x2 _x2 ')).toEqual([
      { value: 0.3, flag: 1 },
      { value: -0.001, flag: 1 },
      { value: -0.001, flag: 1 },
      null,
      { value: null, flag: 9 },
      { value: 0.9, flag: 3 },
      { value: 0.9, flag: 3 },
      null,
      null,
    ]);
    expect(seriesValues('')).toEqual([]);
  });

  it.each(['0,3', 'x3', '0.3x', '0.3!5', '_!3', '0.3 x3', 'NaN', '1.2.3', '0.3x3!4'])('refuse "%s"', (text) => {
    expect(() => seriesValues(text)).toThrow(RangeError);
  });
});

describe('what is expected', () => {
  it('passes when it happens, whatever is left unsaid', async () => {
    expect(await differencesOf({ expect: [ALARM] })).toEqual([]);
    const told = {
      severity: 'major',
      state: 'returned',
      raisedAt: 'PT5M',
      clearedAt: 'PT10M',
      multiple: 0.2,
      op: '<=',
    };
    expect(await differencesOf({ expect: [{ ...ALARM, ...told }] })).toEqual([]);
    expect(await differencesOf({ expect: [{ ...ALARM, raisedAt: '2026-01-01T08:05:00+08:00' }] })).toEqual([]);
  });

  it('tells each member that is otherwise', async () => {
    const told = { severity: 'minor', raisedAt: 'PT10M', clearedAt: null, value: 0.61 };
    expect(await differencesOf({ expect: [{ ...ALARM, ...told }] })).toEqual([
      'r/weir/nh3n: severity is major, expected minor',
      'r/weir/nh3n: raisedAt is PT5M, expected PT10M',
      'r/weir/nh3n: clearedAt is PT10M, expected null',
      'r/weir/nh3n: value is 0.6, expected 0.61',
    ]);
  });

  it('tells what did not happen, and what did', async () => {
    expect(await differencesOf({ series: [], expect: [{ ...ALARM, raisedAt: 'PT5M' }] })).toEqual([
      'r/weir/nh3n at PT5M: expected, did not happen',
    ]);
    expect(await differencesOf({})).toEqual(['r/weir/nh3n: not expected: major, returned, raised at PT5M, value 0.6']);
  });

  it('finds the right one of several', async () => {
    const series = [{ ...SERIES, values: '0.6 0.2 0.7 0.2' }];
    const both = [
      { ...ALARM, raisedAt: 'PT10M', value: 0.7 },
      { ...ALARM, raisedAt: 'PT0S', value: 0.6 },
    ];
    expect(await differencesOf({ series, expect: both })).toEqual([]);
    expect(await differencesOf({ series, expect: both.slice(0, 1) })).toEqual([
      'r/weir/nh3n: not expected: major, returned, raised at PT0S, value 0.6',
    ]);
  });

  it('tests begin anew: nothing is left of the one before', async () => {
    const tests = ['a', 'b'].map((name) => ({ name, series: [SERIES], expect: [{ ...ALARM, raisedAt: 'PT5M' }] }));
    const results = await runRuleTests(written(file({}, { tests })), 'rules.yaml', reference);
    expect(results.map(({ differences }) => differences)).toEqual([[], []]);
  });
});

describe('mistakes', () => {
  const MISTAKES: [string, unknown, RegExp][] = [
    ['no YAML', 'tests: [', /^rules\.yaml:1: /],
    ['an unknown key', file({}, { test: [] }), /^rules\.yaml:\d+: .*test/],
    ['no tests', file({}, { tests: [] }), /^rules\.yaml:\d+: tests: /],
    [
      'a rule that is none',
      file({}, { rules: { r: { ...RULE, kind: 'clas' } } }),
      /^rules\.yaml:\d+: rules\.r\.kind: /,
    ],
    [
      'a rule that could never alarm',
      file({}, { rules: { r: { ...RULE, select: { stations: ['wier'] } } } }),
      /^rules\.yaml:\d+: r: select\.stations.*wier/,
    ],
    ['an unknown station', file({ series: [{ ...SERIES, station: 'wier' }] }), /:\d+: one: there is no station "wier"/],
    [
      'an unknown parameter',
      file({ series: [{ ...SERIES, parameter: 'nh4' }] }),
      /:\d+: one: there is no parameter "nh4"/,
    ],
    ['an unknown rule', file({ expect: [{ ...ALARM, rule: 'x' }] }), /:\d+: one: there is no rule "x"/],
    ['a word', file({ series: [{ ...SERIES, values: '0.3 0,4' }] }), /:\d+: one: "0,4" is no value/],
    ['no offset', file({ start: '2026-01-01T00:00:00' }), /tests\.0\.start: an instant/],
    [
      'two moments',
      file({ readings: [{ ...ALARM_READING(), time: '2026-01-01T00:00:00Z' }] }),
      /either `at` or `time`/,
    ],
    ['no interval', file({ series: [{ ...SERIES, interval: 'PT0S' }] }), /longer than nothing/],
    [
      'a parameter of a station',
      file({}, { stations: { weir: { ...STATION, parameters: [{ id: 'nh4' }] } } }),
      /:\d+: weir: there is no parameter "nh4"/,
    ],
  ];
  it.each(MISTAKES)('%s', async (_what, content, message) => {
    await expect(runRuleTests(written(content), 'rules.yaml', reference)).rejects.toThrow(message);
  });

  function ALARM_READING() {
    return { station: 'weir', parameter: 'nh3n', at: 'PT0S', value: 1 };
  }

  it('refuse rules about closed periods: no books are kept', async () => {
    const text = ['stations: {}', 'rules:', '  daily:', '    kind: assessed', '    period: day', '    severity: major'];
    const whole = [...text, 'tests:', '  - { name: one, expect: [] }'].join('\n');
    await expect(runRuleTests(written(whole), 'rules.yaml', reference)).rejects.toThrow(
      /^rules\.yaml:4: daily: a rule of kind assessed is judged by the books, and a rule test keeps none/,
    );
  });

  it('are blamed on their line', async () => {
    const text = ['stations: {}', 'rules: {}', 'tests:', '  - name: one', '    expect:', '      - { rule: r }'].join(
      '\n',
    );
    await expect(runRuleTests(written(text), 'rules.yaml', reference)).rejects.toThrow(/^rules\.yaml:6: /);
  });
});

describe('the command', () => {
  it('passes on the files of tests/cases/rules', async () => {
    const paths = readdirSync(CASES).map((name) => join(CASES, name));
    const ended = await runCommand('rules-test', paths);
    expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/\n[1-9]\d* passed, 0 failed\n$/);
  });

  it('says which test failed, where and why, and exits with 1', async () => {
    const path = written(file({}));
    const { code, stdout } = await runCommand('rules-test', [path]);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      new RegExp(
        `^RULE r: alarms when .* at 1 station\\nFAIL one \\(${path}:\\d+\\)\n {2}r/weir/nh3n: not expected: .*\n0 passed, 1 failed\n$`,
      ),
    );
  });

  it('exits with 2 for a wrong file or call', async () => {
    expect(await runCommand('rules-test', [written('tests: 3')])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/rules\.yaml:1: /),
    });
    expect(await runCommand('rules-test', ['none.yaml'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("none.yaml: can't be read"),
    });
    expect(await runCommand('rules-test', [])).toMatchObject({ code: 2 });
    expect(await runCommand('rules-test', ['--watch', 'x'])).toMatchObject({ code: 2 });
  });
});

it.each(['example.yaml', 'silence.yaml'])('docs/rules-test.md shows tests/cases/rules/%s as it is', (name) => {
  const fence = fencesOf(readDocument('docs/rules-test.md')).find(({ marker }) => marker?.endsWith(`/${name}`));
  expect(`${fence!.text}\n`).toBe(readFileSync(join(CASES, name), 'utf8'));
});
