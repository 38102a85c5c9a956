/** Whom a frame is about, by what the gateway's entry says of the devices behind it. */
import type { Fault } from '#model/faults.ts';
import type { Device } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';
import { shortened } from './codec.ts';

/** What an identifier of a device means: the parameter and the unit of its values; null = it is left out on purpose. */
export type Meaning = NonNullable<Device['elements']>[string];

/** By entry, since an entry never changes but is replaced; gone with it. */
const known = new WeakMap<Gateway, ReadonlyMap<string, Device>>();

/**
 * The device of an address: one of the entry's `devices`, or the one of its `identity`, which is its only station's.
 * @param address upper-case hex
 */
export function deviceOf(gateway: Gateway | undefined, address: string): Device | Fault {
  const device = gateway && devicesOf(gateway).get(address);
  if (device) return device;
  const message = `"${shortened(address)}" is no device of this gateway: put it into \`devices\` of its entry, or into \`identity.stationAddress\` if the gateway has one station.`;
  return { code: 'device.unknown', message };
}

function devicesOf(gateway: Gateway): ReadonlyMap<string, Device> {
  const found = known.get(gateway);
  if (found) return found;
  const devices = new Map<string, Device>();
  const [only, ...others] = gateway.stations;
  const own = gateway.identity?.stationAddress;
  if (own !== undefined && only !== undefined && others.length === 0) {
    devices.set(own.toUpperCase(), { address: own, station: only });
  }
  for (const device of gateway.devices ?? []) devices.set(device.address.toUpperCase(), device);
  known.set(gateway, devices);
  return devices;
}
