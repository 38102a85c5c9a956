/** The demonstration's gateways: who speaks for which stations, how often, and when one falls silent. Pure. */
import type { Station } from '#model/register.ts';

type Name = Station['name'];

/** One simulated gateway. */
export interface SimulatedGateway {
  id: string;
  name: Name;
  stations: string[];
  intervalMs: number;
  /** Silent from `fromMs` to `toMs` after the start, then it sends what it kept; null = never. */
  silence: { fromMs: number; toMs: number } | null;
}

/** The gateway that loses its connection in every demonstration. */
const SILENT_STATION = 'langhe-mouth';

const AREAS: Readonly<Record<string, string>> = { beijing: '北京段', hebei: '河北段', henan: '河南段' };
const KINDS = { gate: '节制闸', offtake: '分水口', 'canal-section': '监测断面' } as const;

/**
 * One gateway for each station at the source, and one for each stretch of the canal.
 * @param without stations that somebody else speaks for.
 */
export function fleetOf(
  stations: ReadonlyMap<string, Station>,
  without: ReadonlySet<string> = new Set(),
): SimulatedGateway[] {
  const fleet: SimulatedGateway[] = [];
  const add = (id: string, name: Name, all: string[], intervalMs: number) => {
    const list = all.filter((station) => !without.has(station));
    const silence = list.includes(SILENT_STATION) ? { fromMs: 60_000, toMs: 150_000 } : null;
    if (list.length > 0) fleet.push({ id: `gw-${id}`, name, stations: list, intervalMs, silence });
  };
  const alone = [...stations].filter(([id, station]) => {
    return (
      station.kind === 'river-section' || station.kind === 'reservoir' || /^(taocha|tuancheng-lake|.*-trunk)$/.test(id)
    );
  });
  for (const [id, station] of alone) add(id, station.name, [id], 5_000);

  const canal = [...stations].filter(([id]) => id.startsWith('mr-'));
  for (const area of [...new Set(canal.map(([, station]) => station.area))].sort()) {
    for (const kind of ['gate', 'offtake', 'canal-section'] as const) {
      const list = canal.filter(([, station]) => station.area === area && station.kind === kind).map(([id]) => id);
      const name = { zh: `中线${AREAS[area ?? ''] ?? area}：${KINDS[kind]}`, en: `Middle Route, ${area}: ${kind}s` };
      add(`${area}-${kind}s`, name, list, 10_000);
    }
  }
  return fleet;
}

/** Whether the gateway is cut off `sinceMs` after the start. */
export function isSilent(gateway: SimulatedGateway, sinceMs: number): boolean {
  const { silence } = gateway;
  return silence !== null && sinceMs >= silence.fromMs && sinceMs < silence.toMs;
}
