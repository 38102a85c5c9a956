/** Which station a device's values belong to, and what they are, by the entry of the gateway that it speaks through. */
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';
import { shortened } from './codec.ts';

/** What the entry says of one device. */
export interface Behind {
  station: string;
  elements?: Device['elements'];
}

/**
 * @param addresses names of the device, the most specific first; one that the entry has decides.
 * @returns a gateway that lists no devices and has one station speaks for that station.
 */
export function behind(gateway: Gateway | undefined, addresses: readonly string[]): Behind | Fault {
  const devices = gateway?.devices ?? [];
  for (const address of addresses) {
    const device = devices.find((known) => known.address === address);
    if (device) return device;
  }
  return lone(gateway) ?? unknownDevice(gateway, addresses[0] ?? '');
}

/** The one station of a gateway without devices; null where it has others, or lists devices. */
export function lone(gateway: Gateway | undefined): Behind | null {
  const isLone = gateway !== undefined && !gateway.devices?.length && gateway.stations.length === 1;
  return isLone ? { station: gateway.stations[0]! } : null;
}

export function unknownDevice(gateway: Gateway | undefined, address: string): Fault {
  if (gateway === undefined) {
    const message = 'Which station this is about stands in the entry of a gateway; send it as a gateway.';
    return { code: 'device.unknown', message };
  }
  const shown = shortened(address);
  const message = `No device of this gateway is "${shown}": add { "address": "${shown}", "station": … } to its \`devices\`.`;
  return { code: 'device.unknown', message };
}

type Element = NonNullable<Device['elements']>[string];

/** What the entry says of a value of this name: nothing, or (null) that it is left out. */
export function elementOf({ elements }: Behind, name: string): Element | undefined {
  return elements !== undefined && Object.hasOwn(elements, name) ? elements[name] : undefined;
}

/** A value as samples have it. What the entry says of its unit goes before what the device says, as its letters do. */
export function measured(value: unknown, element: Element | undefined, unit: unknown, flag?: unknown): unknown {
  const meant = element?.unit ?? unit;
  return meant === undefined && flag === undefined ? value : { value, unit: meant, flag };
}
