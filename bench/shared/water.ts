/** The water that the benchmarks measure: 20 parameters that stay well within Class II, slowly changing. */
import type { Station } from '#model/register.ts';

/** `breach`: a value that breaks Class II of GB 3838 and is still plausible; null where no limit of rivers applies. */
export const PARAMETERS: readonly { id: string; usual: number; breach: number | null }[] = [
  { id: 'temp', usual: 18, breach: null },
  { id: 'ph', usual: 7.8, breach: null },
  { id: 'do', usual: 9, breach: 5 },
  { id: 'ec', usual: 260, breach: null },
  { id: 'turbidity', usual: 3, breach: null },
  { id: 'codmn', usual: 2, breach: 5 },
  { id: 'cod', usual: 9, breach: 18 },
  { id: 'bod5', usual: 1.5, breach: 3.6 },
  { id: 'nh3n', usual: 0.2, breach: 0.8 },
  { id: 'tp', usual: 0.04, breach: 0.15 },
  { id: 'tn', usual: 1, breach: null },
  { id: 'cu', usual: 0.05, breach: 1.3 },
  { id: 'zn', usual: 0.05, breach: 1.3 },
  { id: 'f', usual: 0.3, breach: 1.3 },
  { id: 'as', usual: 0.004, breach: 0.08 },
  { id: 'cr6', usual: 0.01, breach: 0.07 },
  { id: 'pb', usual: 0.003, breach: 0.02 },
  { id: 'cn', usual: 0.01, breach: 0.1 },
  { id: 'oil', usual: 0.02, breach: 0.2 },
  { id: 'chla', usual: 4, breach: null },
];

/** Those that may break a limit: ten, since more alarms of one station at once are a flood. */
export const LIMITED = PARAMETERS.flatMap(({ id, breach }) => (breach === null ? [] : [{ id, breach }])).slice(0, 10);

/** Readings after which a series repeats itself. */
export const PERIOD = 600;

/** Reading `round` of the parameter at `place`: within 10 % of its usual value, in steps of about 0.1 %. */
export function valueAt(place: number, round: number): number {
  const wave = Math.sin((2 * Math.PI * (round % PERIOD)) / PERIOD + place);
  return Number((PARAMETERS[place]!.usual * (1 + wave / 10)).toPrecision(4));
}

/** A river section whose target is Class II and that measures all of it. */
export function sectionStation(interval: string): Station {
  return {
    name: { zh: '断面', en: 'Section' },
    kind: 'river-section',
    waterBody: 'river',
    target: 'II',
    area: 'bench',
    parameters: PARAMETERS.map(({ id }) => ({ id, interval })),
  };
}
