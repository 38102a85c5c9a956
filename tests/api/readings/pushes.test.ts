/** IoT platforms that push: who is let in, what they are answered, and the trial of the address before. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type ApiRig, basic, GATEWAY, startApi } from '#tests/helpers/api.ts';

const URL = `/api/v1/readings?gateway=${GATEWAY.id}`;
const SECRET = 'push-secret-1';
const SAMPLE = { station: 'taocha', time: '2026-11-22T07:00:00+08:00', values: { ph: 7.9 } };

async function rigWith(identity: object | null = { pushSecret: SECRET }): Promise<ApiRig> {
  const rig = await startApi();
  const body = { stations: ['taocha'], ...(identity && { identity }) };
  await rig.call('PUT', `/api/v1/gateways/${GATEWAY.id}`, { as: 'admin', body });
  return rig;
}

function signedNow(rig: ApiRig, secret = SECRET): Record<string, string> {
  const timestamp = String(Math.floor(rig.clock.nowMs() / 1000));
  const signature = createHash('sha1').update([secret, timestamp, 'n-1'].sort().join('')).digest('hex');
  return { timestamp, nonce: 'n-1', signature };
}

const md5 = (msg: string, secret = SECRET) => createHash('md5').update(`${secret}n-1${msg}`).digest('base64');

describe('a push', () => {
  it.each([
    ['Basic', () => basic(GATEWAY.id, GATEWAY.password)],
    ['its password as bearer', () => ({ authorization: `Bearer ${GATEWAY.password}` })],
    ['a signature in headers', (rig: ApiRig) => signedNow(rig)],
  ])('is taken by %s, and answered 200 once it is durable', async (_by, headersOf) => {
    const rig = await rigWith();
    const answer = await rig.call('POST', URL, { as: 'nobody', body: SAMPLE, headers: headersOf(rig) });
    expect([answer.statusCode, answer.json()]).toMatchObject([200, { accepted: 1, quarantined: [] }]);
    expect(rig.reader.intakeCount(GATEWAY.id)?.received).toBe(1);
  });

  it('is taken by a signature that stands in its body', async () => {
    const rig = await rigWith();
    const msg = JSON.stringify(SAMPLE);
    const body = { msg, nonce: 'n-1', signature: md5(msg) };
    const answer = await rig.call('POST', URL, { as: 'nobody', body });
    // What `msg` means a mapping says; this gateway speaks our own JSON.
    expect([answer.statusCode, answer.json().quarantined[0].code]).toEqual([200, 'message.malformed']);
    expect(rig.reader.intakeCount(GATEWAY.id)).toMatchObject({ received: 1, quarantined: 1 });
  });

  it('is answered 200 also when nothing of it can be read: it is kept, and platforms drop what is answered otherwise', async () => {
    const rig = await rigWith();
    const headers = { ...signedNow(rig), 'content-type': 'application/json' };
    const answer = await rig.call('POST', URL, { as: 'nobody', body: '{"broken', headers });
    expect([answer.statusCode, answer.json().quarantined]).toMatchObject([200, [{ code: 'message.malformed' }]]);
  });

  it.each([
    ['nothing', () => ({}), 'token.invalid'],
    ['another secret', (rig: ApiRig) => signedNow(rig, 'other'), 'token.invalid'],
    ['another password', () => ({ authorization: 'Bearer wrong' }), 'token.invalid'],
  ])('is refused with %s', async (_by, headersOf, code) => {
    const rig = await rigWith();
    const answer = await rig.call('POST', URL, { as: 'nobody', body: SAMPLE, headers: headersOf(rig) });
    expect([answer.statusCode, answer.json().code]).toEqual([401, code]);
    expect(rig.reader.intakeCount(GATEWAY.id)).toBeUndefined();
  });

  it('is refused as ever where no secret is set', async () => {
    const rig = await rigWith(null);
    const answer = await rig.call('POST', URL, { as: 'nobody', body: SAMPLE, headers: signedNow(rig) });
    expect([answer.statusCode, answer.json().code]).toEqual([401, 'token.missing']);
  });

  it('is refused of everybody else, engineers among them', async () => {
    const rig = await rigWith();
    expect((await rig.call('POST', URL, { as: 'engineer', body: SAMPLE })).statusCode).toBe(403);
    const other = await rig.call('POST', '/api/v1/readings?gateway=another', { as: 'gateway', body: SAMPLE });
    expect(other.statusCode).toBe(403);
  });

  it('counts wrong signatures as failed log-ins of their address', async () => {
    const rig = await rigWith();
    const headers = signedNow(rig, 'other');
    const codes = [];
    for (let n = 0; n < 11; n++)
      codes.push((await rig.call('POST', URL, { as: 'nobody', body: SAMPLE, headers })).statusCode);
    expect(codes).toEqual([...Array(10).fill(401), 429]);
  });
});

describe('the trial of an address', () => {
  it('gives OneNET its msg back', async () => {
    const rig = await rigWith();
    const query = new URLSearchParams({ msg: 'm-1', nonce: 'n-1', signature: md5('m-1') });
    const answer = await rig.call('GET', `${URL}&${query}`, { as: 'nobody' });
    expect([answer.statusCode, answer.body, answer.headers['content-type']]).toEqual([
      200,
      'm-1',
      'text/plain; charset=utf-8',
    ]);
    const forged = new URLSearchParams({ msg: 'm-2', nonce: 'n-1', signature: md5('m-1') });
    expect((await rig.call('GET', `${URL}&${forged}`, { as: 'nobody' })).statusCode).toBe(401);
  });

  it('gives platforms that sign in headers their echostr back', async () => {
    const rig = await rigWith();
    const headers = { ...signedNow(rig), echostr: 'UPWIAFASvDUFcTEE' };
    const answer = await rig.call('GET', URL, { as: 'nobody', headers });
    expect([answer.statusCode, answer.body]).toEqual([200, 'UPWIAFASvDUFcTEE']);
  });

  it('is answered with nothing where nothing is sent, to who has the credential', async () => {
    const rig = await rigWith(null);
    const answer = await rig.call('GET', URL, { as: 'gateway' });
    expect([answer.statusCode, answer.body]).toEqual([200, '']);
  });
});
