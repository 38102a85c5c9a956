/**
 * The outside brokers that docs/deployment.md speaks of, each started with what `npm run broker:files` writes for it and
 * with nothing else but a listener. What a broker can't do is declared here, with the reason.
 */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { BrokerName } from '#src/brokers/files.ts';
import { hasHiveMq, hiveMqVersion, startHiveMq } from './hivemq.ts';
import { hasMosquitto, startMosquitto } from './mosquitto.ts';
import { hasNats, natsTakesDots, natsVersion, startNats } from './nats.ts';
import { packagedSettings } from './packaged-mosquitto.ts';
import { hasRabbitMq, makeRabbitMqHome, rabbitMqVersion } from './rabbitmq.ts';

export interface RunningBroker {
  port: number;
  /** Has it take the files anew; resolves when it has. */
  reload(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** With what it had, on the same port. */
  startAgain(): Promise<RunningBroker>;
  /** When it has been stopped for good. */
  end(): Promise<void>;
}

export interface TestBroker {
  name: BrokerName;
  /** What isn't there, or null. */
  missing: string | null;
  version: string | null;
  /** What becomes of a dot in a gateway's id: it arrives, is a level of its own, or ends the connection. */
  dots: 'kept' | 'split' | 'refused';
  /** What is published where it may not be: acknowledged and dropped, or answered by the end of the connection. */
  elsewhere: 'dropped' | 'hung up';
  /** What it has acknowledged is on disk: else only what its last save had. */
  survivesKill: boolean;
  /** @param files the directory that the command has written. */
  start(directory: string, files: string): Promise<RunningBroker>;
}

const text = (files: string, name: string): string => readFileSync(join(files, name), 'utf8');
const nothing = async () => {};

export const OUTSIDE_BROKERS: readonly TestBroker[] = [
  {
    name: 'mosquitto',
    missing: hasMosquitto ? null : 'mosquitto is not installed',
    version: null,
    dots: 'kept',
    elsewhere: 'dropped',
    // autosave_interval in packaging/mosquitto.conf
    survivesKill: false,
    async start(directory, files) {
      const settings = packagedSettings(files);
      const run = async (port?: number): Promise<RunningBroker> => {
        const server = await startMosquitto(directory, settings, port === undefined ? {} : { port });
        const reload = async () => server.reload();
        return { ...server, reload, startAgain: () => run(server.port), end: nothing };
      };
      return run();
    },
  },
  {
    name: 'rabbitmq',
    missing: hasRabbitMq ? null : 'rabbitmq-server is not installed',
    version: rabbitMqVersion,
    dots: 'split',
    elsewhere: 'hung up',
    survivesKill: true,
    async start(directory, files) {
      const home = await makeRabbitMqHome(directory);
      const definitions = join(files, 'definitions.json');
      const settings = `${text(files, 'rabbitmq.conf')}load_definitions = ${definitions}\n`;
      const run = async (): Promise<RunningBroker> => {
        const node = await home.start(settings, text(files, 'enabled_plugins'));
        const reload = async () => void (await node.control('import_definitions', definitions));
        return { ...node, reload, startAgain: run, end: home.end };
      };
      return run().catch(async (error: Error) => {
        await home.end();
        throw error;
      });
    },
  },
  {
    name: 'nats',
    missing: hasNats ? null : 'nats-server is not installed',
    version: natsVersion,
    dots: natsTakesDots ? 'kept' : 'refused',
    elsewhere: 'dropped',
    survivesKill: true,
    async start(directory, files) {
      // 2.9 takes every path of an include for a relative one.
      const at = (name: string) => `include "${relative(directory, join(files, name))}"`;
      const given = { settings: at('users.conf'), mqtt: at('mqtt.conf') };
      const run = async (port?: number): Promise<RunningBroker> => {
        const server = await startNats(directory, port === undefined ? given : { ...given, port });
        return { ...server, startAgain: () => run(server.port), end: nothing };
      };
      return run();
    },
  },
  {
    name: 'hivemq',
    missing: hasHiveMq ? null : 'WK_TEST_HIVEMQ names no directory',
    version: hiveMqVersion,
    dots: 'kept',
    elsewhere: 'hung up',
    survivesKill: true,
    async start(directory, files) {
      const run = async (port?: number): Promise<RunningBroker> => {
        const server = await startHiveMq(directory, files, port);
        return { ...server, startAgain: () => run(server.port), end: nothing };
      };
      return run();
    },
  },
];
