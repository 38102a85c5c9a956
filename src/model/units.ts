/** Units as gateways, laboratories and rules spell them. */
import type { Conversion, Parameter } from './reference.ts';

/**
 * How to come from this unit to the canonical one; undefined for `unit.unknown`. Besides the spellings of the reference
 * data: capitals alone (`MG/L`), as some loggers have no small letters, and the substance that is counted (`mg/L as N`).
 */
export function conversionOf(parameter: Parameter, unit: string): Conversion | undefined {
  if (Object.hasOwn(parameter.units, unit)) return parameter.units[unit];
  const trimmed = unit.trim();
  return spelled(parameter, trimmed) ?? countedAs(parameter, trimmed);
}

function spelled({ units }: Parameter, unit: string): Conversion | undefined {
  if (Object.hasOwn(units, unit)) return units[unit];
  if (unit.length > UNIT_LENGTH || unit !== unit.toUpperCase()) return undefined;
  const meant = Object.keys(units).filter((spelling) => spelling.toUpperCase() === unit);
  const [first] = meant;
  // mS and MS may be two units: capitals are only taken for what can't be another one.
  const isOne = meant.every((spelling) => units[spelling]!.factor === units[first!]!.factor);
  return first !== undefined && isOne ? units[first] : undefined;
}

const UNIT_LENGTH = 32;
/** `mg/L as N`, `mg/L-N`, `mg/l (as NH4)`, `mg/L（以N计）`, `mg N/L`. */
const COUNTED_AS = [
  /^(?<unit>.+?)\s*[(（]?\s*(?:as|AS)\s+(?<substance>[A-Za-z0-9]+)\s*[)）]?$/,
  /^(?<unit>.+?)\s*[(（]?\s*以\s*(?<substance>[A-Za-z0-9]+)\s*计\s*[)）]?$/,
  /^(?<unit>.+?)[-_ ](?<substance>[A-Z][A-Za-z0-9]*)$/,
];
const MASS_OF = /^(?<mass>[a-zµμ]*g)[- ](?<substance>[A-Z][A-Za-z0-9]*)(?<per>\/.+)$/;

function countedAs(parameter: Parameter, text: string): Conversion | undefined {
  if (!parameter.as || text.length > UNIT_LENGTH) return undefined;
  const within = MASS_OF.exec(text)?.groups;
  const after = COUNTED_AS.map((pattern) => pattern.exec(text)?.groups).find((groups) => groups);
  const unit = within ? `${within.mass}${within.per}` : after?.unit;
  const substance = (within ?? after)?.substance?.toUpperCase();
  const share = Object.entries(parameter.as).find(([name]) => name.toUpperCase() === substance)?.[1];
  const conversion = unit === undefined ? undefined : spelled(parameter, unit);
  if (share === undefined || conversion === undefined) return undefined;
  return share === 1 ? conversion : { factor: conversion.factor * share, offset: conversion.offset };
}
