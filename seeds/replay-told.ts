/** What `npm run replay` tells of a file before it sends anything, in the language of the terminal. */
import { type Language, shown } from '#ingest/codecs/files/file-problem.ts';
import { FAULTS_SHOWN, type FileSurvey } from '#ingest/codecs/files/survey.ts';
import { id } from '#model/fields.ts';

const NAMES_SHOWN = 5;

/** Asks whose readings they are where the file names stations by what can't be an id: 陶岔. Null: every name can be one. */
export function unnamedStations({ stations }: FileSurvey): FileSurvey['questions'][number] | null {
  const names = stations.map(({ station }) => station).filter((name) => !id.safeParse(name).success);
  if (names.length === 0) return null;
  const told = names.slice(0, NAMES_SHOWN).map((name) => shown(name));
  return {
    question: 'stations',
    says: {
      zh: `文件中的“${told.join('、')}”不是站点编号：请用 --stations 名称=站点编号,… 对应，或用 --where 略去这些行。`,
      en: `"${told.join(', ')}" can't be ids of stations: say with --stations NAME=ID,… which they are, or leave such rows out with --where`,
    },
    choices: [told.map((name) => `${name}=ID`).join(',')],
  };
}

/** `line 3: "yesterday" is no time`, the first twenty. */
export function faultLines({ faults, rows, unread }: FileSurvey, language: Language): string[] {
  const told = faults.map(({ line, says }) =>
    language === 'zh' ? `第 ${line} 行：${says.zh}` : `line ${line}: ${says.en}`,
  );
  const more = rows.refused + rows.repeated + unread - told.length;
  if (told.length === FAULTS_SHOWN && more > 0) {
    told.push(language === 'zh' ? `另有 ${more} 处` : `and ${more} more like these`);
  }
  return told;
}

/** `--where: … (--where depth=0.5)` */
export function questionLines({ questions }: Pick<FileSurvey, 'questions'>, language: Language): string[] {
  return questions.map(({ question, says, choices }) => {
    const text = says[language];
    return choices.length === 0
      ? `${text}`
      : `${text}\n  ${choices.map((choice) => `--${question} "${choice}"`).join('\n  ')}`;
  });
}

const NAMES = {
  zh: {
    profile: '格式',
    encoding: '编码',
    table: '表格',
    zone: '时区',
    rows: '行',
    values: '数值',
    times: '时间',
    stations: '站点',
    columns: '各列',
    from: { option: '由参数给定', file: '由文件写明', rows: '各行自带' },
  },
  en: {
    profile: 'profile',
    encoding: 'encoding',
    table: 'table',
    zone: 'zone',
    rows: 'rows',
    values: 'values',
    times: 'times',
    stations: 'stations',
    columns: 'columns',
    from: { option: 'as given', file: 'as the file says', rows: 'in every row' },
  },
} as const;

/** The whole survey, for `--dry-run`. */
export function surveyText(survey: FileSurvey, language: Language): string {
  const names = NAMES[language];
  const { rows, zone } = survey;
  const line = (name: string, text: string) => `${name}: ${text}`;
  return [
    line(names.profile, survey.profile),
    line(names.encoding, survey.encoding),
    line(
      names.table,
      language === 'zh'
        ? `列名在第 ${survey.headerLine} 行，数据从第 ${survey.firstLine} 行起，分隔符 ${survey.separator}，小数点 ${survey.decimal}，日期 ${survey.dates}`
        : `names in line ${survey.headerLine}, rows from line ${survey.firstLine}, separator ${survey.separator}, decimal mark ${survey.decimal}, dates ${survey.dates}`,
    ),
    line(names.zone, zone.name === null ? names.from.rows : `${zone.name} (${names.from[zone.from]})`),
    line(names.columns, ''),
    ...survey.columns.map(
      ({ column, parameter, unit, is }) =>
        `  ${column} → ${parameter === null ? is[language] : [parameter, unit].filter(Boolean).join(', ')}`,
    ),
    line(names.stations, survey.stations.map(({ station, rows: count }) => `${shown(station)} (${count})`).join(', ')),
    line(
      names.rows,
      language === 'zh'
        ? `读 ${rows.read}，取 ${rows.taken}，重复 ${rows.duplicates}，时间相同而数值不同 ${rows.repeated}，读不出 ${rows.refused}，略去 ${rows.leftOut}`
        : `${rows.read} read: ${rows.taken} taken, ${rows.duplicates} duplicates, ${rows.repeated} of a repeated time, ${rows.refused} refused, ${rows.leftOut} left out`,
    ),
    line(
      names.values,
      language === 'zh'
        ? `${survey.values}，缺测 ${survey.missing}，读不出 ${survey.unread}`
        : `${survey.values}, ${survey.missing} missing, ${survey.unread} unread`,
    ),
    line(names.times, `${survey.first} … ${survey.last}`),
  ].join('\n');
}
