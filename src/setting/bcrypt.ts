/**
 * bcrypt (Provos and Mazières, "A Future-Adaptable Password Scheme", USENIX 1999), as NATS keeps passwords; Node has
 * none. Blowfish's tables are the first 33,344 bits of the fraction of π (Schneier 1993), so they are computed.
 */
const ROUNDS = 16;
/** The subkeys, and four boxes of 256 words. */
const P_WORDS = ROUNDS + 2;
const S_WORDS = 4 * 256;
const MAGIC = 'OrpheanBeholderScryDoubt';
/** bcrypt's own order of the 64 characters, without padding. */
const ALPHABET = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const SALT_BYTES = 16;
/** The last byte of the 24 is left out. */
const HASH_BYTES = 23;
/** What is longer bcrypt doesn't look at; with the zero behind it it is 72. */
export const BCRYPT_PASSWORD_BYTES_MAX = 71;

const PI = piWords(P_WORDS + S_WORDS);

/**
 * `$2b$COST$` with salt and hash.
 * @param cost binary logarithm of the number of key schedules, 4 to 31; 4 takes about 2 ms, each more twice as long.
 * @throws RangeError when the password is longer than bcrypt can tell apart (71 bytes), or the salt not 16 bytes.
 */
export function bcrypt(password: string, salt: Uint8Array, cost: number): string {
  const key = Buffer.from(`${password}\0`);
  if (key.length > BCRYPT_PASSWORD_BYTES_MAX + 1) throw new RangeError('a password for bcrypt has at most 71 bytes');
  if (salt.length !== SALT_BYTES || cost < 4 || cost > 31)
    throw new RangeError('bcrypt: salt of 16 bytes, cost 4 to 31');
  const cipher = new Blowfish();
  cipher.expand(key, salt);
  const none = new Uint8Array(SALT_BYTES);
  for (let n = 2 ** cost; n > 0; n--) {
    cipher.expand(key, none);
    cipher.expand(salt, none);
  }
  const text = wordsOf(Buffer.from(MAGIC));
  for (let at = 0; at < text.length; at += 2) for (let n = 0; n < 64; n++) cipher.encipher(text, at);
  const hash = new Uint8Array(4 * text.length);
  text.forEach((word, n) => {
    new DataView(hash.buffer).setUint32(4 * n, word);
  });
  return `$2b$${String(cost).padStart(2, '0')}$${encode(salt)}${encode(hash.subarray(0, HASH_BYTES))}`;
}

class Blowfish {
  readonly #p = PI.slice(0, P_WORDS);
  readonly #s = PI.slice(P_WORDS);

  /** The salted key schedule: the key into the subkeys, then everything enciphered anew, with the salt mixed in. */
  expand(key: Uint8Array, salt: Uint8Array): void {
    let at = 0;
    for (let n = 0; n < P_WORDS; n++) {
      let word = 0;
      for (let byte = 0; byte < 4; byte++, at = (at + 1) % key.length) word = (word << 8) | key[at]!;
      this.#p[n]! ^= word;
    }
    const block = new Uint32Array(2);
    const mixed = wordsOf(salt);
    let half = 0;
    for (const words of [this.#p, this.#s]) {
      for (let n = 0; n < words.length; n += 2, half ^= 2) {
        block[0]! ^= mixed[half]!;
        block[1]! ^= mixed[half + 1]!;
        this.encipher(block, 0);
        words.set(block, n);
      }
    }
  }

  /** The two words at `at`, in their place. */
  encipher(words: Uint32Array, at: number): void {
    const p = this.#p;
    const s = this.#s;
    let left = words[at]! ^ p[0]!;
    let right = words[at + 1]!;
    for (let round = 1; round <= ROUNDS; round += 2) {
      right ^= mix(s, left) ^ p[round]!;
      left ^= mix(s, right) ^ p[round + 1]!;
    }
    words[at] = right ^ p[ROUNDS + 1]!;
    words[at + 1] = left;
  }
}

const mix = (s: Uint32Array, word: number): number =>
  (((s[word >>> 24]! + s[256 + ((word >>> 16) & 255)]!) ^ s[512 + ((word >>> 8) & 255)]!) + s[768 + (word & 255)]!) | 0;

function wordsOf(bytes: Uint8Array): Uint32Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, n) => view.getUint32(4 * n));
}

function encode(bytes: Uint8Array): string {
  const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const text = Buffer.from(bytes).toString('base64').replaceAll('=', '');
  return [...text].map((character) => ALPHABET[base64.indexOf(character)]).join('');
}

/** The first words of the fraction of π by Machin's formula: π = 16 arctan(1/5) − 4 arctan(1/239). */
function piWords(count: number): Uint32Array {
  const bits = BigInt(32 * count);
  // Sixty-four more, for what each division loses.
  const one = 1n << (bits + 64n);
  const pi = 16n * arctan(5n, one) - 4n * arctan(239n, one);
  const hex = (pi >> 64n).toString(16).slice(-8 * count);
  return Uint32Array.from({ length: count }, (_, n) => Number.parseInt(hex.slice(8 * n, 8 * n + 8), 16));
}

/** arctan(1/inverse) in units of `one`, by its series: numerator over denominator of all terms together. */
function arctan(inverse: bigint, one: bigint): bigint {
  const terms = Math.ceil(one.toString(2).length / (2 * Math.log2(Number(inverse))));
  const square = inverse * inverse;
  /** The sum of the terms from..to is p / (q · r), with r the product of their odd numbers. */
  const sum = (from: number, to: number): { p: bigint; q: bigint; r: bigint } => {
    if (to - from === 1) return { p: from % 2 === 0 ? 1n : -1n, q: square, r: BigInt(2 * from + 1) };
    const middle = (from + to) >> 1;
    const left = sum(from, middle);
    const right = sum(middle, to);
    return { p: left.p * right.q * right.r + right.p * left.r, q: left.q * right.q, r: left.r * right.r };
  };
  const { p, q, r } = sum(0, terms);
  return (one * inverse * p) / (q * r);
}
