/** packaging/mosquitto.conf as `startMosquitto` takes it: its lines, with a test's directory in the place of /broker. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const CONF = join(import.meta.dirname, '../../../packaging/mosquitto.conf');

/** @param directory where passwd and acl are or will be; `store` in it is made, as the image does. */
export function packagedSettings(directory: string): string[] {
  mkdirSync(join(directory, 'store'), { recursive: true });
  return (
    readFileSync(CONF, 'utf8')
      .split('\n')
      // The test has a listener of its own.
      .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('listener '))
      .map((line) => line.replace('/broker/', `${directory}/`))
  );
}

/** What the file says of `name`, such as the `1000` of `max_inflight_messages`. */
export function packagedSetting(name: string): string {
  const line = readFileSync(CONF, 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name} `));
  if (!line) throw new Error(`packaging/mosquitto.conf says nothing of ${name}`);
  return line.slice(name.length + 1);
}
