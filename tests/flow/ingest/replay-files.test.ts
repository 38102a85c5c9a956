/**
 * `npm run replay` over files in which rows could replace each other: nothing is sent until it is said which are meant, and
 * the exit code tells whether all of it was taken (docs/replay.md).
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const CASES = join(import.meta.dirname, '../../cases/files');
let service: TestService;
let directory: string;

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function replay(file: string, ...args: string[]): Promise<Outcome> {
  const env = { PATH: process.env.PATH, LANG: 'C', WK_DATA_DIR: service.dataDir, WK_ADMIN_TOKEN: ADMIN };
  const url = `mqtt://127.0.0.1:${service.mqttPort}`;
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['seeds/replay.ts', file, ...args, '--url', url, '--api', service.url],
      { env },
      (error, stdout, stderr) => done({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    );
  });
}

const written = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

const readings = async (station: string, parameter: string) => {
  const path = `/series/${station}/${parameter}/readings?from=2026-01-01T00:00:00Z&to=2027-01-01T00:00:00Z`;
  const { body } = await service.call<{ items: { time: string; value: number }[] }>('GET', path);
  return body.items;
};

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wk-replay-files-'));
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  for (const id of ['weir', 'taocha', 'qingshan', 'bashang']) {
    const parameters = [{ id: 'temp' }, { id: 'nh3n' }];
    const names = { zh: id, en: id };
    const station = { name: names, kind: 'river-section', waterBody: 'river', target: 'II', parameters };
    expect((await service.call('PUT', `/stations/${id}`, station)).status).toBeLessThan(300);
  }
});
afterAll(async () => {
  await service.remove();
  rmSync(directory, { recursive: true });
});

describe('npm run replay', () => {
  it('sends nothing of an autumn file until it is said which instants are meant, then all six', async () => {
    const common = [
      join(CASES, 'columns/autumn.csv'),
      '--station',
      'weir',
      '--gateway',
      'gw',
      '--map',
      'temp=temp',
    ] as const;
    const asked = await replay(...common, '--tz', 'America/Denver');
    expect(asked.code).toBe(2);
    expect(asked.stderr).toContain('line 3: "2026-11-01 01:00" comes twice when the clock goes back');
    expect(asked.stderr).toContain('4 rows have a local time that comes twice');
    expect((await service.call<{ items: object[] }>('GET', '/gateways')).body.items).toEqual([]);
    const fixed = await replay(...common, '--tz', '-07:00');
    expect(fixed).toMatchObject({ code: 2, stderr: expect.stringContaining('2 rows have the time of an earlier row') });
    const sent = await replay(...common, '--tz', 'America/Denver', '--ambiguous', 'order');
    expect(sent, sent.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('6 rows, 6 values') });
    const stored = await eventually('six readings', async () => {
      const items = await readings('weir', 'temp');
      return items.length === 6 ? items : null;
    });
    expect(stored.map(({ value }) => value)).toEqual([8, 7.9, 7.8, 7.7, 7.6, 7.5]);
  });

  it('tells three sections apart, and shows before what it would take', async () => {
    const file = join(CASES, 'cnemc/sections-gbk.csv');
    const one = await replay(file, '--gateway', 'gw', '--station', 'taocha', '--map', '氨氮=nh3n');
    expect(one).toMatchObject({ code: 2, stderr: expect.stringContaining('--where "断面名称=陶岔"') });
    const whose = await replay(file, '--gateway', 'gw', '--map', '水温=temp');
    expect(whose).toMatchObject({ code: 2, stderr: expect.stringContaining('--stations "陶岔=ID,青山=ID,坝上中=ID"') });
    const stations = ['--stations', '陶岔=taocha,青山=qingshan,坝上中=bashang', '--map', '水温=temp'];
    const dry = await replay(file, '--dry-run', '--lang', 'zh', ...stations);
    expect(dry.code, dry.stderr).toBe(0);
    expect(dry.stdout).toContain('格式: cnemc');
    expect(dry.stdout).toContain('编码: gb18030');
    expect(dry.stdout).toContain('水温(℃) → temp, ℃');
    expect(dry.stdout).toContain('站点: taocha (2), qingshan (1), bashang (1)');
    expect(await readings('qingshan', 'temp')).toEqual([]);
    const sent = await replay(file, '--gateway', 'gw', ...stations);
    expect(sent, sent.stderr).toMatchObject({ code: 0 });
    await eventually('readings of each', async () => {
      const counts = await Promise.all(['taocha', 'qingshan', 'bashang'].map((id) => readings(id, 'temp')));
      return counts.map((items) => items.length).join() === '2,1,1' || null;
    });
  });

  it('ends with 3 when something was quarantined, or could not be read', async () => {
    const options = ['--station', 'weir', '--gateway', 'gw', '--map', 'a=nh3n'];
    const beyond = written('beyond.csv', 'time,a\n2026-02-01T00:00Z,0.1\n2026-02-01T01:00Z,1e301\n');
    const quarantined = await replay(beyond, ...options);
    expect(quarantined).toMatchObject({ code: 3, stderr: expect.stringContaining('value.not-finite') });
    const broken = written('broken.csv', 'time,a\n2026-03-01T00:00Z,0.1\n2026-03-01T01:00Z,high\n');
    expect(await replay(broken, ...options)).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('line 3: a: "high" is no number'),
    });
    expect(await replay(broken, ...options, '--dry-run')).toMatchObject({ code: 3 });
  });
});
