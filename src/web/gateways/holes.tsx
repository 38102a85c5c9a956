/** Which messages of a gateway never came, by its own numbers, and closing them for whoever knows that they never will. */
import { useState } from 'preact/hooks';
import { ask, type Item } from '../core/api.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { may } from '../core/session.ts';
import { DeedForm, TextField, textOf } from '../ui/deed.tsx';

type Gateway = Item<'GET /gateways'>;
type Hole = Gateway['sequence']['holes'][number];

const REASON_MAX = 500;

/** Of the gateways that are given those that lack anything; nothing when none does. */
export function HolesList({ gateways, closed }: { gateways: readonly Gateway[]; closed: () => void }) {
  const holed = gateways.filter(({ sequence }) => sequence.missing > 0 || sequence.lost.count > 0);
  if (holed.length === 0) return null;
  return (
    <section class="holes" aria-label={t('holesTitle')}>
      <h3>{t('holesTitle')}</h3>
      <ul>
        {holed.map((gateway) => (
          <GatewayHoles key={gateway.id} gateway={gateway} closed={closed} />
        ))}
      </ul>
    </section>
  );
}

/** Times in which the broker may have lost what gateways sent; nothing when there are none. */
export function PossibleGaps({ gateways }: { gateways: readonly Gateway[] }) {
  const all = gateways.flatMap(({ id, possibleGaps = [] }) => possibleGaps.map((gap) => ({ ...gap, id })));
  if (all.length === 0) return null;
  const gaps = [...Map.groupBy(all, ({ from, to }) => `${from} ${to}`).values()];
  return (
    <section class="holes" aria-label={t('gapsTitle')}>
      <h3>{t('gapsTitle')}</h3>
      <ul>
        {gaps.map((some) => (
          <li key={some[0]!.from}>
            <span class="is-warning">
              {format.second(some[0]!.from)} – {format.second(some[0]!.to)}
            </span>{' '}
            <span class="quiet-text" title={some.map(({ id }) => id).join(', ')}>
              {t('gapsOf', { n: some.length })} · <span lang="en">{some[0]!.cause}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function GatewayHoles({ gateway, closed }: { gateway: Gateway; closed: () => void }) {
  const { id, sequence } = gateway;
  const { missing, holes, lost } = sequence;
  const [isClosing, setClosing] = useState(false);
  const isMore = holes.reduce((sum, { count }) => sum + count, 0) < missing;
  return (
    <li>
      <code class="gateway">{id}</code>
      {missing > 0 && (
        <span class="is-warning">
          {t('holesMissing', {
            n: format.whole(missing),
            numbers: (isMore ? '…, ' : '') + holes.map(numbersOf).join(', '),
          })}
        </span>
      )}
      {holes[0] && <span class="quiet-text">{t('holesSince', { time: format.ago(holes[0].since, nowMs.value) })}</span>}
      {lost.count > 0 && <span class="quiet-text">{t('holesLost', { n: format.whole(lost.count) })}</span>}
      {missing > 0 && !isClosing && may('engineer') && (
        <button type="button" onClick={() => setClosing(true)}>
          {t('holesClose')}
        </button>
      )}
      {isClosing && (
        <DeedForm
          verb={t('holesDeclare')}
          cancel={() => setClosing(false)}
          submit={async (form) => {
            const body = { through: Number(textOf(form, 'through')), reason: textOf(form, 'reason') };
            await ask('POST /gateways/{id}/sequence/close', { path: { id }, body });
            setClosing(false);
            closed();
          }}
        >
          <label class="field">
            <span class="field-label">{t('holesThrough')}</span>
            <input name="through" type="number" min={0} step={1} required defaultValue={String(lastOf(holes))} />
          </label>
          <TextField name="reason" label={t('reason')} most={REASON_MAX} isRequired isFirst />
        </DeedForm>
      )}
    </li>
  );
}

const numbersOf = ({ from, to, earlier }: Hole): string =>
  (from === to ? String(from) : `${from}–${to}`) + (earlier ? ` (${t('holesEarlier')})` : '');

/** What earlier counters left out is closed with any number. */
const lastOf = (holes: readonly Hole[]): number => holes.findLast(({ earlier }) => !earlier)?.to ?? 0;
