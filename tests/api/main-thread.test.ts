/**
 * What each handler does on the main thread, where gateways' messages are taken: at most 10 ms in one turn of the event loop,
 * whatever is asked, save what `MESSAGE` says. The first request of a kind takes 5 to 15 ms more, while its code is compiled;
 * what gateways send is warmed up before a port opens (ingest/warm-up.ts).
 * A route that isn't listed here fails the test; what is said of it is held by the tests below, longest-turns.test.ts, which
 * measures the dearest of each kind, tests/flow/process/questions.test.ts and the limits themselves.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checked } from '#api/bodies.ts';
import { inTurns } from '#api/turns.ts';
import { type ApiRig, NOW_MS, startApi, TAOCHA } from '#tests/helpers/api.ts';
import { handClock } from '#tests/helpers/hand-clock.ts';

/** Bodies: 256 KiB, 12,000 values, checking ends at a hundred mistakes. One entry of a register, or one command. */
const ENTRY = 'one entry or command of at most 256 KiB, 12,000 values and 64 levels; 100 of its mistakes are listed';
/** `pageOf`: a page ends at 1 MiB, is made in turns of 5 ms, and is read from disk by size, or asked of a query worker. */
const PAGE = 'a page in turns of 5 ms, of at most 1 MiB';
/** `inTurns`, of what a query worker answers. */
const TURNS = 'a view in turns of 5 ms, of at most 10,000 buckets from a query worker';
/** One question for a query worker and a short view of its answer. */
const ASKED = 'a short view of what a query worker answers';
/**
 * `door`: decoding, checking and journaling of what gateways may send as well, never more than one message at once, since
 * the order of judging is the order of entries. Readings of a usual size take less than 1 ms, 5,000 values 10 to 20 ms, and
 * 5,000 values whose names stand twice 40 ms.
 */
const MESSAGE = 'one message of at most WK_MAX_MESSAGE, 5,000 values, as over MQTT: up to 40 ms';
const PIECES =
  'pieces of 250 rows or 500 values, a turn each; a file of another kind is planned from 6,000 lines, 800 of them read';
const CONSTANT = 'the same whatever is asked';

const ON_MAIN: Record<string, string> = {
  'GET /': CONSTANT,
  'GET /healthz': CONSTANT,
  'GET /readyz': CONSTANT,
  'GET /metrics': CONSTANT,
  'GET /openapi.json': 'sends what was worked out before the server listened',
  'GET /a/{signed}': ASKED,
  'POST /a/{signed}': ASKED,
  'GET /api/v1/tokens': PAGE,
  'POST /api/v1/tokens': ENTRY,
  'DELETE /api/v1/tokens/{id}': ENTRY,
  'POST /api/v1/session': ENTRY,
  'GET /api/v1/session': CONSTANT,
  'DELETE /api/v1/session': CONSTANT,
  'GET /api/v1/audit': PAGE,
  'GET /api/v1/stations': PAGE,
  'GET /api/v1/stations/{id}': ENTRY,
  'PUT /api/v1/stations/{id}': ENTRY,
  'DELETE /api/v1/stations/{id}': ENTRY,
  'GET /api/v1/stations/{id}/latest': 'one station of at most 200 parameters',
  'GET /api/v1/latest': PAGE,
  'GET /api/v1/meters': PAGE,
  'GET /api/v1/meters/{id}': ENTRY,
  'PUT /api/v1/meters/{id}': ENTRY,
  'DELETE /api/v1/meters/{id}': ENTRY,
  'GET /api/v1/rules': PAGE,
  'GET /api/v1/rules/{id}': ENTRY,
  'PUT /api/v1/rules/{id}': ENTRY,
  'DELETE /api/v1/rules/{id}': ENTRY,
  'POST /api/v1/rules/rehearse': 'a thread of its own, one at a time; lists at most 1,000 alarms',
  'GET /api/v1/channels': PAGE,
  'GET /api/v1/channels/{id}': ENTRY,
  'PUT /api/v1/channels/{id}': ENTRY,
  'DELETE /api/v1/channels/{id}': ENTRY,
  'POST /api/v1/channels/{id}/test': ENTRY,
  'GET /api/v1/statements': PAGE,
  'GET /api/v1/statements/{id}': ENTRY,
  'GET /api/v1/maintenance': PAGE,
  'GET /api/v1/maintenance/{id}': ENTRY,
  'PUT /api/v1/maintenance/{id}': ENTRY,
  'DELETE /api/v1/maintenance/{id}': ENTRY,
  'GET /api/v1/gateways': PAGE,
  'GET /api/v1/gateways/{id}': ENTRY,
  'PUT /api/v1/gateways/{id}': ENTRY,
  'DELETE /api/v1/gateways/{id}': ENTRY,
  'GET /api/v1/gateways/{id}/ledger': ASKED,
  'POST /api/v1/gateways/{id}/clock': ENTRY,
  'POST /api/v1/gateways/{id}/sequence/close': ENTRY,
  'GET /api/v1/routes': ENTRY,
  'PUT /api/v1/routes': ENTRY,
  'GET /api/v1/parameters': PAGE,
  'GET /api/v1/standards': PAGE,
  'GET /api/v1/standards/{id}': 'one of the standards that ship',
  'GET /api/v1/series/{station}/{parameter}/readings': `${PAGE}; CSV 2,000 rows a turn`,
  'GET /api/v1/series/{station}/{parameter}/history': ASKED,
  'GET /api/v1/series/{station}/{parameter}/quality': ASKED,
  'GET /api/v1/trends': TURNS,
  'POST /api/v1/trend-tests': 'checks at most 12,000 values; the test is made by a query worker',
  'GET /api/v1/trends/test': ASKED,
  'POST /api/v1/assessments': 'a sample of at most 10,000 values, a few operations each',
  'POST /api/v1/assessments/discharge': 'a sample of at most 10,000 values, a few operations each',
  'GET /api/v1/assessments': 'sections in turns of 5 ms, of columns that a query worker answers',
  'GET /api/v1/volumes': TURNS,
  'GET /api/v1/loads': TURNS,
  'GET /api/v1/balances': 'a view in turns of 5 ms of sums over the meters, which a query worker makes',
  'GET /api/v1/volumes/decisions': PAGE,
  'POST /api/v1/volumes/decisions': ENTRY,
  'DELETE /api/v1/volumes/decisions/{id}': ENTRY,
  'GET /api/v1/plans': ASKED,
  'GET /api/v1/plans/{recipient}/{transferYear}': ASKED,
  'PUT /api/v1/plans/{recipient}/{transferYear}': ENTRY,
  'DELETE /api/v1/plans/{recipient}/{transferYear}': ENTRY,
  'GET /api/v1/periods': 'closed periods, twelve months and a year of each transfer year',
  'GET /api/v1/periods/{period}': ASKED,
  'POST /api/v1/periods/{period}/close': ASKED,
  'POST /api/v1/periods/{period}/restate': ASKED,
  'GET /api/v1/reports': PAGE,
  'GET /api/v1/reports/{period}': 'figures from a query worker; CSV, XLSX and HTML are drawn by one',
  'GET /api/v1/alarms/figures': ASKED,
  'GET /api/v1/alarms': PAGE,
  'GET /api/v1/alarms/{id}': ASKED,
  'GET /api/v1/alarms/{id}/timeline': 'a view in turns of 5 ms of what a query worker answers',
  'POST /api/v1/alarms/{id}/acknowledge': ENTRY,
  'POST /api/v1/alarms/{id}/unacknowledge': ENTRY,
  'POST /api/v1/alarms/{id}/hand-over': ENTRY,
  'POST /api/v1/alarms/{id}/reset': ENTRY,
  'POST /api/v1/alarms/{id}/shelve': ENTRY,
  'POST /api/v1/alarms/{id}/unshelve': ENTRY,
  'POST /api/v1/alarms/{id}/comment': ENTRY,
  'GET /api/v1/notices': PAGE,
  'POST /api/v1/notices/{id}/resend': ENTRY,
  'POST /api/v1/corrections': ENTRY,
  'GET /api/v1/stations/{id}/qc-results': PAGE,
  'GET /api/v1/quarantine': PAGE,
  'POST /api/v1/quarantine/{id}/replay': MESSAGE,
  'POST /api/v1/quarantine/replay': `${MESSAGE}; one after the other, at most 1,000`,
  'DELETE /api/v1/quarantine/{id}': ENTRY,
  'GET /api/v1/parked': PAGE,
  'DELETE /api/v1/parked/{follower}/{seq}': ENTRY,
  'GET /api/v1/stream': 'what was journaled, told to each client; resumed 500 entries a turn at the pace of the client',
  'GET /api/v1/readings': ENTRY,
  'POST /api/v1/readings': MESSAGE,
  'POST /api/v1/decode': `${MESSAGE}; its view in turns of 5 ms`,
  'POST /api/v1/import': PIECES,
  'GET /api/v1/imports/{id}': ASKED,
  'GET /api/v1/panels': PAGE,
  'POST /api/v1/panels': 'one file of at most 4 MiB and 5,000 samples, read, checked and journaled in turns of 5 ms',
  'GET /api/v1/panels/{id}': ASKED,
  'PUT /api/v1/panels/{id}': ENTRY,
  'DELETE /api/v1/panels/{id}': ENTRY,
};

function described({ server }: ApiRig): string[] {
  const paths = server.swagger().paths as Record<string, Record<string, unknown>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
}

/** Every page of a list from its first on. */
async function pagesOf(rig: ApiRig, url: string): Promise<{ items: Record<string, unknown>[]; bytes: number }[]> {
  const pages: { items: Record<string, unknown>[]; bytes: number }[] = [];
  for (let cursor = ''; ; ) {
    const response = await rig.call('GET', `${url}?limit=1000${cursor}`);
    expect(response.statusCode).toBe(200);
    const { items, next } = response.json();
    pages.push({ items, bytes: Buffer.byteLength(response.body) });
    if (next === null) return pages;
    cursor = `&cursor=${next}`;
  }
}
const MIB = 1 << 20;

describe('the main thread', () => {
  it('has a bound for every route', async () => {
    const routes = described(await startApi());
    expect(routes.sort()).toEqual(Object.keys(ON_MAIN).sort());
  });

  it('is left in turns of 5 ms, for whatever else is to be done', async () => {
    const clock = handClock(0);
    const log: string[] = [];
    let isOver = false;
    const others = (async () => {
      while (!isOver) {
        log.push('|');
        await nextTurn();
      }
    })();
    const made = await inTurns(
      Array.from({ length: 100 }, (_, n) => n),
      (n) => {
        clock.advance(1);
        log.push('.');
        return n * n;
      },
      { clock },
    );
    isOver = true;
    await others;
    expect(made).toEqual(Array.from({ length: 100 }, (_, n) => n * n));
    const turns = log.join('').split('|');
    expect(Math.max(...turns.map(({ length }) => length))).toBeLessThanOrEqual(5);
    expect(turns.filter((turn) => turn !== '').length).toBeGreaterThanOrEqual(20);
  });
});

describe('pages of large items', () => {
  const tags = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`tag-${n}`, 'x'.repeat(200)]));
  async function withStations(count: number): Promise<ApiRig> {
    const rig = await startApi();
    for (let n = 0; n < count; n++) {
      const id = `fat-${String(n).padStart(3, '0')}`;
      await rig.journal.appendCommand('test', { verb: 'put', noun: 'station', id, body: { ...TAOCHA, tags } });
    }
    return rig;
  }

  it('of stations end at 1 MiB and lead on to all of them', async () => {
    const rig = await withStations(300);
    const pages = await pagesOf(rig, '/api/v1/stations');
    expect(pages.length).toBeGreaterThanOrEqual(3);
    for (const { bytes } of pages) expect(bytes).toBeLessThan(MIB + 20_000);
    const ids = pages.flatMap(({ items }) => items.map(({ id }) => String(id)));
    expect(ids.filter((id) => id.startsWith('fat-'))).toHaveLength(300);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('of the audit end at 1 MiB, are read by size, and lead on to all of it', async () => {
    const rig = await withStations(300);
    const { rows, isMore } = rig.reader.commandPage(null, 1000);
    expect([rows.length < 120, isMore]).toEqual([true, true]);
    const pages = await pagesOf(rig, '/api/v1/audit');
    expect(pages.length).toBeGreaterThanOrEqual(3);
    for (const { bytes } of pages) expect(bytes).toBeLessThan(MIB + 20_000);
    const seqs = pages.flatMap(({ items }) => items.map(({ seq }) => seq));
    expect(seqs).toEqual(rig.reader.commands(null, 10_000).map(({ seq }) => seq));
  });

  it('of quarantine end at 1 MiB, without the payloads, and lead on to all of it', async () => {
    const rig = await startApi();
    // The names of 80 KB that made answers of 80 MB.
    const message = `There is no parameter "${'x'.repeat(80_000)}".`;
    for (let n = 0; n < 60; n++) {
      await rig.deps.door.refuse('gw', { code: 'parameter.unknown', message }, Buffer.alloc(64 << 10, 'y'));
    }
    const { rows } = rig.reader.quarantine.page({}, null, 1000, 4000);
    expect(rows.every(({ payload }) => payload.length === 4000)).toBe(true);
    const pages = await pagesOf(rig, '/api/v1/quarantine');
    for (const { bytes } of pages) expect(bytes).toBeLessThan(MIB + 100_000);
    expect(pages.length).toBeGreaterThanOrEqual(3);
    const ids = pages.flatMap(({ items }) => items.map(({ id }) => id));
    expect(ids).toEqual(rig.reader.quarantine.list(null, 1000).map(({ id }) => id));
  });
});

describe('bodies', () => {
  it('are not checked further than a hundred mistakes', () => {
    let asked = 0;
    const number = z.custom<number>((value) => {
      asked += 1;
      return typeof value === 'number';
    });
    const schema = z.object({ values: z.array(z.union([number, z.strictObject({ value: number })])) });
    const values = (one: unknown) => ({ values: Array.from({ length: 12_000 }, () => one) });
    expect(checked(schema, values('x'))).toMatchObject({ error: { code: 'request.invalid' } });
    expect(asked).toBeLessThan(300);
    expect(checked(schema, values(7))).toEqual({ value: values(7) });
  });

  it('of 12,000 wrong values, or of 100,000, are refused with a short answer', async () => {
    const rig = await startApi();
    const wrong = (count: number) => ({ values: Array.from({ length: count }, () => 'x') });
    for (const count of [12_000, 60_000]) {
      const response = await rig.call('POST', '/api/v1/trend-tests', { as: 'viewer', body: wrong(count) });
      expect(response.statusCode).toBe(400);
      expect(response.json().code).toBe('request.invalid');
      expect(response.body.length).toBeLessThan(1000);
    }
    const samples = Array.from({ length: 200 }, () => 'x');
    const values = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`p${n}`, samples]));
    const body = { waterBody: 'river', values };
    const response = await rig.call('POST', '/api/v1/assessments', { as: 'viewer', body });
    expect([response.statusCode, response.json().detail]).toEqual([400, 'The body has more than 12000 values.']);
  });

  it('list their mistakes where somebody can mend them, and nesting is no way round', async () => {
    const rig = await startApi();
    const few = await rig.call('POST', '/api/v1/trend-tests', { as: 'viewer', body: { values: [1, 'x', 'y'] } });
    expect(few.json().errors.map(({ path }: { path: string }) => path)).toEqual(['values[1]', 'values[2]']);
    const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const headers = { 'content-type': 'application/json' };
    const response = await rig.call('POST', '/api/v1/trend-tests', { as: 'viewer', body: deep, headers });
    expect(response.statusCode).toBe(400);
  });

  it('of 12,000 values are tested for a trend by whoever answers questions', async () => {
    const rig = await startApi();
    const asked: number[] = [];
    const test = rig.queries.trendTest;
    rig.queries.trendTest = async ({ values, ...options }) => {
      asked.push(values.length);
      return test({ values: values.slice(0, 10), ...options });
    };
    const values = Array.from({ length: 12_000 }, (_, value) => ({ value, time: '2026-11-22T00:00:00Z' }));
    const response = await rig.call('POST', '/api/v1/trend-tests', {
      as: 'viewer',
      body: { values: values.slice(0, 5000) },
    });
    expect(response.statusCode).toBe(200);
    const numbers = values.map(({ value }) => value);
    const long = await rig.call('POST', '/api/v1/trend-tests', { as: 'viewer', body: { values: numbers } });
    expect([long.statusCode, asked]).toEqual([200, [5000, 12_000]]);
  });

  it('of a station have at most 50 tags', async () => {
    const rig = await startApi();
    const tags = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, n) => [`t${n}`, 'x']));
    const put = (count: number) => rig.call('PUT', '/api/v1/stations/s', { body: { ...TAOCHA, tags: tags(count) } });
    expect((await put(51)).json()).toMatchObject({ code: 'request.invalid', errors: [{ path: 'tags' }] });
    expect((await put(50)).statusCode).toBe(201);
  });
});

describe('what is dear to draw', () => {
  it.each(['csv', 'xlsx', 'html'] as const)('is drawn elsewhere: a report as %s', async (format) => {
    const rig = await startApi();
    const drawn: string[] = [];
    const { drawReport } = rig.deps;
    rig.deps.drawReport = async (drawing) => {
      drawn.push(drawing.format);
      return drawReport(drawing);
    };
    rig.clock.set(NOW_MS + 86_400_000);
    const response = await rig.call('GET', `/api/v1/reports/2026-11-22?format=${format}`);
    expect([response.statusCode, drawn]).toEqual([200, [format]]);
  });
});
