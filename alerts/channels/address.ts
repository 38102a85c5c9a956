/**
 * Which addresses a webhook may reach. Private, link-local, loopback and metadata addresses are refused, or whoever
 * may edit channels could make this machine speak to its neighbours (SSRF). What counts is the address that a
 * connection is made to, so a name that resolves elsewhere at the second look (DNS rebinding) gains nothing.
 */
import { lookup as dnsLookup } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import type { Fault } from '#model/faults.ts';

export interface AddressPolicy {
  /** Host names, addresses and CIDR blocks of WK_WEBHOOK_ALLOW. */
  allow: readonly string[];
  /** True when the service itself listens on loopback: then so may its neighbours be reached. */
  allowLoopback: boolean;
}

interface Address {
  address: string;
  family: number;
}

export type Resolve = (
  hostname: string,
  options: { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: Address[]) => void,
) => void;

/** Refused at connect time; `code` is that of the fault table. */
export class AddressRefused extends Error {
  readonly code = 'channel.address-refused';
}

// IANA special-purpose registries (RFC 6890 and its updates): everything that isn't the public unicast internet. The
// clouds' metadata services are among them: 169.254.169.254, 100.100.100.200, fd00:ec2::254.
const LOOPBACK = blockList(['127.0.0.0/8', '::1/128']);
const PRIVATE = blockList([
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.0.0.0/24', '192.168.0.0/16'],
  ...['198.18.0.0/15', '224.0.0.0/4', '240.0.0.0/4', '192.88.99.0/24'],
  ...['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24'],
  ...['::/128', 'fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8', '64:ff9b:1::/48', '100::/64', '5f00::/16'],
  // IETF protocol assignments: Teredo (an IPv4 address in disguise), benchmarking, ORCHID; then documentation.
  ...['2001::/23', '2001:db8::/32', '3fff::/20'],
]);
const MAPPED = blockList(['::ffff:0:0/96']);
/** IPv6 blocks that carry an IPv4 address, and the index of the 16-bit group where it begins. */
const EMBEDDING = [
  { block: MAPPED, group: 6 },
  { block: blockList(['64:ff9b::/96']), group: 6 },
  { block: blockList(['2002::/16']), group: 1 },
];

function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) addBlock(list, block);
  return list;
}

/** Adds an address or a CIDR block; false for text that is neither. */
function addBlock(list: BlockList, text: string): boolean {
  const [network = '', prefix] = text.split('/');
  const version = isIP(network);
  const bits = prefix === undefined ? (version === 6 ? 128 : 32) : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || bits < 0 || bits > (version === 6 ? 128 : 32)) return false;
  list.addSubnet(network, bits, version === 6 ? 'ipv6' : 'ipv4');
  return true;
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** The IPv4 address within an IPv6 address (mapped, NAT64, 6to4), else the address itself. */
function innermost(address: string): string {
  if (isIP(address) !== 6) return address;
  const embedding = EMBEDDING.find(({ block }) => contains(block, address));
  if (!embedding) return address;
  const groups = expand(address);
  const [high, low] = [groups[embedding.group]!, groups[embedding.group + 1]!];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/** The eight groups of an IPv6 address. */
function expand(address: string): number[] {
  // The URL parser writes any spelling (dotted quads, zone-less) as plain hexadecimal groups (WHATWG URL §3.5).
  const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [head = '', tail] = plain.split('::');
  const parse = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)));
  if (tail === undefined) return parse(head);
  const [left, right] = [parse(head), parse(tail)];
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right];
}

/** Whether a connection to `address`, which the URL's `hostname` led to, is permitted. */
export function isPermitted(address: string, hostname: string, policy: AddressPolicy): boolean {
  const allowed = new BlockList();
  for (const entry of policy.allow) {
    if (!addBlock(allowed, entry) && entry.toLowerCase() === hostname.toLowerCase()) return true;
  }
  const plain = address.split('%')[0]!;
  const target = innermost(plain);
  if (contains(allowed, target) || contains(allowed, plain)) return true;
  // Loopback within NAT64 or 6to4 is some gateway's, not ours.
  if (contains(LOOPBACK, target)) return policy.allowLoopback && (target === plain || contains(MAPPED, plain));
  return !contains(PRIVATE, target);
}

/** Host of a URL as addresses are written: without the brackets of IPv6 and the final dot of a name. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
}

/** A `lookup` for node:http that hands over only permitted addresses. Literal addresses never come here. */
export function guardedLookup(policy: AddressPolicy, resolve: Resolve = dnsLookup): LookupFunction {
  return (hostname, options, done) => {
    resolve(hostname, { all: true }, (error, addresses) => {
      if (error) return done(error, '', 0);
      const permitted = addresses.filter(({ address }) => isPermitted(address, hostname, policy));
      const [first] = permitted;
      if (!first) return done(new AddressRefused(`${hostname} leads to no permitted address`), '', 0);
      if (options.all) done(null, permitted);
      else done(null, first.address, first.family);
    });
  };
}

/**
 * Whether a webhook may be set to this URL, as far as can be told now: null or the fault `channel.address-refused`. A
 * name that doesn't resolve at the moment is taken; each connection is checked again.
 */
export async function checkAddress(
  url: string,
  policy: AddressPolicy,
  resolve: Resolve = dnsLookup,
): Promise<Fault | null> {
  const hostname = hostOf(new URL(url));
  const addresses = isIP(hostname) === 0 ? await resolved(hostname, resolve) : [hostname];
  const refused = addresses.find((address) => !isPermitted(address, hostname, policy));
  if (refused === undefined) return null;
  const message = `${hostname} is ${refused === hostname ? '' : `${refused}, `}a private address; WK_WEBHOOK_ALLOW doesn't name it`;
  return { code: 'channel.address-refused', message, path: 'url' };
}

function resolved(hostname: string, resolve: Resolve): Promise<string[]> {
  return new Promise((done) => {
    resolve(hostname, { all: true }, (error, addresses) => done(error ? [] : addresses.map(({ address }) => address)));
  });
}
