/** Signatures of IoT platforms, with the examples that they publish. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { echoOf, isSigned, type Pushed } from '#api/readings/platform-push.ts';

const push = (rest: Partial<Pushed>): Pushed => ({ headers: {}, query: {}, body: null, ...rest });

describe('secret, timestamp and nonce', () => {
  // https://cloud.tencent.com/document/product/1081/40298
  const headers = {
    nonce: 'IkOaKMDalrAzUTxC',
    signature: 'c259ed29ec13ba7c649fe0893007401a36e70453',
    timestamp: '1604458421',
  };
  const AT = 1_604_458_421_000;

  it('are signed as in the example of Tencent’s documentation', () => {
    expect(isSigned('aaa', push({ headers }), AT)).toBe(true);
    expect(isSigned('aaa', push({ query: headers }), AT)).toBe(true);
    expect(isSigned('aab', push({ headers }), AT)).toBe(false);
    expect(isSigned(null, push({ headers }), AT)).toBe(false);
    expect(isSigned('aaa', push({ headers: { ...headers, nonce: 'x' } }), AT)).toBe(false);
  });

  it('count for ten minutes, since the body is not signed', () => {
    expect(isSigned('aaa', push({ headers }), AT + 600_000)).toBe(true);
    expect(isSigned('aaa', push({ headers }), AT + 600_001)).toBe(false);
    expect(isSigned('aaa', push({ headers }), AT - 600_001)).toBe(false);
  });

  it('may be hashed by SHA-256, and the time be in milliseconds', () => {
    const timestamp = '1604458421000';
    const signature = createHash('sha256').update(['aaa', timestamp, 'n'].sort().join('')).digest('hex');
    expect(isSigned('aaa', push({ headers: { timestamp, nonce: 'n', signature } }), AT)).toBe(true);
  });
});

describe('msg and nonce (OneNET)', () => {
  const msg = '{"type":1,"value":7.9}';
  const signature = createHash('md5').update(`token-1n-1${msg}`).digest('base64');

  it('are signed in the query of a trial and in the body of a push', () => {
    const fields = { msg, nonce: 'n-1', signature };
    expect(isSigned('token-1', push({ query: fields }), 0)).toBe(true);
    expect(isSigned('token-1', push({ query: { ...fields, signature: signature.replaceAll('+', ' ') } }), 0)).toBe(
      true,
    );
    expect(isSigned('token-1', push({ body: Buffer.from(JSON.stringify(fields)) }), 0)).toBe(true);
    const older = { msg, nonce: 'n-1', msg_signature: signature };
    expect(isSigned('token-1', push({ body: Buffer.from(JSON.stringify(older)) }), 0)).toBe(true);
    expect(isSigned('token-2', push({ query: fields }), 0)).toBe(false);
    // What a body signs is in the body.
    expect(isSigned('token-1', push({ query: fields, body: Buffer.from('{"msg":"other"}') }), 0)).toBe(false);
    for (const body of ['', '[]', 'null', '7', '{'])
      expect(isSigned('token-1', push({ body: Buffer.from(body) }), 0)).toBe(false);
  });
});

describe('what a trial wants back', () => {
  it('is what it sent', () => {
    expect(echoOf(push({ headers: { echostr: 'UPWIAFASvDUFcTEE' } }))).toBe('UPWIAFASvDUFcTEE');
    expect(echoOf(push({ query: { msg: 'm' } }))).toBe('m');
    expect(echoOf(push({}))).toBeNull();
  });
});
