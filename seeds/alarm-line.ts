/** An alarm in one line of a terminal. */
import { CANAL_STATION, GATEWAYS_STATION, WHOLE_STATION } from '#model/alarms/alarm.ts';
import { PLATFORM_STATION } from '#model/alarms/platform.ts';

/** What of the alarm object (contracts §6) a line shows. */
export interface AlarmItem {
  id: string;
  station: string;
  parameter: string;
  severity: string;
  state: string;
  class: string | null;
  target: string | null;
  value: number | null;
  censored?: '<' | '>';
  unit: string;
  limit: number | null;
  op: string | null;
  late: boolean;
  detail?: string | null;
}

export function alarmLine(alarm: AlarmItem): string {
  const what = [placeOf(alarm), figureOf(alarm)].filter((part) => part !== '').join(' ');
  return `ALARM ${alarm.state}, ${alarm.severity}: ${what}${alarm.detail ? `: ${alarm.detail}` : ''}`;
}

function placeOf({ station, parameter }: AlarmItem): string {
  if (station === PLATFORM_STATION) return `the platform itself (${parameter})`;
  if (station === GATEWAYS_STATION) return `gateway ${parameter}`;
  if (station === CANAL_STATION) return `the canal, ${parameter}`;
  return parameter === WHOLE_STATION ? station : `${station} ${parameter}`;
}

/** Empty where the alarm is about no value: silence, expressions, the platform. */
function figureOf({ value, censored, unit, limit, op, class: found, target }: AlarmItem): string {
  if (value === null) return '';
  const classes = found === null ? '' : `, class ${found}${target === null ? '' : `, target ${target}`}`;
  return `${censored ?? ''}${value} ${unit}${limit === null ? '' : ` (limit ${op} ${limit}${classes})`}`;
}
