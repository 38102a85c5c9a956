/** Volumes by period, a row for each recipient: measured solid, estimated hatched, unknown hours as an open end. */
import { areaName } from '../core/areas.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { Figure, type View } from '../ui/figure.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, numberColumn } from '../ui/table.tsx';
import { Unknown, unknownText } from '../ui/unknown.tsx';
import type { Bucket, Line, Step } from './books.ts';

interface Row extends Bucket {
  recipient: string;
}

const HOUR_MS = 3_600_000;
const STEP_WORDS = { day: 'eachDay', month: 'eachMonth', quarter: 'eachQuarter' } as const;
/** Few bars keep the width that a year of months has. */
const SLOTS_MIN = { day: 30, month: 12, quarter: 4 } as const;

const periodName = ({ start }: Bucket, by: Step): string =>
  by === 'day'
    ? format.day(start)
    : by === 'month'
      ? format.month(start)
      : t('quarterFrom', { month: format.month(start) });

export function Bars({ lines, by, view }: { lines: readonly Line[]; by: Step; view: View }) {
  const rows = lines.flatMap(({ recipient, volumes }) => volumes.items.map((item): Row => ({ recipient, ...item })));
  return (
    <Figure
      title={t(STEP_WORDS[by])}
      view={view}
      columns={columnsOf(by)}
      rows={rows}
      keyOf={({ recipient, start }) => `${recipient} ${start}`}
      file={`volumes-by-${by}`}
      note={
        <>
          <span class="swatch swatch-measured" /> {t('isMeasured')} <span class="swatch swatch-estimated" />{' '}
          {t('isEstimated')} <span class="swatch swatch-unknown" /> {t('isUnknown')}
        </>
      }
    >
      {rows.length === 0 ? (
        <Empty>{t('noVolumes')}</Empty>
      ) : (
        <div class="bar-rows">
          {lines.map((line) => (
            <BarRow key={line.recipient} line={line} by={by} />
          ))}
        </div>
      )}
    </Figure>
  );
}

const HEIGHT = 54;

function BarRow({ line: { recipient, volumes }, by }: { line: Line; by: Step }) {
  const { items, total } = volumes;
  const most = Math.max(1, ...items.map(({ cubicMetres }) => Math.abs(cubicMetres)));
  const slots = Math.max(SLOTS_MIN[by], items.length);
  const width = slots * 10;
  const label = t('barsAre', { name: areaName(recipient), total: wordsOf(total) });
  return (
    <div class="bar-row">
      <p>
        <b>{areaName(recipient)}</b>
        <br />
        {format.volumeText(total.cubicMetres)} <Unknown hours={total.unknownHours} />
        <br />
        <span class="quiet-text">
          {t('most')} {format.volumeText(most)}
        </span>
      </p>
      <div class="bar-plot">
        <svg viewBox={`0 0 ${width} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
          <defs>
            <pattern
              id={`estimated-${recipient}`}
              width="3"
              height="3"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect width="3" height="3" class="bar-estimated-ground" />
              <path d="M0 0V3" class="bar-estimated-line" />
            </pattern>
          </defs>
          {items.map((item, index) => (
            <Bar
              key={item.start}
              item={item}
              x={index * 10}
              most={most}
              by={by}
              fill={`url(#estimated-${recipient})`}
            />
          ))}
          <path d={`M0 ${HEIGHT - 0.5}H${width}`} class="bar-base" />
        </svg>
        <ol class="bar-names" aria-hidden="true">
          {items.map((item, index) => (
            <li key={item.start} style={{ flex: `0 0 ${100 / slots}%` }}>
              {isNamed(index, items.length, by) && shortName(item, by)}
            </li>
          ))}
        </ol>
      </div>
    </div>
  );
}

const isNamed = (index: number, count: number, by: Step): boolean =>
  by !== 'day' || index % Math.ceil(count / 10) === 0;
const shortName = (item: Bucket, by: Step): string =>
  by === 'day'
    ? format.dayOfMonth(item.start)
    : format
        .month(item.start)
        .replace(/^\d{4}年/, '')
        .replace(/ \d{4}$/, '');

function Bar({ item, x, most, by, fill }: { item: Bucket; x: number; most: number; by: Step; fill: string }) {
  const scale = (HEIGHT - 6) / most;
  const measured = Math.max(0, item.measured) * scale;
  const estimated = Math.max(0, item.estimated) * scale;
  const hours = (Date.parse(item.end) - Date.parse(item.start)) / HOUR_MS;
  // Summed over meters: more than the hours themselves when several are silent.
  const unknown = Math.min(1, item.unknownHours / hours);
  return (
    <g>
      <title>{`${periodName(item, by)}: ${wordsOf(item)}`}</title>
      <rect x={x} width="10" height={HEIGHT} class="bar-reach" />
      {unknown > 0.001 && (
        <rect
          x={x + 1.5}
          y="1"
          width="7"
          height={HEIGHT - 2}
          class="bar-unknown"
          style={{ opacity: String(0.35 + 0.65 * unknown) }}
        />
      )}
      <rect x={x + 1.5} y={HEIGHT - measured} width="7" height={measured} class="bar-measured" />
      <rect x={x + 1.5} y={HEIGHT - measured - estimated} width="7" height={estimated} fill={fill} />
    </g>
  );
}

function wordsOf(item: Pick<Bucket, 'cubicMetres' | 'estimated' | 'unknownHours'>): string {
  const parts = [format.volumeText(item.cubicMetres)];
  if (item.estimated !== 0) parts.push(`${t('isEstimated')} ${format.volumeText(item.estimated)}`);
  if (item.unknownHours > 0) parts.push(unknownText(item.unknownHours));
  return parts.join(', ');
}

function columnsOf(by: Step): Column<Row>[] {
  return [
    {
      head: t('recipient'),
      isName: true,
      cell: ({ recipient }) => areaName(recipient),
      csv: ({ recipient }) => recipient,
      csvHead: 'recipient',
    },
    { head: t('period'), cell: (row) => periodName(row, by), csv: ({ start }) => start, csvHead: 'start' },
    numberColumn(`${t('volume')} m³`, ({ cubicMetres }) => cubicMetres, 'cubicMetres', format.litres),
    numberColumn(t('isMeasured'), ({ measured }) => measured, 'measured', format.litres),
    numberColumn(t('isEstimated'), ({ estimated }) => estimated, 'estimated', format.litres),
    numberColumn(t('unknownHoursHead'), ({ unknownHours }) => unknownHours, 'unknownHours'),
  ];
}
