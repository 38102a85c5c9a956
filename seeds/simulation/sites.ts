/** Every station of the demonstration with its water, its outlets and its place along the canal, from the seeds. */
import type { Meter, Station } from '#model/register.ts';
import type { SeedEntry } from '#seeds/seed-entry.ts';
import { flowAt, LOSS, type Outlet, registerReading, volumeAt } from './flows.ts';
import { smoothNoise, uniform } from './noise.ts';
import { polluted } from './pollution.ts';
import { type Site, type WaterParameter, waterAt } from './water.ts';

/** Where the demonstration's accident happens. */
export const POLLUTED_STATION = 'shending-mouth';

/** Mean flows in m³/s that recipients take; Henan's and Hebei's are shared out among their offtakes. */
const DEMAND = { beijing: 40, tianjin: 33, henan: 95, hebei: 88 } as const;
type Recipient = keyof typeof DEMAND;

/** The simulated world: what a station measures at a moment. `eventSinceMs` null = no accident (history). */
export interface World {
  stations: ReadonlyMap<string, Station>;
  values(station: string, timeMs: number, eventSinceMs: number | null): Record<string, number>;
}

const WATER = new Set<string>(['temp', 'ph', 'do', 'ec', 'turbidity', 'codmn', 'nh3n', 'tp', 'tn', 'chla']);

/** Builds the world from the seeds' stations and meters; pure. */
export function worldOf(entries: readonly SeedEntry[]): World {
  const stations = new Map<string, Station>();
  const meters: Meter[] = [];
  for (const { noun, id, body } of entries) {
    if (noun === 'station') stations.set(id, body as Station);
    if (noun === 'meter') meters.push(body as Meter);
  }
  const sites = new Map([...stations].map(([id, station]) => [id, siteOf(id, station)]));
  const sizes = new Map(meters.map((meter) => [meter.station, meter.size ?? Number.MAX_SAFE_INTEGER]));
  const outlets = outletsOf(meters, stations);
  const through = downstreamOf(outlets, stations);

  return {
    stations,
    values(id, timeMs, eventSinceMs) {
      const station = stations.get(id)!;
      const listed = new Set(station.parameters.map((parameter) => parameter.id));
      const values: Record<string, number> = {};
      if (listed.has('temp')) {
        const clean = waterAt(sites.get(id)!, timeMs);
        const water = id === POLLUTED_STATION && eventSinceMs !== null ? polluted(clean, eventSinceMs) : clean;
        for (const name of listed) if (WATER.has(name)) values[name] = water[name as WaterParameter];
      }
      const carried = through.get(id);
      if (carried && listed.has('flow'))
        values.flow = Number((sum(carried.outlets, flowAt, timeMs) / carried.kept).toFixed(3));
      if (carried && listed.has('register')) {
        const volume = sum(carried.outlets, volumeAt, timeMs) / carried.kept;
        values.register = registerReading(volume, sizes.get(id) ?? Number.MAX_SAFE_INTEGER);
      }
      if (listed.has('level')) values.level = levelAt(id, station, timeMs);
      return values;
    },
  };
}

function sum(outlets: readonly Outlet[], of: (outlet: Outlet, timeMs: number) => number, timeMs: number): number {
  let total = 0;
  for (const outlet of outlets) total += of(outlet, timeMs);
  return total;
}

function siteOf(id: string, station: Station): Site {
  const vary = (name: string, low: number, high: number) => low + (high - low) * uniform(`${id}/${name}`, 0);
  const north = (station.location?.lat ?? 33) - 32.5;
  const place = { id, tempMean: 17 - 0.5 * north, tempSwing: 9 + 0.4 * north, ec: vary('ec', 230, 310) };
  if (station.kind === 'reservoir') {
    return { ...place, turbidityBase: 2.2, flashiness: 0.05, codmn: 1.8, nh3n: 0.05, tp: 0.015, tn: 1.2 };
  }
  if (station.kind !== 'river-section') {
    return { ...place, turbidityBase: 3, flashiness: 0.03, codmn: 1.9, nh3n: 0.05, tp: 0.02, tn: 1.2 };
  }
  // The five small rivers that carry the city's burden, and all others (Shiyan's section reports).
  const burdened = ['shending', 'si', 'jiang', 'guanshan', 'jian', 'baier'].includes(station.river ?? '');
  if (burdened) {
    return {
      ...place,
      turbidityBase: 12,
      flashiness: 1,
      codmn: vary('codmn', 2.6, 2.9),
      nh3n: vary('nh3n', 0.24, 0.32),
      tp: 0.065,
      tn: 2.6,
    };
  }
  return {
    ...place,
    turbidityBase: 6,
    flashiness: 0.8,
    codmn: vary('codmn', 1.7, 2.4),
    nh3n: vary('nh3n', 0.06, 0.16),
    tp: 0.04,
    tn: 1.6,
  };
}

function outletsOf(meters: readonly Meter[], stations: ReadonlyMap<string, Station>): Map<string, Outlet> {
  const deliveries = meters.filter((meter) => meter.measures === 'delivery' && stations.has(meter.station));
  const weight = (meter: Meter) => 0.3 + 1.7 * uniform(`${meter.station}/share`, 0);
  const outlets = new Map<string, Outlet>();
  for (const meter of deliveries) {
    const siblings = deliveries.filter((other) => other.recipient === meter.recipient);
    const whole = siblings.reduce((total, other) => total + weight(other), 0);
    const demand = DEMAND[meter.recipient as Recipient] ?? 0;
    const meanFlow = (demand * weight(meter)) / whole;
    outlets.set(meter.station, { id: meter.station, meanFlow, phase: uniform(`${meter.station}/phase`, 0) });
  }
  return outlets;
}

/** What passes each station: an outlet itself, or everything that leaves the canal north of a gate. */
function downstreamOf(
  outlets: ReadonlyMap<string, Outlet>,
  stations: ReadonlyMap<string, Station>,
): Map<string, { outlets: Outlet[]; kept: number }> {
  const through = new Map<string, { outlets: Outlet[]; kept: number }>();
  const latitude = (id: string) => stations.get(id)?.location?.lat ?? 0;
  for (const [id, station] of stations) {
    const outlet = outlets.get(id);
    if (outlet) through.set(id, { outlets: [outlet], kept: 1 });
    // The canal runs north all the way, near enough for a demonstration.
    else if (id === 'taocha') through.set(id, { outlets: [...outlets.values()], kept: 1 - LOSS });
    else if (station.kind === 'gate') {
      const north = [...outlets.values()].filter((other) => latitude(other.id) >= latitude(id));
      through.set(id, { outlets: north, kept: 1 - LOSS });
    }
  }
  return through;
}

/** Metres above sea level: the reservoir by season, the canal falling from 147 m at its head to 49 m in Beijing. */
function levelAt(id: string, station: Station, timeMs: number): number {
  const ripple = 0.03 * smoothNoise(`${id}/level`, timeMs, 6 * 3_600_000);
  if (station.kind === 'reservoir') {
    const season = -Math.cos((2 * Math.PI * timeMs) / (365.25 * 86_400_000) - 0.4);
    return Number((163 + 4 * season + ripple).toFixed(2));
  }
  const along = ((station.location?.lat ?? 32.67) - 32.67) / (39.99 - 32.67);
  return Number((147.2 - 98 * along + ripple).toFixed(2));
}
