/** The inbox: filters in the address, many at once, and one in detail; beside it the operators' figures. */
import { useEffect, useState } from 'preact/hooks';
import type { Alarm } from '../api-types.ts';
import { type Answer, askPages } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { onLive } from '../core/live.ts';
import { nowMs } from '../core/now.ts';
import { type Resource, useResource } from '../core/resource.ts';
import { hrefOf, navigate, place, query } from '../core/route.ts';
import { stations } from '../core/watch.ts';
import { sign } from '../overview/alarms-panel.tsx';
import { aboutOf, stationName } from '../station/names.ts';
import { Choice } from '../ui/choice.tsx';
import { StateMark } from '../ui/marks.tsx';
import { More } from '../ui/more.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, Shown } from '../ui/states.tsx';
import { type Column, CsvButton, csvOf, Table } from '../ui/table.tsx';
import { AlarmActions } from './actions.tsx';
import { alarmColumns } from './columns.tsx';
import { AlarmDetail } from './detail.tsx';
import { AlarmFigures } from './figures.tsx';
import { AlarmFilters, filterOf } from './filters.tsx';
import { worstText } from './worst.ts';
import '../styles/alarms.css';

const PAGE = '100';

type Tab = 'inbox' | 'figures';

export default function AlarmsPage() {
  const { id } = place.value;
  const tab: Tab = id === null && query.value.get('tab') === 'figures' ? 'figures' : 'inbox';
  return (
    <>
      <h1 class="unseen">{t('alarms')}</h1>
      <div class="alarm-tabs">
        <Choice
          label={t('showAs')}
          value={tab}
          // What the other tab's address says, such as the range, means something else there.
          choose={(next) => navigate(hrefOf('alarms', null, { tab: next === 'figures' ? next : undefined }))}
          options={[
            { value: 'inbox', label: t('inbox') },
            { value: 'figures', label: t('operatorFigures') },
          ]}
        />
      </div>
      {tab === 'inbox' ? <InboxTab id={id} /> : <AlarmFigures />}
    </>
  );
}

function InboxTab({ id }: { id: string | null }) {
  const filter = filterOf(query.value);
  const [pages, setPages] = useState(1);
  const [round, setRound] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const alarms = useResource(JSON.stringify([filter, pages]), (signal) =>
    askPages('GET /alarms', { query: { ...filter, limit: PAGE }, signal }, pages),
  );
  const again = () => {
    alarms.reload();
    setRound((before) => before + 1);
  };
  useEffect(() => onLive((batch) => (batch.alarms.length > 0 || batch.reset) && again()));
  return (
    <div class={`alarms-columns${id === null ? '' : ' has-detail'}`}>
      <Sheet
        title={t('alarms')}
        name="inbox"
        note={
          alarms.data &&
          `${t('alarmsCount', { n: `${alarms.data.items.length}${alarms.data.next === null ? '' : '+'}` })} · ${format.zone(nowMs.value)}`
        }
        tools={
          <CsvButton
            file="alarms"
            text={() => csvOf(FILE_COLUMNS(), alarms.data?.items ?? [])}
            disabled={!alarms.data}
          />
        }
      >
        <AlarmFilters />
        <Inbox alarms={alarms} chosen={chosen} choose={setChosen} done={again} selected={id} />
        {alarms.data?.next && <More show={() => setPages(pages + 1)} />}
      </Sheet>
      {id !== null && <AlarmDetail id={id} round={round} changed={again} />}
    </div>
  );
}

function Inbox({
  alarms,
  chosen,
  choose,
  done,
  selected,
}: {
  alarms: Resource<Answer<'GET /alarms'>>;
  chosen: ReadonlySet<string>;
  choose: (chosen: ReadonlySet<string>) => void;
  done: () => void;
  selected: string | null;
}) {
  const items = alarms.data?.items ?? [];
  const marked = items.filter(({ id }) => chosen.has(id));
  const toggle = (id: string) => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    choose(next);
  };
  const box: Column<Alarm> = {
    head: t('choose'),
    cell: (alarm) => (
      <input
        type="checkbox"
        aria-label={t('chooseOne', {
          name: `${stationName(alarm.station, stations.value)} ${aboutOf(alarm)}`,
        })}
        checked={chosen.has(alarm.id)}
        onChange={() => toggle(alarm.id)}
      />
    ),
  };
  return (
    <Shown of={alarms} lines={8}>
      {() => (
        <>
          <fieldset class="bulk">
            <legend class="unseen">{t('bulk')}</legend>
            <label class="check">
              <input
                type="checkbox"
                checked={marked.length > 0 && marked.length === items.length}
                onChange={() => choose(new Set(marked.length === items.length ? [] : items.map(({ id }) => id)))}
              />
              {marked.length === 0 ? t('chooseAll') : t('chosen', { n: marked.length })}
            </label>
            {marked.length > 0 && <AlarmActions alarms={marked} done={done} />}
          </fieldset>
          {items.length === 0 ? (
            <Empty>{t('noSuchAlarms')}</Empty>
          ) : (
            <Table
              columns={[box, ...COLUMNS()]}
              rows={items}
              keyOf={({ id }) => id}
              caption={t('alarms')}
              rowClass={({ id, state }) => `is-${state}${id === selected ? ' is-selected' : ''}`}
            />
          )}
        </>
      )}
    </Shown>
  );
}

const COLUMNS = (): Column<Alarm>[] => {
  const { severity, station, parameter, value, reached, raisedAt } = alarmColumns();
  return [
    severity,
    {
      ...station,
      cell: (alarm) => (
        <a href={`${hrefOf('alarms', alarm.id)}${location.search}`}>{stationName(alarm.station, stations.value)}</a>
      ),
    },
    parameter,
    value,
    {
      head: t('limit'),
      align: 'end',
      cell: ({ limit, op }) => (limit === null ? '–' : `${op === null ? '' : sign(op)} ${format.value(limit)}`),
      csv: ({ limit }) => limit,
    },
    reached,
    { head: t('worst'), align: 'end', cell: (alarm) => worstText(alarm) ?? '–' },
    { head: t('state'), cell: (alarm) => <StateMark alarm={alarm} nowMs={nowMs.value} />, csv: ({ state }) => state },
    {
      ...raisedAt,
      cell: (alarm) => (
        <time dateTime={alarm.raisedAt} title={format.ago(alarm.raisedAt, nowMs.value)}>
          {format.second(alarm.raisedAt)}
        </time>
      ),
    },
  ];
};

/** `<0.02` where it is only a limit. */
const limitOrValue = (one: Pick<Alarm, 'value' | 'censored'> | null) =>
  one?.censored && one.value !== null ? `${one.censored}${one.value}` : (one?.value ?? null);

/** In a file the worst is taken apart. */
const FILE_COLUMNS = (): Column<Alarm>[] => [
  ...COLUMNS(),
  ...(['value', 'class', 'severity', 'at'] as const).map((name) => ({
    head: `worst.${name}`,
    cell: () => null,
    csv: ({ worst }: Alarm) => (name === 'value' ? limitOrValue(worst) : (worst?.[name] ?? null)),
  })),
];
