/** What each recipient has been given since the beginning, day by day, beside its plan, and where that is heading. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { inkOf } from '../core/theme.ts';
import { instantOf, monthEndsOf } from '../core/zone.ts';
import { Chart } from '../ui/chart.tsx';
import { Figure, type View } from '../ui/figure.tsx';
import { Empty } from '../ui/states.tsx';
import type { Column } from '../ui/table.tsx';
import { Unknown, unknownText } from '../ui/unknown.tsx';
import type { Line, Plan, Stretch } from './books.ts';

interface Row {
  end: string;
  /** m³ of each recipient since the beginning. */
  sums: number[];
  /** Of each recipient. */
  unknownHours: number[];
  /** Of all of them. */
  estimated: number;
}

function rowsOf(days: readonly Line[]): Row[] {
  const sums = days.map(() => 0);
  const unknownHours = days.map(() => 0);
  let estimated = 0;
  return (days[0]?.volumes.items ?? []).map(({ end }, index) => {
    for (const [line, { volumes }] of days.entries()) {
      // Litres as whole numbers, so that a year of days adds up.
      const litres = Math.round(sums[line]! * 1000) + Math.round((volumes.items[index]?.cubicMetres ?? 0) * 1000);
      sums[line] = litres / 1000;
      estimated += volumes.items[index]?.estimated ?? 0;
      unknownHours[line]! += volumes.items[index]?.unknownHours ?? 0;
    }
    return { end, sums: [...sums], unknownHours: [...unknownHours], estimated };
  });
}

const sumText = ({ sums, unknownHours }: Row, index: number): string =>
  `${format.volumeText(sums[index]!)} ${unknownText(unknownHours[index]!)}`.trim();

const seriesInk = (index: number): string => inkOf(`--series-${(index % 5) + 1}`);

export function Cumulative({
  days,
  plans,
  stretch,
  view,
}: {
  days: readonly Line[];
  plans: readonly Plan[];
  stretch: Stretch;
  view: View;
}) {
  const [cursor, setCursor] = useState<number | null>(null);
  const rows = useMemo(() => rowsOf(days), [days]);
  const planOf = days.map(({ recipient }) => plans.find((plan) => plan.recipient === recipient));
  const isOver = rows.length > 0 && Date.parse(rows.at(-1)!.end) >= instantOf(stretch.to);
  const projected = planOf.map((plan) => (isOver ? null : (plan?.projected ?? null)));
  const data = useMemo(
    () => dataOf(rows, planOf, projected, stretch),
    [rows, plans, JSON.stringify(projected), stretch.from, stretch.to],
  );
  const names = days.map(({ recipient }) => areaName(recipient));
  const shown = cursor === null ? rows.at(-1) : (rows[cursor - 1] ?? rows.at(-1));
  const columns: Column<Row>[] = [
    { head: t('upTo'), isName: true, cell: ({ end }) => format.day(end), csv: ({ end }) => end },
    ...days.flatMap(({ recipient }, index): Column<Row>[] => [
      {
        head: `${areaName(recipient)} m³`,
        align: 'end',
        cell: ({ sums }) => format.litres(sums[index]!),
        csv: ({ sums }) => sums[index]!,
        csvHead: recipient,
      },
      {
        head: `${areaName(recipient)} ${t('unknownHoursHead')}`,
        align: 'end',
        cell: ({ unknownHours }) => format.value(Math.round(unknownHours[index]! * 10) / 10),
        csv: ({ unknownHours }) => unknownHours[index]!,
        csvHead: `${recipient}UnknownHours`,
      },
    ]),
  ];
  return (
    <Figure
      title={t('cumulative')}
      view={view}
      columns={columns}
      rows={rows}
      keyOf={({ end }) => end}
      file="volumes-cumulative"
    >
      {rows.length === 0 ? (
        <Empty>{t('noVolumes')}</Empty>
      ) : (
        <>
          <p class="readout">
            <b>{shown && format.day(shown.end)}</b>
            {names.map((name, index) => (
              <span key={name} class={`line-key line-${index + 1}`}>
                {name} {format.volumeText(shown?.sums[index] ?? 0, Math.max(...(shown?.sums ?? [])))}{' '}
                <Unknown hours={shown?.unknownHours[index] ?? 0} />
              </span>
            ))}
            {plans.length > 0 && <span class="key key-before">{t('plan')}</span>}
            {projected.some((one) => one !== null) && <span class="key key-projected">{t('projection')}</span>}
            {shown && shown.estimated > 0 && (
              <span>{t('estimatedVolume', { volume: format.volumeText(shown.estimated) })}</span>
            )}
          </p>
          <Chart
            label={t('cumulativeIs', {
              what: names.map((name, index) => `${name} ${sumText(rows.at(-1)!, index)}`).join(', '),
            })}
            data={data}
            height={260}
            onCursor={setCursor}
            options={() => ({
              series: [
                {},
                ...days.map((_line, index) => ({ stroke: seriesInk(index), width: 2, points: { show: false } })),
                ...[PLAN_DASH, PROJECTION_DASH].flatMap((dash) =>
                  days.map((_line, index) => ({
                    stroke: seriesInk(index),
                    width: 1.25,
                    dash,
                    points: { show: false },
                    spanGaps: true,
                  })),
                ),
              ],
              padding: [10, 34, 0, 8],
              scales: { x: { time: true, min: instantOf(stretch.from) / 1000, max: instantOf(stretch.to) / 1000 } },
              axes: [
                {},
                {
                  size: 74,
                  values: (_plot, splits) => format.volumeTicks(splits),
                },
              ],
            })}
          />
        </>
      )}
    </Figure>
  );
}

const PLAN_DASH = [5, 4];
const PROJECTION_DASH = [1.5, 3];

/**
 * From nothing at the beginning; plans month by month, or straight where they have no months, to the end of their year;
 * projections from what has been given to what the year comes to at the rate of its last days.
 */
function dataOf(
  rows: readonly Row[],
  plans: readonly (Plan | undefined)[],
  projected: readonly (number | null)[],
  { from, to, transferYear }: Stretch,
): uPlot.AlignedData {
  const given = [instantOf(from), ...rows.map(({ end }) => Date.parse(end))];
  const monthEnds = transferYear === null ? [] : monthEndsOf(transferYear).map(instantOf);
  const ahead = transferYear === null ? [instantOf(to)] : monthEnds;
  const times = [...given, ...ahead.filter((timeMs) => timeMs > given.at(-1)!)];
  const end = times.length - 1;
  const lines = plans.map((_plan, index) =>
    times.map((_time, at) => (at === 0 ? 0 : (rows[at - 1]?.sums[index] ?? null))),
  );
  const planned = plans.map((plan) => {
    const due = plan && transferYear !== null ? dueOf(plan, monthEnds) : new Map<number, number>();
    return times.map((timeMs, at) => (at === 0 && due.size > 0 ? 0 : (due.get(timeMs) ?? null)));
  });
  const heading = projected.map((total, index) =>
    times.map((_time, at) =>
      total === null ? null : at === rows.length ? (rows.at(-1)?.sums[index] ?? 0) : at === end ? total : null,
    ),
  );
  return [times.map((timeMs) => timeMs / 1000), ...lines, ...planned, ...heading] as uPlot.AlignedData;
}

/** What a plan has had delivered by when: at each month's end, or at the year's alone. */
function dueOf({ months, cubicMetres }: Plan, monthEnds: readonly number[]): Map<number, number> {
  if (months === undefined) return new Map([[monthEnds.at(-1)!, cubicMetres]]);
  let sum = 0;
  return new Map(
    monthEnds.map((timeMs, month) => {
      sum += months[month]!;
      return [timeMs, sum];
    }),
  );
}
