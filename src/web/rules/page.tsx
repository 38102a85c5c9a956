/** The rules: which there are, what each says, and the way to change one after having seen what it would have done. */
import { useState } from 'preact/hooks';
import { askAll } from '../core/api.ts';
import { t } from '../core/language.ts';
import { type Resource, useResource } from '../core/resource.ts';
import { hrefOf, navigate, place, query } from '../core/route.ts';
import { may } from '../core/session.ts';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Loading, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { RuleEditor } from './editor.tsx';
import { kindWord, saysOf, severityText, whereOf } from './gist.ts';
import { isKind, KINDS, type Members } from './members.ts';
import '../styles/rules.css';

export default function RulesPage() {
  const rules = useResource<readonly Members[]>('rules', (signal) => askAll('GET /rules', { signal }));
  const { id } = place.value;
  const kind = query.value.get('new');
  const isNew = id === null && isKind(kind);
  const chosen = rules.data?.find((rule) => rule.id === id);
  const isTaken = (one: string) => rules.data?.some((rule) => rule.id === one) ?? false;
  const [said, setSaid] = useState('');
  const saved = (savedId: string) => {
    setSaid(t('saved'));
    rules.reload();
    navigate(hrefOf('rules', savedId, { range: query.value.get('range') ?? undefined }));
  };
  return (
    <>
      <h1 class="unseen">{t('rules')}</h1>
      <div class={`rules-columns${id === null && !isNew ? '' : ' has-detail'}`}>
        <RuleList rules={rules} chosen={id} choose={() => setSaid('')} />
        {isNew && <RuleEditor key={`new ${kind}`} id={null} rule={{ kind }} isTaken={isTaken} saved={saved} said="" />}
        {id !== null && chosen && (
          <RuleEditor key={id} id={id} rule={chosen} isTaken={isTaken} saved={saved} said={said} />
        )}
        {/* One that was just saved is still being read. */}
        {id !== null && rules.data && !chosen && (said === '' ? <Empty>{t('noRule', { id })}</Empty> : <Loading />)}
      </div>
    </>
  );
}

function RuleList({
  rules,
  chosen,
  choose,
}: {
  rules: Resource<readonly Members[]>;
  chosen: string | null;
  choose: () => void;
}) {
  return (
    <Sheet
      title={t('rules')}
      name="rules-sheet"
      tools={
        <>
          {may('engineer') && <NewRule choose={choose} />}
          <CsvButton file="rules" text={() => csvOf(COLUMNS(choose), rules.data ?? [])} disabled={!rules.data} />
        </>
      }
    >
      {!may('engineer') && <p class="hint">{t('rulesNeedEngineer')}</p>}
      <Shown of={rules} lines={5}>
        {(found) =>
          found.length === 0 ? (
            <Empty>{t('noRules')}</Empty>
          ) : (
            <Table
              columns={COLUMNS(choose)}
              rows={found}
              keyOf={({ id }) => String(id)}
              caption={t('rules')}
              rowClass={({ id }) => (id === chosen ? 'is-selected' : '')}
            />
          )
        }
      </Shown>
    </Sheet>
  );
}

function NewRule({ choose }: { choose: () => void }) {
  return (
    <label class="field">
      <span class="field-label">{t('newRule')}</span>
      <select
        value={query.value.get('new') ?? ''}
        onChange={(event) => {
          choose();
          navigate(hrefOf('rules', null, { new: event.currentTarget.value }));
        }}
      >
        <option value="">{t('chooseKind')}</option>
        {KINDS.map((kind) => (
          <option key={kind} value={kind}>
            {kindWord(kind)}
          </option>
        ))}
      </select>
    </label>
  );
}

const COLUMNS = (choose: () => void): Column<Members>[] => [
  {
    head: t('rule'),
    isName: true,
    cell: ({ id }) => (
      <a href={hrefOf('rules', String(id))} onClick={choose}>
        {String(id)}
      </a>
    ),
    csv: ({ id }) => String(id),
  },
  { head: t('kind'), cell: ({ kind }) => kindWord(String(kind)), csv: ({ kind }) => String(kind) },
  { head: t('what'), cell: saysOf, csv: ({ says: _says, ...rule }) => JSON.stringify(rule) },
  { head: t('where'), cell: whereOf, csv: ({ select }) => JSON.stringify(select) },
  { head: t('severity'), cell: severityText, csv: severityText },
  {
    head: t('enabled'),
    cell: ({ enabled }) => t(enabled === false ? 'no' : 'yes'),
    csv: ({ enabled }) => String(enabled),
  },
];
