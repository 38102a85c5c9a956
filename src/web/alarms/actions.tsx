/** What can be done to one alarm or to many: take over, give back, hand over, reset, shelve for a reason, comment. */
import { useState } from 'preact/hooks';
import type { Alarm } from '../api-types.ts';
import { ask, Failure } from '../core/api.ts';
import { t } from '../core/language.ts';
import { nowMs, serviceNowMs } from '../core/now.ts';
import { may } from '../core/session.ts';
import type { Word } from '../core/words.ts';
import { DAY_MS, HOUR_MS } from '../core/zone.ts';
import { DeedForm, TextField, textOf } from '../ui/deed.tsx';
import { isShelved } from '../ui/marks.tsx';
import { failureText } from '../ui/states.tsx';

const SHELVE_MS = [HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, DAY_MS, 7 * DAY_MS];

/** What a deed's form was filled in with. */
interface Given {
  text: string;
  to: string;
  shelvedMs: number;
}
const NOTHING_GIVEN: Given = { text: '', to: '', shelvedMs: 0 };

interface Deed {
  word: Word;
  /** Whether its button stands there when no alarm is in a state for it. */
  isAlwaysOffered?: boolean;
  fits: (alarm: Alarm) => boolean;
  /** What its text is called; absent: it is done at once, without a form. */
  text?: { label: Word; isRequired: boolean };
  perform: (id: string, given: Given) => Promise<unknown>;
}

const commented = ({ text }: Given) => (text === '' ? {} : { comment: text });
const OPTIONAL = { label: 'commentOptional', isRequired: false } as const;

/** In the order of their buttons; the service judges by the same states (docs/alarms.md). */
const DEEDS = {
  acknowledge: {
    word: 'acknowledge',
    isAlwaysOffered: true,
    fits: ({ state }) => state === 'raised' || state === 'returned',
    text: OPTIONAL,
    perform: (id, given) => ask('POST /alarms/{id}/acknowledge', { path: { id }, body: commented(given) }),
  },
  reset: {
    word: 'reset',
    fits: ({ latched }) => latched,
    text: OPTIONAL,
    perform: (id, given) => ask('POST /alarms/{id}/reset', { path: { id }, body: commented(given) }),
  },
  handOver: {
    word: 'handOver',
    fits: ({ state }) => state === 'acknowledged',
    text: OPTIONAL,
    perform: (id, given) =>
      ask('POST /alarms/{id}/hand-over', { path: { id }, body: { to: given.to, ...commented(given) } }),
  },
  unacknowledge: {
    word: 'unacknowledge',
    fits: ({ state }) => state === 'acknowledged',
    text: OPTIONAL,
    perform: (id, given) => ask('POST /alarms/{id}/unacknowledge', { path: { id }, body: commented(given) }),
  },
  shelve: {
    word: 'shelve',
    isAlwaysOffered: true,
    fits: (alarm) => alarm.state !== 'cleared' && alarm.state !== 'withdrawn' && !isShelved(alarm, nowMs.value),
    text: { label: 'reason', isRequired: true },
    perform: (id, { text, shelvedMs }) => {
      const until = new Date(serviceNowMs() + shelvedMs).toISOString();
      return ask('POST /alarms/{id}/shelve', { path: { id }, body: { until, reason: text } });
    },
  },
  unshelve: {
    word: 'unshelve',
    fits: (alarm) => isShelved(alarm, nowMs.value),
    perform: (id) => ask('POST /alarms/{id}/unshelve', { path: { id }, body: {} }),
  },
  comment: {
    word: 'comment',
    isAlwaysOffered: true,
    fits: () => true,
    text: { label: 'comment', isRequired: true },
    perform: (id, { text }) => ask('POST /alarms/{id}/comment', { path: { id }, body: { comment: text } }),
  },
} as const satisfies Record<string, Deed>;
type DeedName = keyof typeof DEEDS;
const deedOf = (name: DeedName): Deed => DEEDS[name];

export function AlarmActions({ alarms, done }: { alarms: readonly Alarm[]; done: () => void }) {
  const [open, setOpen] = useState<DeedName | null>(null);
  const [said, setSaid] = useState('');
  if (!may('operator')) return <p class="hint">{t('needsOperator')}</p>;
  const fitting = (name: DeedName) => alarms.filter(deedOf(name).fits);
  const run = async (name: DeedName, given: Given) => {
    setSaid('');
    const chosen = fitting(name);
    const failures: string[] = [];
    // One after the other: the service counts requests, and what failed is told by name.
    for (const { id } of chosen) {
      await deedOf(name)
        .perform(id, given)
        .catch((error: unknown) => {
          failures.push(`${id}: ${error instanceof Failure ? failureText(error) : String(error)}`);
        });
    }
    setOpen(null);
    setSaid(failures.length === 0 ? t('doneFor', { n: chosen.length }) : failures.join(' · '));
    done();
  };
  const offered = (Object.keys(DEEDS) as DeedName[]).filter(
    (name) => deedOf(name).isAlwaysOffered || fitting(name).length > 0,
  );
  return (
    <div class="alarm-actions">
      <div class="alarm-deeds">
        {offered.map((name) => {
          const { word, text } = deedOf(name);
          return (
            <button
              key={name}
              type="button"
              class={name === 'acknowledge' ? 'primary' : ''}
              disabled={fitting(name).length === 0}
              aria-expanded={text ? open === name : undefined}
              onClick={() => (text ? setOpen(open === name ? null : name) : void run(name, NOTHING_GIVEN))}
            >
              {t(word)}
              {alarms.length > 1 && ` (${fitting(name).length})`}
            </button>
          );
        })}
        <span role="status">{said}</span>
      </div>
      {open !== null && <ActionForm key={open} name={open} submit={(given) => run(open, given)} />}
    </div>
  );
}

/** As the service takes it. */
const NAME_MAX = 200;

function ActionForm({ name, submit }: { name: DeedName; submit: (given: Given) => Promise<void> }) {
  const { word, text } = deedOf(name);
  return (
    <DeedForm
      verb={t(word)}
      submit={(form) =>
        submit({ text: textOf(form, 'text'), to: textOf(form, 'to'), shelvedMs: Number(form.get('ms') ?? 0) })
      }
    >
      {name === 'shelve' && (
        <label class="field">
          <span class="field-label">{t('shelveFor')}</span>
          <select name="ms">
            {SHELVE_MS.map((ms) => (
              <option key={ms} value={ms}>
                {ms < DAY_MS ? t('hours', { n: ms / HOUR_MS }) : t('days', { n: ms / DAY_MS })}
              </option>
            ))}
          </select>
        </label>
      )}
      {name === 'handOver' && <TextField name="to" label={t('handOverTo')} most={NAME_MAX} isRequired isFirst />}
      {text && (
        <TextField name="text" label={t(text.label)} isRequired={text.isRequired} isFirst={name !== 'handOver'} />
      )}
    </DeedForm>
  );
}
