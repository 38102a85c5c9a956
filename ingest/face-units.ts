/**
 * Which unit a register or flow is in when its gateway doesn't say: the one on the meter's face. Without it a register
 * that counts litres would be read as cubic metres, and nobody could tell from the numbers.
 */
import { isMetered } from '#model/metered.ts';
import type { Reference } from '#model/reference.ts';
import type { Control } from '#store/control.ts';
import { conversionOf } from './resolve.ts';

export interface FaceUnits {
  /** Undefined where no meter says otherwise: then the canonical unit is meant. */
  of(station: string, parameter: string): string | undefined;
}

export function createFaceUnits(control: Control, reference: Reference): FaceUnits {
  let units = read(control, reference);
  control.onChange(({ command }) => {
    if ('noun' in command && command.noun === 'meter') units = read(control, reference);
  });
  return {
    of: (station, parameter) =>
      units.size > 0 && isMetered(parameter) ? units.get(`${station}/${parameter}`) : undefined,
  };
}

/** A unit that the parameter can't be converted from (a flow meter in plain m³) says nothing about its readings. */
function read(control: Control, reference: Reference): Map<string, string> {
  const units = new Map<string, string>();
  for (const { body } of control.list('meter')) {
    const parameter = reference.parameters.get(body.parameter);
    if (parameter && body.unit !== parameter.unit && conversionOf(parameter, body.unit)) {
      units.set(`${body.station}/${body.parameter}`, body.unit);
    }
  }
  return units;
}
