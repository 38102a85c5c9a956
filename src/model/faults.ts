/**
 * The one table of fault codes: what a code means and which HTTP status carries it. The documentation
 * (docs/errors.md) is generated from it. A code is only here because a client would act on it.
 */

/** `status` is null where the code never is an HTTP answer of its own (it stands in quarantine or in the log). */
interface FaultMeaning {
  status: number | null;
  meaning: string;
}

const TABLE = {
  // Values: that value alone is quarantined, the rest of the message is taken.
  'station.unknown': { status: null, meaning: 'No station of this id is registered.' },
  'parameter.unknown': { status: null, meaning: 'No parameter of this id or HJ code is known.' },
  'unit.unknown': { status: null, meaning: 'The unit is not one that this parameter can be converted from.' },
  'value.not-finite': { status: null, meaning: 'The value is NaN, infinite or beyond ±1e300.' },
  'value.not-a-number': { status: null, meaning: 'The value is neither a number nor null.' },
  'name.repeated': {
    status: null,
    meaning: 'Something stands twice in one sample: under the same name, or under two names of one parameter.',
  },
  'time.no-offset': { status: null, meaning: 'The time has no UTC offset; Wellkeeper never guesses a zone.' },
  'time.seconds': { status: null, meaning: 'The time is a number that can only be seconds; milliseconds are wanted.' },
  'time.malformed': { status: null, meaning: 'The time is neither RFC 3339 nor epoch milliseconds.' },
  'time.impossible': {
    status: null,
    meaning: 'The time is before 2000 (from archives, 1900) or more than 10 minutes ahead of arrival.',
  },
  'time.partial': {
    status: null,
    meaning: 'The stamp has no month and year: the value was taken at the latest such day before its arrival.',
  },
  'element.unknown': {
    status: null,
    meaning: 'Neither the protocol nor the entry of the device says which parameter this identifier is.',
  },
  'element.left-out': {
    status: null,
    meaning: 'The protocol says what this value is, and no parameter here is that, or it is in the message twice.',
  },
  'layout.unknown': {
    status: null,
    meaning: 'The values can be read in more ways than one, and `layout` of the device does not say which is right.',
  },
  'function.unknown': { status: 400, meaning: 'The protocol does not say what frames of this function hold.' },
  'sample.malformed': { status: null, meaning: 'The sample is not an object with station, time and values.' },
  'row.malformed': { status: null, meaning: 'The CSV row does not have the columns that the header promises.' },
  'row.repeated': { status: null, meaning: 'An earlier row of the file has this time and says something else.' },
  'time.ambiguous': { status: null, meaning: 'The local time comes twice, when the clock goes back.' },
  'flag.unknown': {
    status: null,
    meaning: 'Nobody has said what the device flag means; the value is kept with flag 3.',
  },
  'sparkplug.no-birth': {
    status: null,
    meaning: 'A metric came by its alias, or as an integer without a datatype, and no birth has said what that is.',
  },
  'sparkplug.missed': {
    status: null,
    meaning: 'Messages of the edge node are missing before this one, so its aliases may mean something else by now.',
  },
  'gateway.not-owner': { status: null, meaning: 'The station is not one that this gateway may write.' },
  'time.expired': { status: null, meaning: 'The time is before what WK_RAW_RETENTION keeps.' },
  'store.rejected': { status: null, meaning: 'The reading store refused this line for good.' },
  // Messages: the whole message is quarantined and counts as one.
  'message.malformed': { status: 400, meaning: 'The payload can not be decoded.' },
  'message.too-many-values': { status: 400, meaning: 'The message holds more than 5,000 values.' },
  'message.too-deep': { status: 400, meaning: 'The body is nested more than 64 deep.' },
  'senml.not-understood': {
    status: 400,
    meaning: 'The pack has a newer version, or a field that must be understood, and may not be used without.',
  },
  'message.too-large': { status: 413, meaning: 'The message is larger than WK_MAX_MESSAGE.' },
  'message.checksum': {
    status: 400,
    meaning: 'The checksum of a frame does not fit its bytes; nothing of it is taken.',
  },
  'message.encrypted': {
    status: 400,
    meaning: 'The frame is encrypted, and there is no key for it or another one: `identity.sm4Key` of the gateway.',
  },
  'message.incomplete': {
    status: 400,
    meaning: 'Parts of a message are missing without which it can not be read, such as the one with its time.',
  },
  'device.unknown': {
    status: 400,
    meaning: 'The address in the frame is none of this gateway: put it into `identity` or `devices` of its entry.',
  },
  'device.password': { status: 400, meaning: 'The password in the frame is not the one in `identity.password`.' },
  'message.length': {
    status: null,
    meaning: 'A frame has another length than it says; its checksum is right, it is taken.',
  },
  'message.noise': { status: null, meaning: 'Bytes that belong to no frame were passed over.' },
  'message.no-readings': {
    status: null,
    meaning:
      'A frame holds nothing that is a reading here: a log, a state, means that the entry leaves out. It is kept as sent.',
  },
  'unit.unstated': {
    status: null,
    meaning:
      'The protocol leaves the unit open and nobody has said it: `dialect.hj212.traceUnits`, or `elements` of the device.',
  },
  'topic.not-yours': { status: null, meaning: 'The topic is not one that this client may publish to.' },
  'device.elsewhere': { status: null, meaning: 'The device came from none of `identity.addresses` of its gateway.' },
  // HTTP.
  'file.undecided': {
    status: 400,
    meaning: 'The file can be read in more ways than one; `questions` says what to answer.',
  },
  'request.invalid': { status: 400, meaning: 'The request does not fit the schema; `errors` says where.' },
  'id.invalid': { status: 400, meaning: 'An id is 1 to 64 of A-Z a-z 0-9 . _ -' },
  'range.invalid': { status: 400, meaning: 'The range is not two instants with from before to.' },
  'range.too-many-buckets': { status: 400, meaning: 'The range and interval give more than 10,000 buckets.' },
  'range.too-long': { status: 400, meaning: 'The range is longer than this zone or interval allows.' },
  'range.pruned': { status: 400, meaning: 'The answer needs readings that WK_RAW_RETENTION has deleted.' },
  'cursor.invalid': { status: 400, meaning: 'The cursor is not one that this list gave.' },
  'rule.invalid': { status: 400, meaning: 'The rule names nothing that exists or contradicts itself.' },
  'rule.not-rehearsable': { status: 400, meaning: 'A rule of this kind is not judged by stored readings alone.' },
  'rehearsal.too-large': { status: 400, meaning: 'The rehearsal meets more readings or alarms than one may.' },
  'question.too-large': { status: 400, meaning: 'The answer takes more time or memory than one question may.' },
  'channel.address-refused': { status: 400, meaning: 'The address is private and WK_WEBHOOK_ALLOW does not name it.' },
  'token.missing': { status: 401, meaning: 'A credential is needed.' },
  'token.invalid': { status: 401, meaning: 'The credential is not valid.' },
  'role.too-low': { status: 403, meaning: 'The credential may not do this.' },
  'origin.refused': { status: 403, meaning: 'A change by cookie needs a matching Origin.' },
  'not-found': { status: 404, meaning: 'There is nothing of this name.' },
  'method.not-allowed': { status: 405, meaning: 'The route exists, the method does not.' },
  'state.conflict': { status: 409, meaning: 'The thing is in a state that does not allow this.' },
  'topic.taken': {
    status: 409,
    meaning: 'The topic, or one that the filter has in common, is that of another gateway.',
  },
  'address.taken': { status: 409, meaning: 'The address of a device is that of another gateway already.' },
  'books.behind': { status: 409, meaning: 'The books that are read from lack something that is journaled already.' },
  'media.unsupported': { status: 415, meaning: 'Only application/json and, where said, text/csv are read.' },
  'idempotency.conflict': { status: 422, meaning: 'The Idempotency-Key was used for another body.' },
  'rate.limited': { status: 429, meaning: 'Too many requests; Retry-After says when.' },
  internal: { status: 500, meaning: 'A fault of ours; the log has it under the same request id.' },
  'books.damaged': {
    status: 500,
    meaning: 'What would be answered is not what was written: its checksum or its file is damaged.',
  },
  'journal.full': { status: 503, meaning: 'The journal can not take more; nothing was accepted; try again later.' },
  'journal.unwritable': {
    status: 503,
    meaning: 'The disk refuses the journal; nothing was accepted; try again later.',
  },
  'store.unavailable': {
    status: 503,
    meaning: 'The reading store does not answer; what is in books and memory can still be read.',
  },
  overloaded: { status: 503, meaning: 'The service is too busy; Retry-After says when.' },
  // Files and processes.
  'store.corrupt': { status: null, meaning: 'A database file is damaged; restore it from a backup.' },
  'store.mismatch': {
    status: null,
    meaning: 'The files of the data directory do not belong together, or one is missing beside the others.',
  },
  'store.newer': { status: null, meaning: 'A database file was written by a newer version of the program.' },
  'store.locked': { status: null, meaning: 'Another process writes this data directory.' },
  'seed.invalid': { status: null, meaning: 'A seed file is wrong; file, line, item and reason are given.' },
  'config.invalid': { status: null, meaning: 'The configuration is wrong; every mistake is listed; exit 78.' },
  'follower.parked': { status: null, meaning: 'A follower failed three times at an entry and goes on without it.' },
} as const satisfies Record<string, FaultMeaning>;

export type FaultCode = keyof typeof TABLE;
export const FAULTS: Readonly<Record<FaultCode, FaultMeaning>> = TABLE;

/** Something wrong with what was sent; a value, not an exception (design §7). `path` = `samples[0].values.ph`, `row 17`. */
export interface Fault {
  code: FaultCode;
  message: string;
  path?: string;
}
