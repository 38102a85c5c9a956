/** History by CSV: streamed, counted, recorded by rules that page nobody, and the same again after a broken connection. */
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import { collectWebhooks, type WebhookCollector } from '#tests/helpers/alerts/webhook-collector.ts';
import { ADMIN, eventually, startTestService, type TestService } from '#tests/helpers/service.ts';

const HOUR = 3_600_000;
const HEADER = 'station,time,parameter,value,unit,flag';
let service: TestService;
let hook: WebhookCollector;

interface Imported {
  rows: number;
  accepted: number;
  duplicates: number;
  corrections: number;
  pending: number;
  quarantined: number;
  refusals: { path: string; code: string; quarantineId: string }[];
}

interface Problem {
  code: string;
  questions: FileSurvey['questions'];
}

/** Rows of one value every five minutes, oldest first. */
function csv(
  rows: number,
  { parameter = 'nh3n', value = (_: number) => 0.1 as number | string, endMs = Date.now() } = {},
) {
  const startMs = Math.floor(endMs / HOUR) * HOUR - rows * 300_000;
  const lines = Array.from({ length: rows }, (_, n) => {
    return `s,${new Date(startMs + n * 300_000).toISOString()},${parameter},${value(n)},mg/L,`;
  });
  return [HEADER, ...lines].join('\n');
}

const post = (id: string, body: string) =>
  service.call<Imported>('POST', `/import?id=${id}`, body, {
    authorization: `Bearer ${ADMIN}`,
    'content-type': 'text/csv',
  });
const progress = async (id: string) => (await service.call<Record<string, number>>('GET', `/imports/${id}`)).body;
const settled = (id: string) =>
  eventually(`import ${id} settled`, async () => {
    const found = await progress(id);
    return found.pending === 0 ? found : null;
  });

beforeAll(async () => {
  hook = await collectWebhooks();
  service = await startTestService({ env: { WK_SEEDS: 'none', WK_LOG_LEVEL: 'warn' } });
  const names = { zh: '断面', en: 'Section' };
  const station = {
    name: names,
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    parameters: [{ id: 'nh3n' }],
  };
  await service.call('PUT', '/stations/s', station);
  await service.call('PUT', '/rules/class-target', { kind: 'class', severity: 'major' });
  await service.call('PUT', '/channels/hook', { kind: 'webhook', url: hook.url });
  await service.call('PUT', '/routes', [{ match: {}, channels: ['hook'] }]);
});
afterAll(async () => {
  await service.remove();
  await hook.close();
});

describe('POST /import', () => {
  it('takes more rows than a message may hold, says what it refused by row of the file, and adds up', async () => {
    const value = (n: number) => (n === 15 || n === 11_998 ? 'n/a' : 0.1 + (n % 7) / 100);
    const { status, body } = await post('years', csv(12_000, { value }));
    expect(status).toBe(200);
    expect(body).toMatchObject({ rows: 12_000, quarantined: 2 });
    expect(body.accepted + body.duplicates + body.corrections + body.pending).toBe(11_998);
    expect(body.refusals).toMatchObject([
      { path: 'row 17', code: 'value.not-a-number' },
      { path: 'row 12000', code: 'value.not-a-number' },
    ]);
    expect(await settled('years')).toMatchObject({ received: 12_000, stored: 11_998, quarantined: 2, duplicate: 0 });
    const { body: audit } = await service.call<{ items: object[] }>('GET', '/audit?limit=1');
    expect(audit.items[0]).toMatchObject({ actor: 'admin', verb: 'import' });
  });

  it('lets no row replace another of the file, however far apart they stand', async () => {
    const text = csv(2500, { parameter: 'tn', value: (n) => 1 + (n % 5) / 10 });
    const lines = text.split('\n');
    // The same again is a duplicate; another value under one key is told, within a piece and across pieces.
    lines.splice(5, 0, lines[4]!, lines[3]!.replace(/tn,[\d.]+/, 'tn,7.5'));
    lines.push(lines[1]!.replace(/tn,[\d.]+/, 'tn,8.5'));
    const { body } = await post('repeated', lines.join('\n'));
    expect(body).toMatchObject({ rows: 2503, compared: 2500, quarantined: 2 });
    expect(body.refusals).toMatchObject([
      { path: 'row 7', code: 'row.repeated', message: expect.stringContaining('Row 4 has this') },
      { path: 'row 2504', code: 'row.repeated', message: expect.stringContaining('Row 2 has this') },
    ]);
    expect(await settled('repeated')).toMatchObject({ received: 2503, stored: 2500, duplicate: 1, quarantined: 2 });
  });

  it('nor by another name of its parameter', async () => {
    const rows = ['tp,0.1', 'w21011,0.2', 'W21011,0.1'].map((rest) => `s,2025-03-01T00:00:00Z,${rest}`);
    const { body } = await post('two-names', `station,time,parameter,value\n${rows.join('\n')}\n`);
    expect(body).toMatchObject({ rows: 3, corrections: 0, quarantined: 1 });
    expect(body.refusals).toMatchObject([{ path: 'row 3', code: 'row.repeated' }]);
    expect(await settled('two-names')).toMatchObject({ received: 3, stored: 1, duplicate: 1, quarantined: 1 });
  });

  it('the same again changes nothing', async () => {
    const text = csv(3000, { parameter: 'codmn', value: (n) => 2 + (n % 5) / 10 });
    await post('twice', text);
    await settled('twice');
    await post('twice', text);
    expect(await settled('twice')).toMatchObject({ received: 6000, stored: 3000, duplicate: 3000 });
  });

  it('records breaches, also those of this minute, and pages nobody', async () => {
    const breach = (n: number) => (n % 100 < 10 ? 3 : 0.01);
    await post('breaches', csv(300, { parameter: 'tp', value: breach, endMs: Date.now() + HOUR - 1 }));
    await settled('breaches');
    const { items } = await eventually('records', async () => {
      const { body } = await service.call<{ items: { parameter: string; late: boolean; state: string }[] }>(
        'GET',
        '/alarms',
      );
      return body.items.length > 0 ? body : null;
    });
    expect(items.every(({ late, state }) => late && state === 'cleared')).toBe(true);
    // What comes from a gateway is told as ever, and by then the import would have been.
    await service.call('POST', '/readings', { station: 's', time: Date.now(), values: { bod5: 8 } });
    await eventually('a notice', () => hook.received.length > 0);
    expect(hook.received.map(({ body }) => body.alarm.parameter)).toEqual(['bod5']);
  });

  it('keeps what came before the connection broke; the file again completes it', async () => {
    const text = csv(5000, { parameter: 'cod', value: (n) => 10 + (n % 5) });
    await new Promise<void>((resolve) => {
      const sent = request(`${service.url}/api/v1/import?id=broken`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'text/csv' },
      });
      sent.on('error', () => resolve());
      sent.write(text.slice(0, text.length / 2));
      void eventually('the beginning', async () => ((await progress('broken')).received ?? 0) >= 1000).then(() =>
        sent.destroy(),
      );
    });
    const { body } = await post('broken', text);
    expect(body.rows).toBe(5000);
    const ledger = await settled('broken');
    expect(ledger.stored).toBe(5000);
    expect(ledger.received).toBe(ledger.stored! + ledger.duplicate!);
  });

  it.each([
    ['nothing', '', 400, 'message.malformed'],
    ['another file', '{"not":"csv"}\n{}', 400, 'message.malformed'],
    ['a row without an end', `${HEADER}\n${'x'.repeat(20_000)}`, 413, 'message.too-large'],
  ])('refuses %s', async (_, body, status, code) => {
    expect(await post('wrong', body)).toMatchObject({ status, body: { code } });
  });

  it('wants CSV, a name and an engineer', async () => {
    const json = await service.call('POST', '/import?id=x', { a: 1 });
    expect(json).toMatchObject({ status: 415, body: { code: 'media.unsupported' } });
    expect(await post('a b', csv(1))).toMatchObject({ status: 400, body: { code: 'id.invalid' } });
    expect(await service.call('GET', '/imports/never')).toMatchObject({ status: 404 });
  });
});

describe('POST /import of a file of a logger or an agency', () => {
  const CASES = join(import.meta.dirname, '../../cases/files');
  const send = <T = Imported & { file: FileSurvey }>(query: string, body: string | Uint8Array, type = 'text/csv') =>
    service.call<T>('POST', `/import?${query}`, body, { authorization: `Bearer ${ADMIN}`, 'content-type': type });
  const read = (name: string) => readFileSync(join(CASES, name));
  const readings = async (station: string, parameter: string) => {
    const range = 'from=2000-01-01T00:00:00Z&to=2027-01-01T00:00:00Z';
    const path = `/series/${station}/${parameter}/readings?${range}`;
    const { status, body } = await service.call<{ items: { value: number; time: string }[] }>('GET', path);
    return status === 200 ? body.items : [];
  };

  beforeAll(async () => {
    for (const [id, zh] of [
      ['weir', '堰'],
      ['taocha', '陶岔'],
      ['qingshan', '青山'],
    ]) {
      const station = { name: { zh, en: id }, kind: 'river-section', waterBody: 'river', target: 'II' };
      await service.call('PUT', `/stations/${id}`, { ...station, parameters: [{ id: 'temp' }, { id: 'do' }] });
    }
  });

  it('shows in a dry run what it would take, and changes nothing', async () => {
    const query = 'id=dry&dryRun=true&station=weir';
    const { status, body } = await send<FileSurvey>(query, read('hoboware/year-first-12h.csv'));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      profile: 'hoboware',
      zone: { name: '-05:00', from: 'file' },
      rows: { read: 5, taken: 4, leftOut: 1 },
      values: 8,
      first: '2020-03-07T04:40:00.000Z',
      questions: [],
    });
    expect(body.columns.filter(({ parameter }) => parameter).map(({ parameter, unit }) => [parameter, unit])).toEqual([
      ['do', 'mg/L'],
      ['temp', '°C'],
    ]);
    expect(await service.call('GET', '/imports/dry')).toMatchObject({ status: 404 });
    expect(await readings('weir', 'do')).toEqual([]);
  });

  it('takes the same, says what it took it for, and adds up', async () => {
    const { status, body } = await send('id=hobo&station=weir', read('hoboware/year-first-12h.csv'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ rows: 5, quarantined: 0, file: { profile: 'hoboware', rows: { taken: 4 } } });
    expect(await settled('hobo')).toMatchObject({ received: 8, stored: 8 });
    expect((await readings('weir', 'do')).map(({ value }) => value)).toEqual([9.52, 9.5, 9.47, 9.45]);
    await send('id=hobo&station=weir', read('hoboware/year-first-12h.csv'));
    expect(await settled('hobo')).toMatchObject({ received: 16, stored: 8, duplicate: 8 });
  });

  it('takes nothing of sections and depths until they are told apart', async () => {
    const depths = read('columns/depths.csv');
    const refused = await send<Problem>('id=depths&station=weir&map=temp=temp', depths);
    expect(refused).toMatchObject({
      status: 400,
      body: {
        code: 'file.undecided',
        questions: [
          {
            question: 'where',
            choices: ['depth=0.5', 'depth=5', 'depth=10'],
            says: { zh: expect.stringContaining('4 行') },
          },
        ],
      },
    });
    expect(await service.call('GET', '/imports/depths')).toMatchObject({ status: 404 });
    const chosen = await send('id=depths&station=weir&map=temp=temp&where=depth=5', depths);
    expect(chosen).toMatchObject({ status: 200, body: { rows: 6, file: { rows: { taken: 2, leftOut: 4 } } } });
    expect(await settled('depths')).toMatchObject({ received: 2, stored: 2 });
  });

  it('finds stations by their names, and asks whose the others are', async () => {
    const gbk = read('cnemc/sections-gbk.csv');
    const map = `map=${encodeURIComponent('水温=temp')}`;
    const asked = await send<Problem>(`id=cnemc&${map}`, gbk);
    expect(asked.body).toMatchObject({ code: 'file.undecided', questions: [{ question: 'stations' }] });
    const some = ['陶岔', '青山'].map((name) => `where=${encodeURIComponent(`断面名称=${name}`)}`).join('&');
    const { body } = await send(`id=cnemc&${map}&${some}`, gbk, 'text/csv; charset=gbk');
    expect(body).toMatchObject({ rows: 4, file: { encoding: 'gb18030', rows: { taken: 3, leftOut: 1 } } });
    await settled('cnemc');
    expect((await readings('taocha', 'temp')).map(({ value }) => value)).toEqual([14.2, 14.3]);
    expect((await readings('qingshan', 'temp')).map(({ value }) => value)).toEqual([14]);
  });

  it('quarantines what it can not read, by row and column, so that nothing is lost', async () => {
    const text =
      'time,a\n2026-02-01T00:00Z,1.5\nyesterday,2\n2026-02-01T01:00Z,<script>x</script>\n2026-02-01T02:00Z,=1+1\n2026-02-01T00:00Z,1.5\n2026-02-01T00:00Z,9\n2026-02-01T03:00Z,3\n';
    const { body } = await send('id=odd&station=weir&map=a=temp&repeated=first&lang=zh', text);
    expect(body).toMatchObject({ rows: 7, quarantined: 4 });
    expect(body.refusals).toMatchObject([
      { path: 'row 3', code: 'time.malformed', message: '“yesterday”不是时间' },
      { path: 'row 7', code: 'row.repeated', message: '2026-02-01T00:00:00.000Z 在第 2 行已有，数值不同' },
      { path: 'row 4, a', code: 'value.not-a-number' },
      { path: 'row 5, a', code: 'value.not-a-number' },
    ]);
    expect(await settled('odd')).toMatchObject({ received: 7, stored: 2, duplicate: 1, quarantined: 4 });
    expect(
      (await readings('weir', 'temp')).filter(({ time }) => time.startsWith('2026-02-01')).map(({ value }) => value),
    ).toEqual([1.5, 3]);
  });

  it('refuses what it must not guess, in both languages', async () => {
    const local = 'time,a\n2026-02-01 00:00,1.5\n';
    const zone = await send<Problem>('id=local&station=weir&map=a=temp&dryRun=true', local);
    expect(zone).toMatchObject({ status: 400, body: { code: 'file.undecided', questions: [{ question: 'tz' }] } });
    const wrong = await send('id=local&station=weir&map=a=temp&decimal=x', local);
    expect(wrong).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    const charset = await send('id=local&station=weir&map=a=temp', local, 'text/csv; charset=klingon');
    expect(charset).toMatchObject({ status: 415, body: { code: 'media.unsupported' } });
  });

  it('shows what the columns of POST /readings would give, too', async () => {
    const { body } = await send<FileSurvey>(
      'id=dry&dryRun=true',
      csv(1500, { value: (n) => (n === 1200 ? 'x' : 0.1) }),
    );
    expect(body).toMatchObject({ profile: 'readings', rows: { read: 1500, taken: 1499, refused: 1 } });
    expect(body.faults).toMatchObject([{ line: 1202, code: 'value.not-a-number' }]);
  });
});
