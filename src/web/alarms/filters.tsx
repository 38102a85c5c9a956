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
const FILTERS = ['state', 'severity', 'station', 'rule', 'from', 'to'] as const;

interface AlarmFilter {
  state: string | undefined;
  severity: string | undefined;
  station: string | undefined;
  rule: string | undefined;
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
    from: given('from'),
    to: last === undefined ? undefined : dayAfter(last),
  };
}

export function AlarmFilters() {
  const search = query.value;
  const rules = useResource('rules', (signal) => askAll('GET /rules', { signal }));
  const any = { value: '', label: t('any') };
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
        options={[any, ...SEVERITIES.map((severity) => ({ value: severity as string, label: severityWord(severity) }))]}
      />
      <Select
        label={t('station')}
        value={search.get('station') ?? ''}
        choose={(station) => setQuery({ station })}
        options={[
          any,
          { value: '_platform', label: t('platform') },
          ...[...stations.value.keys()].map((id) => ({ value: id, label: stationName(id, stations.value) })),
        ]}
      />
      <Select
        label={t('rule')}
        value={search.get('rule') ?? ''}
        choose={(rule) => setQuery({ rule })}
        options={[any, ...(rules.data ?? []).map(({ id }) => ({ value: id, label: id }))]}
      />
      <label class="field">
        <span class="field-label">{t('raisedFrom')}</span>
        <input
          type="date"
          value={search.get('from') ?? ''}
          onChange={(event) => setQuery({ from: event.currentTarget.value })}
        />
      </label>
      <label class="field">
        <span class="field-label">{t('to')}</span>
        <input
          type="date"
          value={search.get('to') ?? ''}
          onChange={(event) => setQuery({ to: event.currentTarget.value })}
        />
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
