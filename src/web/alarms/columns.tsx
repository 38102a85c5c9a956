/** Columns of alarms that stand in more than one table; a page that shows a cell its own way says so. */
import type { Alarm } from '../api-types.ts';
import * as format from '../core/format.ts';
import { t } from '../core/language.ts';
import { stations } from '../core/watch.ts';
import { NUMERALS } from '../core/water.ts';
import { aboutOf, stationName } from '../station/names.ts';
import { SeverityMark } from '../ui/marks.tsx';
import type { Column } from '../ui/table.tsx';

/** A function, since heads are in the reader's language. */
export const alarmColumns = () =>
  ({
    severity: {
      head: t('severity'),
      cell: ({ severity }) => <SeverityMark of={severity} />,
      csv: ({ severity }) => severity,
    },
    station: {
      head: t('station'),
      isName: true,
      cell: ({ station }) => stationName(station, stations.value),
      csv: ({ station }) => station,
    },
    parameter: {
      head: t('parameter'),
      cell: aboutOf,
      csv: ({ parameter }) => parameter,
    },
    value: {
      head: t('value'),
      align: 'end',
      cell: ({ value, unit, censored }) => format.withUnit(value, unit, censored),
      csv: ({ value, censored }) => (censored && value !== null ? `${censored}${value}` : value),
    },
    reached: {
      head: t('class'),
      cell: (alarm) => (alarm.class === null ? '–' : NUMERALS[alarm.class]),
      csv: (alarm) => alarm.class,
    },
    raisedAt: {
      head: t('raisedAt'),
      align: 'end',
      cell: ({ raisedAt }) => format.second(raisedAt),
      csv: ({ raisedAt }) => raisedAt,
    },
  }) satisfies Record<string, Column<Alarm>>;
