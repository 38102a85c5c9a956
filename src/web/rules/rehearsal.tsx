/** Runs the rule that stands in the form over the past, before it is saved; going away, or "cancel", ends it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Api } from '../api-types.ts';
import { type Answer, ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { serviceNowMs } from '../core/now.ts';
import { query, setQuery } from '../core/route.ts';
import { DAY_MS } from '../core/zone.ts';
import { Choice } from '../ui/choice.tsx';
import { Sheet } from '../ui/sheet.tsx';
import type { Draft, Members } from './members.ts';
import { Rehearsed } from './rehearsed.tsx';

const LENGTHS = { P7D: 7, P30D: 30, P90D: 90 } as const;
type Length = keyof typeof LENGTHS;
const FIRST: Length = 'P7D';

type Answered = Answer<'POST /rules/rehearse'>;

export function RehearsalSheet({
  replaces,
  draft,
  proposed,
  refuse,
}: {
  /** The rule that it is compared with; null: a new one. */
  replaces: string | null;
  draft: Draft;
  /** What stands in the form, as a rule; null when it can't be sent, which the form then says. */
  proposed: () => Members | null;
  refuse: (error: unknown) => void;
}) {
  const asked = query.value.get('range');
  const length = asked !== null && asked in LENGTHS ? (asked as Length) : FIRST;
  const [found, setFound] = useState<{ answer: Answered; of: Draft } | null>(null);
  const [startedMs, setStartedMs] = useState<number | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);
  const rehearse = async () => {
    const rule = proposed();
    if (!rule) return;
    running.current = new AbortController();
    const { signal } = running.current;
    setFound(null);
    setStartedMs(performance.now());
    const from = new Date(serviceNowMs() - LENGTHS[length] * DAY_MS).toISOString();
    const body = { rule, from, id: replaces ?? undefined } as Api['POST /rules/rehearse']['body'];
    try {
      setFound({ answer: await ask('POST /rules/rehearse', { body, signal }), of: draft });
    } catch (error) {
      if (!signal.aborted) refuse(error);
    }
    if (running.current.signal === signal) setStartedMs(null);
  };
  return (
    <Sheet title={t('rehearsal')} name="rehearsal-sheet">
      <p class="hint">{t('rehearsalHint')}</p>
      <div class="rehearsal-controls">
        <Choice
          label={t('range')}
          value={length}
          choose={(next) => setQuery({ range: next === FIRST ? undefined : next }, { replace: true })}
          options={(Object.keys(LENGTHS) as Length[]).map((value) => ({
            value,
            label: t('lastDays', { n: LENGTHS[value] }),
          }))}
        />
        <button type="button" class="primary" disabled={startedMs !== null} onClick={() => void rehearse()}>
          {t('rehearse')}
        </button>
        {startedMs !== null && (
          <button type="button" onClick={() => running.current?.abort()}>
            {t('cancel')}
          </button>
        )}
        <span role="status">{startedMs !== null && <Running sinceMs={startedMs} />}</span>
      </div>
      {found && found.of !== draft && <p class="hint">{t('rehearsalOld')}</p>}
      {found && <Rehearsed found={found.answer} />}
    </Sheet>
  );
}

function Running({ sinceMs }: { sinceMs: number }) {
  const [ms, setMs] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setMs(performance.now() - sinceMs), 1000);
    return () => clearInterval(timer);
  }, [sinceMs]);
  return <>{t('rehearsing', { time: format.lasting(ms) })}</>;
}
