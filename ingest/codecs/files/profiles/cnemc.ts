/**
 * Tables of China's national surface-water stations as they circulate: one file for many sections, a row per section and
 * time, UTF-8 or GBK, cells now and then with the site's markup (the raw value in its title).
 */
import { headingLines, type Known, known, nameAndUnit, type Profile } from '../profile.ts';
import { cellsOf, type Separator } from '../records.ts';

const KNOWN: Known = {
  水温: { parameter: 'temp' },
  ph: { parameter: 'ph' },
  ph值: { parameter: 'ph' },
  溶解氧: { parameter: 'do' },
  电导率: { parameter: 'ec' },
  浊度: { parameter: 'turbidity' },
  高锰酸盐指数: { parameter: 'codmn' },
  氨氮: { parameter: 'nh3n' },
  总磷: { parameter: 'tp' },
  总氮: { parameter: 'tn' },
  // The site writes a Greek letter, and milligrams.
  叶绿素α: { parameter: 'chla' },
  叶绿素a: { parameter: 'chla' },
  藻密度: { parameter: 'algae' },
};

const SECTION = /^(?:断面名称|断面|站点名称|站点|点位名称)$/;
const TIME = /^(?:监测时间|采样时间|时间|日期)$/;

export const cnemc: Profile = {
  id: 'cnemc',
  name: { zh: '国家地表水自动站数据表', en: 'China national surface-water CSV' },
  recognise(head) {
    for (const { number, text } of headingLines(head).slice(0, 20)) {
      for (const separator of [',', '\t', ';'] as Separator[]) {
        const columns = cellsOf(text, separator).map((name, index) => {
          const { short, unit } = nameAndUnit(name);
          return { index, name, short, unit, holds: known(KNOWN, short) };
        });
        const section = columns.findIndex(({ short }) => SECTION.test(short));
        const time = columns.findIndex(({ short }) => TIME.test(short));
        if (section < 0 || time < 0 || columns.filter(({ holds }) => holds).length < 2) continue;
        return {
          separator,
          quoted: true,
          headerLine: number,
          firstLine: number + 1,
          columns,
          // There is one legal time in China.
          time: { columns: [time], order: null, zone: '+08:00' },
          missing: ['*', '-', '--', '—', '&nbsp;', 'null', '/'],
          decimal: '.',
          station: section,
          comment: null,
          unwrap,
        };
      }
    }
    return null;
  },
};

/** `<span … title='原始值：0.0234'>0.02</span>` → the raw value; other markup → its text. */
function unwrap(cell: string): string {
  if (!cell.includes('<') || !cell.includes('>')) return cell;
  const raw = /title=(['"])原始值[：:]([^'"<>]*)\1/.exec(cell);
  return raw ? raw[2]!.trim() : cell.replace(/<\/?[a-z][^<>]*>/gi, '').trim();
}
