/** What was taken in against what was given out, and meters that disagree. */
import { type Answer, ask } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { useResource } from '../core/resource.ts';
import { Sheet } from '../ui/sheet.tsx';
import { Shown } from '../ui/states.tsx';
import { Unknown } from '../ui/unknown.tsx';
import { endOf, type Stretch } from './books.ts';

export function BalanceSheet({ stretch, untilMs }: { stretch: Stretch; untilMs: number }) {
  const query = { from: stretch.from, to: endOf(stretch, untilMs), by: 'total' } as const;
  const balance = useResource(JSON.stringify(query), (signal) => ask('GET /balances', { query, signal }));
  return (
    <Sheet title={t('balance')}>
      <Shown of={balance} lines={5}>
        {({ total, divergences }) => (
          <>
            <BalanceTable total={total} />
            {divergences.map((one) => (
              <p key={`${one.meter} ${one.against}`} class="hint">
                {t('divergence', {
                  meter: one.meter,
                  against: one.against,
                  difference: one.difference === null ? '–' : format.volumeText(one.difference),
                  share: one.share === null ? '–' : format.share(one.share, 2),
                })}{' '}
                <Unknown hours={one.unknownHours} />
              </p>
            ))}
          </>
        )}
      </Shown>
    </Sheet>
  );
}

function BalanceTable({ total }: { total: Answer<'GET /balances'>['total'] }) {
  const rows = (['intake', 'delivery', 'release', 'ecological'] as const)
    .map((kind) => ({ kind, ...total[kind] }))
    .filter(
      ({ kind, cubicMetres, unknownHours }) =>
        kind === 'intake' || kind === 'delivery' || cubicMetres !== 0 || unknownHours > 0,
    );
  return (
    <div class="table-frame">
      <table>
        <caption class="unseen">{t('balance')}</caption>
        <tbody>
          {rows.map(({ kind, cubicMetres, unknownHours }) => (
            <tr key={kind}>
              <th scope="row">
                {kind === 'intake' ? '' : '− '}
                {t(`balance-${kind}`)}
              </th>
              <td class="end">
                {format.litres(cubicMetres)} m³ <Unknown hours={unknownHours} />
              </td>
            </tr>
          ))}
          <tr class="is-sum">
            <th scope="row">= {t('loss')}</th>
            <td class="end">
              <b>{total.loss === null ? '–' : `${format.litres(total.loss)} m³`}</b>
              {total.lossShare !== null && ` (${format.share(total.lossShare, 2)})`}{' '}
              <Unknown hours={total.lossUnknownHours} />
            </td>
          </tr>
        </tbody>
      </table>
    </div>
  );
}
