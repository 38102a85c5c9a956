/**
 * Who speaks over a connection without a log-in: devices by the address that their frames have (an MN, a station
 * address), as gateways' entries name them. Kept beside the registers, so that a frame costs one look-up.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Control } from '#journal/registers.ts';
import type { Fault } from '#model/faults.ts';
import type { Protocol } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';
import { shortened } from '../../codecs/codec.ts';

/** One device, as the register has it now. */
export interface Device {
  gateway: string;
  /** As its entry has it, and as it is told to the device. */
  address: string;
  /** Its one station; null when the gateway has several and the entry doesn't say which. */
  station: string | null;
  /** Null: none is wanted. */
  password: string | null;
  /** Upper and lower case are the same in it. */
  isSpelledInHex: boolean;
  /** Where it may come from; null: from anywhere. */
  networks: BlockList | null;
  asksMissed: boolean;
}

export class Devices {
  readonly #control: Control;
  readonly #protocols: readonly Protocol[];
  /** Addresses and passwords in hex are written in either case. */
  readonly #keyOf: (text: string) => string;
  readonly #byAddress = new Map<string, Device[]>();
  readonly #ofGateway = new Map<string, Device[]>();

  /** @param protocols of which a gateway's entry must have one. */
  constructor(control: Control, protocols: readonly Protocol[]) {
    this.#control = control;
    this.#protocols = protocols;
    this.#keyOf = protocols.includes('hj212') ? (text) => text : (text) => text.toUpperCase();
    for (const { id } of control.list('gateway')) this.#refresh(id);
    control.onChange(({ command }) => {
      if ((command.verb === 'put' || command.verb === 'delete') && command.noun === 'gateway')
        this.#refresh(command.id);
    });
  }

  find(address: string): Device | undefined {
    return this.#byAddress.get(this.#keyOf(address))?.[0];
  }

  ofGateway(gateway: string): readonly Device[] {
    return this.#ofGateway.get(gateway) ?? [];
  }

  #refresh(id: string): void {
    for (const device of this.ofGateway(id)) this.#remove(device);
    this.#ofGateway.delete(id);
    const gateway = this.#control.get('gateway', id);
    if (!gateway || !this.#protocols.includes(gateway.protocol ?? 'json')) return;
    const devices = devicesOf(id, gateway, this.#keyOf);
    this.#ofGateway.set(id, devices);
    for (const device of devices) {
      this.#byAddress.getOrInsertComputed(this.#keyOf(device.address), () => []).push(device);
    }
  }

  #remove(device: Device): void {
    const key = this.#keyOf(device.address);
    const left = this.#byAddress.get(key)!.filter((other) => other !== device);
    if (left.length === 0) this.#byAddress.delete(key);
    else this.#byAddress.set(key, left);
  }
}

function devicesOf(
  gateway: string,
  { identity, devices = [], stations, asksMissed = true }: Gateway,
  keyOf: (text: string) => string,
): Device[] {
  const shared = {
    gateway,
    password: identity?.password ?? null,
    isSpelledInHex: keyOf('a') !== 'a',
    networks: identity?.addresses ? networksOf(identity.addresses) : null,
    asksMissed,
  };
  const own = [identity?.mn, identity?.stationAddress].filter((address) => address !== undefined);
  const listed = new Set(devices.map(({ address }) => keyOf(address)));
  return [
    ...devices.map(({ address, station }) => ({ ...shared, address, station })),
    ...own
      .filter((address) => !listed.has(keyOf(address)))
      .map((address) => ({ ...shared, address, station: stations.length === 1 ? stations[0]! : null })),
  ];
}

function networksOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address = '', prefix] = text.split('/');
    const family = isIPv4(address) ? 'ipv4' : 'ipv6';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** A socket's address as people write it: `10.0.0.7` also where the listener hears IPv6. */
export function plainAddress(address: string | undefined): string {
  return (address ?? 'unknown').replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/**
 * Why a frame with this address and password, from this network address, isn't taken; null when it is.
 * @param heading `password` undefined: the protocol has none.
 */
export function unwelcome(
  device: Device | undefined,
  { address, password }: { address: string | null; password: string | null | undefined },
  from: string,
): Fault | null {
  if (device === undefined) {
    const shown = address === null ? 'without a readable address' : `of "${shortened(address)}"`;
    const message = `A frame ${shown} came from ${from}, and no gateway has that address: put it into \`identity\` or \`devices\` of one.`;
    return { code: 'device.unknown', message };
  }
  if (device.networks !== null && !isWithin(device.networks, from)) {
    const message = `"${shortened(device.address)}" came from ${from}, which is none of \`identity.addresses\` of gateway ${device.gateway}.`;
    return { code: 'device.elsewhere', message };
  }
  if (device.password !== null && password !== undefined && !isPasswordOf(device, password)) {
    const message = `"${shortened(device.address)}" came from ${from} with another password than \`identity.password\` of gateway ${device.gateway}.`;
    return { code: 'device.password', message };
  }
  return null;
}

function isPasswordOf({ password: wanted, isSpelledInHex }: Device, password: string | null): boolean {
  if (isSpelledInHex) return wanted?.toUpperCase() === password?.toUpperCase();
  return wanted === password;
}

function isWithin(networks: BlockList, address: string): boolean {
  if (isIPv4(address)) return networks.check(address, 'ipv4');
  return isIPv6(address) && networks.check(address, 'ipv6');
}
