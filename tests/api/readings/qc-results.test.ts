/** Quality controls: no water, on disk before the answer, and listed for their station. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createQcQueries } from '#books/questions/qc-results.ts';
import { openReadOnly } from '#src/sqlite.ts';
import { type ApiRig, GATEWAY, startApi } from '#tests/helpers/api.ts';
import { frameOf, MN, segmentOf } from '#tests/helpers/ingest/hj212.ts';

const GET = '/api/v1/stations/taocha/qc-results';
const BINARY = { 'content-type': 'application/octet-stream' };

async function start(): Promise<ApiRig> {
  const rig = await startApi();
  const journal = openReadOnly(join(rig.deps.config.dataDir, 'journal.db'));
  onTestFinished(() => journal.close());
  rig.queries.qcResults = createQcQueries(journal).qcResults;
  const body = { stations: ['taocha'], protocol: 'hj212', identity: { mn: MN } };
  await rig.call('PUT', `/api/v1/gateways/${GATEWAY.id}`, { body });
  return rig;
}

const send = (rig: ApiRig, cn: string, area: string, hour = 7) => {
  const body = frameOf(segmentOf(cn, `DataTime=202611220${hour}0000;${area}`)).toString('latin1');
  return rig.call('POST', '/api/v1/readings', { as: 'gateway', body, headers: BINARY });
};
const list = async (rig: ApiRig, query = '') => (await rig.call('GET', `${GET}${query}`, { as: 'viewer' })).json();

describe('a quality control', () => {
  it('is kept, and no reading', async () => {
    const rig = await start();
    const answer = await send(rig, '2062', 'w21003-Check=0.51,w21003-StandardValue=0.5,w21003-Flag=N');
    expect([answer.statusCode, answer.json()]).toMatchObject([202, { accepted: 0, quarantined: [] }]);
    expect(rig.reader.seriesByName('taocha', 'nh3n')).toBeUndefined();
    expect((await list(rig)).items).toEqual([
      {
        station: 'taocha',
        parameter: 'nh3n',
        time: '2026-11-21T23:00:00.000Z',
        kind: 'standard',
        unit: 'mg/L',
        value: 0.51,
        standard: 0.5,
        water: null,
        waterTime: null,
        deviation: expect.closeTo(0.02, 12),
        deviceFlag: 'N',
        gateway: GATEWAY.id,
        at: '2026-11-22T00:00:00.000Z',
      },
    ]);
    expect(rig.reader.intakeCount(GATEWAY.id)).toMatchObject({ received: 0, quarantined: 0 });
  });

  it('of the regional variant is none of the water of its frame', async () => {
    const rig = await start();
    const answer = await send(rig, '2061', 'w21003-Avg=0.00,w21003-Flag=cz;w01001-Avg=8.1,w01001-Flag=N');
    expect(answer.json()).toMatchObject({ accepted: 1 });
    expect(rig.reader.seriesByName('taocha', 'nh3n')).toBeUndefined();
    expect((await list(rig)).items).toMatchObject([{ parameter: 'nh3n', kind: 'zero', value: 0, deviceFlag: 'cz' }]);
  });

  it('that comes again stays as it was; other figures replace it', async () => {
    const rig = await start();
    const area = (value: string) => `w21003-Check=${value},w21003-StandardValue=0.5`;
    await send(rig, '2062', area('0.51'));
    rig.clock.advance(60_000);
    await send(rig, '2062', area('0.51'));
    expect((await list(rig)).items).toMatchObject([{ value: 0.51, at: '2026-11-22T00:00:00.000Z' }]);
    await send(rig, '2062', area('0.52'));
    expect((await list(rig)).items).toMatchObject([{ value: 0.52, at: '2026-11-22T00:01:00.000Z' }]);
  });

  it('of an unknown parameter is quarantined, and kept once that is known', async () => {
    const rig = await start();
    const answer = (await send(rig, '2062', 'x9-Check=1,x9-StandardValue=1')).json();
    expect(answer).toMatchObject({ quarantined: [{ code: 'parameter.unknown', path: 'samples[0].x9' }] });
    const devices = [{ address: MN, station: 'taocha', elements: { x9: { parameter: 'tp' } } }];
    const entry = { stations: ['taocha'], protocol: 'hj212', devices };
    await rig.call('PUT', `/api/v1/gateways/${GATEWAY.id}`, { body: entry });
    await rig.call('POST', `/api/v1/quarantine/${answer.quarantined[0].quarantineId}/replay`, { as: 'engineer' });
    expect((await list(rig)).items).toMatchObject([{ parameter: 'tp', value: 1 }]);
    expect(rig.reader.quarantine.size().items).toBe(0);
    expect(rig.reader.intakeCount(GATEWAY.id)).toMatchObject({ received: 0, quarantined: 0 });
  });
});

describe('the list', () => {
  it('is newest first, by parameter, kind and time, and leads on', async () => {
    const rig = await start();
    for (const hour of [1, 2, 3]) {
      await send(rig, '2062', 'w21003-Check=0.51,w21003-StandardValue=0.5;w21011-Check=0.2', hour);
      await send(rig, '2065', 'w21003-Check=0.01', hour);
    }
    const all = (await list(rig)).items.map(({ time, parameter, kind }: Record<string, string>) =>
      [time!.slice(11, 13), parameter, kind].join(' '),
    );
    expect(all).toHaveLength(9);
    expect(all.slice(0, 3)).toEqual(['19 tp standard', '19 nh3n zero', '19 nh3n standard']);
    expect((await list(rig, '?parameter=nh3n&kind=zero')).items).toHaveLength(3);
    expect((await list(rig, '?from=2026-11-21T18:00:00Z&to=2026-11-21T19:00:00Z')).items).toHaveLength(3);
    const paged: unknown[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: { items: unknown[]; next: string | null } = await list(
        rig,
        `?limit=2${cursor && `&cursor=${cursor}`}`,
      );
      paged.push(...page.items);
      cursor = page.next;
    }
    expect(paged).toEqual((await list(rig)).items);
    expect((await rig.call('GET', '/api/v1/stations/nowhere/qc-results')).statusCode).toBe(404);
  });
});

describe('a mean', () => {
  const newestOf = (rig: ApiRig) => {
    const series = rig.reader.seriesByName('taocha', 'ph')!;
    return rig.deps.door.latest(series.id);
  };

  it('is a reading where nothing finer is known of its time, and says it again where there is', async () => {
    const rig = await start();
    expect((await send(rig, '2061', 'w01001-Avg=8.0', 5)).json()).toMatchObject({ accepted: 1 });
    const instant = (minute: string) => {
      const area = `DataTime=2026112206${minute}00;w01001-Rtd=8.${minute}`;
      const body = frameOf(segmentOf('2011', area)).toString('latin1');
      return rig.call('POST', '/api/v1/readings', { as: 'gateway', body, headers: BINARY });
    };
    for (const minute of ['00', '05', '10']) await instant(minute);
    expect((await send(rig, '2051', 'w01001-Avg=8.07', 6)).json()).toMatchObject({ accepted: 0, duplicates: 1 });
    expect((await send(rig, '2061', 'w01001-Avg=8.05', 6)).json()).toMatchObject({ accepted: 0, duplicates: 1 });
    expect(newestOf(rig)).toMatchObject({ timeMs: Date.parse('2026-11-22T06:10:00+08:00'), value: 8.1 });
    // The entry says that hours are what it is about.
    const dialect = { hj212: { readings: ['2061'] } };
    const entry = { stations: ['taocha'], protocol: 'hj212', identity: { mn: MN }, dialect };
    await rig.call('PUT', `/api/v1/gateways/${GATEWAY.id}`, { body: entry });
    const answer = (await send(rig, '2011', 'w01001-Rtd=8.2', 7)).json();
    expect(answer).toMatchObject({ accepted: 0, duplicates: 0, warnings: [{ code: 'message.no-readings' }] });
  });
});
