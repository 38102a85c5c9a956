/** The longest turn of the event loop that the largest answers from the books take on the main thread (see ../longest-turns.test.ts). */
import { deserialize, serialize } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { cellColumns } from '#books/questions/period-cells.ts';
import { METER, startApi, TAOCHA } from '#tests/helpers/api.ts';
import { expectShortTurns, sentTo } from '#tests/helpers/short-turns.ts';

const TIME = '2026-11-01T00:00:00Z';

/** As a query worker's answer comes in, after it was worked out elsewhere. */
function told<Q, A>(ask: (query: Q) => Promise<A>): (query: Q) => Promise<A> {
  const known = new Map<string, Buffer>();
  return async (query) => {
    const key = JSON.stringify(query);
    if (!known.has(key)) known.set(key, serialize(await ask(query)));
    return deserialize(known.get(key)!);
  };
}

describe('what the books say of the whole canal is taken in and told in turns', () => {
  const PARAMETERS = 'ph do codmn cod bod5 nh3n tp tn cu zn f se as hg cd cr6 pb cn phenol oil las sulphide'.split(' ');
  const CELL = { count: 8900, valid: 8800, mean: 0.02, min: 0.01, max: 0.09, provisional: false };

  it.each(['period=2026-10', 'period=2025', 'period=2026-10&detail=indicators'])(
    'GET /assessments of 1,000 sections with 22 indicators each: %s',
    async (query) => {
      const rig = await startApi({ config: { maxMessageBytes: 256 << 10 } });
      const body = { ...TAOCHA, area: 'canal', parameters: PARAMETERS.map((id) => ({ id, interval: 'PT5M' })) };
      const put = (id: string) => rig.journal.appendCommand('test', { verb: 'put', noun: 'station', id, body });
      const values = Object.fromEntries(PARAMETERS.map((id) => [id, 0.02]));
      const sampleOf = (station: string) => ({ station, time: TIME, values });
      const ids = Array.from({ length: 1000 }, (_, n) => `s-${n}`);
      await Promise.all(ids.map(put));
      for (let first = 0; first < ids.length; first += 200) {
        const samples = ids.slice(first, first + 200).map(sampleOf);
        const taken = await sentTo(rig, { method: 'POST', url: '/readings', body: { samples } });
        expect(taken.statusCode).toBe(202);
      }
      rig.queries.periods = told(async ({ spans, series }) => {
        const cells = series.map(({ id }) => ({ series: id, ...CELL }));
        return cellColumns(
          spans.map(() => cells),
          series,
        );
      });
      const answer = await expectShortTurns(rig, { method: 'GET', url: `/assessments?area=canal&${query}` }, 200);
      expect(answer.json().sections).toHaveLength(1000);
      expect(answer.json().proportions).toMatchObject({ sections: 1000, assessed: 1000 });
    },
  );

  it('GET /balances of twelve years by day, of 150 meters', async () => {
    const rig = await startApi();
    for (let n = 0; n < 150; n++) {
      await rig.journal.appendCommand('test', { verb: 'put', noun: 'meter', id: `m-${n}`, body: METER });
    }
    rig.queries.balances = told(rig.queries.balances);
    rig.queries.meterVolumes = told(rig.queries.meterVolumes);
    const url = '/balances?by=day&from=2014-12-13T00:00:00%2B08:00&to=2026-11-01T00:00:00%2B08:00';
    const answer = await expectShortTurns(rig, { method: 'GET', url }, 200);
    expect(answer.json().items).toHaveLength(4341);
    expect(answer.json().recipients[0].meters).toHaveLength(150);
  });
});
