/** Reports and closings that come due: each made once, whatever the service was doing when. */
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createClosings } from '#api/books/closings.ts';
import { createPeriodKeeper, type KeeperParts } from '#api/books/period-keeper.ts';
import type { Closings } from '#api/deps.ts';
import { DAY_MS } from '#model/calendar.ts';
import type { Config } from '#model/config.ts';
import { type ApiRig, METER, NOW_MS, startApi } from '#tests/helpers/api.ts';

async function openRig(mode: Config['closings'] = 'auto') {
  const rig = await startApi({ config: { closings: mode } });
  await rig.journal.appendCommand('seed', { verb: 'put', noun: 'meter', id: 'b', body: METER });
  // As-of figures are the books' own unless a test lets the books lag.
  rig.queries.volumesAsOf = async ({ meters, edgesMs }) => {
    const asked = meters.map((id) => ({ id, meter: rig.deps.control.get('meter', id)! }));
    return (await rig.queries.meterVolumes({ meters: asked, edgesMs })).map((one) => ({ ...one, decisions: [] }));
  };
  rig.queries.accountsAsOf = async () => [JSON.stringify(rig.reader.control(rig.journal.headSeq))];
  return rig;
}

function keeperOf(rig: ApiRig, closings: Pick<Closings, 'close' | 'keepReport'> = rig.deps.closings) {
  const { config, control, journal, reader } = rig.deps;
  const logged: string[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => void logged.push(JSON.parse(line).event as string) });
  const parts: KeeperParts = { config, control, journal, reader, closings, log };
  return { ...createPeriodKeeper(parts), logged };
}

const recorded = ({ deps }: ApiRig) => ({
  days: deps.control.list('report').map(({ id }) => id),
  periods: deps.control.list('period').map(({ id }) => id),
});
const commands = ({ reader }: ApiRig) =>
  reader.commands(null, 1000).filter(({ command }) => 'noun' in command && ['report', 'period'].includes(command.noun));

describe('what is due', () => {
  it('is kept and closed by the actor system, once, in however many runs and after any downtime', async () => {
    const rig = await openRig();
    const keeper = keeperOf(rig);
    await keeper.run();
    expect(recorded(rig)).toEqual({ days: [], periods: [] });
    rig.clock.advance(DAY_MS);
    await Promise.all([keeper.run(), keeper.run()]);
    await keeper.run();
    expect(recorded(rig)).toEqual({ days: ['2026-11-22'], periods: [] });

    // Away for ten days, over the end of a month; two starts at once are two keepers.
    rig.clock.advance(10 * DAY_MS);
    await Promise.all([keeperOf(rig).run(), keeperOf(rig).run()]);
    const { days, periods } = recorded(rig);
    expect([days.length, days.at(-1), periods]).toEqual([11, '2026-12-02', ['2026-11']]);
    expect(commands(rig).map(({ actor }) => actor)).toEqual(Array(12).fill('system'));
  });

  it('is nothing without a meter', async () => {
    const rig = await startApi();
    rig.clock.advance(40 * DAY_MS);
    await keeperOf(rig).run();
    expect(recorded(rig)).toEqual({ days: [], periods: [] });
  });

  it('leaves closings to people where WK_CLOSINGS is manual', async () => {
    const rig = await openRig('manual');
    rig.clock.advance(10 * DAY_MS);
    await keeperOf(rig).run();
    expect(recorded(rig).periods).toEqual([]);
    expect(recorded(rig).days).toHaveLength(10);
    const { items } = (await rig.call('GET', '/api/v1/reports?limit=3')).json();
    expect(items).toMatchObject([
      { period: '2026-12-01', state: 'kept', by: 'system' },
      { period: '2026-11', state: 'due', at: null, sha256: null },
      { period: '2026-11-30', state: 'kept' },
    ]);
  });

  it('is tried again while the books lag, at growing distances, and holds up nothing else', async () => {
    const rig = await openRig();
    const keeper = keeperOf(rig);
    rig.clock.advance(2 * DAY_MS);
    const { volumesAsOf } = rig.queries;
    let asked = 0;
    rig.queries.volumesAsOf = async (query) => {
      asked++;
      const answers = await volumesAsOf(query);
      const isFirstDay = query.edgesMs[0]! < NOW_MS;
      return isFirstDay
        ? answers.map((one) => ({ ...one, buckets: [{ ...one.buckets[0]!, measuredLitres: 7 }] }))
        : answers;
    };
    await keeper.run();
    expect(recorded(rig).days).toEqual(['2026-11-23']);
    await keeper.run();
    expect(asked).toBe(2);
    rig.clock.advance(60_000);
    await keeper.run();
    rig.clock.advance(60_000);
    await keeper.run();
    expect(asked).toBe(3);
    rig.queries.volumesAsOf = volumesAsOf;
    rig.clock.advance(60_000);
    await keeper.run();
    expect(recorded(rig).days).toEqual(['2026-11-22', '2026-11-23']);
    expect(keeper.logged).toEqual(['period.put-off', 'period.kept', 'period.put-off', 'period.kept']);
  });

  it('begins nothing more once it is stopped', async () => {
    const rig = await openRig();
    rig.clock.advance(5 * DAY_MS);
    const real = rig.deps.closings;
    const keeper = keeperOf(rig, {
      close: real.close,
      async keepReport(day, by) {
        const kept = await real.keepReport(day, by);
        keeper.stop();
        return kept;
      },
    });
    await keeper.run();
    expect(recorded(rig).days).toEqual(['2026-11-22']);
  });
});

describe('closing', () => {
  it('twice at once closes once: the other one is told', async () => {
    const rig = await openRig();
    rig.clock.advance(30 * DAY_MS);
    const close = () => rig.call('POST', '/api/v1/periods/2026-11/close', { body: {} });
    const answers = await Promise.all([close(), close(), close()]);
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([201, 409, 409]);
    expect(rig.deps.control.get('period', '2026-11')!.closings).toHaveLength(1);
  });

  it('waits for followers that are behind: books and readings that lack the same agree, and are both wrong', async () => {
    const rig = await openRig();
    const closings = createClosings({ ...rig.deps, caughtUp: async () => false });
    await expect(closings.close('2026-10', 'x', null)).rejects.toMatchObject({ code: 'books.behind' });
    await expect(closings.keepReport('2026-11-20', 'x')).rejects.toMatchObject({ code: 'books.behind' });
    expect(recorded(rig)).toEqual({ days: [], periods: [] });
  });

  it('refuses while the connection that answers stands before the newest entry, whatever the followers say', async () => {
    const rig = await openRig();
    const { headSeq } = rig.deps.journal;
    for (const reached of [
      { journalSeq: headSeq, booksSeq: headSeq - 1 },
      { journalSeq: headSeq - 1, booksSeq: headSeq },
    ]) {
      rig.queries.reached = async () => reached;
      await expect(rig.deps.closings.close('2026-10', 'x', null)).rejects.toMatchObject({ code: 'books.behind' });
      await expect(rig.deps.closings.keepReport('2026-11-20', 'x')).rejects.toMatchObject({ code: 'books.behind' });
    }
    rig.queries.reached = async () => ({ journalSeq: headSeq, booksSeq: headSeq });
    await rig.deps.closings.keepReport('2026-11-20', 'x');
    expect(recorded(rig).days).toEqual(['2026-11-20']);
  });

  it('refuses a day that has not closed, and what the books do not say', async () => {
    const rig = await openRig();
    const { closings } = rig.deps;
    await expect(closings.keepReport('2026-11-22', 'x')).rejects.toMatchObject({ code: 'state.conflict' });
    await expect(closings.keepReport('2026-02-30', 'x')).rejects.toMatchObject({ code: 'range.invalid' });
    rig.queries.volumesAsOf = async () => [];
    await expect(closings.keepReport('2026-11-20', 'x')).rejects.toMatchObject({ code: 'state.conflict' });
  });
});
