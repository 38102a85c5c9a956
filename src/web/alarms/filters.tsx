/** What the inbox shows, as the address says it. */
import { askAll } from '../core/api.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import { stations } from '../core/watch.ts';
import { dayAfter } from '../core/zone.ts';
import { stationName } from '../station/names.ts';
import { Choice, Select } from '../ui/choice.tsx';
import { SEVERITIES, severityWord, stateWord } from '../ui/marks.tsx';

const STATES = ['raised', 'acknowledged', 'returned', 'cleared', 'withdrawn'] as const;
const OPEN = 'raised,acknowledged,returned';
const FILTERS = ['state', 'severity', 'station', 'rule', 'chattering', 'from', 'to'] as const;

interface AlarmFilter {
  state: string | undefined;
  severity: string | undefined;
  station: string | undefined;
  rule: string | undefined;
  chattering: 'true' | undefined;
  from: string | undefined;
  to: string | undefined;
}

/** As the service is asked. Days are whole: the last one belongs to it. */
export function filterOf(search: URLSearchParams): AlarmFilter {
  const given = (name: string) => search.get(name) ?? undefined;
  const state = given('state') ?? 'open';
  const last = given('to');
  return {
    state: state === 'open' ? OPEN : state === 'all' ? undefined : state,
    severity: given('severity'),
    station: given('station'),
    rule: given('rule'),
    chattering: given('chattering') === 'true' ? 'true' : undefined,
    from: given('from'),
    to: last === undefined ? undefined : dayAfter(last),
  };
}

export function AlarmFilters() {
  const search = query.value;
  const isFiltered = FILTERS.some((name) => search.has(name));
  return (
    <search class="filters" aria-label={t('filters')}>
      <Choice
        label={t('state')}
        value={search.get('state') ?? 'open'}
        choose={(state) => setQuery({ state: state === 'open' ? undefined : state })}
        options={[
          { value: 'open', label: t('openOnes') },
          ...STATES.map((state) => ({ value: state, label: stateWord(state) })),
          { value: 'all', label: t('all') },
        ]}
      />
      <Select
        label={t('severity')}
        value={search.get('severity') ?? ''}
        choose={(severity) => setQuery({ severity })}
        options={[
          anyOne(),
          ...SEVERITIES.map((severity) => ({ value: severity as string, label: severityWord(severity) })),
        ]}
      />
      <StationSelect />
      <RuleSelect />
      <DayField name="from" label={t('raisedFrom')} />
      <DayField name="to" label={t('to')} />
      <label class="check">
        <input
          type="checkbox"
          checked={search.get('chattering') === 'true'}
          onChange={(event) => setQuery({ chattering: event.currentTarget.checked ? 'true' : undefined })}
        />
        {t('chattering')}
      </label>
      {isFiltered && (
        <button
          type="button"
          class="quiet"
          onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
        >
          {t('clearFilters')}
        </button>
      )}
    </search>
  );
}

const anyOne = () => ({ value: '', label: t('any') });

export function StationSelect() {
  return (
    <Select
      label={t('station')}
      value={query.value.get('station') ?? ''}
      choose={(station) => setQuery({ station })}
      options={[
        anyOne(),
        { value: '_platform', label: t('platform') },
        ...[...stations.value.keys()].map((id) => ({ value: id, label: stationName(id, stations.value) })),
      ]}
    />
  );
}

export function RuleSelect() {
  const rules = useResource('rules', (signal) => askAll('GET /rules', { signal }));
  return (
    <Select
      label={t('rule')}
      value={query.value.get('rule') ?? ''}
      choose={(rule) => setQuery({ rule })}
      options={[anyOne(), ...(rules.data ?? []).map(({ id }) => ({ value: id, label: id }))]}
    />
  );
}

/** A day that stands in the address. */
function DayField({ name, label }: { name: 'from' | 'to'; label: string }) {
  return (
    <label class="field">
      <span class="field-label">{label}</span>
      <input
        type="date"
        value={query.value.get(name) ?? ''}
        onChange={(event) => setQuery({ [name]: event.currentTarget.value })}
      />
    </label>
  );
}
