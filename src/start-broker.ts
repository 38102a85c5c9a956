/** The broker that the configuration names: our own, or the client of one outside. */
import type { Broker } from '#ingest/transports/broker.ts';
import type { BrokerOptions, EmbeddedBroker } from '#ingest/transports/embedded-broker.ts';
import { startMqttClient } from '#ingest/transports/mqtt-client.ts';
import { startEmbeddedBroker } from '#ingest/transports/mqtt-embedded.ts';
import type { Journal } from '#journal/port.ts';
import { phrase, saidIn, told } from '#model/alarms/phrases.ts';
import type { Config } from '#model/config.ts';
import { SYSTEM_ACTOR } from '#model/entry.ts';
import type { PlatformWatch } from '#platform/watch.ts';
import type { Troubles } from '#process/troubles.ts';

interface OutsideParts {
  troubles: Troubles;
  platform: PlatformWatch;
  journal: Pick<Journal, 'appendCommand'>;
  sessionPath: string;
  /** Subscribed, at first and after every interruption. */
  onUp: () => void;
}

/** Rejects when the embedded one can't listen; one outside may be away. */
export async function startBroker(
  config: Config,
  intake: Omit<BrokerOptions, 'host' | 'port'>,
  { troubles, platform, journal, sessionPath, onUp }: OutsideParts,
): Promise<EmbeddedBroker | Broker> {
  const { mqtt } = config;
  const { door, control, clock, log, maxMessageBytes } = intake;
  if (mqtt.kind === 'embedded') return startEmbeddedBroker({ ...intake, host: mqtt.host, port: mqtt.port });
  return startMqttClient({
    door,
    control,
    clock,
    log,
    maxMessageBytes,
    mqtt,
    topics: config.mqttTopics,
    sessionPath,
    onUp,
    onTrouble(condition, trouble) {
      troubles.broker = trouble && { condition, detail: trouble.detail };
    },
    onCanary(verdict) {
      troubles.canary = verdict;
    },
    onDropped(count) {
      platform.event('broker.messages-dropped', clock.nowMs(), told(phrase('broker.dropped', { n: count })));
    },
    onSessionLost(fromMs, toMs, cause) {
      const body = { fromMs, toMs, cause: saidIn('en', [cause]) };
      // Until it is journaled the log has it; the platform alarm is tried again by itself.
      journal.appendCommand(SYSTEM_ACTOR, { verb: 'put', noun: 'gap', id: `broker-${fromMs}`, body }).catch((error) => {
        log.error({ event: 'gap.unrecorded', err: error, ...body }, 'a possible gap could not be recorded');
      });
      const [from, to] = [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
      platform.event('broker.session-lost', fromMs, told(phrase('session.lost', { cause: [cause], from, to })));
    },
  });
}
