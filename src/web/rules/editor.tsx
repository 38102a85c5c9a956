/** One rule: its members in fields and JSON, the rehearsal of what stands there, and saving it. */
import { useState } from 'preact/hooks';
import type { Api } from '../api-types.ts';
import { ask, Failure, type Fault } from '../core/api.ts';
import { t } from '../core/language.ts';
import { hrefOf } from '../core/route.ts';
import { may } from '../core/session.ts';
import { WORDS, type Word } from '../core/words.ts';
import { Sheet } from '../ui/sheet.tsx';
import { failureText } from '../ui/states.tsx';
import { RuleField } from './field.tsx';
import { kindWord, saysOf } from './gist.ts';
import { type Draft, emptyDraft, faultsAt, fieldsOf, isKind, type Members, REST, toDraft, toRule } from './members.ts';
import { RehearsalSheet } from './rehearsal.tsx';

interface Refusal {
  text: string;
  faults: readonly Fault[];
}
const ROWS_MAX = 14;
const NONE: Refusal = { text: '', faults: [] };

/** @param id null: it is a new one, of the kind that `rule` names. @param isTaken whether there is a rule of this id. */
export function RuleEditor({
  id,
  rule,
  isTaken,
  saved,
  said,
}: {
  id: string | null;
  rule: Members;
  isTaken: (id: string) => boolean;
  saved: (id: string) => void;
  said: string;
}) {
  const [draft, setDraft] = useState<Draft>(() =>
    id === null && isKind(String(rule.kind)) ? emptyDraft(rule.kind as 'class') : toDraft(rule),
  );
  /** Whether anything has been typed since it was saved. */
  const [isTouched, setTouched] = useState(false);
  const change = (next: Draft) => {
    setDraft(next);
    setTouched(true);
  };
  const [newId, setNewId] = useState('');
  const [refusal, setRefusal] = useState<Refusal>(NONE);
  const refuse = (error: unknown) => {
    const failure = error instanceof Failure ? error : new Failure(0, 'unknown', String(error));
    setRefusal({ text: failureText(failure), faults: failure.faults });
  };
  /** What may be sent; null when it isn't worth it, which is then said. */
  const checked = (): Members | null => {
    const { rule: proposed, faults } = toRule(draft);
    setRefusal({ text: '', faults });
    return faults.length === 0 ? proposed : null;
  };
  const save = async () => {
    const body = checked();
    if (!body) return;
    const path = { id: id ?? newId.trim() };
    if (id === null && isTaken(path.id)) {
      setRefusal({ text: t('ruleIdTaken', path), faults: [] });
      return;
    }
    try {
      await ask('PUT /rules/{id}', { path, body: body as Api['PUT /rules/{id}']['body'] });
      setTouched(false);
      saved(path.id);
    } catch (error) {
      refuse(error);
    }
  };
  return (
    <>
      <Sheet
        title={id ?? t('newRule')}
        note={kindWord(draft.kind)}
        name="rule-editor"
        tools={
          <a href={hrefOf('rules')} aria-label={t('close')} class="close">
            ✕
          </a>
        }
      >
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          {id !== null && !isTouched && <p class="hint rule-says">{saysOf(rule)}</p>}
          <fieldset class="rule-fields" disabled={!may('engineer')}>
            <legend class="unseen">{id ?? t('newRule')}</legend>
            {id === null && <IdField id={newId} enter={setNewId} />}
            <MemberFields draft={draft} change={change} faults={refusal.faults} />
          </fieldset>
          <Refused kind={draft.kind} refusal={refusal} />
          {may('engineer') && (
            <p class="rule-save">
              <button type="submit">{t('save')}</button> <span role="status">{isTouched ? '' : said}</span>
            </p>
          )}
        </form>
      </Sheet>
      {may('engineer') && <RehearsalSheet replaces={id} draft={draft} proposed={checked} refuse={refuse} />}
    </>
  );
}

const ID_MAX = 64;

function IdField({ id, enter }: { id: string; enter: (id: string) => void }) {
  return (
    <label class="rule-field">
      <span>{t('ruleId')}</span>
      <input
        value={id}
        onInput={(event) => enter(event.currentTarget.value)}
        required
        maxLength={ID_MAX}
        autoComplete="off"
      />
    </label>
  );
}

function MemberFields({
  draft,
  change,
  faults,
}: {
  draft: Draft;
  change: (draft: Draft) => void;
  faults: readonly Fault[];
}) {
  return (
    <>
      {fieldsOf(draft.kind).map((field) => (
        <RuleField
          key={field.path}
          field={field}
          entry={draft.entries[field.path] ?? ''}
          enter={(entry) => change({ ...draft, entries: { ...draft.entries, [field.path]: entry } })}
          faults={faultTexts(faultsAt(field.path, faults, draft.kind))}
        />
      ))}
      <label class="rule-field is-wide">
        <span>{t('otherMembers')}</span>
        <textarea
          value={draft.rest}
          rows={Math.min(2 + draft.rest.split('\n').length, ROWS_MAX)}
          spellcheck={false}
          onInput={(event) => change({ ...draft, rest: event.currentTarget.value })}
        />
        <small>{t('restHint')}</small>
      </label>
    </>
  );
}

/** What is said against the rule as a whole, or against members without a field. */
function Refused({ kind, refusal: { text, faults } }: { kind: string; refusal: Refusal }) {
  return (
    <div class="rule-refusal" role="alert">
      {text !== '' && <p>{text}</p>}
      {faultsAt(REST, faults, kind).map(({ path, message }) => (
        <p key={path}>
          {path !== '' && <code>{path}</code>} {faultText(message)}
        </p>
      ))}
    </div>
  );
}

/** Our own are words; the service's are text. */
const faultText = (message: string): string => (message in WORDS ? t(message as Word) : message);
const faultTexts = (faults: readonly Fault[]): string => faults.map(({ message }) => faultText(message)).join(' ');
