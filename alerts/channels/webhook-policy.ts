/** Which addresses webhooks may reach, from the configuration: loopback only when we listen on loopback ourselves. */
import { BlockList, isIPv4, isIPv6 } from 'node:net';
import type { Config } from '#model/config.ts';
import type { AddressPolicy } from './address.ts';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function webhookPolicy({ http, webhookAllow }: Config): AddressPolicy {
  return { allow: webhookAllow, allowLoopback: isLoopback(http.host) };
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  if (isIPv4(host)) return loopback.check(host, 'ipv4');
  return isIPv6(host) && loopback.check(host, 'ipv6');
}
