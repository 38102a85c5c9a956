/** The operators' figures: whether alarms can be trusted, against ISA-18.2 and EEMUA 191. The service's, laid out. */
import { type Answer, ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { useResource } from '../core/resource.ts';
import { hrefOf, query } from '../core/route.ts';
import { stations } from '../core/watch.ts';
import { parameterName, stationName } from '../station/names.ts';
import { rangeOf } from '../station/range.ts';
import { KeyFigure } from '../ui/key-figure.tsx';
import { RangePicker } from '../ui/range-picker.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, numberColumn, Table } from '../ui/table.tsx';
import { RuleSelect, StationSelect } from './filters.tsx';
import { minutesText, rateText, rateWord } from './load.ts';

type Figures = Answer<'GET /alarms/figures'>;

export function AlarmFigures() {
  const range = rangeOf(query.value, serviceNowMs());
  const asked = {
    from: new Date(range.fromMs).toISOString(),
    to: new Date(range.toMs).toISOString(),
    station: query.value.get('station') ?? undefined,
    rule: query.value.get('rule') ?? undefined,
  };
  const figures = useResource(JSON.stringify(asked), (signal) => ask('GET /alarms/figures', { query: asked, signal }));
  return (
    <>
      <div class="controls">
        <RangePicker range={range} />
        <StationSelect />
        <RuleSelect />
      </div>
      <Sheet title={t('operatorFigures')} note={t('againstStandard')} name="figures-sheet">
        <Shown of={figures} lines={6}>
          {(found) => <KeyFigures found={found} />}
        </Shown>
      </Sheet>
      <div class="figure-tables">
        <Shown of={figures} lines={8}>
          {(found) => <Tables found={found} />}
        </Shown>
      </div>
    </>
  );
}

function KeyFigures({ found }: { found: Figures }) {
  const { count, withdrawn, suppressed, late, per10Min, minutesInFlood, floods, stale, acknowledgement } = found;
  const { medianMinutes, p90Minutes, never } = acknowledgement;
  return (
    <dl class="key-figures">
      <KeyFigure label={t('toldOf')} note={t('toldOfNote', { withdrawn, suppressed, late })}>
        {format.whole(count)}
      </KeyFigure>
      <KeyFigure
        label={t('alarmRate')}
        note={`${rateWord(per10Min.mean)} · ${t('alarmRateMax', { n: per10Min.max })} · ${t('alarmRateNote', { share: format.share(per10Min.shareAbove10, 1) })}`}
      >
        {rateText(per10Min.mean)}
      </KeyFigure>
      <KeyFigure label={t('inFlood')} note={t('floodsCount', { n: floods.length })}>
        {minutesText(minutesInFlood)}
      </KeyFigure>
      <KeyFigure
        label={t('toAcknowledge')}
        note={
          p90Minutes === null
            ? t('nobodyYet', { never })
            : t('toAcknowledgeNote', { p90: minutesText(p90Minutes), never })
        }
      >
        {medianMinutes === null ? '–' : minutesText(medianMinutes)}
      </KeyFigure>
      <KeyFigure label={t('staleAlarms')}>{format.whole(stale.count)}</KeyFigure>
    </dl>
  );
}

function Tables({ found }: { found: Figures }) {
  const { count } = found;
  return (
    <>
      <TableSheet
        title={t('chatteringTop')}
        file="chattering"
        none={t('noneChattering')}
        rows={found.chattering}
        keyOf={({ key }) => key}
        columns={chatteringColumns()}
      />
      <TableSheet
        title={t('staleAlarms')}
        file="stale-alarms"
        none={t('noneStale')}
        rows={found.stale.longest}
        keyOf={({ id }) => id}
        columns={staleColumns()}
      />
      <TableSheet
        title={t('byRule')}
        file="alarms-by-rule"
        none={t('noneAtAll')}
        rows={found.byRule}
        keyOf={({ rule }) => rule}
        columns={ruleColumns(count)}
      />
      <TableSheet
        title={t('byStation')}
        file="alarms-by-station"
        none={t('noneAtAll')}
        rows={found.byStation}
        keyOf={({ station }) => station}
        columns={stationColumns(count)}
      />
      <TableSheet
        title={t('noticesByChannel')}
        file="notices-by-channel"
        none={t('noNotices')}
        rows={found.notices}
        keyOf={({ channel }) => channel}
        columns={noticeColumns()}
      />
    </>
  );
}

const chatteringColumns = (): Column<Figures['chattering'][number]>[] => [
  named(
    t('alarm'),
    ({ key }) => keyText(key),
    ({ key }) => key,
  ),
  numberColumn(t('raisesInHour'), ({ raises }) => raises, 'raises'),
  { head: t('since'), cell: ({ since }) => format.minute(since), csv: ({ since }) => since, csvHead: 'since' },
  numberColumn(t('inRange'), ({ count }) => count, 'count'),
];

const staleColumns = (): Column<Figures['stale']['longest'][number]>[] => [
  named(
    t('alarm'),
    ({ id, key }) => <a href={hrefOf('alarms', id)}>{keyText(key)}</a>,
    ({ key }) => key,
  ),
  { head: t('raisedAt'), cell: ({ raisedAt }) => format.minute(raisedAt), csv: ({ raisedAt }) => raisedAt },
  numberColumn(t('hoursStood'), ({ hours }) => hours, 'hours'),
];

const ruleColumns = (all: number): Column<Figures['byRule'][number]>[] => [
  named(
    t('rule'),
    ({ rule }) => (rule === PLATFORM_RULE ? rule : <a href={hrefOf('rules', rule)}>{rule}</a>),
    ({ rule }) => rule,
  ),
  numberColumn(t('count'), ({ count }) => count, 'count'),
  numberColumn(
    t('shareOfAll'),
    ({ count }) => count / all,
    'share',
    (share) => format.share(share),
  ),
];
/** No rule that anybody could put. */
const PLATFORM_RULE = 'platform';

const stationColumns = (all: number): Column<Figures['byStation'][number]>[] => [
  named(
    t('station'),
    ({ station }) => <a href={hrefOf('alarms', null, { state: 'all', station })}>{nameOf(station)}</a>,
    ({ station }) => station,
  ),
  numberColumn(t('count'), ({ count }) => count, 'count'),
  numberColumn(
    t('shareOfAll'),
    ({ count }) => count / all,
    'share',
    (share) => format.share(share),
  ),
];

const noticeColumns = (): Column<Figures['notices'][number]>[] => [
  named(
    t('channel'),
    ({ channel }) => channel,
    ({ channel }) => channel,
  ),
  numberColumn(t('noticesSent'), ({ sent }) => sent, 'sent'),
  numberColumn(t('noticesPending'), ({ pending }) => pending, 'pending'),
  numberColumn(t('noticesFailed'), ({ failed }) => failed, 'failed'),
  numberColumn(t('noticesTakenOver'), ({ takenOver }) => takenOver, 'takenOver'),
  numberColumn(t('noticesGrouped'), ({ grouped }) => grouped, 'grouped'),
];

const nameOf = (station: string): string => stationName(station, stations.value);

function keyText(key: string): string {
  const [rule = '', station = '', parameter = ''] = key.split('/');
  return `${nameOf(station)} · ${parameterName(parameter)} · ${rule}`;
}

function named<T>(head: string, cell: Column<T>['cell'], csv: NonNullable<Column<T>['csv']>): Column<T> {
  return { head, cell, csv, isName: true };
}

function TableSheet<T>({
  title,
  file,
  none,
  rows,
  keyOf,
  columns,
}: {
  title: string;
  file: string;
  /** Said when there is no row. */
  none: string;
  rows: readonly T[];
  keyOf: (row: T) => string;
  columns: readonly Column<T>[];
}) {
  return (
    <Sheet
      title={title}
      tools={<CsvButton file={file} text={() => csvOf(columns, rows)} disabled={rows.length === 0} />}
    >
      {rows.length === 0 ? (
        <Empty>{none}</Empty>
      ) : (
        <Table columns={columns} rows={rows} keyOf={keyOf} caption={title} />
      )}
    </Sheet>
  );
}
