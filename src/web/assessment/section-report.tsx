/** One section: its class, what decides it, each indicator with its mean, its class and how much it rests on. */
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { hrefOf } from '../core/route.ts';
import { parameters, stations } from '../core/watch.ts';
import { NUMERALS } from '../core/water.ts';
import { WORDS, type Word } from '../core/words.ts';
import { parameterName } from '../station/names.ts';
import { KeyFigure } from '../ui/key-figure.tsx';
import { ClassMark } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { type Column, CsvButton, csvOf, numberColumn, Table } from '../ui/table.tsx';
import { changeWords, coverageText, pollutantsText, ReportHead, type SectionFound, statusWord } from './parts.tsx';

type Indicator = SectionFound['indicators'][number];

export function SectionReport({ found }: { found: SectionFound }) {
  const known = stations.value.get(found.station);
  const name = known ? nameOf(known.name) : found.station;
  const columns = indicatorColumns();
  return (
    <article class="report">
      <Sheet title={name} name="report-summary" tools={<a href={hrefOf('stations', found.station)}>{t('station')}</a>}>
        <ReportHead name={name} found={found} />
        <Summary found={found} />
      </Sheet>
      <Sheet
        title={t('byIndicator')}
        note={t('indicatorsOf', { n: found.indicatorsAssessed })}
        tools={
          <CsvButton
            file={`assessment-${found.station}-${found.period.text}`}
            text={() => csvOf(columns, found.indicators)}
          />
        }
      >
        <Table
          columns={columns}
          rows={found.indicators}
          keyOf={({ parameter }) => parameter}
          caption={t('byIndicator')}
        />
      </Sheet>
    </article>
  );
}

function Summary({ found }: { found: SectionFound }) {
  const { changes, meetsTarget, target } = found;
  return (
    <dl class="key-figures">
      <KeyFigure label={t('class')} note={statusWord(found.status)}>
        <ClassMark of={found.class} large />{' '}
        {found.valid === false && <span class="unknown-part">{t('classMayNotStand')}</span>}
      </KeyFigure>
      <KeyFigure label={t('judgement')} note={target ? t('targetIs', { class: NUMERALS[target] }) : t('noTarget')}>
        <span class={meetsTarget === false ? 'is-broken' : ''}>
          {meetsTarget === null ? '–' : meetsTarget ? t('targetMet') : t('targetMissed')}
        </span>
      </KeyFigure>
      <KeyFigure label={t('limitedBy')}>{found.limiting.map(parameterName).join(', ') || '–'}</KeyFigure>
      <KeyFigure label={t('mainPollutants')}>{pollutantsText(found.mainPollutants) || t('none')}</KeyFigure>
      <KeyFigure label={t('coverage')}>
        {coverageText(found.coverage)} {found.valid === false && <span class="unknown-part">{t('tooFew')}</span>}
      </KeyFigure>
      <KeyFigure label={t('againstPrevious', { period: changes.previous.period ?? '–' })}>
        {changeWords(changes.previous)}
      </KeyFigure>
      <KeyFigure label={t('againstYear', { period: changes.year.period ?? '–' })}>
        {changeWords(changes.year)}
      </KeyFigure>
    </dl>
  );
}

const reasonWord = (reason: string): string => {
  const word = `invalid-${reason}`;
  return word in WORDS ? t(word as Word) : reason;
};

function indicatorColumns(): Column<Indicator>[] {
  const unitOf = (id: string) => format.unit(parameters.value.get(id)?.unit ?? '');
  return [
    {
      head: t('parameter'),
      isName: true,
      cell: ({ parameter, participates }) => (
        <>
          {parameterName(parameter)} {!participates && <span class="tag">{t('besides')}</span>}
        </>
      ),
      csv: ({ parameter }) => parameter,
    },
    {
      head: t('asCompared'),
      align: 'end',
      cell: ({ value, parameter }) => (
        <>
          <b>{format.value(value)}</b> <span class="unit">{unitOf(parameter)}</span>
        </>
      ),
      csv: ({ value }) => value,
      csvHead: 'value',
    },
    numberColumn(t('mean'), ({ mean }) => mean, 'mean'),
    { head: t('class'), cell: (row) => <ClassMark of={row.class} />, csv: (row) => row.class },
    numberColumn(t('least'), ({ min }) => min, 'min'),
    numberColumn(t('greatest'), ({ max }) => max, 'max'),
    {
      head: t('headroom'),
      align: 'end',
      cell: ({ headroom }) =>
        headroom?.share == null ? (
          '–'
        ) : (
          <span class={headroom.share < 0 ? 'is-broken' : ''}>
            {headroom.share < 0
              ? t('overBy', { share: format.share(-headroom.share) })
              : t('roomLeft', { share: format.share(headroom.share) })}
          </span>
        ),
      csv: ({ headroom }) => headroom?.share,
      csvHead: 'headroom',
    },
    numberColumn(t('usable'), ({ valid }) => valid, 'valid'),
    numberColumn(t('expected'), ({ expected }) => expected, 'expected'),
    {
      head: t('validity'),
      cell: ({ invalid }) => (invalid === null ? '✓' : <span class="tag is-warning">{reasonWord(invalid)}</span>),
      csv: ({ invalid }) => invalid,
      csvHead: 'invalid',
    },
  ];
}
