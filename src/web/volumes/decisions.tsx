/** What was decided about single reads of meters; an engineer rules otherwise, sees what it changes, and undoes it. */
import { useState } from 'preact/hooks';
import type { Api } from '../api-types.ts';
import { type Answer, ask, askAll, type Item } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { may } from '../core/session.ts';
import { WORDS, type Word } from '../core/words.ts';
import { instantOf, ZONE } from '../core/zone.ts';
import { Select } from '../ui/choice.tsx';
import { DeedForm, TextField, textOf } from '../ui/deed.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, numberColumn, Table } from '../ui/table.tsx';
import { endOf, type Stretch } from './books.ts';

const DECISIONS_MAX = 200;
const REASON_MAX = 500;

type Decision = Item<'GET /volumes/decisions'>;
type Kind = Api['POST /volumes/decisions']['body']['kind'];
type Sum = Answer<'GET /volumes'>['total'];

const REGISTER_KINDS: readonly Kind[] = ['glitch', 'accepted', 'rollover', 'reset', 'replacement', 'reverse'];
const FLOW_KINDS: readonly Kind[] = ['glitch', 'accepted'];

const decisionWord = (kind: string): string => {
  const word = `decision-${kind}`;
  return word in WORDS ? t(word as Word) : kind;
};

const keyOf = ({ id, kind }: Decision): string => `${id} ${kind}`;

/** What is ruled about: a read that was decided about, or `another`, which its reader names. */
type Subject = Decision | 'another';

/** What a ruling has done to its meter's volume in the stretch that is shown. */
interface Effect {
  meter: string;
  before: Sum;
  after: Sum;
}

/** @param changed is called when the books have. */
export function DecisionSheet({ stretch, atMs, changed }: { stretch: Stretch; atMs: number; changed: () => void }) {
  const [chosen, setChosen] = useState<Subject | null>(null);
  const [effect, setEffect] = useState<Effect | null>(null);
  const { from, to } = stretch;
  const decisions = useResource(`${from} ${to} ${atMs}`, (signal) =>
    ask('GET /volumes/decisions', { query: { from, to, limit: String(DECISIONS_MAX) }, signal }),
  );
  /** @throws Failure */
  const perform: Perform = async (meter, deed) => {
    const query = { meter, from, to: endOf(stretch, atMs), by: 'total' } as const;
    const { total: before } = await ask('GET /volumes', { query });
    await deed();
    // The service answers when the books have taken the ruling in.
    const { total: after } = await ask('GET /volumes', { query });
    setEffect({ meter, before, after });
    setChosen(null);
    changed();
  };
  const choose = (subject: Subject) => {
    setChosen(subject);
    setEffect(null);
  };
  const isChosen = (row: Decision) => chosen !== null && chosen !== 'another' && keyOf(chosen) === keyOf(row);
  const columns = columnsOf(may('engineer') ? isChosen : null, choose);
  return (
    <Sheet
      title={t('decisions')}
      name="decisions-sheet"
      tools={
        <>
          {may('engineer') && (
            <button type="button" aria-expanded={chosen === 'another'} onClick={() => choose('another')}>
              {t('ruleAnother')}
            </button>
          )}
          <CsvButton
            file="volume-decisions"
            text={() => csvOf(columns, decisions.data?.items ?? [])}
            disabled={!decisions.data}
          />
        </>
      }
    >
      {chosen !== null && (
        <Ruling
          key={chosen === 'another' ? chosen : keyOf(chosen)}
          subject={chosen}
          perform={perform}
          cancel={() => setChosen(null)}
        />
      )}
      <div role="status">{effect && <EffectWords effect={effect} />}</div>
      <Shown of={decisions} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t('noDecisions')}</Empty>
          ) : (
            <Table
              columns={columns}
              rows={items}
              keyOf={keyOf}
              caption={t('decisions')}
              rowClass={(row) => (isChosen(row) ? 'is-selected' : '')}
            />
          )
        }
      </Shown>
    </Sheet>
  );
}

/** @param isChosen null for whoever may not rule. */
function columnsOf(
  isChosen: ((row: Decision) => boolean) | null,
  choose: (decision: Decision) => void,
): Column<Decision>[] {
  const columns: Column<Decision>[] = [
    { head: t('time'), isName: true, cell: ({ time }) => format.second(time), csv: ({ time }) => time },
    { head: t('meter'), cell: ({ meter }) => <code>{meter}</code>, csv: ({ meter }) => meter },
    { head: t('decision'), cell: ({ kind }) => decisionWord(kind), csv: ({ kind }) => kind },
    numberColumn(t('before'), ({ before }) => before),
    numberColumn(t('after'), ({ after }) => after),
    numberColumn(t('booked'), ({ booked }) => booked),
    { head: t('decidedBy'), cell: ({ ruledBy }) => ruledBy ?? t('byTheRules'), csv: ({ ruledBy }) => ruledBy },
    {
      head: t('reason'),
      // The service's own words are English, an engineer's are as they were written.
      cell: ({ reason, ruledBy }) => (ruledBy === null ? <span lang="en">{reason}</span> : reason),
      csv: ({ reason }) => reason,
    },
  ];
  if (isChosen === null) return columns;
  return [
    ...columns,
    {
      head: t('ruling'),
      cell: (row) => (
        <button type="button" aria-expanded={isChosen(row)} onClick={() => choose(row)}>
          {t('overrule')}
        </button>
      ),
    },
  ];
}

/** @throws Failure */
type Perform = (meter: string, deed: () => Promise<unknown>) => Promise<void>;

function Ruling({ subject, perform, cancel }: { subject: Subject; perform: Perform; cancel: () => void }) {
  const about = subject === 'another' ? null : subject;
  const [other, setOther] = useState('');
  const meters = useResource('meters', (signal) => askAll('GET /meters', { signal }));
  const meter = about?.meter ?? (other || (meters.data?.[0]?.id ?? ''));
  const isFlow = meters.data?.find(({ id }) => id === meter)?.kind === 'flow';
  return (
    <div class="deed">
      {about && (
        <p>
          <b>{t('rulingAbout', { meter, time: format.second(about.time) })}</b> {decisionWord(about.kind)}
        </p>
      )}
      <DeedForm
        verb={t('overrule')}
        cancel={cancel}
        submit={(form) => {
          const time = about?.time ?? new Date(instantOf(textOf(form, 'time'))).toISOString();
          const body = { meter, time, kind: textOf(form, 'kind') as Kind, reason: textOf(form, 'reason') };
          return perform(meter, () => ask('POST /volumes/decisions', { body }));
        }}
      >
        {about === null && (
          <>
            <Select
              label={t('meter')}
              value={meter}
              choose={setOther}
              options={(meters.data ?? []).map(({ id }) => ({ value: id, label: id }))}
            />
            <label class="field">
              <span class="field-label">
                {t('readAt')} <span class="range-zone">{ZONE}</span>
              </span>
              <input type="datetime-local" name="time" step="1" required />
            </label>
          </>
        )}
        <label class="field">
          <span class="field-label">{t('decision')}</span>
          <select name="kind">
            {(isFlow ? FLOW_KINDS : REGISTER_KINDS).map((one) => (
              <option key={one} value={one}>
                {decisionWord(one)}
              </option>
            ))}
          </select>
        </label>
        <TextField name="reason" label={t('reason')} most={REASON_MAX} isRequired isFirst={about !== null} />
      </DeedForm>
      {about !== null && about.ruledBy !== null && (
        <DeedForm
          verb={t('undoRuling')}
          submit={() => perform(meter, () => ask('DELETE /volumes/decisions/{id}', { path: { id: about.id } }))}
        >
          <span class="hint">{t('undoRulingWhy')}</span>
        </DeedForm>
      )}
    </div>
  );
}

function EffectWords({ effect: { meter, before, after } }: { effect: Effect }) {
  const rows = [
    { name: t('volume'), of: (sum: Sum) => sum.cubicMetres, unit: 'm³' },
    { name: t('isMeasured'), of: (sum: Sum) => sum.measured, unit: 'm³' },
    { name: t('isEstimated'), of: (sum: Sum) => sum.estimated, unit: 'm³' },
    { name: t('unknownHoursHead'), of: (sum: Sum) => sum.unknownHours, unit: '' },
  ];
  return (
    <div class="effect">
      <p>{t('rulingChanged', { meter })}</p>
      <dl class="facts">
        {rows.map(({ name, of, unit }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {format.litres(of(before))} → <b>{format.litres(of(after))}</b> {unit} (
              {format.signed(of(after) - of(before))})
            </dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
