/** How the stations stand: by class, by whether they keep their target, and by how fresh what they say is. */
import * as format from '../core/format.ts';
import { nameOf, t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { hrefOf } from '../core/route.ts';
import { latest, stations } from '../core/watch.ts';
import { CLASSES, lastHeardMs, type WaterClass } from '../core/water.ts';
import { ClassMark } from '../ui/marks.tsx';
import { Sheet } from '../ui/sheet.tsx';

const SILENT_SHOWN_MAX = 4;

export function WaterPanel() {
  const heard = [...latest.value.values()].filter(({ items }) => items.length > 0);
  const judged = heard.filter((now) => now.class !== null);
  const silent = heard.filter(({ items, stale }) => items.length > 0 && stale.length === items.length);
  const partly = heard.filter(({ items, stale }) => stale.length > 0 && stale.length < items.length);
  const counts = CLASSES.map((reached) => ({ reached, count: judged.filter((now) => now.class === reached).length }));
  const never = stations.value.size - heard.length;
  return (
    <Sheet title={t('waterNow')} name="water-panel" note={t('judgedStations', { n: judged.length })}>
      <ClassBar counts={counts} />
      <h3>{t('freshness')}</h3>
      <ul class="freshness">
        <li>
          <b>{heard.length - silent.length - partly.length}</b> {t('fresh')}
        </li>
        <li>
          <b>{partly.length}</b> {t('partlyStale')}
        </li>
        <li class={silent.length > 0 ? 'is-warning' : ''}>
          <b>{silent.length}</b> {t('silent')}
        </li>
        <li>
          <b>{never}</b> {t('neverHeardCount')}
        </li>
      </ul>
      {silent.length > 0 && (
        <ul class="silent-list">
          {silent
            .sort((a, b) => (lastHeardMs(a) ?? 0) - (lastHeardMs(b) ?? 0))
            .slice(0, SILENT_SHOWN_MAX)
            .map((now) => {
              const station = stations.value.get(now.station);
              return (
                <li key={now.station}>
                  <a href={hrefOf('stations', now.station)}>{station ? nameOf(station.name) : now.station}</a>
                  <span>{format.ago(lastHeardMs(now)!, nowMs.value)}</span>
                </li>
              );
            })}
        </ul>
      )}
    </Sheet>
  );
}

function ClassBar({ counts }: { counts: readonly { reached: WaterClass; count: number }[] }) {
  const present = counts.filter(({ count }) => count > 0);
  return (
    <>
      <div class="class-bar" aria-hidden="true">
        {present.map(({ reached, count }) => (
          <span key={reached} class={`class-fill class-${reached}`} style={{ flexGrow: String(count) }} />
        ))}
      </div>
      <ul class="class-counts">
        {counts.map(({ reached, count }) => (
          <li key={reached} class={count === 0 ? 'is-zero' : ''}>
            <ClassMark of={reached} /> <b>{count}</b>
          </li>
        ))}
      </ul>
    </>
  );
}
