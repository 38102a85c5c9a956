/** What a file would give: counted over all of its rows before any is taken, with the questions that must be answered first. */
import type { FaultCode } from '#model/faults.ts';
import { NAME_MAX, type Question, shown, type Text } from './file-problem.ts';
import type { FilePlan } from './plan.ts';
import type { FileRow, TakenRow } from './rows.ts';

export interface FileFault {
  line: number;
  code: FaultCode;
  says: Text;
}

export interface FileSurvey {
  profile: string;
  encoding: string;
  separator: string;
  decimal: string;
  headerLine: number;
  firstLine: number;
  dates: string;
  /** `name` null: every row states its own. */
  zone: { name: string | null; from: 'option' | 'file' | 'rows' };
  columns: { column: string; parameter: string | null; unit: string | null; is: Text }[];
  /** read = taken + duplicates + repeated + refused + leftOut */
  rows: { read: number; taken: number; duplicates: number; repeated: number; refused: number; leftOut: number };
  /** In cells of the columns that are taken. */
  values: number;
  missing: number;
  unread: number;
  first: string | null;
  last: string | null;
  stations: { station: string; rows: number }[];
  /** Rows whose local time comes twice. */
  ambiguous: number;
  faults: FileFault[];
  questions: { question: Question; says: Text; choices: string[] }[];
}

export const FAULTS_SHOWN = 20;
const STATIONS_SHOWN = 100;
const CHOICES_MAX = 20;

/** Adds up rows as they come. */
export class Surveyor {
  readonly #plan: FilePlan;
  readonly #counts = { read: 0, taken: 0, duplicates: 0, repeated: 0, refused: 0, leftOut: 0 };
  readonly #stations = new Map<string, number>();
  readonly #faults: FileFault[] = [];
  /** Values of the columns that aren't taken, as long as they are few. */
  readonly #others: Map<number, Set<string>>;
  #sums = { values: 0, missing: 0, unread: 0, ambiguous: 0, skipped: 0 };
  #firstMs = Number.POSITIVE_INFINITY;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(plan: FilePlan) {
    this.#plan = plan;
    const { columns, layout } = plan;
    const used = new Set([...columns.map(({ column }) => column.index), ...layout.time.columns]);
    const others = layout.columns.filter(
      ({ index, flagOf, name }) => !used.has(index) && flagOf === undefined && name !== '',
    );
    this.#others = new Map(others.map(({ index }) => [index, new Set<string>()]));
  }

  /** Told of the cells of every row that is wanted. */
  readonly sees = (cells: readonly string[]): void => {
    for (const [index, values] of this.#others) {
      values.add(shown(cells[index] ?? ''));
      if (values.size > CHOICES_MAX && index !== this.#plan.station.column) this.#others.delete(index);
      else if (values.size > STATIONS_SHOWN) this.#others.delete(index);
    }
  };

  add(row: FileRow): void {
    this.#counts.read += 1;
    if (row.fate === 'left-out') this.#counts.leftOut += 1;
    else if ('values' in row) this.#addTaken(row);
    else {
      this.#counts[row.fate] += 1;
      if (row.code === 'time.ambiguous') this.#sums.ambiguous += 1;
      if (row.isSkippedByClock) this.#sums.skipped += 1;
      this.#fault({ line: row.line, code: row.code, says: row.says });
    }
  }

  #addTaken(row: TakenRow): void {
    this.#counts[row.fate === 'taken' ? 'taken' : 'duplicates'] += 1;
    if (this.#stations.has(row.station) || this.#stations.size < STATIONS_SHOWN) {
      this.#stations.set(row.station, (this.#stations.get(row.station) ?? 0) + 1);
    }
    this.#firstMs = Math.min(this.#firstMs, row.timeMs);
    this.#lastMs = Math.max(this.#lastMs, row.timeMs);
    for (const { value } of Object.values(row.values)) this.#sums[value === null ? 'missing' : 'values'] += 1;
    for (const { column, text } of row.unread) {
      this.#sums.unread += 1;
      const name = shown(column);
      const says = { zh: `${name}：“${shown(text)}”不是数`, en: `${name}: "${shown(text)}" is no number` };
      this.#fault({ line: row.line, code: 'value.not-a-number', says });
    }
  }

  #fault(fault: FileFault): void {
    if (this.#faults.length < FAULTS_SHOWN) this.#faults.push(fault);
  }

  done(): FileSurvey {
    const { profile, encoding, layout, decimal, order, zone } = this.#plan;
    const { skipped: _told, ...sums } = this.#sums;
    const hasTimes = this.#lastMs >= this.#firstMs;
    return {
      profile: profile.id,
      encoding,
      separator: layout.separator === '\t' ? 'tab' : layout.separator,
      decimal,
      headerLine: layout.headerLine,
      firstLine: layout.firstLine,
      dates: order,
      zone,
      columns: this.#columns(),
      rows: { ...this.#counts },
      ...sums,
      first: hasTimes ? new Date(this.#firstMs).toISOString() : null,
      last: hasTimes ? new Date(this.#lastMs).toISOString() : null,
      stations: [...this.#stations].map(([station, rows]) => ({ station, rows })),
      faults: [...this.#faults],
      questions: this.#questions(),
    };
  }

  #columns(): FileSurvey['columns'] {
    const { columns, layout, station } = this.#plan;
    return layout.columns.map(({ index, name, flagOf, isEvent }) => {
      const bound = columns.find(({ column }) => column.index === index);
      const taken = { column: shown(name, NAME_MAX), parameter: bound?.parameter ?? null, unit: bound?.unit ?? null };
      if (bound) return { ...taken, is: { zh: '取', en: 'taken' } };
      if (layout.time.columns.includes(index)) return { ...taken, is: { zh: '时间', en: 'time' } };
      if (index === layout.time.zoneColumn) return { ...taken, is: { zh: '时区', en: 'zone' } };
      if (index === station.column && station.fixed === null) return { ...taken, is: { zh: '站点', en: 'station' } };
      if (isEvent) return { ...taken, is: { zh: '记录仪事件', en: 'events of the logger' } };
      if (flagOf !== undefined && columns.some(({ flags }) => flags === index)) {
        const of = shown(layout.columns[flagOf]!.name);
        return { ...taken, is: { zh: `${of} 的标记`, en: `flags of ${of}` } };
      }
      return { ...taken, is: { zh: '不取：没有对应的参数', en: 'left out: no parameter is given for it' } };
    });
  }

  #questions(): FileSurvey['questions'] {
    const asked: FileSurvey['questions'] = [];
    const { station, ambiguous, repeated, layout, zone } = this.#plan;
    const { read, refused } = this.#counts;
    const sections = station.column === null ? undefined : this.#others.get(station.column);
    const isMany = station.column !== null && (sections === undefined || sections.size > 1);
    if (station.fixed !== null && isMany) {
      const column = shown(layout.columns[station.column!]!.name, NAME_MAX);
      const names = [...(sections ?? [])];
      asked.push({
        question: 'where',
        says: {
          zh: `“${column}”列有多个站点（${names.slice(0, 5).join('、')}），而 station 只有一个：请用 where 选一个，或去掉 station 并用 stations 对应。`,
          en: `Column "${column}" names more than one (${names.slice(0, 5).join(', ')}), station only one: choose with \`where\`, or leave station out and give \`stations\``,
        },
        choices: names.map((name) => `${column}=${name}`),
      });
    }
    if (this.#sums.ambiguous > 0) asked.push(twice(this.#sums.ambiguous, zone.name));
    if (this.#sums.skipped > 0 && ambiguous === undefined) asked.push(never(this.#sums.skipped, zone.name));
    const isAsked = asked.some(({ question }) => question === 'where');
    if (this.#counts.repeated > 0 && repeated === undefined && !isAsked) asked.push(this.#repeats());
    const others = refused - this.#sums.ambiguous - this.#sums.skipped;
    if (read > 0 && others * 2 > read) {
      const { line, says } = this.#faults[0]!;
      asked.push({
        question: 'profile',
        says: {
          zh: `${read} 行中有 ${others} 行读不出来（第 ${line} 行：${says.zh}）；格式大概不对。`,
          en: `${others} of ${read} rows can't be read (line ${line}: ${says.en}); the file is probably of another kind`,
        },
        choices: [],
      });
    }
    return asked;
  }

  #repeats(): FileSurvey['questions'][number] {
    const { layout } = this.#plan;
    const choices = [...this.#others]
      .filter(([, values]) => values.size > 1 && values.size <= CHOICES_MAX)
      .flatMap(([index, values]) =>
        [...values].map((value) => `${shown(layout.columns[index]!.name, NAME_MAX)}=${value}`),
      );
    const count = this.#counts.repeated;
    return {
      question: 'where',
      says: {
        zh: `有 ${count} 行的时间与前面的行相同而数值不同：请用 where 选出一组（例如 ${choices[0] ?? '列=值'}），或用 repeated=first 只取先出现的行。`,
        en: `${count} rows have the time of an earlier row and other values: choose some with \`where\` (such as ${choices[0] ?? 'column=value'}), or take the first ones with \`repeated=first\``,
      },
      choices: choices.slice(0, 40),
    };
  }
}

function twice(count: number, zone: string | null): FileSurvey['questions'][number] {
  return {
    question: 'ambiguous',
    says: {
      zh: `有 ${count} 行的当地时间在 ${zone} 出现两次（拨慢时）：请用 ambiguous 说明（order = 按行的先后），或用 tz=±HH:MM。`,
      en: `${count} rows have a local time that comes twice in ${zone}, when the clock goes back: say with \`ambiguous\` which it is (order = as the rows go), or give tz=±HH:MM`,
    },
    choices: ['order', 'earlier', 'later'],
  };
}

function never(count: number, zone: string | null): FileSurvey['questions'][number] {
  return {
    question: 'tz',
    says: {
      zh: `有 ${count} 行的当地时间在 ${zone} 不存在（拨快时）：记录仪大概用标准时，请用 tz=±HH:MM；确是该时区则加 ambiguous=order。`,
      en: `${count} rows have a local time that doesn't exist in ${zone}, when the clock goes forward: the logger probably keeps standard time, so give tz=±HH:MM; if it does keep that zone, give ambiguous=order too`,
    },
    choices: [],
  };
}
