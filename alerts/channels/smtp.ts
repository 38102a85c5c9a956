/**
 * One message over one SMTP session, by nodemailer, whose own connecting is replaced: the address is judged when the
 * connection is made, as for every other channel (address.ts). Nothing is read from files or fetched from URLs.
 */
import { connect, isIP, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import type { ChannelOf } from '#model/alarms/channel.ts';
import { AddressRefused, guardedLookup, hostOf, isPermitted, type Resolve } from './address.ts';
import type { ChannelPorts, Receipt } from './channel.ts';
import { addressRefused } from './http.ts';

interface Mail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  html: string;
  messageId: string;
  /** The thread that mail programs show it in. */
  references: string;
  headers: Record<string, string>;
  isUrgent: boolean;
}

interface SmtpTimes {
  /** Connecting, greeting and each wait for a reply. */
  stepMs: number;
  /** The whole session. */
  allMs: number;
}

const TIMES: SmtpTimes = { stepMs: 10_000, allMs: 60_000 };
const STATUS_MAX = 200;

/** What nodemailer's errors say, as far as it is used here. */
interface SmtpFault extends NodeJS.ErrnoException {
  response?: string;
  responseCode?: number;
  recipient?: string;
  rejectedErrors?: SmtpFault[];
  originalCode?: string;
}

/** @returns what became of the message for each of `mail.to`. */
export type Deliver = (channel: ChannelOf<'email'>, mail: Mail, ports: ChannelPorts) => Promise<Receipt[]>;

/** @param resolve how names become addresses; the system's way, but for tests. */
export function createDeliver(resolve?: Resolve, times = TIMES): Deliver {
  return async (channel, mail, ports) => {
    const { to } = mail;
    const timeout = AbortSignal.timeout(times.allMs);
    const transport = transportFor(channel, (port, host) => open(host, port, ports, resolve, times), times);
    try {
      const { isUrgent, ...message } = mail;
      const { rejectedErrors = [] } = (await transport.sendMail({
        ...message,
        envelope: { from: mail.from, to },
        ...(isUrgent ? { priority: 'high' as const } : {}),
        disableFileAccess: true,
        disableUrlAccess: true,
        signal: AbortSignal.any([ports.signal, timeout]),
      })) as { rejectedErrors?: SmtpFault[] };
      return to.map((one) => receiptOf(one, rejectedErrors, null));
    } catch (error) {
      const fault = timeout.aborted ? Object.assign(new Error(), { code: `no end within ${times.allMs} ms` }) : error;
      return to.map((one) => receiptOf(one, (error as SmtpFault).rejectedErrors ?? [], fault as SmtpFault));
    } finally {
      transport.close();
    }
  };
}

function transportFor(
  { url: address, user, secret, tls, ca }: ChannelOf<'email'>,
  openSocket: (port: number, host: string) => Promise<Socket>,
  { stepMs }: SmtpTimes,
) {
  const url = new URL(address);
  const secure = url.protocol === 'smtps:';
  const host = hostOf(url);
  const port = url.port === '' ? (secure ? 465 : 587) : Number(url.port);
  return createTransport({
    host,
    port,
    secure,
    requireTLS: !secure && tls === 'required',
    ignoreTLS: tls === 'never',
    ...(user === undefined ? {} : { auth: { user, pass: secret ?? '' }, forceAuth: true }),
    tls: { ...(isIP(host) === 0 ? { servername: host } : {}), ...(ca === undefined ? {} : { ca }) },
    connectionTimeout: stepMs,
    greetingTimeout: stepMs,
    socketTimeout: stepMs,
    getSocket(_options, done) {
      openSocket(port, host).then(
        (connection) => done(null, { connection }),
        (error: Error) => done(error),
      );
    },
  });
}

/** A connected socket to a permitted address. */
function open(
  host: string,
  port: number,
  { policy, signal }: ChannelPorts,
  resolve: Resolve | undefined,
  { stepMs }: SmtpTimes,
): Promise<Socket> {
  if (isIP(host) !== 0 && !isPermitted(host, host, policy)) {
    return Promise.reject(new AddressRefused(`${host} is private`));
  }
  return new Promise((done, failed) => {
    const socket = connect({ host, port, lookup: guardedLookup(policy, resolve) });
    const late = AbortSignal.any([signal, AbortSignal.timeout(stepMs)]);
    const giveUp = () => socket.destroy(Object.assign(new Error('not connected in time'), { code: 'ETIMEDOUT' }));
    late.addEventListener('abort', giveUp, { once: true });
    socket.once('error', failed);
    socket.once('connect', () => {
      late.removeEventListener('abort', giveUp);
      socket.off('error', failed);
      done(socket);
    });
  });
}

/**
 * RFC 5321 §4.2.1: 4yz may succeed later, 5yz never does, but for 503 (bad sequence), which says nothing about the
 * message. Without a reply there was no talk at all: later.
 * @param fault what ended the whole session, or null; it counts for those whom the server hadn't refused by then.
 */
function receiptOf(to: string, rejected: readonly SmtpFault[], fault: SmtpFault | null): Receipt {
  const found = rejected.find(({ recipient }) => recipient === to) ?? fault;
  if (found === null) return { to, outcome: 'sent', status: '250' };
  if (found instanceof AddressRefused) return { to, ...addressRefused(found.message) };
  const { responseCode: code = 0, response, originalCode, code: name, message } = found;
  const isForGood = code >= 500 && code !== 503;
  const status = (response ?? originalCode ?? name ?? message).slice(0, STATUS_MAX);
  return { to, outcome: isForGood ? 'failed-for-good' : 'failed-for-now', status };
}
