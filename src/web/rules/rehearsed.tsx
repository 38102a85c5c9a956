/** What a rehearsal found: how many and how heavy, when on a time axis, and which. */

import { alarmColumns } from '../alarms/columns.tsx';
import { minutesText, rateText, rateWord } from '../alarms/load.ts';
import type { Alarm } from '../api-types.ts';
import type { Answer } from '../core/api.ts';
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { KeyFigure } from '../ui/key-figure.tsx';
import { SEVERITIES, severityWord } from '../ui/marks.tsx';
import { Empty } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';

type Found = Answer<'POST /rules/rehearse'>;

export function Rehearsed({ found }: { found: Found }) {
  return (
    <div class="rehearsed">
      <p class="hint">{nameOf(found.says)}</p>
      {found.warnings.map((warning) => (
        <p key={warning.code} class="rehearsal-warning" role="alert">
          {nameOf(warning)}
        </p>
      ))}
      <Figures found={found} />
      <TimeAxis found={found} />
      {found.count === 0 && <Empty>{t('noRehearsed')}</Empty>}
      <Alarms title={t('alarmsRehearsed')} file="rehearsed-alarms" alarms={found.alarms} count={found.count} />
      <Alarms
        title={t('alarmsMissed')}
        file="missed-alarms"
        alarms={found.missed}
        count={found.comparison?.missed ?? 0}
      />
    </div>
  );
}

function Figures({ found }: { found: Found }) {
  const { count, standing, comparison, bySeverity, byChannel, per10Min, suppressed, stoodMinutes } = found;
  const severities = SEVERITIES.filter((severity) => (bySeverity[severity] ?? 0) > 0);
  return (
    <dl class="key-figures">
      <KeyFigure
        label={t('wouldRaise')}
        note={[
          ...severities.map((severity) => `${severityWord(severity)} ${bySeverity[severity]}`),
          ...(standing > 0 ? [`${t('standingAtEnd')} ${standing}`] : []),
          ...(suppressed > 0 ? [t('suppressedCount', { n: suppressed })] : []),
        ].join(' · ')}
      >
        {format.whole(count)}
      </KeyFigure>
      <KeyFigure
        label={t('presentRaised')}
        note={
          comparison === null
            ? t('noPresent')
            : `${t('wouldMiss')} ${comparison.missed} · ${t('wouldAdd')} ${comparison.added}`
        }
      >
        {comparison === null ? '–' : format.whole(comparison.present)}
      </KeyFigure>
      <KeyFigure label={t('alarmRate')} note={`${rateWord(per10Min.mean)} · ${t('alarmRateMax', { n: per10Min.max })}`}>
        {rateText(per10Min.mean)}
      </KeyFigure>
      <KeyFigure label={t('inFlood')} note={t('floodsCount', { n: found.floods.length })}>
        {minutesText(found.minutesInFlood)}
      </KeyFigure>
      <KeyFigure label={t('stood')}>
        {stoodMinutes === null ? '–' : `${minutesText(stoodMinutes.median)} / ${minutesText(stoodMinutes.max)}`}
      </KeyFigure>
      <KeyFigure
        label={t('noticesByChannel')}
        note={byChannel.map(({ channel, count: told }) => `${channel} ${told}`).join(' · ')}
      >
        {format.whole(byChannel.reduce((sum, { count: told }) => sum + told, 0))}
      </KeyFigure>
      <KeyFigure label={t('inBreach')} note={t('ofJudged', { n: format.whole(found.judged) })}>
        {found.breachShare === null ? '–' : format.share(found.breachShare, 1)}
      </KeyFigure>
      <KeyFigure label={t('readings')} note={t('ofSeries', { n: found.series })}>
        {format.whole(found.readings)}
      </KeyFigure>
    </dl>
  );
}

const WIDTH = 1000;
const LANE = 22;
const NARROWEST = 2.5;

/** Each alarm from when it was raised until it was over; the table below says the same. */
function TimeAxis({ found }: { found: Found }) {
  const [fromMs, toMs] = [Date.parse(found.from), Date.parse(found.to)];
  const at = (timeMs: number) => (Math.min(Math.max(timeMs - fromMs, 0), toMs - fromMs) / (toMs - fromMs)) * WIDTH;
  const lanes = [
    { word: t('laneRaised'), alarms: found.alarms },
    { word: t('laneMissed'), alarms: found.missed },
  ].filter(({ alarms }) => alarms.length > 0);
  if (lanes.length === 0) return null;
  const label = t('onAxis', { n: found.count, missed: found.comparison?.missed ?? 0 });
  return (
    <figure class="time-axis">
      {lanes.map(({ word, alarms }, lane) => (
        <div key={word} class="time-lane">
          <span>{word}</span>
          <svg
            viewBox={`0 0 ${WIDTH} ${LANE}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={lane === 0 ? label : word}
          >
            {alarms.map(({ id, raisedAt, clearedAt, severity }) => {
              const x = at(Date.parse(raisedAt));
              const end = clearedAt === null ? WIDTH : at(Date.parse(clearedAt));
              return (
                <rect
                  key={id}
                  class={`bar-${severity}`}
                  x={Math.min(x, WIDTH - NARROWEST)}
                  y="3"
                  width={Math.max(end - x, NARROWEST)}
                  height={LANE - 6}
                />
              );
            })}
          </svg>
        </div>
      ))}
      <figcaption>
        <time dateTime={found.from}>{format.minute(found.from)}</time>
        <time dateTime={found.to}>{format.minute(found.to)}</time>
      </figcaption>
    </figure>
  );
}

function Alarms({
  title,
  file,
  alarms,
  count,
}: {
  title: string;
  file: string;
  alarms: readonly Alarm[];
  count: number;
}) {
  if (alarms.length === 0) return null;
  const columns = COLUMNS();
  return (
    <>
      <h3>{`${title} (${count})`}</h3>
      {count > alarms.length && <p class="hint">{t('firstOnly', { n: alarms.length })}</p>}
      <Table columns={columns} rows={alarms} keyOf={({ id }) => id} caption={title} />
      <p class="table-tools">
        <CsvButton file={file} text={() => csvOf(columns, alarms)} />
      </p>
    </>
  );
}

const COLUMNS = (): Column<Alarm>[] => {
  const { severity, station, parameter, value, reached, raisedAt } = alarmColumns();
  return [
    severity,
    station,
    parameter,
    value,
    reached,
    raisedAt,
    {
      head: t('until'),
      align: 'end',
      cell: ({ clearedAt }) => (clearedAt === null ? t('standingAtEnd') : format.second(clearedAt)),
      csv: ({ clearedAt }) => clearedAt,
    },
  ];
};
