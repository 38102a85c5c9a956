/** What must exist before a maintenance window may name it. */

import type { ApiDeps } from '#api/deps.ts';
import type { ProblemError } from '#api/problems.ts';
import type { Maintenance } from '#model/register.ts';

/** A window of stations or gateways that don't exist would hold nothing back. */
export function maintenanceErrors({ control }: ApiDeps, { stations = [], gateways = [] }: Maintenance): ProblemError[] {
  const missing = (noun: 'station' | 'gateway', list: readonly string[], plural: string) =>
    list.flatMap((name, index) =>
      control.get(noun, name) ? [] : [{ path: `${plural}[${index}]`, message: `there is no ${noun} "${name}"` }],
    );
  return [...missing('station', stations, 'stations'), ...missing('gateway', gateways, 'gateways')];
}
