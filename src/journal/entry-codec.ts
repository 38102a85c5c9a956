/**
 * What an entry's bytes say. A message's readings stand in columns (src/model/columns-codec.ts); earlier programs kept them as columns
 * in a JSON array, which stays readable for ever.
 */
import { ReadingColumns } from '#model/columns.ts';
import { decodeColumns } from '#model/columns-codec.ts';
import type { Command, Entry, JournaledReading, MessageEntry, Verdict } from '#model/entry.ts';
import { censoredOfMark, flagOfMark } from '#model/reading.ts';

/** What makes an Entry, as it was found. */
export interface EntryRow {
  seq: number;
  receivedMs: number;
  kind: string;
  source: string | null;
  /** Null for `columns`. */
  body: string | null;
  columns?: Uint8Array;
}

/** JSON has no negative zero: it stands as this text among the numbers. */
const NEGATIVE_ZERO = '-0';
type Value = number | null | typeof NEGATIVE_ZERO;

/**
 * `flags` and `verdicts` have one letter a reading, or one letter for all. A flag's letter is its digit; of a censored
 * reading (`toMark`) one as far beyond '0': `A` = good, below a limit. `steps` are time differences to the
 * reading before (the first one's to `baseMs`), 0 when all are at `baseMs`; `deviceFlags` 0 when none has one.
 */
type MessageBody = [
  gatewaySeq: number | null,
  baseMs: number,
  series: number[],
  values: Value[],
  flags: string,
  verdicts: string,
  steps: number[] | 0,
  deviceFlags: (string | null)[] | 0,
];

const ZERO = '0'.charCodeAt(0);

const VERDICTS: Record<string, Verdict> = { n: 'new', d: 'duplicate', c: 'correction', u: 'unsettled' };

/** The readings and the gateway's own number of a message as earlier programs kept it. */
function decodeMessage(text: string): { gatewaySeq: number | null; readings: JournaledReading[] } {
  const [gatewaySeq, baseMs, series, values, flags, verdicts, steps, deviceFlags] = JSON.parse(text) as MessageBody;
  const readings = new Array<JournaledReading>(series.length);
  let timeMs = baseMs;
  for (let index = 0; index < series.length; index++) {
    if (steps !== 0) timeMs += steps[index]!;
    const value = values[index]!;
    const mark = flags.charCodeAt(flags.length === 1 ? 0 : index) - ZERO;
    const reading: JournaledReading = {
      series: series[index]!,
      timeMs,
      value: value === NEGATIVE_ZERO ? -0 : value,
      flag: flagOfMark(mark),
      deviceFlag: deviceFlags === 0 ? null : deviceFlags[index]!,
      verdict: VERDICTS[verdicts.charAt(verdicts.length === 1 ? 0 : index)]!,
    };
    const censored = censoredOfMark(mark);
    if (censored !== undefined) reading.censored = censored;
    readings[index] = reading;
  }
  return { gatewaySeq, readings };
}

/**
 * The entry that a row holds.
 * @throws Error for a kind that this program doesn't know.
 */
export function decodeEntry(row: EntryRow): Entry {
  const { seq, receivedMs } = row;
  if (row.columns) return messageOf(seq, receivedMs, row.source!, row.columns);
  switch (row.kind) {
    case 'message': {
      const { gatewaySeq, readings } = decodeMessage(row.body!);
      return { kind: 'message', seq, receivedMs, source: row.source!, gatewaySeq, readings };
    }
    case 'command':
      return { kind: 'command', seq, receivedMs, actor: row.source!, command: JSON.parse(row.body!) as Command };
    case 'tick':
      return { kind: 'tick', seq, receivedMs };
    case 'start':
      return { kind: 'start', seq, receivedMs, downSinceMs: JSON.parse(row.body!) as number | null };
    default:
      throw new Error(`journal entry ${seq} has the unknown kind ${row.kind}`);
  }
}

const decoded = new ReadingColumns();

function messageOf(seq: number, receivedMs: number, source: string, bytes: Uint8Array): MessageEntry {
  const gatewaySeq = decodeColumns(bytes, decoded);
  return { kind: 'message', seq, receivedMs, source, gatewaySeq, readings: decoded.toArray() };
}

/** A message just written, for those who hear of commits: few look at its readings, and only then are there any. */
export function writtenMessage(
  { seq, receivedMs }: Pick<MessageEntry, 'seq' | 'receivedMs'>,
  { source, gatewaySeq }: Pick<MessageEntry, 'source' | 'gatewaySeq'>,
  columns: Uint8Array,
): MessageEntry {
  return {
    kind: 'message',
    seq,
    receivedMs,
    source,
    gatewaySeq,
    get readings() {
      decodeColumns(columns, decoded);
      return decoded.toArray();
    },
  };
}
