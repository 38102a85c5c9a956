/** What was refused, why, what it looked like, and the way back in. Payloads are text here, whatever they contain. */
import { useState } from 'preact/hooks';
import { type Answer, ask, askPages, Failure, type Item } from '../core/api.ts';
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
  const found = useResource(`quarantine ${pages}`, (signal) =>
    askPages('GET /quarantine', { query: { limit: PAGE }, signal }, pages),
  );
  const gateway = query.value.get('gateway') ?? '';
  const items = (found.data?.items ?? []).filter((item) => gateway === '' || item.gateway === gateway);
  const gateways = [...new Set((found.data?.items ?? []).map((item) => item.gateway))].sort();
  return (
    <Sheet
      title={t('quarantine')}
      name="quarantine-sheet"
      note={found.data && t('itemsCount', { n: `${items.length}${found.data.next === null ? '' : '+'}` })}
      tools={
        <>
          <select
            aria-label={t('gateway')}
            value={gateway}
            onChange={(event) => setQuery({ gateway: event.currentTarget.value })}
          >
            <option value="">{t('allGateways')}</option>
            {gateways.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
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

function QuarantineItem({ item }: { item: Quarantined }) {
  const [said, setSaid] = useState('');
  const replay = async () => {
    setSaid('…');
    try {
      setSaid(receiptWords(await ask('POST /quarantine/{id}/replay', { path: { id: item.id } })));
    } catch (error) {
      setSaid(error instanceof Failure ? failureText(error) : String(error));
    }
  };
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
