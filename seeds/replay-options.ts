/** The command line of `npm run replay`, as what the reader of files and the publisher want. */
import { parseArgs } from 'node:util';
import { DATE_ORDERS } from '#ingest/codecs/files/dates.ts';
import { ENCODINGS } from '#ingest/codecs/files/encoding.ts';
import type { Language } from '#ingest/codecs/files/file-problem.ts';
import type { FileOptions } from '#ingest/codecs/files/options.ts';

/** A mistake of the one who typed the call, or a file about which he must say more. */
export class PlanError extends Error {}

const text = { type: 'string' } as const;
const OPTIONS = {
  'dry-run': { type: 'boolean' },
  lang: text,
  gateway: text,
  shift: text,
  speed: { type: 'string', default: 'max' },
  url: text,
  api: text,
  token: text,
  username: text,
  password: text,
  'password-file': text,
  profile: text,
  encoding: text,
  separator: text,
  skip: text,
  decimal: text,
  dates: text,
  time: text,
  tz: text,
  ambiguous: text,
  repeated: text,
  map: text,
  units: text,
  missing: text,
  where: { type: 'string', multiple: true },
  station: text,
  'station-column': text,
  stations: text,
} as const;

const USAGE = `npm run replay -- FILE --gateway ID [--station ID] [--map column=parameter,…] [--dry-run]
  [--profile ID] [--time COLUMN] [--tz ±HH:MM|ZONE] [--missing -9999,NULL] [--units column=unit,…]
  [--where column=value] [--station-column COLUMN] [--stations name=ID,…]
  [--ambiguous order|earlier|later] [--repeated first] [--dates ymd|mdy|dmy] [--encoding …] [--separator …]
  [--decimal .|,] [--skip LINES] [--lang zh|en] [--shift now] [--speed N|max]
  [--url mqtt://…] [--username …] [--password …|--password-file …] [--api http://…] [--token …]`;

export interface Call {
  file: string;
  gateway: string;
  isDryRun: boolean;
  language: Language;
  isShifted: boolean;
  /** null = as fast as messages are acknowledged. */
  speed: number | null;
  url: string;
  api: string;
  token: string | undefined;
  username: string | undefined;
  password: string | undefined;
  passwordFile: string | undefined;
  options: FileOptions;
}

/** @throws PlanError with the usage. */
export function readCall(argv: readonly string[], environment: Readonly<Record<string, string | undefined>>): Call {
  try {
    const { values, positionals } = parseArgs({ args: joined(argv), options: OPTIONS, allowPositionals: true });
    const { gateway, speed, shift } = values;
    const isDryRun = values['dry-run'] ?? false;
    if (positionals.length !== 1 || (!gateway && !isDryRun)) throw new PlanError('a file and --gateway are needed');
    if (shift !== undefined && shift !== 'now') throw new PlanError('--shift knows "now" only');
    if (speed !== 'max' && !(Number(speed) > 0)) throw new PlanError('--speed is a positive number or "max"');
    return {
      file: positionals[0]!,
      gateway: gateway ?? '',
      isDryRun,
      language: languageOf(values.lang, environment),
      isShifted: shift === 'now',
      speed: speed === 'max' ? null : Number(speed),
      url: values.url ?? `mqtt://127.0.0.1:${environment.WK_MQTT_PORT || 1883}`,
      api: values.api ?? `http://127.0.0.1:${environment.WK_HTTP_PORT || 8080}`,
      token: values.token,
      username: values.username,
      password: values.password,
      passwordFile: values['password-file'],
      options: {
        ...values,
        encoding: oneOf('encoding', values.encoding, ENCODINGS),
        separator: separatorOf(values.separator),
        skip: lines(values.skip),
        decimal: oneOf('decimal', values.decimal, ['.', ','] as const),
        dates: oneOf('dates', values.dates, DATE_ORDERS),
        ambiguous: oneOf('ambiguous', values.ambiguous, ['order', 'earlier', 'later'] as const),
        repeated: oneOf('repeated', values.repeated, ['first'] as const),
        stationColumn: values['station-column'],
      },
    };
  } catch (error) {
    throw new PlanError(`${(error as Error).message}\n${USAGE}`);
  }
}

/** `--tz -07:00` as `--tz=-07:00`: parseArgs takes a separate value that begins with a dash for an option. */
function joined(argv: readonly string[]): string[] {
  const list: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const option = word.startsWith('--') ? word.slice(2) : '';
    const takesValue = Object.hasOwn(OPTIONS, option) && option !== 'dry-run' && i + 1 < argv.length;
    list.push(takesValue ? `${word}=${argv[++i]}` : word);
  }
  return list;
}

function oneOf<T extends string>(name: string, given: string | undefined, all: readonly T[]): T | undefined {
  if (given === undefined) return undefined;
  const found = all.find((one) => one === given);
  if (found === undefined) throw new PlanError(`--${name} is one of ${all.join(' ')}`);
  return found;
}

function separatorOf(given: string | undefined): FileOptions['separator'] {
  return given === 'tab' ? '\t' : oneOf('separator', given, [',', ';', '\t'] as const);
}

function lines(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (!/^\d{1,4}$/.test(given)) throw new PlanError('--skip is a number of lines');
  return Number(given);
}

function languageOf(given: string | undefined, environment: Readonly<Record<string, string | undefined>>): Language {
  const locale = environment.LC_ALL || environment.LC_MESSAGES || environment.LANG || '';
  return oneOf('lang', given, ['zh', 'en'] as const) ?? (locale.startsWith('zh') ? 'zh' : 'en');
}
