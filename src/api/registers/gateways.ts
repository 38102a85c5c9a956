/** What the register of gateways does beyond reading and writing: what is kept, what is shown, what must fit. */
import type { ApiDeps } from '#api/deps.ts';
import { Problem, type ProblemError } from '#api/problems.ts';
import type { GatewayBody } from '#api/registers/schemas/registers.ts';
import { gatewayTopics } from '#ingest/transports/gateway-topics.ts';
import { addressesOf, IDENTITY_SECRETS, type Identity } from '#model/protocol.ts';
import type { Gateway } from '#model/register.ts';

/** An entry without the hashes of its password. */
export type GatewayEntry = Omit<Gateway, 'passwordHash' | 'otherHashes'>;

/** Secrets are never shown, so a body that was read, changed and put back lacks them: they stay; null takes one out. */
export function keptGateway({ identity, ...body }: GatewayBody, before: GatewayEntry | undefined): GatewayEntry {
  const kept: Identity = {};
  const { password: _p, sm4Key: _k, pushSecret: _s, ...open } = identity ?? {};
  Object.assign(kept, open);
  for (const name of IDENTITY_SECRETS) {
    const given = identity?.[name];
    const secret = given === undefined || given === true ? before?.identity?.[name] : given;
    if (secret !== undefined && secret !== null) kept[name] = secret;
  }
  return { ...body, ...((identity !== undefined || Object.keys(kept).length > 0) && { identity: kept }) };
}

/** As anybody may see it: that there is a secret, and not which. */
export function shownGateway({ passwordHash: _checked, otherHashes: _moved, identity, ...body }: Partial<Gateway>) {
  if (identity === undefined) return body;
  const secrets = IDENTITY_SECRETS.filter((name) => identity[name] !== undefined).map((name) => [name, true] as const);
  const { password: _p, sm4Key: _k, pushSecret: _s, ...open } = identity;
  return { ...body, identity: { ...open, ...Object.fromEntries(secrets) } };
}

/** What in an entry contradicts itself. */
export function gatewayErrors({ stations, identity, devices = [] }: GatewayEntry): ProblemError[] {
  const errors: ProblemError[] = [];
  for (const [index, { address, station }] of devices.entries()) {
    if (!stations.includes(station)) {
      errors.push({ path: `devices[${index}].station`, message: `"${station}" is not among \`stations\`` });
    }
    if (devices.findIndex((other) => other.address === address) < index) {
      errors.push({ path: `devices[${index}].address`, message: `"${address}" is listed twice` });
    }
  }
  for (const name of ['mn', 'stationAddress'] as const) {
    if (identity?.[name] === undefined || stations.length === 1) continue;
    const message = 'is for a gateway of one station: name the stations of several devices in `devices`';
    errors.push({ path: `identity.${name}`, message });
  }
  return errors;
}

/** @throws Problem `address.taken`, `topic.taken` for what another gateway has. */
export function refuseTaken({ control }: ApiDeps, id: string, body: GatewayEntry): void {
  for (const topic of body.topics ?? []) {
    const owner = gatewayTopics(control).ownerOf(topic, id);
    if (owner) throw new Problem('topic.taken', `"${topic}" has topics in common with those of gateway "${owner}".`);
  }
  const own = new Set(addressesOf(body));
  if (own.size === 0) return;
  for (const other of control.list('gateway')) {
    if (other.id === id) continue;
    const shared = addressesOf(other.body).find((address) => own.has(address));
    if (shared === undefined) continue;
    throw new Problem('address.taken', `${shared} is the address of a device of gateway "${other.id}".`);
  }
}
