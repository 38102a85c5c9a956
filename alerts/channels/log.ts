/** Channel `log`: a notice as one structured line of the service's own log, less the link, which is a credential. */
import type { SendOf } from './channel.ts';

export const sendToLog: SendOf<'log'> = async (_channel, notice, { log }) => {
  const {
    alarm,
    acknowledgeUrl: _,
    ...rest
  } = JSON.parse(notice.payload) as {
    alarm: { key: string; severity: string; state: string };
    acknowledgeUrl?: string;
  };
  log.info({ ...rest, alarm }, `${notice.event}: ${alarm.severity} ${alarm.key} (${alarm.state})`);
  return { outcome: 'sent', status: 'logged' };
};
