/** bcrypt against hashes that libxcrypt 4.4 made; that NATS takes ours tests/flow/ingest/outside-brokers.test.ts shows. */
import { describe, expect, it } from 'vitest';
import { bcrypt } from '#setting/bcrypt.ts';

/** bcrypt's own base64, undone. */
function bytesOf(text: string): Uint8Array {
  const own = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const usual = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return Buffer.from([...text].map((character) => usual[own.indexOf(character)]).join(''), 'base64');
}

describe('bcrypt', () => {
  it.each([
    ['U*U', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['', '$2b$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy'],
    ['a'.repeat(71), '$2b$04$abcdefghijklmnopqrstuuMCu.k1vM/ywQwiONaEn3oEMlZoCVBd6'],
    ['水', '$2b$06$......................Kk9G9JVsakkqgx/AyR.LRAMT/aTN..6'],
  ])('of "%s" is as elsewhere', (password, hash) => {
    const [, , cost, rest] = hash.split('$');
    expect(bcrypt(password, bytesOf(rest!.slice(0, 22)), Number(cost))).toBe(hash);
  });

  it('refuses what it would cut off, and salts that are none', () => {
    expect(() => bcrypt('a'.repeat(72), new Uint8Array(16), 4)).toThrow(RangeError);
    expect(() => bcrypt('水'.repeat(24), new Uint8Array(16), 4)).toThrow(RangeError);
    expect(() => bcrypt('a', new Uint8Array(12), 4)).toThrow(RangeError);
    expect(() => bcrypt('a', new Uint8Array(16), 3)).toThrow(RangeError);
  });
});
