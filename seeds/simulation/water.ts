/**
 * Water as a pure function of place and time: season, time of day, storms, slow noise. Plausible rather than
 * calibrated; without a pollution event every site keeps Class II (lake limits in the reservoir).
 */
import { smoothNoise, uniform } from './noise.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365.25 * DAY_MS;

/** What distinguishes one site's water; concentrations in mg/L, temperatures in °C. */
export interface Site {
  id: string;
  tempMean: number;
  tempSwing: number;
  turbidityBase: number;
  /** How strongly storms show, 0 = not at all. */
  flashiness: number;
  codmn: number;
  nh3n: number;
  tp: number;
  tn: number;
  ec: number;
}

export type WaterParameter = 'temp' | 'ph' | 'do' | 'ec' | 'turbidity' | 'codmn' | 'nh3n' | 'tp' | 'tn' | 'chla';

// Decimals as automatic stations report them (总站水字〔2020〕90号, hourly data).
const DECIMALS: Record<WaterParameter, number> = {
  temp: 2,
  ph: 2,
  do: 2,
  ec: 1,
  turbidity: 2,
  codmn: 2,
  nh3n: 3,
  tp: 3,
  tn: 2,
  chla: 2,
};

/** Dissolved oxygen at saturation in fresh water at one atmosphere, mg/L, T in °C (HJ 2.3-2018, annex D). */
function saturation(temp: number): number {
  return 468 / (31.6 + temp);
}

/** Every water parameter of a site at a time, canonical units, rounded as a station reports it. */
export function waterAt(site: Site, timeMs: number): Record<WaterParameter, number> {
  const noise = (name: string, periodMs: number) => smoothNoise(`${site.id}/${name}`, timeMs, periodMs);
  // Day of the year from −1 (end of January, coldest) to 1; time of day from −1 (03:00) to 1 (15:00), UTC+8.
  const season = -Math.cos((2 * Math.PI * (timeMs - 25 * DAY_MS)) / YEAR_MS);
  const day = -Math.cos((2 * Math.PI * (timeMs + 5 * HOUR_MS)) / DAY_MS);
  const storm = stormAt(site.id, timeMs) * site.flashiness;
  const flicker = (name: string) => 0.8 * noise(name, 9 * HOUR_MS) + 0.2 * noise(`${name}/fast`, 4 * MINUTE_MS);

  const temp = Math.max(
    0.2,
    site.tempMean + site.tempSwing * season + 0.6 * day + 1.2 * noise('temp', 5 * DAY_MS) + 0.05 * flicker('t'),
  );
  const values: Record<WaterParameter, number> = {
    temp,
    ph: 7.95 + 0.12 * day + 0.15 * season + 0.1 * flicker('ph') - 0.1 * storm,
    do: saturation(temp) * (0.96 + 0.04 * day + 0.02 * flicker('do') - 0.03 * storm),
    ec: site.ec * (1 - 0.06 * season + 0.04 * flicker('ec') - 0.1 * storm),
    turbidity: site.turbidityBase * Math.exp(0.35 * flicker('turbidity')) + 90 * storm,
    codmn: site.codmn * (1 + 0.06 * season + 0.08 * flicker('codmn') + 0.15 * storm),
    nh3n: site.nh3n * (1 - 0.12 * season + 0.2 * flicker('nh3n') + 0.15 * storm),
    tp: site.tp * (1 + 0.08 * season + 0.12 * flicker('tp') + 0.15 * storm),
    tn: site.tn * (1 - 0.05 * season + 0.08 * flicker('tn') + 0.1 * storm),
    chla: 3 * (1 + 0.6 * season + 0.2 * day) * (1 + 0.2 * flicker('chla')),
  };
  for (const [name, value] of Object.entries(values) as [WaterParameter, number][]) {
    values[name] = Number(Math.max(0, value).toFixed(DECIMALS[name]));
  }
  return values;
}

/** At most one storm per nine days, likelier from June to September: rises in three hours, ebbs over a day; 0 to 1. */
function stormAt(id: string, timeMs: number): number {
  const span = 9 * DAY_MS;
  let level = 0;
  // The storm of the span before may still be ebbing.
  for (const step of [Math.floor(timeMs / span) - 1, Math.floor(timeMs / span)]) {
    const wet = -Math.cos((2 * Math.PI * (step * span - 25 * DAY_MS)) / YEAR_MS) > 0.3;
    if (uniform(`${id}/storm`, step) > (wet ? 0.7 : 0.12)) continue;
    const since = timeMs - (step + uniform(`${id}/onset`, step)) * span;
    if (since <= 0) continue;
    const size = 0.25 + 0.75 * uniform(`${id}/size`, step);
    level += size * Math.min(1, since / (3 * HOUR_MS)) * Math.exp(-Math.max(0, since - 3 * HOUR_MS) / DAY_MS);
  }
  return Math.min(1, level);
}
