/** A webhook's recipient on loopback: keeps what it is sent, and answers as told. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Received {
  headers: IncomingHttpHeaders;
  raw: string;
  body: { notice: string; event: string; alarm: Record<string, unknown>; alarms?: Record<string, unknown>[] };
}

export interface WebhookCollector {
  readonly url: string;
  readonly received: Received[];
  /** Status of the next answers; 200 once they are used up. */
  answers: number[];
  close(): Promise<void>;
}

export async function collectWebhooks(): Promise<WebhookCollector> {
  const received: Received[] = [];
  const collector = { answers: [] as number[] };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const status = collector.answers.shift() ?? 200;
      const raw = Buffer.concat(chunks).toString();
      if (status < 300) received.push({ headers: request.headers, raw, body: JSON.parse(raw) });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(collector, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received,
    close: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  });
}
