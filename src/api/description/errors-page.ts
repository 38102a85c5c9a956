/** `node src/api/description/errors-page.ts`: writes docs/errors.md from the one table of fault codes. A test keeps the file true. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FAULTS, type FaultCode } from '#model/faults.ts';

export const ERRORS_FILE = fileURLToPath(new URL('../../../docs/errors.md', import.meta.url));

/** What whoever meets the code can do about it. */
const REMEDIES: Record<FaultCode, string> = {
  'station.unknown': 'Register the station, then replay the quarantined item.',
  'parameter.unknown': '`GET /api/v1/parameters` lists ids and aliases.',
  'unit.unknown': '`GET /api/v1/parameters` lists the spellings of each unit.',
  'value.not-finite': 'Send `null` for "measured nothing".',
  'value.not-a-number': 'Send a JSON number, not text; or set `numbersAsText` for the gateway.',
  'name.repeated': 'Send each parameter once a sample; neither value was taken.',
  'time.no-offset': 'Append `Z` or `+08:00`.',
  'time.seconds': 'Multiply by 1000.',
  'time.malformed': 'Write `2026-11-22T08:00:00+08:00`.',
  'time.impossible': "Set the gateway's clock (NTP).",
  'time.partial': 'Nothing; a station that sends stamps with month and year (SL/T 427-2021) leaves no doubt.',
  'element.unknown': 'Name its parameter in `elements` of the device, or `null` to leave it out; then replay the item.',
  'element.left-out': 'Nothing; or name a parameter in `elements` of the device.',
  'layout.unknown': 'Say it in `layout` of the device, then replay the item.',
  'function.unknown': 'Set the device to the functions that its standard has for reports.',
  'sample.malformed': 'Compare with the payload in [mqtt.md](mqtt.md).',
  'row.malformed': 'Compare with the CSV payload in [api.md](api.md).',
  'row.repeated': 'Choose rows with `where`, or take the first ones with `repeated=first` ([files.md](files.md)).',
  'time.ambiguous': 'Say with `ambiguous` which instant it is, or give `tz` as ±HH:MM ([files.md](files.md)).',
  'file.undecided': 'Answer `questions`, with `dryRun=true` first ([files.md](files.md)).',
  'flag.unknown': 'Say what it means in the `dialect` of the gateway or station ([mqtt.md](mqtt.md#flags)).',
  'sparkplug.no-birth':
    'Nothing: the births are asked for. If it stays, let the edge node hear its commands ([sparkplug-b.md](protocols/sparkplug-b.md)).',
  'sparkplug.missed':
    'Nothing: the births are asked for. If it is known that none has changed, replay the quarantined item.',
  'senml.not-understood': 'Leave the field out, or send version 10 ([senml.md](protocols/senml.md)).',
  'gateway.not-owner': "Add the station to the gateway's `stations`.",
  'time.expired': 'Nothing: it would be deleted at once. To keep it, raise `WK_RAW_RETENTION`.',
  'store.rejected': 'Look at the quarantined item; mend the store, then replay it.',
  'message.malformed': 'Send UTF-8 JSON (or CSV over HTTP).',
  'message.too-many-values': 'Split the message.',
  'message.too-deep': 'Send what the description asks for: nothing of it is that deep.',
  'message.too-large': 'Split the message, or raise `WK_MAX_MESSAGE`.',
  'message.checksum': 'The message names the variant that was found; `dialect.hj212.checksum` allows it for a station.',
  'message.encrypted': "Put the station's present key into `identity.sm4Key`, then replay.",
  'message.incomplete': 'Send all parts of a message in one payload, or give each its time.',
  'device.unknown': 'Put the address into `identity` or `devices` of the gateway, then replay.',
  'device.password': 'Put the same password into the station and into `identity.password`.',
  'message.length': 'Have the logger mended; its frames are taken as long as their checksum is right.',
  'message.noise': 'Nothing, unless another protocol is meant for this address.',
  'message.no-readings':
    'Nothing; `dialect.hj212.readings` says what is taken ([protocols/hj212.md](protocols/hj212.md)).',
  'unit.unstated': 'Say the unit in the entry of the gateway or station, then replay.',
  'topic.taken': 'Choose a filter that only matches topics of this gateway, or take the topic from the other one.',
  'address.taken': 'Take the address out of the other entry first.',
  'topic.not-yours': 'Publish to `wk/v1/{your gateway id}/readings`.',
  'device.elsewhere':
    'If the device may come from there, put the network into `identity.addresses`; otherwise somebody else uses its address.',
  'request.invalid': 'Mend what `errors` lists.',
  'id.invalid': 'Choose another id.',
  'range.invalid': 'Give two instants with an offset, `from` before `to`.',
  'range.too-many-buckets': 'Ask for a shorter range or a coarser interval.',
  'range.too-long': 'Ask for at most 400 days.',
  'range.pruned': 'Ask for whole hours in a zone whose hours are UTC hours, without `asOf`.',
  'cursor.invalid': 'Begin again without `cursor`.',
  'rule.invalid': 'Mend what `errors` lists.',
  'rule.not-rehearsable': 'Put the rule, and look at what it records.',
  'rehearsal.too-large': 'Rehearse a shorter time, fewer stations, or a less sensitive rule.',
  'question.too-large': 'Ask for a shorter range, wider buckets, or fewer stations or meters at once.',
  'channel.address-refused': 'Name the host in `WK_WEBHOOK_ALLOW`.',
  'token.missing': 'Send `Authorization: Bearer TOKEN`.',
  'token.invalid': 'Check the token; it may have been deleted.',
  'role.too-low': 'Use a token of the role that the message names.',
  'origin.refused': 'Set `WK_PUBLIC_URL` to the address that browsers use.',
  'not-found': 'Check the id.',
  'method.not-allowed': 'The header `Allow` lists the methods.',
  'state.conflict': 'Read the thing again; the message says what is in the way.',
  'books.behind':
    'Try again in a minute; if it stays, see the platform alarms ([operations.md](operations.md#runbook)).',
  'media.unsupported': 'Set `Content-Type`.',
  'idempotency.conflict': 'Use a new key for a new body.',
  'rate.limited': 'Wait as long as `Retry-After` says.',
  internal: 'Report it with the `requestId`.',
  'books.damaged':
    'Run `npm run rebuild` ([operations.md](operations.md#damage-at-rest)); the platform alarm says which row.',
  'journal.full':
    'Free disk space, or let the followers catch up ([operations.md](operations.md#when-the-disk-is-full)).',
  'journal.unwritable': 'See the log; check disk and permissions.',
  'store.unavailable': 'See the platform alarm ([operations.md](operations.md#runbook)); ask again.',
  overloaded: 'Wait as long as `Retry-After` says.',
  'store.corrupt': 'Restore the data directory from a backup.',
  'store.mismatch':
    'Put the named file back or restore a backup ([operations.md](operations.md#files-that-do-not-fit)).',
  'store.newer': 'Start the newer program again.',
  'store.locked': 'Stop the other process, or use another `WK_DATA_DIR`.',
  'seed.invalid': 'Mend the file at the line that is told.',
  'config.invalid': 'Mend every setting that is listed.',
  'follower.parked': 'See [operations.md](operations.md#parked-entries).',
};

/** Where a code without an HTTP status of its own is seen, by the word before its dot. */
const PROCESS_WORDS = new Set(['store', 'seed', 'config', 'follower']);
const isOfProcess = (code: FaultCode) =>
  FAULTS[code].status === null && PROCESS_WORDS.has(code.split('.')[0]!) && code !== 'store.rejected';
const CODES = Object.keys(FAULTS) as FaultCode[];

const SECTIONS: { title: string; text: string; has: (code: FaultCode) => boolean }[] = [
  {
    title: 'Values and messages',
    text: 'Seen in a receipt of `POST /api/v1/readings` (`quarantined[].code`, `warnings[].code`), in `wk/v1/{gateway}/rejected` and in `GET /api/v1/quarantine`. A value that is refused is quarantined alone and the rest of its message is taken. `message.…` and `topic.not-yours` refuse a whole message, which then counts as one value; over HTTP they are also the status of the answer. `device.…` refuse a frame over TCP of a device that is not welcome; it is not answered.',
    has: (code) => (FAULTS[code].status === null && !isOfProcess(code)) || code.startsWith('message.'),
  },
  {
    title: 'HTTP answers',
    text: 'The `code` of a problem document (RFC 9457, `application/problem+json`): `{ type, title, status, detail, code, errors?, requestId }`. `title` is the meaning below, `detail` is about this request, `errors` lists `{ path, message }` for each thing that is wrong with it.',
    has: (code) => FAULTS[code].status !== null && !code.startsWith('message.'),
  },
  {
    title: 'Files and processes',
    text: 'Seen in the log, on the terminal at start, and (`follower.parked`) in `GET /api/v1/parked`. `config.invalid` and `seed.invalid` end the process with exit code 78, the other ones at start with 1.',
    has: isOfProcess,
  },
];

/** The whole page. Every code stands in exactly one section. */
export function errorsText(): string {
  const sections = SECTIONS.map(({ title, text, has }) => `## ${title}\n\n${text}\n\n${tableOf(CODES.filter(has))}`);
  return `# Fault codes\n\nGenerated from \`src/model/faults.ts\` by \`node src/api/description/errors-page.ts\`; don't edit it here.\n\n${sections.join('\n')}`;
}

function tableOf(codes: readonly FaultCode[]): string {
  const withStatus = codes.some((code) => FAULTS[code].status !== null);
  const head = withStatus
    ? '| code | HTTP | meaning | what to do |\n|---|---|---|---|\n'
    : '| code | meaning | what to do |\n|---|---|---|\n';
  const rows = codes.map((code) => {
    const { status, meaning } = FAULTS[code];
    return `| \`${code}\` |${withStatus ? ` ${status ?? ''} |` : ''} ${meaning} | ${REMEDIES[code]} |\n`;
  });
  return head + rows.join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(ERRORS_FILE, errorsText());
