/**
 * What can be wrong with the platform itself, told as alarms of station `_platform` (contracts §3): one table of
 * conditions with what each means and what to do. docs/operations.md has a runbook section for every one of them.
 */

import type { Noun } from '#model/noun.ts';
import { CANAL_STATION, GATEWAYS_STATION, type Severity } from './alarm.ts';

interface PlatformMeaning {
  severity: Severity;
  /** What it is, as a sentence for an operator. */
  meaning: string;
  /** What to do about it, as a sentence. */
  remedy: string;
}

// A condition that was ever journaled stays here: its entries are read again at every replay.
const TABLE = {
  'journal.filling': {
    severity: 'major',
    meaning:
      'Entries that followers have not passed take 70 % of WK_JOURNAL_MAX_BYTES; at 100 % nothing more is taken.',
    remedy: 'Mend what holds the followers up (other platform alarms name it), or raise WK_JOURNAL_MAX_BYTES.',
  },
  'journal.unwritable': {
    severity: 'critical',
    meaning: 'The disk refused the journal: gateways were not acknowledged and nothing was taken.',
    remedy: 'Make room on the disk of WK_DATA_DIR or make it writable; gateways send again by themselves.',
  },
  'journal.lost': {
    severity: 'critical',
    meaning: 'The journal had lost entries that were acknowledged and that others had passed; it went on above them.',
    remedy:
      'See the detail for which, have gateways send that time again, and look through the registers as of then; find out what happened to the disk.',
  },
  'journal.damaged': {
    severity: 'critical',
    meaning: 'A batch of the journal is not what was written: entries in it can not be read, and were passed over.',
    remedy:
      'See the detail and GET /api/v1/parked for which, have gateways send that time again, and look through the registers as of then; check the disk, and the installation by npm run verify.',
  },
  'readings.lost': {
    severity: 'critical',
    meaning: 'The reading store had lost readings; what the journal still has is written again.',
    remedy:
      'See the detail for what is gone for good, if anything, and import it from the gateways; find out what happened to the disk.',
  },
  'derived.lost': {
    severity: 'critical',
    meaning: 'derived.db was missing or older than the other files; it follows the journal again from where it stands.',
    remedy: 'See the detail for what is gone; restore a whole backup if you have one, else run npm run rebuild.',
  },
  'books.damaged': {
    severity: 'critical',
    meaning:
      'A row of the books is not what was written: a bit flipped on the disk. It is not told; such questions are refused.',
    remedy:
      'Check the disk, stop the service, see npm run verify for all that is damaged, run npm run rebuild, start again.',
  },
  'readings.damaged': {
    severity: 'critical',
    meaning: 'A stored reading is not what was written: a bit flipped on the disk. It is told as missing.',
    remedy:
      'Check the disk, stop the service, see npm run verify for all that is damaged, run npm run rebuild, start again: what the journal has is written again.',
  },
  'store.unreachable': {
    severity: 'major',
    meaning: 'InfluxDB does not answer: readings wait in the journal, alarms and acknowledgements go on.',
    remedy: 'Start InfluxDB, or check WK_INFLUX_URL and the network; what waits is then written by itself.',
  },
  'store.unauthorized': {
    severity: 'critical',
    meaning: 'InfluxDB refuses the credential (401 or 403): readings wait in the journal.',
    remedy: 'Give a token that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
  },
  'store.bucket-missing': {
    severity: 'critical',
    meaning: 'InfluxDB has no bucket (database) of this name: it was deleted or renamed, or never made.',
    remedy: 'Make the bucket that WK_INFLUX_BUCKET names, without retention, or name the right one and start again.',
  },
  'store.read-only': {
    severity: 'critical',
    meaning: 'InfluxDB answers, but takes no writes.',
    remedy: 'Make room on its disk or end its read-only state; what waits is then written by itself.',
  },
  'store.overloaded': {
    severity: 'major',
    meaning: 'InfluxDB answers too slowly, with 429 or with 5xx: readings wait in the journal.',
    remedy: 'See to its load, its memory and its log; what waits is then written by itself.',
  },
  'store.retention': {
    severity: 'critical',
    meaning: 'The bucket deletes what is older than its retention, so nothing is written to it.',
    remedy: 'Give the bucket infinite retention, or accept the loss with WK_INFLUX_RETENTION_OK=1.',
  },
  'store.unfit': {
    severity: 'critical',
    meaning: 'The server at WK_INFLUX_URL was tried out before the first write and can not be trusted with readings.',
    remedy: 'See the detail for the reason and docs/deployment.md for the servers that hold readings, and how.',
  },
  'store.foreign': {
    severity: 'critical',
    meaning: 'The bucket in InfluxDB was written by another installation, or by a later generation of this one.',
    remedy:
      'Name a bucket of its own in WK_INFLUX_BUCKET and start again, or hand this one over by dropping its measurement wk_mark.',
  },
  'store.organization': {
    severity: 'critical',
    meaning: 'InfluxDB has no organization of this name.',
    remedy: 'Name the organization that owns the bucket in WK_INFLUX_ORG and start again.',
  },
  'store.token-inactive': {
    severity: 'critical',
    meaning:
      'InfluxDB knows the token, which may neither read nor write the bucket: it was deactivated, or is for another one.',
    remedy: 'Activate the token, or give one that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
  },
  'store.write-only': {
    severity: 'critical',
    meaning: 'The token may write the bucket and not read it: duplicates, statistics and volumes need both.',
    remedy: 'Give a token that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
  },
  'store.unwritable': {
    severity: 'critical',
    meaning: 'The disk refuses readings.db or derived.db: readings wait in the journal.',
    remedy: 'Make room on the disk of WK_DATA_DIR or make it writable; what waits is then written by itself.',
  },
  'readings.type-conflict': {
    severity: 'major',
    meaning:
      'Somebody else writes fields of other types into measurement reading: InfluxDB refuses our values of the same week, and they go to quarantine.',
    remedy:
      'Have them write elsewhere, delete what they wrote of that week from measurement reading, and replay the items `store.rejected` of quarantine.',
  },
  'broker.unreachable': {
    severity: 'critical',
    meaning: 'The MQTT broker does not answer: gateways can not deliver. This is no silence of stations.',
    remedy: 'Start the broker, or check WK_MQTT_URL and the network; the broker keeps what gateways sent it.',
  },
  'broker.unauthorized': {
    severity: 'critical',
    meaning: 'The MQTT broker refuses the log-in.',
    remedy: 'Give the right WK_MQTT_USERNAME and WK_MQTT_PASSWORD (npm run broker:files writes them).',
  },
  'broker.subscription-refused': {
    severity: 'critical',
    meaning: 'The MQTT broker refuses a subscription of WK_MQTT_TOPICS.',
    remedy: 'Let the broker’s access list give Wellkeeper read access to these topics.',
  },
  'broker.session-lost': {
    severity: 'major',
    meaning:
      'The MQTT broker forgot our session, or came back with an older copy: what gateways sent it meanwhile may be lost.',
    remedy: 'See the possible gap in the ledgers and have gateways send that time again; give the broker persistence.',
  },
  'broker.levels-split': {
    severity: 'critical',
    meaning:
      'The MQTT broker makes two levels of a dot in a topic: it acknowledges gateways whose id has one, and their readings never arrive.',
    remedy: 'Register these gateways anew under ids without a dot and set them up so, or use another broker.',
  },
  'broker.untried': {
    severity: 'minor',
    meaning:
      'The canary that the MQTT broker is tried with did not come back: a broker that loses sessions or topics would not be noticed.',
    remedy:
      'Let its access list give Wellkeeper both ways of wk/v1/_wk.canary/readings: in Mosquitto’s, behind `user`, `topic readwrite wk/v1/_wk.canary/readings` (npm run broker:files writes it).',
  },
  'broker.messages-dropped': {
    severity: 'major',
    meaning:
      'The MQTT broker drops messages: a queue was full, and the senders of what came then had been acknowledged.',
    remedy:
      'Raise the broker’s queue (Mosquitto: max_queued_messages, max_queued_bytes); see holes in GET /api/v1/gateways and have gateways send that time again.',
  },
  'follower.parked': {
    severity: 'major',
    meaning: 'A follower failed three times at an entry and went on without it.',
    remedy:
      'See GET /api/v1/parked and report the error; its values show as pending in the ledger. Take it off the list when it is seen to.',
  },
  'follower.behind': {
    severity: 'major',
    meaning: 'A follower is more than five minutes behind the journal.',
    remedy: 'If no other platform alarm names the reason, the machine is too slow for what arrives.',
  },
  'followers.restarting': {
    severity: 'critical',
    meaning: 'The thread of the followers ended and was started again.',
    remedy: 'See the log for followers.restarted and report the error; nothing acknowledged is lost.',
  },
  'books.recounting': {
    severity: 'minor',
    meaning:
      'The rules of counting have changed with this program: the books are counted anew in the background. Until its turn each hour stands as it was counted before.',
    remedy:
      'Nothing; wait before closing a period or comparing figures. CHANGELOG.md and docs/numbers.md say which figures can change; closed periods keep theirs.',
  },
  'reads.stale': {
    severity: 'major',
    meaning: 'A thread answered from a state of the files that was more than a second old; it has opened them anew.',
    remedy: 'Report it with the detail: a read was left open. Whatever was asked in that time is to be asked again.',
  },
  'quarantine.full': {
    severity: 'major',
    meaning: 'Quarantine, or one sender’s share of it, is full: its oldest items are pushed out by new ones.',
    remedy: 'See GET /api/v1/quarantine for who sends what can not be taken, and mend it there.',
  },
  'sequence.holes': {
    severity: 'major',
    meaning: 'Gateways number their messages, and some numbers never came: what those messages said is not here.',
    remedy:
      'Have these gateways send them again: they fill their holes by themselves. Where nobody can, close them (POST /api/v1/gateways/{id}/sequence/close).',
  },
  'letters.unexplained': {
    severity: 'major',
    meaning: 'A gateway sends device letters that nobody has explained: such values are kept and used for nothing.',
    remedy: 'Say what they mean in `dialect.letters` of the gateway, or of the station (PUT /api/v1/gateways/{id}).',
  },
  'clock.behind': {
    severity: 'major',
    meaning: 'The clock of this machine is more than a minute behind what it was before.',
    remedy: 'Set the clock by NTP; until it has caught up, everything counts as received at the earlier time.',
  },
  'access.crowded': {
    severity: 'minor',
    meaning:
      'Somebody has reached a limit on connections, streams, sessions or log-ins: what is beyond it was refused or had to give way.',
    remedy:
      'See who it is and which limit: a client that never closes what it opens is to be mended, a stranger to be kept out by the firewall.',
  },
  'routes.nobody': {
    severity: 'major',
    meaning:
      'Nobody is told of alarms: no route names a channel with a recipient, so they stand here and in the log only.',
    remedy: 'Put a channel (PUT /api/v1/channels/{id}), test it, and name it in PUT /api/v1/routes.',
  },
} as const satisfies Record<string, PlatformMeaning>;

export type PlatformCondition = keyof typeof TABLE;
export const PLATFORM_CONDITIONS: Readonly<Record<PlatformCondition, PlatformMeaning>> = TABLE;

/** The station and the rule that platform alarms name. */
export const PLATFORM_STATION = '_platform';
export const PLATFORM_RULE = 'platform';

/** Whose topic the service tries an outside broker with. */
export const CANARY_GATEWAY = '_wk.canary';

/** What a platform alarm says to people, as its `detail`. `seen` = the words of whoever met it. */
export function platformDetail(condition: PlatformCondition, seen: string): string {
  const { meaning, remedy } = PLATFORM_CONDITIONS[condition];
  return `${meaning}${seen === '' ? '' : ` Seen: ${seen}.`} What to do: ${remedy}`;
}

/** Whether an id of a register is kept for the service's own alarms: an entry of this name would mix its alarms with theirs. */
export function isReserved(noun: Noun, id: string): boolean {
  if (noun === 'station') return [PLATFORM_STATION, GATEWAYS_STATION, CANAL_STATION].includes(id);
  if (noun === 'gateway') return id === CANARY_GATEWAY;
  return noun === 'rule' && id === PLATFORM_RULE;
}
