/**
 * The machine's clock jumps by an hour, ahead and back, while gateways publish: nothing is lost or counted twice, time never
 * runs back for anybody who reads, and no alarm blames the water or a station for it. The service runs under Debian's
 * faketime, which shows its process another wall clock.
 */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const LIBRARY = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu/faketime/libfaketimeMT.so.1`;
const hasFaketime = existsSync(LIBRARY);
const HOUR = 3_600_000;

interface Alarm {
  parameter: string;
  station: string;
  state: string;
}

describe.skipIf(!hasFaketime)(`a clock that jumps${hasFaketime ? '' : ' (faketime must be installed)'}`, () => {
  let directory: string;
  let service: TestService;
  let offsetFile: string;
  let env: Record<string, string>;
  let sent = 0;

  /** What the service takes for the time, moved against ours. */
  function step(hours: number): void {
    writeFileSync(offsetFile, `${hours < 0 ? '' : '+'}${hours * 3600}`);
  }

  /** A reading each second of the last minute, by our clock, which gateways go by. */
  async function write(count = 10): Promise<number> {
    const baseMs = Date.now() - 20 * 60_000 + sent * 100;
    const samples = Array.from({ length: count }, (_, n) => ({
      station: 's',
      time: baseMs + n * 100,
      values: { nh3n: 0.1, ph: 7.5 },
    }));
    const { status, body } = await service.call<{ quarantined: unknown[] }>('POST', '/readings', { samples });
    expect(status).toBe(202);
    sent += count;
    return body.quarantined.length;
  }

  // That nobody is told here is so whatever the clock.
  const alarms = async () =>
    (await service.call<{ items: Alarm[] }>('GET', '/alarms')).body.items.filter(
      ({ parameter }) => parameter !== 'routes.nobody',
    );
  /** `received` of the newest change. */
  async function receivedMs(): Promise<number> {
    await service.call('PUT', '/stations/other', station);
    const { body } = await service.call<{ items: { at: string }[] }>('GET', '/audit?limit=1');
    return Date.parse(body.items[0]!.at);
  }
  const station = {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'nh3n', interval: 'PT1M' }],
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'wk-clock-'));
    offsetFile = join(directory, 'offset');
    step(0);
    env = {
      WK_SEEDS: 'none',
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: offsetFile,
      FAKETIME_NO_CACHE: '1',
      // Timers go by the monotonic clock, which no step moves.
      DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
    service = await startTestService({ env });
    await service.call('PUT', '/stations/s', station);
    await service.call('PUT', '/rules/class-target', { kind: 'class', severity: 'major' });
  });
  afterAll(async () => {
    await service?.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  it('an hour ahead: readings are an hour old, and still in time', async () => {
    expect(await write()).toBe(0);
    const beforeMs = await receivedMs();
    step(1);
    expect(await receivedMs()).toBeGreaterThan(beforeMs + HOUR - 60_000);
    expect(await write()).toBe(0);
    expect(await alarms()).toEqual([]);
  });

  it('and back: time stands still until the clock has caught up, and a platform alarm says so', async () => {
    const beforeMs = await receivedMs();
    step(0);
    expect(await write()).toBe(0);
    const afterMs = await receivedMs();
    expect(afterMs).toBeGreaterThanOrEqual(beforeMs);
    expect(afterMs).toBeLessThan(beforeMs + 60_000);
    const [alarm] = await eventually('the platform alarm', async () => {
      const found = await alarms();
      return found.length > 0 ? found : null;
    });
    expect(alarm).toMatchObject({ station: '_platform', parameter: 'clock.behind', state: 'raised' });
    expect(await alarms()).toHaveLength(1);
  });

  it('a start with a clock that is hours behind goes on from the latest time that was given', async () => {
    await service.end();
    step(-3);
    service = await startTestService({
      dataDir: service.dataDir,
      env,
    });
    // By its own clock alone these readings would be three hours ahead, and refused.
    expect(await write()).toBe(0);
    step(0);
  });

  it('every reading is there once', async () => {
    const { body } = await service.call<{ items: unknown[] }>(
      'GET',
      `/series/s/nh3n/readings?from=${Date.now() - HOUR}&to=${Date.now() + HOUR}&limit=1000`,
    );
    expect(body.items).toHaveLength(sent);
    expect((await alarms()).filter(({ station: id }) => id !== '_platform')).toEqual([]);
  });
});
