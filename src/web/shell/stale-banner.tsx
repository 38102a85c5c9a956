/** Says since when what is shown is no longer live. It keeps its place out of the page's flow: nothing jumps. */
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { line } from '../core/live.ts';
import { nowMs } from '../core/now.ts';

export function StaleBanner() {
  const { state, sinceMs } = line.value;
  return (
    <div class="stale-place" role="status">
      {state === 'lost' && (
        <p class="stale-banner">
          <b>{t('staleSince', { time: format.clock(sinceMs) })}</b>{' '}
          {t('staleWhy', { time: format.lasting(nowMs.value - sinceMs) })}
        </p>
      )}
    </div>
  );
}
