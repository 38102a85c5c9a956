/**
 * `npm run replay -- FILE --station ID --gateway ID --map column=parameter,…`: publishes a file over MQTT at QoS 1, as a
 * gateway would, waits for every PUBACK and tells the ledger. The file is read twice: nothing is sent of one that leaves a
 * question open. All options: docs/replay.md.
 * Exit 0 = all of it was acknowledged and taken; 1 = the broker or the service refused; 2 = a wrong call, or a file about
 * which more must be said (nothing was sent); 3 = sent, but something of it could not be read or was quarantined.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileUndecided, FileUnreadable } from '#ingest/codecs/files/file-problem.ts';
import { openFile, rowsOf, surveyFile } from '#ingest/codecs/files/index.ts';
import type { TakenRow } from '#ingest/codecs/files/rows.ts';
import type { FileSurvey } from '#ingest/codecs/files/survey.ts';
import type { Gateway } from '#model/register.ts';
import { systemClock } from '#src/clock.ts';
import { adminToken } from './admin-token.ts';
import { type Api, call, registerGateway } from './api-client.ts';
import { loadReference } from './reference.ts';
import { type Call, PlanError, readCall } from './replay-options.ts';
import { type Ledger, publishReplay, type ReplaySample } from './replay-publish.ts';
import { faultLines, questionLines, surveyText, unnamedStations } from './replay-told.ts';

const environment = process.env;
const CHUNK_BYTES = 65_536;

const reference = loadReference();
const tell = (line: string) => process.stderr.write(`${line}\n`);

/** @throws PlanError when there is no such file. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES });
  } catch (error) {
    throw new PlanError(`${path} can't be read: ${(error as Error).message}`);
  }
}

async function* samplesOf({ file, options }: Call, shiftMs: number): AsyncGenerator<ReplaySample> {
  const { plan, chunks } = await openFile(bytesOf(file), options, reference);
  for await (const rows of rowsOf(plan, chunks)) {
    for (const row of rows) {
      const sample = 'values' in row ? sampleOf(row, shiftMs) : null;
      if (sample) yield sample;
    }
  }
}

/** Cells that are no number are told, not sent; null when nothing is left. */
function sampleOf({ station, timeMs, values }: TakenRow, shiftMs: number): ReplaySample | null {
  const sent: ReplaySample['values'] = {};
  for (const [parameter, { value, unit, flag }] of Object.entries(values)) {
    const isBare = unit === null && flag === null;
    sent[parameter] = value === null || isBare ? value : { value, ...(unit && { unit }), ...(flag && { flag }) };
  }
  return Object.keys(sent).length > 0 ? { station, time: timeMs + shiftMs, values: sent } : null;
}

/**
 * The gateway's password: given, or from a file or WK_REPLAY_PASSWORD; else, where an administrator's token is at
 * hand, a fresh one: the gateway is registered as an owner of the stations besides those that it has.
 */
async function credential(options: Call, api: Api | null, named: readonly string[]): Promise<string> {
  const given = options.password ?? environment.WK_REPLAY_PASSWORD;
  if (given) return given;
  if (options.passwordFile !== undefined) return passwordIn(options.passwordFile);
  if (api === null)
    throw new PlanError('no password: --password, --password-file, WK_REPLAY_PASSWORD, or an administrator token');
  const { items } = (await call(api, 'GET', '/gateways?limit=1000')) as {
    items: { id: string; name?: Gateway['name']; stations: string[] }[];
  };
  const known = items.find((item) => item.id === options.gateway);
  const stations = [...new Set([...(known?.stations ?? []), ...named])];
  return registerGateway(api, options.gateway, known?.name ?? `Replay of ${options.gateway}`, stations);
}

function passwordIn(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new PlanError(`${path} can't be read: ${(error as Error).message}`);
  }
}

/** The ledger from the API, once nothing is pending or after five seconds. */
async function ledgerOf(api: Api, gateway: string): Promise<Ledger> {
  const deadlineMs = systemClock.monotonicMs() + 5000;
  for (;;) {
    const ledger = (await call(api, 'GET', `/gateways/${gateway}/ledger`)) as Ledger;
    if (ledger.pending === 0 || systemClock.monotonicMs() > deadlineMs) return ledger;
    await sleep(100);
  }
}

/** Whole seconds that move the last reading to now. */
function shiftOf({ isShifted }: Call, { last }: FileSurvey): number {
  return isShifted ? Math.floor((systemClock.nowMs() - Date.parse(last!)) / 1000) * 1000 : 0;
}

/** Reads all of the file. @throws PlanError while a question is open, or when nothing can be read. */
async function surveyed(options: Call): Promise<FileSurvey> {
  const { language } = options;
  const { survey } = await surveyFile(bytesOf(options.file), options.options, reference);
  for (const line of faultLines(survey, language)) tell(line);
  if (options.isDryRun) process.stdout.write(`${surveyText(survey, language)}\n`);
  const unnamed = unnamedStations(survey);
  const questions = unnamed === null ? survey.questions : [...survey.questions, unnamed];
  if (questions.length > 0) throw new PlanError(questionLines({ questions }, language).join('\n'));
  if (survey.first === null) throw new PlanError(`nothing of ${options.file} could be read`);
  return survey;
}

/** @returns whether all of it was taken. */
async function send(options: Call, survey: FileSurvey): Promise<boolean> {
  const token = options.token ?? adminToken(environment);
  const api = token === null ? null : { origin: options.api, token };
  const stations = survey.stations.map(({ station }) => station);
  const password = await credential(options, api, stations);
  const before = api === null ? null : await ledgerOf(api, options.gateway);
  const startMs = systemClock.monotonicMs();
  const outcome = await publishReplay({
    url: options.url,
    gateway: options.gateway,
    username: options.username ?? options.gateway,
    password,
    samples: samplesOf(options, shiftOf(options, survey)),
    speed: options.speed,
    warn: tell,
  });
  const seconds = ((systemClock.monotonicMs() - startMs) / 1000).toFixed(1);
  process.stdout.write(
    `${options.file}: ${survey.rows.read} rows, ${survey.values} values, ${survey.missing} missing, ` +
      `${faultsIn(survey)} faults, ${outcome.acknowledged} acknowledged in ${outcome.messages} messages, ${seconds} s\n`,
  );
  const ledger = api === null ? outcome.ledger : await ledgerOf(api, options.gateway);
  if (ledger !== null) process.stdout.write(`ledger of ${options.gateway}: ${JSON.stringify(ledger)}\n`);
  return outcome.rejected === 0 && (before === null || ledger?.quarantined === before.quarantined);
}

function faultsIn({ rows, unread }: FileSurvey): number {
  return rows.refused + rows.repeated + unread;
}

async function main(): Promise<number> {
  const options = readCall(process.argv.slice(2), environment);
  try {
    const survey = await surveyed(options);
    const isTaken = options.isDryRun || (await send(options, survey));
    return isTaken && faultsIn(survey) === 0 ? 0 : 3;
  } catch (error) {
    if (error instanceof FileUnreadable) throw new PlanError(error.says[options.language]);
    if (error instanceof FileUndecided) {
      throw new PlanError(questionLines({ questions: [error] }, options.language).join('\n'));
    }
    throw error;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  tell((error as Error).message);
  process.exitCode = error instanceof PlanError ? 2 : 1;
}
