/** Payloads of other protocols on the embedded broker: what they are read as, and what is answered. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Control } from '#journal/registers.ts';
import type { Command } from '#model/entry.ts';
import type { Gateway } from '#model/register.ts';
import { endAll, READINGS, run } from '#tests/helpers/brokers/embedded-rig.ts';
import { frameOf, MN, segmentOf } from '#tests/helpers/ingest/hj212.ts';

afterEach(endAll);

const REPLY = 'wk/v1/gw-1/hj212/reply';

/** What changes the entry of gw-1. */
function entryOf(control: Control, rest: Partial<Gateway>): Command {
  return { verb: 'put', noun: 'gateway', id: 'gw-1', body: { ...control.get('gateway', 'gw-1'), ...rest } };
}

describe('payloads', () => {
  it('of HJ 212 come on a topic of their own, and are answered on `hj212/reply` once the door has them', async () => {
    const { door, control, put, gateway } = await run();
    put(entryOf(control, { identity: { mn: MN } }));
    const client = await gateway();
    expect(await client.subscribe(REPLY)).toEqual([1]);
    await client.publish('wk/v1/gw-1/hj212', frameOf(segmentOf('2061', 'DataTime=20261130070000;w01001-Avg=8')));
    const { payload } = await client.message(REPLY);
    expect([payload.toString()]).toEqual([
      frameOf(`QN=20261130080000001;ST=91;CN=9014;PW=123456;MN=${MN};Flag=8;CP=&&&&`).toString(),
    ]);
    expect(door.accepted).toMatchObject([{ contentType: 'application/x-hj212', topic: 'wk/v1/gw-1/hj212' }]);
    // What can't be read is not answered: the station sends it again.
    await client.publish('wk/v1/gw-1/hj212', frameOf(segmentOf('2061', ''), { checksum: '0000' }));
    await client.publish(READINGS, '{}');
    expect(client.received(REPLY)).toHaveLength(1);
  });

  it('are read as the protocol of the entry says', async () => {
    const { door, control, put, gateway } = await run();
    put(entryOf(control, { protocol: 'hj212' }));
    const client = await gateway();
    await client.publish(READINGS, '##0000');
    expect(door.accepted[0]?.contentType).toBe('application/x-hj212');
  });
});
