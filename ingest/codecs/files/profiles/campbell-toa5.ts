/** Campbell Scientific TOA5: four heading lines (environment, names, units, process), local times without any zone. */
import { type Known, known, type Profile } from '../profile.ts';
import { cellsOf } from '../records.ts';

const KNOWN: Known = {
  ph: { parameter: 'ph' },
  temp_c: { parameter: 'temp' },
  watertemp: { parameter: 'temp' },
  watertemp_avg: { parameter: 'temp' },
  spcond: { parameter: 'ec' },
  spcond_avg: { parameter: 'ec' },
  turb: { parameter: 'turbidity' },
  turb_avg: { parameter: 'turbidity' },
  do_mgl: { parameter: 'do' },
  do_mgl_avg: { parameter: 'do' },
};

export const campbellToa5: Profile = {
  id: 'campbell-toa5',
  name: { zh: 'Campbell TOA5', en: 'Campbell TOA5' },
  recognise({ lines, skip }) {
    const [environment, names, units] = lines.slice(skip, skip + 3);
    if (!units || !/^"?TOA5"?,/.test(environment!.text)) return null;
    const unitCells = cellsOf(units.text, ',');
    const columns = cellsOf(names!.text, ',').map((name, index) => ({
      index,
      name,
      short: name,
      unit: index < 2 ? null : unitCells[index] || null,
      holds: known(KNOWN, name),
    }));
    return {
      separator: ',',
      quoted: true,
      headerLine: names!.number,
      // Line four says how each value came about: Avg, Smp, Tot …
      firstLine: units.number + 2,
      columns,
      time: {
        columns: [
          Math.max(
            columns.findIndex(({ name }) => name === 'TIMESTAMP'),
            0,
          ),
        ],
        order: 'ymd',
        zone: null,
      },
      missing: ['NAN'],
      decimal: '.',
      station: null,
      comment: null,
    };
  },
};
