/** The whole line at one glance. */
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { nowMs } from '../core/now.ts';
import { query, setQuery } from '../core/route.ts';
import { latest, stations } from '../core/watch.ts';
import { breaks } from '../core/water.ts';
import { type View, ViewChoice } from '../ui/figure.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { AlarmsPanel } from './alarms-panel.tsx';
import { Schematic } from './schematic.tsx';
import { StationTable } from './station-table.tsx';
import { VolumesPanel } from './volumes-panel.tsx';
import { WaterPanel } from './water-panel.tsx';
import '../styles/overview.css';
import '../styles/schematic.css';

export function OverviewPage() {
  const view: View = query.value.get('view') === 'table' ? 'table' : 'chart';
  return (
    <div class="overview">
      <h1 class="unseen">{t('overview')}</h1>
      <Sheet
        title={<Statement />}
        name="schematic-sheet"
        note={format.zone(nowMs.value)}
        tools={<ViewChoice view={view} choose={(next) => setQuery({ view: next === 'table' ? 'table' : undefined })} />}
      >
        {view === 'chart' ? <Schematic /> : <StationTable />}
      </Sheet>
      <AlarmsPanel />
      <VolumesPanel />
      <WaterPanel />
    </div>
  );
}

/** The state of the water in one sentence. */
function Statement() {
  const judged = [...latest.value.values()].filter((now) => now.class !== null);
  const aimed = judged.filter((now) => stations.value.get(now.station)?.target);
  const broken = aimed.filter((now) => breaks(now.class, stations.value.get(now.station)?.target));
  if (aimed.length === 0) return t('nothingJudged');
  return broken.length === 0 ? (
    t('allMeet', { n: aimed.length })
  ) : (
    <>
      <span class="is-broken">{t('someMiss', { n: broken.length })}</span> {t('ofStations', { n: aimed.length })}
    </>
  );
}
