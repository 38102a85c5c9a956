/**
 * `npm run replay -- FILE.csv --station ID --gateway ID --map column=parameter,…`: publishes a CSV file over MQTT at
 * QoS 1, as a gateway would, waits for every PUBACK and tells the ledger. All options: docs/replay.md.
 * Exit 0 = all that could be read was acknowledged; 1 = the broker or the service refused; 2 = wrong call.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { systemClock } from '#src/clock.ts';
import { adminToken } from './admin-token.ts';
import { type Api, call, registerGateway } from './api-client.ts';
import { PlanError, type ReplayRow, replayRows } from './replay-csv.ts';
import { type Ledger, publishReplay } from './replay-publish.ts';

const environment = process.env;

const OPTIONS = {
  station: { type: 'string' },
  gateway: { type: 'string' },
  map: { type: 'string' },
  time: { type: 'string' },
  tz: { type: 'string' },
  missing: { type: 'string' },
  units: { type: 'string' },
  shift: { type: 'string' },
  speed: { type: 'string', default: 'max' },
  url: { type: 'string', default: `mqtt://127.0.0.1:${environment.WK_MQTT_PORT || 1883}` },
  api: { type: 'string', default: `http://127.0.0.1:${environment.WK_HTTP_PORT || 8080}` },
  token: { type: 'string' },
  username: { type: 'string' },
  password: { type: 'string' },
  'password-file': { type: 'string' },
} as const;

const USAGE = `npm run replay -- FILE.csv --station ID --gateway ID --map column=parameter,…
  [--time COLUMN] [--tz ±HH:MM|ZONE] [--missing -9999,NULL] [--units column=unit,…] [--shift now] [--speed N|max]
  [--url mqtt://…] [--username …] [--password …|--password-file …] [--api http://…] [--token …]`;

/** `--tz -07:00` as `--tz=-07:00`: parseArgs takes a separate value that begins with a dash for an option. */
function joined(argv: readonly string[]): string[] {
  const list: string[] = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    const takesValue = word.startsWith('--') && Object.hasOwn(OPTIONS, word.slice(2)) && i + 1 < argv.length;
    list.push(takesValue ? `${word}=${argv[++i]}` : word);
  }
  return list;
}

function readCall() {
  try {
    const { values, positionals } = parseArgs({
      args: joined(process.argv.slice(2)),
      options: OPTIONS,
      allowPositionals: true,
    });
    const { station, gateway, map, speed, shift } = values;
    if (positionals.length !== 1 || !station || !gateway || !map)
      throw new PlanError('a file, --station, --gateway and --map are needed');
    if (shift !== undefined && shift !== 'now') throw new PlanError('--shift knows "now" only');
    if (speed !== 'max' && !(Number(speed) > 0)) throw new PlanError('--speed is a positive number or "max"');
    return { ...values, station, gateway, map, file: positionals[0]!, speed: speed === 'max' ? null : Number(speed) };
  } catch (error) {
    throw new PlanError(`${(error as Error).message}\n${USAGE}`);
  }
}
type Call = ReturnType<typeof readCall>;

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new PlanError(`${path} can't be read: ${(error as Error).message}`);
  }
}

/** Moves all times by whole seconds so that the last one is now. */
function shiftToNow(rows: readonly ReplayRow[]): void {
  const samples = rows.flatMap((row) => (row.sample ? [row.sample] : []));
  const lastMs = samples.reduce((latest, sample) => Math.max(latest, sample.time), Number.NEGATIVE_INFINITY);
  const shiftMs = Math.floor((systemClock.nowMs() - lastMs) / 1000) * 1000;
  for (const sample of samples) sample.time += shiftMs;
}

/**
 * The gateway's password: given, or from a file or WK_REPLAY_PASSWORD; else, where an administrator's token is at
 * hand, a fresh one: the gateway is registered as an owner of the station besides those that it has.
 */
async function credential(options: Call, api: Api | null): Promise<string> {
  const given = options.password ?? environment.WK_REPLAY_PASSWORD;
  if (given) return given;
  if (options['password-file'] !== undefined) return readFile(options['password-file']).trim();
  if (api === null)
    throw new PlanError('no password: --password, --password-file, WK_REPLAY_PASSWORD, or an administrator token');
  const { items } = (await call(api, 'GET', '/gateways?limit=1000')) as {
    items: { id: string; name?: string; stations: string[] }[];
  };
  const known = items.find((item) => item.id === options.gateway);
  const stations = [...new Set([...(known?.stations ?? []), options.station])];
  return registerGateway(api, options.gateway, known?.name ?? `Replay of ${options.gateway}`, stations);
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

async function main(): Promise<void> {
  const options = readCall();
  const rows = [...replayRows(readFile(options.file), options)];
  const faults = rows.flatMap((row) => row.faults.map((fault) => `line ${row.line}: ${fault}`));
  for (const fault of faults.slice(0, 20)) process.stderr.write(`${fault}\n`);
  if (faults.length > 20) process.stderr.write(`and ${faults.length - 20} more like these\n`);
  const samples = rows.flatMap((row) => (row.sample ? [row.sample] : []));
  if (samples.length === 0) throw new PlanError(`nothing of ${options.file} could be read`);
  if (options.shift === 'now') shiftToNow(rows);

  const token = options.token ?? adminToken(environment);
  const api = token === null ? null : { origin: options.api, token };
  const password = await credential(options, api);
  const startMs = systemClock.monotonicMs();
  const outcome = await publishReplay({
    url: options.url,
    gateway: options.gateway,
    username: options.username ?? options.gateway,
    password,
    samples,
    speed: options.speed,
    warn: (line) => process.stderr.write(`${line}\n`),
  });
  const count = (of: (row: ReplayRow) => number) => rows.reduce((total, row) => total + of(row), 0);
  const seconds = ((systemClock.monotonicMs() - startMs) / 1000).toFixed(1);
  process.stdout.write(
    `${options.file}: ${rows.length} rows, ${count((row) => row.values)} values, ${count((row) => row.missing)} missing, ` +
      `${faults.length} faults, ${outcome.acknowledged} acknowledged in ${outcome.messages} messages, ${seconds} s\n`,
  );
  const ledger = api === null ? outcome.ledger : await ledgerOf(api, options.gateway);
  if (ledger !== null) process.stdout.write(`ledger of ${options.gateway}: ${JSON.stringify(ledger)}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = error instanceof PlanError ? 2 : 1;
}
