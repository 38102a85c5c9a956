/** How a gateway's password is kept: as hashes only, one in each form that some broker wants (decision 29). */
import { createHash, randomBytes } from 'node:crypto';
import type { Gateway } from '#model/register.ts';
import { BCRYPT_PASSWORD_BYTES_MAX, bcrypt } from './bcrypt.ts';
import { hashPassword } from './secrets.ts';

/** What RabbitMQ insists on (rabbit_password.erl). */
const SHA256_SALT_BYTES = 4;
const BCRYPT_SALT_BYTES = 16;
/** The least that there is: stretching makes 256 random bits no harder to guess. 2 ms of the main thread. */
const BCRYPT_COST = 4;

export async function keepPassword(password: string): Promise<Required<Pick<Gateway, 'passwordHash' | 'otherHashes'>>> {
  const salt = randomBytes(SHA256_SALT_BYTES);
  const sha256 = Buffer.concat([salt, createHash('sha256').update(salt).update(password).digest()]).toString('base64');
  const isShort = Buffer.byteLength(password) <= BCRYPT_PASSWORD_BYTES_MAX;
  const forNats = isShort ? bcrypt(password, randomBytes(BCRYPT_SALT_BYTES), BCRYPT_COST) : null;
  return { passwordHash: await hashPassword(password), otherHashes: { sha256, bcrypt: forNats } };
}
