/** The demonstration's gateways: who speaks for which stations, how often, and when one falls silent. Pure. */
import type { Station } from '#model/register.ts';

/** One simulated gateway. */
export interface SimulatedGateway {
  id: string;
  name: string;
  stations: string[];
  intervalMs: number;
  /** Silent from `fromMs` to `toMs` after the start, then it sends what it kept; null = never. */
  silence: { fromMs: number; toMs: number } | null;
}

/** The gateway that loses its connection in every demonstration. */
const SILENT_STATION = 'langhe-mouth';

/** One gateway for each station at the source, and one for each stretch of the canal. */
export function fleetOf(stations: ReadonlyMap<string, Station>): SimulatedGateway[] {
  const fleet: SimulatedGateway[] = [];
  const add = (id: string, name: string, list: string[], intervalMs: number) => {
    const silence = list.includes(SILENT_STATION) ? { fromMs: 60_000, toMs: 150_000 } : null;
    if (list.length > 0) fleet.push({ id: `gw-${id}`, name, stations: list, intervalMs, silence });
  };
  const alone = [...stations].filter(([id, station]) => {
    return (
      station.kind === 'river-section' || station.kind === 'reservoir' || /^(taocha|tuancheng-lake|.*-trunk)$/.test(id)
    );
  });
  for (const [id, station] of alone) add(id, station.name.en, [id], 5_000);

  const canal = [...stations].filter(([id]) => id.startsWith('mr-'));
  for (const area of [...new Set(canal.map(([, station]) => station.area))].sort()) {
    for (const kind of ['gate', 'offtake', 'canal-section'] as const) {
      const list = canal.filter(([, station]) => station.area === area && station.kind === kind).map(([id]) => id);
      add(`${area}-${kind}s`, `Middle Route, ${area}: ${kind}s`, list, 10_000);
    }
  }
  return fleet;
}

/** Whether the gateway is cut off `sinceMs` after the start. */
export function isSilent(gateway: SimulatedGateway, sinceMs: number): boolean {
  const { silence } = gateway;
  return silence !== null && sinceMs >= silence.fromMs && sinceMs < silence.toMs;
}
