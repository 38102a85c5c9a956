/** The shipped seeds, idempotent loading, and what a wrong seed file says. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Control } from '#journal/registers.ts';
import type { Command, CommandEntry } from '#model/entry.ts';
import type { Meter, Statement, Station } from '#model/register.ts';
import { readSeeds, SEED_ACTOR, seedCommands } from '#seeds/load.ts';
import { loadReference } from '#seeds/reference.ts';
import type { SeedEntry } from '#seeds/seed-entry.ts';

const reference = loadReference();
const shipped = readSeeds('seeds', reference);
const bodies = <T>(noun: SeedEntry['noun']) =>
  new Map(shipped.filter((entry) => entry.noun === noun).map((entry) => [entry.id, entry.body as T]));

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});
function folder(files: Record<string, string>): string {
  const directory = mkdtempSync(join(tmpdir(), 'wk-seeds-'));
  directories.push(directory);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

/** Commands as the journal would journal them; bodies take the way through JSON, as they do to disk. */
function perform(control: Control, actor: string, commands: Command[]): void {
  for (const command of commands) {
    seq += 1;
    const entry: CommandEntry = {
      kind: 'command',
      seq,
      receivedMs: seq,
      actor,
      command: JSON.parse(JSON.stringify(command)),
    };
    control.apply(entry);
  }
}
let seq = 0;

describe('the shipped seeds', () => {
  const stations = bodies<Station>('station');
  const meters = bodies<Meter>('meter');

  it('have the whole Middle Route: head works, 60 gates, the lake, 73 offtakes, 25 monitoring points', () => {
    const count = (prefix: string) => [...stations.keys()].filter((id) => id.startsWith(prefix)).length;
    expect(count('mr-gate-')).toBe(60);
    expect(count('mr-offtake-')).toBe(73);
    expect(count('mr-monitor-')).toBe(25);
    for (const id of ['taocha', 'tuancheng-lake', 'danjiangkou-dam', 'shending-mouth'])
      expect(stations.has(id), id).toBe(true);
  });

  it('key by place in the canal where names repeat', () => {
    const named = (zh: string) => [...stations].filter(([, station]) => station.name.zh === zh).map(([id]) => id);
    expect(named('淇河倒虹吸出口节制闸')).toEqual(['mr-gate-004', 'mr-gate-033']);
    expect(named('刘庄分水口')).toEqual(['mr-offtake-039', 'mr-offtake-070']);
  });

  it('judge the reservoir alone by lake limits', () => {
    const lakes = [...stations].filter(([, station]) => station.waterBody === 'lake');
    expect(lakes.length).toBeGreaterThan(0);
    for (const [id, station] of lakes) expect(station.kind, id).toBe('reservoir');
    expect(stations.get('taocha')).toMatchObject({ waterBody: 'river', target: 'II' });
  });

  it('say of every tributary section: target II, its river, and how well its place is known', () => {
    const sections = [...stations].filter(([, station]) => station.kind === 'river-section');
    expect(sections).toHaveLength(17);
    for (const [id, station] of sections) {
      expect(station, id).toMatchObject({ target: 'II', river: expect.any(String) });
      if (station.location) expect(station.tags?.['location-confidence'], id).toBe('low');
    }
  });

  it('meter the intake and all four recipients', () => {
    expect(meters.get('taocha-intake')).toMatchObject({ station: 'taocha', measures: 'intake' });
    const recipients = new Set(
      [...meters.values()].map((meter) => meter.recipient).filter((name) => name !== undefined),
    );
    expect([...recipients].sort()).toEqual(['beijing', 'hebei', 'henan', 'tianjin']);
  });

  it('alarm on the target class and on bad sensors, into the log', () => {
    expect(bodies('rule').get('class-target')).toMatchObject({
      kind: 'class',
      for: 'PT0S',
      severity: { III: 'minor', IV: 'major', V: 'critical', worse: 'critical' },
      enabled: true,
    });
    expect(bodies('rule').get('sensor-quality')).toMatchObject({ kind: 'quality', severity: 'minor' });
    expect([...bodies('routes').values()]).toEqual([[{ match: {}, channels: ['log'] }]]);
  });

  it('state published volumes whose years add up to the dated milestones', () => {
    const statements = bodies<Statement>('statement');
    const annual = [...statements.values()].filter((statement) => statement.kind === 'annual-volume');
    const years = annual.filter(({ counts }) => counts === 'transferred');
    expect(years).toHaveLength(10);
    const total = years.reduce((sum, year) => sum + year.volume1e8m3, 0);
    expect(total).toBeCloseTo(680.7, 6);
    expect(statements.get('m-2024-10-31')).toMatchObject({ volume1e8m3: 680, comparison: '>', confidence: 'H' });
    const tianjin = annual.filter(({ recipient }) => recipient === 'tianjin');
    expect(tianjin).toHaveLength(7);
    expect(tianjin.reduce((sum, { volume1e8m3 }) => sum + volume1e8m3, 0)).toBeCloseTo(68.53, 6);
    expect(statements.get('year-2016-17-delivered')).toMatchObject({ counts: 'delivered', volume1e8m3: 44.92 });
    expect(statements.get('year-2023-24-beijing')).toMatchObject({ volume1e8m3: 13.45, confidence: 'H' });
    const planned = (recipients: readonly (string | undefined)[]) =>
      [...statements.values()]
        .filter(({ kind, counts, at }) => kind === 'annual-plan' && counts === 'delivered' && at === '2018-10-31')
        .filter(({ recipient }) => recipients.includes(recipient))
        .reduce((sum, { volume1e8m3 }) => sum + volume1e8m3, 0);
    expect(planned(['beijing', 'tianjin', 'hebei', 'henan'])).toBeCloseTo(planned([undefined]), 6);
    // Of 2024-25 a plan was found, and no volume.
    const last = [...statements.values()].filter(({ at }) => at === '2025-10-31');
    expect(last).toMatchObject([{ kind: 'annual-plan', volume1e8m3: 69.95, source: 'China News 2024-11-01' }]);
  });

  it('hold no credential', () => {
    expect(shipped.some((entry) => entry.noun === 'gateway' || entry.noun === 'token')).toBe(false);
  });
});

describe('seedCommands', () => {
  it('changes nothing the second time', () => {
    const control = new Control([]);
    const first = seedCommands(shipped, control);
    expect(first).toHaveLength(shipped.length);
    perform(control, SEED_ACTOR, first);
    expect(seedCommands(shipped, control)).toEqual([]);
    expect(seedCommands(readSeeds('seeds', reference), control)).toEqual([]);
  });

  it('leaves alone what a command has changed, and does not revive what one has deleted', () => {
    const control = new Control([]);
    perform(control, SEED_ACTOR, seedCommands(shipped, control));
    const body = { ...(control.get('station', 'taocha') as Station), target: 'I' };
    perform(control, 'engineer', [
      { verb: 'put', noun: 'station', id: 'taocha', body },
      { verb: 'delete', noun: 'rule', id: 'sensor-quality' },
    ]);
    expect(seedCommands(shipped, control)).toEqual([]);
    const newer = shipped.map((entry) =>
      entry.id === 'taocha' ? { ...entry, body: { ...body, target: 'III' } } : entry,
    );
    expect(seedCommands(newer, control)).toEqual([]);
  });

  it('updates what only seeds have written when a newer seed says otherwise', () => {
    const control = new Control([]);
    perform(control, SEED_ACTOR, seedCommands(shipped, control));
    const newer = shipped.map((entry) =>
      entry.id === 'taocha-intake' ? { ...entry, body: { ...(entry.body as Meter), maxFlow: 440 } } : entry,
    );
    const commands = seedCommands(newer, control);
    expect(commands).toEqual([
      { verb: 'put', noun: 'meter', id: 'taocha-intake', body: expect.objectContaining({ maxFlow: 440 }) },
    ]);
    perform(control, SEED_ACTOR, commands);
    expect(seedCommands(newer, control)).toEqual([]);
  });
});

describe('a newer seed of a meter that was read', () => {
  const installation = { nowMs: Date.UTC(2026, 0, 1), isRead: () => true };
  const changed = (rest: Partial<Meter>) =>
    shipped.map((entry) =>
      entry.id === 'beijing-delivery' ? { ...entry, body: { ...(entry.body as Meter), ...rest } } : entry,
    );

  it('hands it over when it names another recipient, once', () => {
    const control = new Control([]);
    perform(control, SEED_ACTOR, seedCommands(shipped, control, installation));
    const newer = changed({ recipient: 'tianjin' });
    const commands = seedCommands(newer, control, installation);
    const recipient = [
      { recipient: 'beijing', from: null },
      { recipient: 'tianjin', from: '2026-01-01T00:00:00.000Z' },
    ];
    expect(commands).toMatchObject([{ verb: 'put', noun: 'meter', id: 'beijing-delivery', body: { recipient } }]);
    perform(control, SEED_ACTOR, commands);
    const later = { ...installation, nowMs: installation.nowMs + 1000 };
    expect(seedCommands(newer, control, later)).toEqual([]);
    expect(seedCommands(shipped, control, later)).toHaveLength(1);
  });

  it('leaves it to whoever handed it over by a command', () => {
    const control = new Control([]);
    perform(control, SEED_ACTOR, seedCommands(shipped, control, installation));
    const body = { ...control.get('meter', 'beijing-delivery')!, recipient: 'hebei' };
    perform(control, 'engineer', [{ verb: 'put', noun: 'meter', id: 'beijing-delivery', body }]);
    expect(seedCommands(changed({ recipient: 'tianjin' }), control, installation)).toEqual([]);
  });

  it('is refused when it shows another unit', () => {
    const control = new Control([]);
    perform(control, SEED_ACTOR, seedCommands(shipped, control, installation));
    const newer = changed({ unit: 'L' });
    expect(() => seedCommands(newer, control, installation)).toThrow(/beijing-delivery: was read in m3/);
    expect(seedCommands(newer, control)).toHaveLength(1);
  });
});

describe('a wrong seed', () => {
  const good = 'a:\n  name: { zh: 甲, en: A }\n  kind: gate\n  waterBody: river\n  parameters: [{ id: flow }]\n';
  it.each<[string, Record<string, string>, RegExp]>([
    ['a wrong kind', { 'stations.yaml': good.replace('gate', 'gatee') }, /^stations\.yaml:3: a: kind: /],
    ['an unknown key', { 'stations.yaml': `${good}  colour: red\n` }, /^stations\.yaml:1: a: .*colour/],
    [
      'a bad nested value',
      { 'stations.yaml': good.replace('{ id: flow }', '{ id: flow, interval: 5m }') },
      /^stations\.yaml:5: a: parameters\.0\.interval: /,
    ],
    ['a bad id', { 'stations.yaml': good.replace('a:', '"a b":') }, /^stations\.yaml:1: a b: an id is 1 to 64/],
    [
      'an unknown parameter',
      { 'stations.yaml': good.replace('flow', 'flwo') },
      /^stations\.yaml:1: a: there is no parameter "flwo"/,
    ],
    ['broken YAML', { 'stations.yaml': 'a:\n  name: [\nb: 1\n' }, /^stations\.yaml:\d+: /],
    ['a key twice', { 'stations.yaml': good + good }, /^stations\.yaml:\d+: .*unique/],
    [
      'an id in two files',
      { 'stations.a.yaml': good, 'stations.b.yaml': good },
      /^stations\.b\.yaml:1: a: stands in stations\.a\.yaml:1 already/,
    ],
    ['a list for a map', { 'rules.yaml': '- 1\n' }, /^rules\.yaml:1: the file is a map/],
    [
      'a register that seeds may not fill',
      { 'gateways.yaml': 'a: {}\n' },
      /^gateways\.yaml: "gateways" is no register/,
    ],
    [
      'a meter without a station',
      { 'meters.csv': 'id,station,parameter,kind,unit,maxFlow,measures\nm,x,register,register,m3,5,delivery\n' },
      /^meters\.csv:2: m: there is no station "x"/,
    ],
    [
      'a meter in apples',
      {
        'stations.yaml': good,
        'meters.csv': 'id,station,parameter,kind,unit,maxFlow,measures\nm,a,flow,flow,apples,5,delivery\n',
      },
      /^meters\.csv:2: m: "apples" is no unit of flow/,
    ],
    [
      'a number that is none',
      { 'statements.csv': 'id,kind,counts,at,volume1e8m3,confidence,source\n\ns,milestone,intake,2018,many,H,x\n' },
      /^statements\.csv:3: s: volume1e8m3: /,
    ],
    ['a short row', { 'statements.csv': 'id,kind\n"s\n' }, /^statements\.csv:2: s\n: a quotation mark is not closed/],
    [
      'a route to nowhere',
      { 'routes.yaml': '- channels: [pager]\n' },
      /^routes\.yaml:1: routes: there is no channel "pager"/,
    ],
    [
      'a rule about nothing',
      { 'rules.yaml': 'r: { kind: class, severity: major, select: { stations: [x] } }\n' },
      /^rules\.yaml:1: r: there is no station "x"/,
    ],
  ])('%s names file, line, item and reason', (_what, files, message) => {
    const directory = folder(files);
    expect(() => readSeeds(directory, reference)).toThrow(message);
    expect(() => readSeeds(directory, reference)).toThrow(expect.objectContaining({ code: 'seed.invalid' }));
  });

  it('a folder that is not there is one too', () => {
    expect(() => readSeeds('/nowhere/at-all', reference)).toThrow(/^\/nowhere\/at-all: can't be read/);
  });

  it('takes an empty folder, and files that are not seeds', () => {
    expect(readSeeds(folder({ 'notes.txt': 'x', 'stations.yaml': '' }), reference)).toEqual([]);
  });
});
