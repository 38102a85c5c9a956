/** Whether a rule about closed periods makes sense against the registers: what alerts/rules/rules.ts asks of these kinds. */
import { participates } from '#assess/classify.ts';
import { countedMeters, meterPairs } from '#books/water/meter-relations.ts';
import type { Control } from '#journal/registers.ts';
import type { Fault } from '#model/faults.ts';
import type { Standard } from '#model/reference.ts';
import type { PeriodRule, Station } from '#model/register.ts';
import { targetOf } from './conditions.ts';

type Stations = readonly { id: string; body: Station }[];
type Of<Kind extends PeriodRule['kind']> = PeriodRule & { kind: Kind };

function fault(path: string, message: string): Fault {
  return { code: 'rule.invalid', message, path };
}

/** @param areThereStations before there are any, a rule about them is early, not wrong. */
export function checkAssessed(
  rule: Of<'assessed'>,
  selected: Stations,
  areThereStations: boolean,
  standard: Standard,
): Fault[] {
  const faults = (rule.parameters ?? []).flatMap((name, index) =>
    participates(standard, name)
      ? []
      : [fault(`parameters[${index}]`, `${name} is not one of the indicators that make a section's class`)],
  );
  const isJudged = ({ body }: Stations[number]) => body.kind !== 'outfall' && targetOf(rule, body) !== null;
  if (areThereStations && !selected.some(isJudged)) {
    faults.push(fault('target', 'none of the selected stations is a section with a target class'));
  }
  return faults;
}

export function checkBalance(rule: Of<'volume-balance'>, selected: Stations, control: Control): Fault[] {
  const faults: Fault[] = [];
  const { minLossShare, maxLossShare } = rule;
  if (minLossShare !== undefined && minLossShare >= maxLossShare) {
    faults.push(fault('minLossShare', `${minLossShare} leaves nothing below maxLossShare, ${maxLossShare}`));
  }
  const ids = new Set(selected.map(({ id }) => id));
  const meters = countedMeters(control).filter(({ meter }) => ids.has(meter.station));
  if (!meters.some(({ meter }) => meter.measures === 'intake')) {
    faults.push(fault('select', 'no meter of the selected stations measures intake, of which a loss would be a share'));
  } else if (meters.every(({ meter }) => meter.measures === 'intake')) {
    faults.push(fault('select', 'every meter of the selected stations measures intake, so all of it would be lost'));
  }
  return faults;
}

export function checkDisagreement(selected: Stations, control: Control): Fault[] {
  const ids = new Set(selected.map(({ id }) => id));
  const isChecked = meterPairs(control).some(({ checked }) => ids.has(checked.meter.station));
  return isChecked
    ? []
    : [fault('select', 'no meter of the selected stations has another one of the same water: a sister, or a register')];
}
