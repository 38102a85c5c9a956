/** Maintenance windows: planned work under which alarms are recorded and not told. */
import { id, maintenance } from '#model/register.ts';

export const maintenanceBody = maintenance.meta({
  examples: [
    {
      stations: ['shending-mouth'],
      from: '2026-11-22T08:00:00+08:00',
      to: '2026-11-22T12:00:00+08:00',
      reason: 'The pump of the sampling line is changed',
    },
  ],
});
export const maintenanceView = maintenance.safeExtend({ id });
