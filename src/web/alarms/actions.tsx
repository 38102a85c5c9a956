/** What can be done to one alarm or to many: acknowledge, shelve for a reason, end the shelving, comment. */
import { useState } from 'preact/hooks';
import type { Alarm } from '../api-types.ts';
import { ask, Failure } from '../core/api.ts';
import { t } from '../core/language.ts';
import { nowMs, serviceNowMs } from '../core/now.ts';
import { may } from '../core/session.ts';
import type { Word } from '../core/words.ts';
import { DAY_MS, HOUR_MS } from '../core/zone.ts';
import { DeedForm, TextField, textOf } from '../ui/deed.tsx';
import { failureText } from '../ui/states.tsx';

type Deed = 'acknowledge' | 'shelve' | 'unshelve' | 'comment';

const SHELVE_MS = [HOUR_MS, 4 * HOUR_MS, 8 * HOUR_MS, DAY_MS, 7 * DAY_MS];
const DEED_WORDS: Record<Deed, Word> = {
  acknowledge: 'acknowledge',
  shelve: 'shelve',
  unshelve: 'unshelve',
  comment: 'comment',
};

/** @throws Failure */
async function perform(deed: Deed, id: string, text: string, shelvedMs: number): Promise<void> {
  const path = { id };
  if (deed === 'acknowledge') {
    await ask('POST /alarms/{id}/acknowledge', { path, body: text === '' ? {} : { comment: text } });
  } else if (deed === 'comment') {
    await ask('POST /alarms/{id}/comment', { path, body: { comment: text } });
  } else if (deed === 'unshelve') {
    await ask('POST /alarms/{id}/unshelve', { path, body: {} });
  } else {
    const until = new Date(serviceNowMs() + shelvedMs).toISOString();
    await ask('POST /alarms/{id}/shelve', { path, body: { until, reason: text } });
  }
}

const isAcknowledgeable = ({ state }: Alarm): boolean => state === 'raised' || state === 'returned';
const isShelvable = ({ state }: Alarm): boolean => state !== 'cleared' && state !== 'withdrawn';

export function AlarmActions({ alarms, done }: { alarms: readonly Alarm[]; done: () => void }) {
  const [deed, setDeed] = useState<Deed | null>(null);
  const [said, setSaid] = useState('');
  if (!may('operator')) return <p class="hint">{t('needsOperator')}</p>;
  const isShelved = (alarm: Alarm) => alarm.shelvedUntil !== null && Date.parse(alarm.shelvedUntil) > nowMs.value;
  const fitting: Record<Deed, readonly Alarm[]> = {
    acknowledge: alarms.filter(isAcknowledgeable),
    shelve: alarms.filter((alarm) => isShelvable(alarm) && !isShelved(alarm)),
    unshelve: alarms.filter(isShelved),
    comment: alarms,
  };
  const run = async (chosen: Deed, text: string, shelvedMs: number) => {
    setSaid('');
    const failures: string[] = [];
    // One after the other: the service counts requests, and what failed is told by name.
    for (const { id } of fitting[chosen]) {
      await perform(chosen, id, text, shelvedMs).catch((error: unknown) => {
        failures.push(`${id}: ${error instanceof Failure ? failureText(error) : String(error)}`);
      });
    }
    setDeed(null);
    setSaid(failures.length === 0 ? t('doneFor', { n: fitting[chosen].length }) : failures.join(' · '));
    done();
  };
  const deeds = (Object.keys(DEED_WORDS) as Deed[]).filter((one) => one !== 'unshelve' || fitting.unshelve.length > 0);
  return (
    <div class="alarm-actions">
      <div class="alarm-deeds">
        {deeds.map((one) => (
          <button
            key={one}
            type="button"
            class={one === 'acknowledge' ? 'primary' : ''}
            disabled={fitting[one].length === 0}
            aria-expanded={one === 'unshelve' ? undefined : deed === one}
            onClick={() => (one === 'unshelve' ? void run(one, '', 0) : setDeed(deed === one ? null : one))}
          >
            {t(DEED_WORDS[one])}
            {alarms.length > 1 && ` (${fitting[one].length})`}
          </button>
        ))}
        <span role="status">{said}</span>
      </div>
      {deed !== null && <ActionForm key={deed} deed={deed} submit={(text, shelvedMs) => run(deed, text, shelvedMs)} />}
    </div>
  );
}

function ActionForm({ deed, submit }: { deed: Deed; submit: (text: string, shelvedMs: number) => Promise<void> }) {
  return (
    <DeedForm verb={t(DEED_WORDS[deed])} submit={(form) => submit(textOf(form, 'text'), Number(form.get('ms') ?? 0))}>
      {deed === 'shelve' && (
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
      <TextField
        name="text"
        label={deed === 'shelve' ? t('reason') : deed === 'acknowledge' ? t('commentOptional') : t('comment')}
        isRequired={deed !== 'acknowledge'}
        isFirst
      />
    </DeedForm>
  );
}
