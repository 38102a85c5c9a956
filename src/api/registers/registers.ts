/** The registers that are read and written alike: one literal table, one builder of routes (routes/registers.ts). */
import type { z } from 'zod';
import { type Says, saysOf } from '#alerts/rules/says.ts';
import type { Caller } from '#api/access/caller.ts';
import type { ApiDeps } from '#api/deps.ts';
import { Problem, type ProblemError } from '#api/problems.ts';
import { maintenanceBody, maintenanceView } from '#api/registers/schemas/maintenance.ts';
import {
  channelBody,
  channelView,
  meterBody,
  meterView,
  ruleBody,
  ruleView,
  statementBody,
  statementView,
  stationBody,
  stationView,
} from '#api/registers/schemas/registers.ts';
import type { NounBody } from '#journal/registers.ts';
import { isReserved } from '#model/alarms/platform.ts';
import { durationMs } from '#model/duration.ts';
import type { Fault } from '#model/faults.ts';
import type { Role, Routes, Rule, Station } from '#model/register.ts';
import { channelErrors, keepSecrets, shownChannel, userOfChannel } from './channels.ts';
import { maintenanceErrors } from './maintenance.ts';
import { meterErrors, receivedMeter, refuseOtherMeter, refuseOtherUnit, shownMeter, withoutShown } from './meters.ts';

export type RegisterNoun = 'station' | 'meter' | 'rule' | 'channel' | 'statement' | 'maintenance';

export interface Register<N extends RegisterNoun> {
  noun: N;
  /** The path segment. */
  plural: string;
  body: z.ZodType<NounBody[N]>;
  view: z.ZodType;
  /** Who may write; null = the seeds alone. */
  write: Role | null;
  /** @throws Problem when the body contradicts the other registers or the reference data. */
  check?: (deps: ApiDeps, body: NounBody[N], id: string) => void | Promise<void>;
  /** @throws Problem `state.conflict` while something else needs this entry. */
  checkDelete?: (deps: ApiDeps, id: string) => void;
  /** What is kept of the entry before, where a body says nothing. */
  merge?: (body: NounBody[N], before: NounBody[N] | undefined) => NounBody[N];
  /** What the entry becomes when its command is received at this time. */
  receive?: (deps: ApiDeps, body: NounBody[N], id: string, receivedMs: number) => NounBody[N];
  /** How an entry is shown, without its id. */
  show?: (body: NounBody[N], caller: Caller, nowMs: number, deps: ApiDeps) => object;
  /** What `show` adds and nobody puts: left out of a body that was read and is put back. */
  added?: readonly string[];
}

const stations: Register<'station'> = {
  noun: 'station',
  plural: 'stations',
  body: stationBody,
  view: stationView,
  write: 'engineer',
  check: (deps, body, id) => refuse([...stationErrors(deps, body), ...companionErrors(deps, body, id)]),
  checkDelete(deps, id) {
    const meters = deps.control.list('meter').filter(({ body }) => body.station === id);
    if (meters.length > 0) throw inUse(`station "${id}"`, `meter "${meters[0]!.id}"`);
  },
};

const meters: Register<'meter'> = {
  noun: 'meter',
  plural: 'meters',
  body: meterBody,
  view: meterView,
  write: 'engineer',
  merge: withoutShown,
  async check(deps, body, id) {
    refuseOtherMeter(deps, body, id);
    refuse(meterErrors(deps, body, id));
    await refuseOtherUnit(deps, body, id);
  },
  receive: receivedMeter,
  show: shownMeter,
};

const rules: Register<'rule'> = {
  noun: 'rule',
  plural: 'rules',
  body: ruleBody,
  view: ruleView,
  write: 'engineer',
  check: (deps, body) => refuseFaults(deps.checkRule(body as Rule)),
  show: (body, _caller, _nowMs, deps) => ({ ...body, says: saysOfRule(deps, body) }),
  added: ['says'],
};

const channels: Register<'channel'> = {
  noun: 'channel',
  plural: 'channels',
  body: channelBody,
  view: channelView,
  write: 'admin',
  async check(deps, body, id) {
    refuse(channelErrors(deps, body, id));
    refuseFaults(await deps.checkChannel(body));
  },
  checkDelete(deps, id) {
    const user = userOfChannel(deps, id);
    if (user !== null) throw inUse(`channel "${id}"`, user);
  },
  merge: keepSecrets,
  show: shownChannel,
};

const statements: Register<'statement'> = {
  noun: 'statement',
  plural: 'statements',
  body: statementBody,
  view: statementView,
  write: null,
};

const maintenance: Register<'maintenance'> = {
  noun: 'maintenance',
  plural: 'maintenance',
  body: maintenanceBody,
  view: maintenanceView,
  write: 'operator',
  check: (deps, body) => refuse(maintenanceErrors(deps, body)),
};

export const REGISTERS = { stations, meters, rules, channels, statements, maintenance };

/** What a rule does, in a sentence, by the registers as they are. */
export function saysOfRule({ control, reference }: ApiDeps, rule: Rule): Says {
  return saysOf(rule, control.list('station'), reference);
}

/** @throws Problem `id.invalid` for an id that is kept for the service itself. */
export function refuseReserved(noun: RegisterNoun, id: string): void {
  if (isReserved(noun, id))
    throw new Problem('id.invalid', `The ${noun} id "${id}" is kept for the service's own alarms.`);
}

/** @throws Problem `state.conflict`. */
function inUse(what: string, by: string): Problem {
  return new Problem('state.conflict', `The ${what} is used by ${by}.`);
}

/** @throws Problem `request.invalid` listing every mistake. */
function refuse(errors: ProblemError[]): void {
  if (errors.length === 0) return;
  throw new Problem('request.invalid', `${errors[0]!.path}: ${errors[0]!.message}`, { errors });
}

function refuseFaults(faults: readonly Fault[]): void {
  const first = faults[0];
  if (!first) return;
  const errors = faults.map(({ path = '', message }) => ({ path, message }));
  throw new Problem(first.code, first.message, { errors });
}

function missing<T>(
  noun: string,
  names: readonly T[] | undefined,
  nameOf: (item: T) => string,
  exists: (name: string) => boolean,
  pathOf: (index: number) => string,
): ProblemError[] {
  return (names ?? []).flatMap((item, index) =>
    exists(nameOf(item)) ? [] : [{ path: pathOf(index), message: `there is no ${noun} "${nameOf(item)}"` }],
  );
}

function stationErrors({ control, reference }: ApiDeps, body: Station): ProblemError[] {
  const hasParameter = (name: string) => reference.parameters.has(name);
  const hasChannel = (name: string) => control.get('channel', name) !== undefined;
  const repeated = body.parameters.findIndex(
    ({ id }, index) => body.parameters.findIndex((other) => other.id === id) < index,
  );
  return [
    ...missing(
      'parameter',
      body.parameters,
      ({ id }) => id,
      hasParameter,
      (index) => `parameters[${index}].id`,
    ),
    ...(repeated < 0 ? [] : [{ path: `parameters[${repeated}].id`, message: 'is listed twice' }]),
    // Readings without end would be expected, and each be missing at once.
    ...body.parameters.flatMap(({ interval }, index) =>
      interval !== undefined && durationMs(interval) === 0
        ? [{ path: `parameters[${index}].interval`, message: 'must be longer than nothing' }]
        : [],
    ),
    ...missing('channel', body.owner?.channels, String, hasChannel, (index) => `owner.channels[${index}]`),
    ...(body.chiefs ?? []).flatMap(({ channels: list }, chief) =>
      missing('channel', list, String, hasChannel, (index) => `chiefs[${chief}].channels[${index}]`),
    ),
  ];
}

/** Tests against another series must name one that can be there. */
function companionErrors({ control, reference }: ApiDeps, body: Station, id: string): ProblemError[] {
  return body.parameters.flatMap(({ id: parameter, qc }, index) => {
    const at = `parameters[${index}].qc`;
    const errors: ProblemError[] = [];
    const other = qc?.multivariate?.with;
    if (other !== undefined && (other === parameter || !reference.parameters.has(other))) {
      errors.push({ path: `${at}.multivariate.with`, message: `"${other}" is no other parameter` });
    }
    const station = qc?.neighbour?.station;
    if (station !== undefined && (station === id || !control.get('station', station))) {
      errors.push({ path: `${at}.neighbour.station`, message: `"${station}" is no other station` });
    }
    return errors;
  });
}

export function routesErrors({ control }: ApiDeps, body: Routes): ProblemError[] {
  // Platform alarms have a station and a rule that no register lists.
  const has = (noun: 'channel' | 'station' | 'rule') => (name: string) =>
    control.get(noun, name) !== undefined || isReserved(noun, name);
  return body.flatMap(({ channels: list, match }, route) => [
    ...missing('channel', list, String, has('channel'), (index) => `[${route}].channels[${index}]`),
    ...missing('station', match.station, String, has('station'), (index) => `[${route}].match.station[${index}]`),
    ...missing('rule', match.rule, String, has('rule'), (index) => `[${route}].match.rule[${index}]`),
  ]);
}

export { refuse as refuseErrors };
