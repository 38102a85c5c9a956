/**
 * Which unit a register or flow is in when its gateway doesn't say: the one on the meter's face. Without it a register
 * that counts litres would be read as cubic metres, and nobody could tell from the numbers.
 */

import type { Control } from '#journal/registers.ts';
import { isMetered } from '#model/metered.ts';
import type { Reference } from '#model/reference.ts';
import { conversionOf } from '#model/units.ts';

export interface FaceUnits {
  /** Undefined where no meter says otherwise: then the canonical unit is meant. */
  of(station: string, parameter: string, timeMs: number): string | undefined;
}

/** What one meter says of values that it measured in [fromMs, toMs); `unit` undefined: the canonical one. */
interface Face {
  fromMs: number;
  toMs: number;
  unit: string | undefined;
}

export function createFaceUnits(control: Control, reference: Reference): FaceUnits {
  let faces = read(control, reference);
  control.onChange(({ command }) => {
    if ('noun' in command && command.noun === 'meter') faces = read(control, reference);
  });
  return {
    of(station, parameter, timeMs) {
      if (faces.size === 0 || !isMetered(parameter)) return undefined;
      const own = faces.get(`${station}/${parameter}`);
      return own && (own.find(({ fromMs, toMs }) => timeMs >= fromMs && timeMs < toMs) ?? own[0]!).unit;
    },
  };
}

/**
 * Of several meters of the same readings the one that was there first has the say as long as it measures: another one that is
 * put beside it changes nothing of what values mean. A unit that the parameter can't be converted from (a flow meter in
 * plain m³) says nothing about its readings.
 */
function read(control: Control, reference: Reference): Map<string, Face[]> {
  const faces = new Map<string, Face[]>();
  const since = ({ id }: { id: string }) => control.sinceSeq('meter', id);
  for (const { body } of control.list('meter').sort((a, b) => since(a) - since(b))) {
    const parameter = reference.parameters.get(body.parameter);
    const isCanonical = body.unit === parameter?.unit;
    if (!parameter || !(isCanonical || conversionOf(parameter, body.unit))) continue;
    faces
      .getOrInsertComputed(`${body.station}/${body.parameter}`, () => [])
      .push({
        fromMs: body.from === undefined ? -Infinity : Date.parse(body.from),
        toMs: body.to === undefined ? Infinity : Date.parse(body.to),
        unit: isCanonical ? undefined : body.unit,
      });
  }
  return faces;
}
