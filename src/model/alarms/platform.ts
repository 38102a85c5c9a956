/**
 * What can be wrong with the platform itself, told as alarms of station `_platform` (contracts §3): one table of
 * conditions with what each means and what to do, here in English (platform-zh.ts: in Chinese; platform-says.ts puts them
 * together). docs/operations.md has a runbook section for every one of them.
 */

import type { Noun } from '#model/noun.ts';
import { CANAL_STATION, GATEWAYS_STATION, type Severity } from './alarm.ts';

/** A condition in one language. */
export interface PlatformWords {
  /** What it is called, in a few words. */
  title: string;
  /** What it is, as a sentence for an operator. */
  meaning: string;
  /** What to do about it, as a sentence. */
  remedy: string;
}

interface PlatformMeaning extends PlatformWords {
  severity: Severity;
}

// A condition that was ever journaled stays here: its entries are read again at every replay.
const TABLE = {
  'journal.filling': {
    severity: 'major',
    title: 'The journal is filling up',
    meaning:
      'Entries that followers have not passed take 70 % of WK_JOURNAL_MAX_BYTES; at 100 % nothing more is taken.',
    remedy: 'Mend what holds the followers up (other platform alarms name it), or raise WK_JOURNAL_MAX_BYTES.',
  },
  'journal.unwritable': {
    severity: 'critical',
    title: 'The journal can not be written',
    meaning: 'The disk refused the journal: gateways were not acknowledged and nothing was taken.',
    remedy: 'Make room on the disk of WK_DATA_DIR or make it writable; gateways send again by themselves.',
  },
  'journal.lost': {
    severity: 'critical',
    title: 'Entries of the journal are lost',
    meaning: 'The journal had lost entries that were acknowledged and that others had passed; it went on above them.',
    remedy:
      'See the detail for which, have gateways send that time again, and look through the registers as of then; find out what happened to the disk.',
  },
  'journal.damaged': {
    severity: 'critical',
    title: 'The journal is damaged',
    meaning: 'A batch of the journal is not what was written: entries in it can not be read, and were passed over.',
    remedy:
      'See the detail and GET /api/v1/parked for which, have gateways send that time again, and look through the registers as of then; check the disk, and the installation by npm run verify.',
  },
  'readings.lost': {
    severity: 'critical',
    title: 'Readings were lost',
    meaning: 'The reading store had lost readings; what the journal still has is written again.',
    remedy:
      'See the detail for what is gone for good, if anything, and import it from the gateways; find out what happened to the disk.',
  },
  'derived.lost': {
    severity: 'critical',
    title: 'derived.db was missing or old',
    meaning: 'derived.db was missing or older than the other files; it follows the journal again from where it stands.',
    remedy: 'See the detail for what is gone; restore a whole backup if you have one, else run npm run rebuild.',
  },
  'books.damaged': {
    severity: 'critical',
    title: 'The books are damaged',
    meaning:
      'A row of the books is not what was written: a bit flipped on the disk. It is not told; such questions are refused.',
    remedy:
      'Check the disk, stop the service, see npm run verify for all that is damaged, run npm run rebuild, start again.',
  },
  'readings.damaged': {
    severity: 'critical',
    title: 'A reading is damaged',
    meaning: 'A stored reading is not what was written: a bit flipped on the disk. It is told as missing.',
    remedy:
      'Check the disk, stop the service, see npm run verify for all that is damaged, run npm run rebuild, start again: what the journal has is written again.',
  },
  'store.unreachable': {
    severity: 'major',
    title: 'InfluxDB does not answer',
    meaning: 'InfluxDB does not answer: readings wait in the journal, alarms and acknowledgements go on.',
    remedy: 'Start InfluxDB, or check WK_INFLUX_URL and the network; what waits is then written by itself.',
  },
  'store.unauthorized': {
    severity: 'critical',
    title: 'InfluxDB refuses the credential',
    meaning: 'InfluxDB refuses the credential (401 or 403): readings wait in the journal.',
    remedy: 'Give a token that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
  },
  'store.bucket-missing': {
    severity: 'critical',
    title: 'InfluxDB lacks the bucket',
    meaning: 'InfluxDB has no bucket (database) of this name: it was deleted or renamed, or never made.',
    remedy: 'Make the bucket that WK_INFLUX_BUCKET names, without retention, or name the right one and start again.',
  },
  'store.read-only': {
    severity: 'critical',
    title: 'InfluxDB is read-only',
    meaning: 'InfluxDB answers, but takes no writes.',
    remedy: 'Make room on its disk or end its read-only state; what waits is then written by itself.',
  },
  'store.overloaded': {
    severity: 'major',
    title: 'InfluxDB is overloaded',
    meaning: 'InfluxDB answers too slowly, with 429 or with 5xx: readings wait in the journal.',
    remedy: 'See to its load, its memory and its log; what waits is then written by itself.',
  },
  'store.retention': {
    severity: 'critical',
    title: 'InfluxDB deletes by age',
    meaning: 'The bucket deletes what is older than its retention, so nothing is written to it.',
    remedy: 'Give the bucket infinite retention, or accept the loss with WK_INFLUX_RETENTION_OK=1.',
  },
  'store.unfit': {
    severity: 'critical',
    title: 'The store is unfit for readings',
    meaning: 'The server at WK_INFLUX_URL was tried out before the first write and can not be trusted with readings.',
    remedy: 'See the detail for the reason and docs/deployment.md for the servers that hold readings, and how.',
  },
  'store.foreign': {
    severity: 'critical',
    title: 'The bucket belongs to another installation',
    meaning: 'The bucket in InfluxDB was written by another installation, or by a later generation of this one.',
    remedy:
      'Name a bucket of its own in WK_INFLUX_BUCKET and start again, or hand this one over by dropping its measurement wk_mark.',
  },
  'store.organization': {
    severity: 'critical',
    title: 'InfluxDB lacks the organization',
    meaning: 'InfluxDB has no organization of this name.',
    remedy: 'Name the organization that owns the bucket in WK_INFLUX_ORG and start again.',
  },
  'store.token-inactive': {
    severity: 'critical',
    title: 'The token of InfluxDB is not active',
    meaning:
      'InfluxDB knows the token, which may neither read nor write the bucket: it was deactivated, or is for another one.',
    remedy: 'Activate the token, or give one that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
  },
  'store.write-only': {
    severity: 'critical',
    title: 'The token of InfluxDB can not read',
    meaning: 'The token may write the bucket and not read it: duplicates, statistics and volumes need both.',
    remedy: 'Give a token that may read and write the bucket in WK_INFLUX_TOKEN and start again.',
  },
  'store.unwritable': {
    severity: 'critical',
    title: 'The data files can not be written',
    meaning: 'The disk refuses readings.db or derived.db: readings wait in the journal.',
    remedy: 'Make room on the disk of WK_DATA_DIR or make it writable; what waits is then written by itself.',
  },
  'readings.type-conflict': {
    severity: 'major',
    title: 'Fields of other types',
    meaning:
      'Somebody else writes fields of other types into measurement reading: InfluxDB refuses our values of the same week, and they go to quarantine.',
    remedy:
      'Have them write elsewhere, delete what they wrote of that week from measurement reading, and replay the items `store.rejected` of quarantine.',
  },
  'broker.unreachable': {
    severity: 'critical',
    title: 'The MQTT broker does not answer',
    meaning: 'The MQTT broker does not answer: gateways can not deliver. This is no silence of stations.',
    remedy: 'Start the broker, or check WK_MQTT_URL and the network; the broker keeps what gateways sent it.',
  },
  'broker.unauthorized': {
    severity: 'critical',
    title: 'The MQTT broker refuses the log-in',
    meaning: 'The MQTT broker refuses the log-in.',
    remedy: 'Give the right WK_MQTT_USERNAME and WK_MQTT_PASSWORD (npm run broker:files writes them).',
  },
  'broker.subscription-refused': {
    severity: 'critical',
    title: 'The MQTT broker refuses a subscription',
    meaning: 'The MQTT broker refuses a subscription of WK_MQTT_TOPICS.',
    remedy: 'Let the broker’s access list give Wellkeeper read access to these topics.',
  },
  'broker.session-lost': {
    severity: 'major',
    title: 'The MQTT session was lost',
    meaning:
      'The MQTT broker forgot our session, or came back with an older copy: what gateways sent it meanwhile may be lost.',
    remedy: 'See the possible gap in the ledgers and have gateways send that time again; give the broker persistence.',
  },
  'broker.levels-split': {
    severity: 'critical',
    title: 'The MQTT broker splits topics',
    meaning:
      'The MQTT broker makes two levels of a dot in a topic: it acknowledges gateways whose id has one, and their readings never arrive.',
    remedy: 'Register these gateways anew under ids without a dot and set them up so, or use another broker.',
  },
  'broker.untried': {
    severity: 'minor',
    title: 'The MQTT broker could not be tried',
    meaning:
      'The canary that the MQTT broker is tried with did not come back: a broker that loses sessions or topics would not be noticed.',
    remedy:
      'Let its access list give Wellkeeper both ways of wk/v1/_wk.canary/readings: in Mosquitto’s, behind `user`, `topic readwrite wk/v1/_wk.canary/readings` (npm run broker:files writes it).',
  },
  'broker.messages-dropped': {
    severity: 'major',
    title: 'The MQTT broker drops messages',
    meaning:
      'The MQTT broker drops messages: a queue was full, and the senders of what came then had been acknowledged.',
    remedy:
      'Raise the broker’s queue (Mosquitto: max_queued_messages, max_queued_bytes); see holes in GET /api/v1/gateways and have gateways send that time again.',
  },
  'follower.parked': {
    severity: 'major',
    title: 'Entries are parked',
    meaning: 'A follower failed three times at an entry and went on without it.',
    remedy:
      'See GET /api/v1/parked and report the error; its values show as pending in the ledger. Take it off the list when it is seen to.',
  },
  'follower.behind': {
    severity: 'major',
    title: 'A follower is behind',
    meaning: 'A follower is more than five minutes behind the journal.',
    remedy: 'If no other platform alarm names the reason, the machine is too slow for what arrives.',
  },
  'followers.restarting': {
    severity: 'critical',
    title: 'The followers were restarted',
    meaning: 'The thread of the followers ended and was started again.',
    remedy: 'See the log for followers.restarted and report the error; nothing acknowledged is lost.',
  },
  'books.recounting': {
    severity: 'minor',
    title: 'The books are being counted anew',
    meaning:
      'The rules of counting have changed with this program: the books are counted anew in the background. Until its turn each hour stands as it was counted before.',
    remedy:
      'Nothing; wait before closing a period or comparing figures. CHANGELOG.md and docs/numbers.md say which figures can change; closed periods keep theirs.',
  },
  'reads.stale': {
    severity: 'major',
    title: 'An old state was read',
    meaning: 'A thread answered from a state of the files that was more than a second old; it has opened them anew.',
    remedy: 'Report it with the detail: a read was left open. Whatever was asked in that time is to be asked again.',
  },
  'quarantine.full': {
    severity: 'major',
    title: 'Quarantine is full',
    meaning: 'Quarantine, or one sender’s share of it, is full: its oldest items are pushed out by new ones.',
    remedy: 'See GET /api/v1/quarantine for who sends what can not be taken, and mend it there.',
  },
  'sequence.holes': {
    severity: 'major',
    title: 'Messages of gateways are missing',
    meaning: 'Gateways number their messages, and some numbers never came: what those messages said is not here.',
    remedy:
      'Have these gateways send them again: they fill their holes by themselves. Where nobody can, close them (POST /api/v1/gateways/{id}/sequence/close).',
  },
  'letters.unexplained': {
    severity: 'major',
    title: 'Device letters are not explained',
    meaning: 'A gateway sends device letters that nobody has explained: such values are kept and used for nothing.',
    remedy: 'Say what they mean in `dialect.letters` of the gateway, or of the station (PUT /api/v1/gateways/{id}).',
  },
  'device.contested': {
    severity: 'major',
    title: 'A device speaks from two places',
    meaning:
      'Two connections from different network addresses speak by turns for one device: its address and password are used twice.',
    remedy:
      'Find out which is the device; name its network in `identity.addresses` of the gateway, and give it another password.',
  },
  'clock.behind': {
    severity: 'major',
    title: 'The clock is behind',
    meaning: 'The clock of this machine is more than a minute behind what it was before.',
    remedy: 'Set the clock by NTP; until it has caught up, everything counts as received at the earlier time.',
  },
  'access.crowded': {
    severity: 'minor',
    title: 'A limit on access was reached',
    meaning:
      'Somebody has reached a limit on connections, streams, sessions or log-ins: what is beyond it was refused or had to give way.',
    remedy:
      'See who it is and which limit: a client that never closes what it opens is to be mended, a stranger to be kept out by the firewall.',
  },
  'routes.nobody': {
    severity: 'major',
    title: 'Nobody is told of alarms',
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

/** Whether an id of a register is kept for the service's own alarms: an entry of this name would mix its alarms with theirs. */
export function isReserved(noun: Noun, id: string): boolean {
  if (noun === 'station') return [PLATFORM_STATION, GATEWAYS_STATION, CANAL_STATION].includes(id);
  if (noun === 'gateway') return id === CANARY_GATEWAY;
  return noun === 'rule' && id === PLATFORM_RULE;
}
