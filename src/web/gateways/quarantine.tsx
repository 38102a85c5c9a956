/** What was refused, why, what it looked like, and the way back in. Payloads are text here, whatever they contain. */
import { useState } from 'preact/hooks';
import { type Answer, ask, askAll, askPages, Failure, type Item } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { query, setQuery } from '../core/route.ts';
import { may } from '../core/session.ts';
import { More } from '../ui/more.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { Empty, failureText, Shown } from '../ui/states.tsx';
import { CsvButton, toRows } from '../ui/table.tsx';

type Quarantined = Item<'GET /quarantine'>;
type Filter = { gateway?: string; code?: Quarantined['code'] };
type Receipt = Answer<'POST /quarantine/{id}/replay'>;

const PAGE = '50';

export function QuarantineSheet() {
  return may('engineer') ? (
    <Quarantine />
  ) : (
    <Sheet title={t('quarantine')}>
      <Empty>{t('needsEngineer')}</Empty>
    </Sheet>
  );
}

function Quarantine() {
  const [pages, setPages] = useState(1);
  const gateway = query.value.get('gateway') ?? '';
  const code = query.value.get('code') ?? '';
  // A code that there isn't, in an address that somebody typed, is refused by the service.
  const filter: Filter = { ...(gateway && { gateway }), ...(code && { code: code as Quarantined['code'] }) };
  const found = useResource(`quarantine ${pages} ${gateway} ${code}`, (signal) =>
    askPages('GET /quarantine', { query: { limit: PAGE, ...filter }, signal }, pages),
  );
  const registered = useResource('gateways', (signal) => askAll('GET /gateways', { signal }));
  const items = found.data?.items ?? [];
  const gateways = [...items.map((item) => item.gateway), ...(registered.data ?? []).map(({ id }) => id)];
  return (
    <Sheet
      title={t('quarantine')}
      name="quarantine-sheet"
      note={found.data && t('itemsCount', { n: `${items.length}${found.data.next === null ? '' : '+'}` })}
      tools={
        <>
          <Choice name="gateway" label={t('gateway')} all={t('allGateways')} chosen={gateway} of={gateways} />
          <Choice name="code" label={t('code')} all={t('allCodes')} chosen={code} of={items.map((item) => item.code)} />
          <ReplayAll filter={filter} disabled={items.length === 0} done={found.reload} />
          <button type="button" onClick={found.reload}>
            {t('refresh')}
          </button>
          <CsvButton
            file="quarantine"
            disabled={items.length === 0}
            text={() => toRows(['id', 'at', 'gateway', 'code', 'path', 'message', 'count', 'sample'], items)}
          />
        </>
      }
    >
      <Shown of={found} lines={5}>
        {({ next }) =>
          items.length === 0 ? (
            <Empty>{t('nothingQuarantined')}</Empty>
          ) : (
            <>
              <ul class="quarantine-list">
                {items.map((item) => (
                  <QuarantineItem key={item.id} item={item} />
                ))}
              </ul>
              {next !== null && <More show={() => setPages(pages + 1)} />}
            </>
          )
        }
      </Shown>
    </Sheet>
  );
}

/** One of what there is, or all; what is chosen can be chosen again, whatever is listed now. */
function Choice({
  name,
  label,
  all,
  chosen,
  of,
}: {
  name: string;
  label: string;
  all: string;
  chosen: string;
  of: readonly string[];
}) {
  const choices = [...new Set([...of, ...(chosen === '' ? [] : [chosen])])].sort();
  return (
    <select aria-label={label} value={chosen} onChange={(event) => setQuery({ [name]: event.currentTarget.value })}>
      <option value="">{all}</option>
      {choices.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  );
}

/** Puts the oldest hundred of what is chosen through the door again. */
function ReplayAll({ filter, disabled, done }: { filter: Filter; disabled: boolean; done: () => void }) {
  const [said, setSaid] = useState('');
  const replay = async () => {
    setSaid('…');
    try {
      const { replayed, left, next } = await ask('POST /quarantine/replay', { query: filter });
      setSaid(t('replayedAll', { replayed, left }) + (next === null ? '' : ` ${t('replayMore')}`));
      done();
    } catch (error) {
      setSaid(error instanceof Failure ? failureText(error) : String(error));
    }
  };
  return (
    <>
      <span role="status">{said}</span>
      <button type="button" disabled={disabled} onClick={() => void replay()}>
        {t('replayAll')}
      </button>
    </>
  );
}

function QuarantineItem({ item }: { item: Quarantined }) {
  const [said, setSaid] = useState('');
  const say = async (deed: () => Promise<string>) => {
    setSaid('…');
    try {
      setSaid(await deed());
    } catch (error) {
      setSaid(error instanceof Failure ? failureText(error) : String(error));
    }
  };
  const asked = { path: { id: item.id } };
  const replay = () => say(async () => receiptWords(await ask('POST /quarantine/{id}/replay', asked)));
  const dismiss = () => say(async () => ask('DELETE /quarantine/{id}', asked).then(() => t('thrownAway')));
  return (
    <li>
      <div class="quarantine-head">
        <time dateTime={item.at}>{format.second(item.at)}</time>
        <code class="gateway">{item.gateway}</code>
        <code class="code">{item.code}</code>
        {item.path !== undefined && <code class="quiet-text">{item.path}</code>}
        {item.count !== undefined && (
          <span class="quiet-text">{t('valuesCount', { n: format.whole(item.count) })}</span>
        )}
        <button type="button" onClick={() => void replay()}>
          {t('replay')}
        </button>
        <button type="button" class="quiet" onClick={() => void dismiss()}>
          {t('throwAway')}
        </button>
      </div>
      <p lang="en">{item.message}</p>
      <details>
        <summary>{t('payload')}</summary>
        <pre>{item.sample}</pre>
      </details>
      <p class="replay-said" role="status">
        {said}
      </p>
    </li>
  );
}

function receiptWords({ accepted, duplicates, corrections, pending, quarantined }: Receipt): string {
  const again = quarantined.map(({ code, message }) => `${code}: ${message}`).join(' · ');
  const refused = quarantined.reduce((sum, { count = 1 }) => sum + count, 0);
  return `${t('receipt', { accepted, duplicates, corrections, pending, quarantined: refused })}${again && ` · ${again}`}`;
}
