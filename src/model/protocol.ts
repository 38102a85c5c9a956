/** What a gateway speaks (contracts §7), and what an installation has to know of it to read that. */
import { z } from 'zod';
import { id, text } from './fields.ts';
import { FilterTree, isTopicFilter } from './topic-filter.ts';

const PROTOCOLS = ['json', 'hj212', 'sl651', 'szy206', 'slt427', 'senml', 'sparkplug-b', 'mapped'] as const;
/** `json` is our own payload, and what is spoken unless something else is said. */
export type Protocol = (typeof PROTOCOLS)[number];

/** What is spoken over bare TCP connections: a listener each (WK_TCP_HJ212 …), and the protocols that it hears. */
export const TCP_LISTENERS = {
  hj212: ['hj212'],
  sl651: ['sl651'],
  szy206: ['szy206', 'slt427'],
} as const satisfies Record<string, readonly Protocol[]>;
export type TcpListener = keyof typeof TCP_LISTENERS;

const cidr = z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]);
const address = z.string().trim().min(1).max(128);

/**
 * How a device of a protocol without names in it is read: which of its identifiers is which parameter, `null` to leave one
 * out. What isn't named has the protocol's usual meaning.
 */
const elements = z
  .record(z.string().trim().min(1).max(128), z.strictObject({ parameter: id, unit: text.optional() }).nullable())
  .refine((table) => Object.keys(table).length <= 200, 'at most 200 elements');

/** One device that speaks through a gateway. */
const device = z.strictObject({
  address: address.describe(
    'As the frames have it: the MN of HJ 212, the station address of SL 651 and SZY 206 in hex, the beginning of SenML names, DEVICE, NODE/DEVICE or NODE of Sparkplug B',
  ),
  station: id,
  layout: text
    .optional()
    .describe(
      'SZY 206: how values without identifiers follow each other: `flow`, `flow+total`, `2×flow+total` …; SL 651: whether the stamp of twelve values is that of the `first` or the `last`',
    ),
  elements: elements.optional(),
});
export type Device = z.infer<typeof device>;

/** By what a device that has no credential of ours is known; what is secret is never shown again. */
export const identity = z.strictObject({
  mn: address.optional().describe('HJ 212'),
  stationAddress: address.optional().describe('SL 651, SZY 206, SL/T 427: in hex, as the frames have it'),
  password: z.string().min(1).max(64).optional().describe('PW of HJ 212, the key of SL 651 and SZY 206; write-only'),
  sm4Key: z.string().length(16).optional().describe('HJ 212-2025; write-only'),
  pushSecret: z.string().min(1).max(500).optional().describe('Signature of an IoT platform; write-only'),
  addresses: z.array(cidr).max(50).optional().describe('It may only come from these networks'),
});
export type Identity = z.infer<typeof identity>;
/** Members of it that are never shown again. */
export const IDENTITY_SECRETS = ['password', 'sm4Key', 'pushSecret'] as const;

/** Nobody's but the service's, the broker's, and what is no topic. */
const RESERVED = new FilterTree<string>();
for (const filter of ['wk/#', '$SYS/#', '$share/#']) RESERVED.add(filter, filter);

const topic = z
  .string()
  .max(256)
  .refine(isTopicFilter, 'is no MQTT topic or filter: + and # stand alone between slashes, # at the end')
  .refine((text) => RESERVED.find(text) === undefined, 'shares topics with wk/#, $SYS/# or $share/#, which are taken');

/** The members of a gateway's entry that say what it speaks. */
export const spoken = {
  protocol: z.enum(PROTOCOLS).optional().describe('What its payloads are; `json` unless something else is said'),
  identity: identity.optional(),
  devices: z.array(device).max(1000).optional().describe('Devices behind it, each one station'),
  topics: z
    .array(topic)
    .max(50)
    .optional()
    .describe('MQTT topics of its own besides ours, with + and #; a topic belongs to one gateway'),
  mapping: id.optional().describe('`mapped`: the mapping that its payloads are read by'),
  asksMissed: z
    .boolean()
    .optional()
    .describe(
      'Over TCP: its devices are asked for stored periods that are missing; `true` unless something else is said',
    ),
};

/** Protocols in which an address says by itself whose a frame is, by the addresses that must not meet: those of one listener. */
const SPACES: Readonly<Partial<Record<Protocol, string>>> = {
  hj212: 'MN',
  sl651: 'SL 651',
  szy206: 'SZY 206',
  slt427: 'SZY 206',
};

/** What a gateway's entry says of addresses. */
interface Addressed {
  protocol?: Protocol | undefined;
  identity?: Pick<Identity, 'mn' | 'stationAddress'> | undefined;
  devices?: readonly Pick<Device, 'address'>[] | undefined;
}

/**
 * Addresses by which the frames of a gateway are known, each one gateway's alone: with the protocol before it, and in one
 * spelling. Where an address only counts within the gateway's own connection it is none of these.
 */
export function addressesOf({ protocol = 'json', identity: own, devices = [] }: Addressed): string[] {
  const space = SPACES[protocol];
  const isHex = space !== undefined && protocol !== 'hj212';
  const named = (given: string) => `${space} ${isHex ? given.toUpperCase() : given}`;
  const found = space === undefined ? [] : devices.map((one) => named(one.address));
  if (own?.mn !== undefined) found.push(`${SPACES.hj212} ${own.mn}`);
  if (own?.stationAddress !== undefined && isHex) found.push(named(own.stationAddress));
  return [...new Set(found)];
}
