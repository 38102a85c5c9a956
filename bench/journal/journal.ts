/**
 * The journal alone, messages of 20 readings: as fast as 400 gateways that each wait for their acknowledgement can,
 * then paced at 5,000 messages/s (100,000 readings/s), then read back.
 */
import { join } from 'node:path';
import { type Figure, figure, inDirectory, quantile } from '#bench/shared/figure.ts';
import type { MessageDraft } from '#journal/port.ts';
import { openJournalReader } from '#journal/reader.ts';
import { type JournalWriter, openJournal } from '#journal/writer.ts';
import type { JournaledReading } from '#model/entry.ts';
import { systemClock } from '#src/clock.ts';

const VALUES = 20;
const STATIONS = 400;
const FLOOD_MESSAGES = 60_000;
const PACED_MESSAGES = 25_000;
const PACE_PER_MS = 5;
const MAX_BYTES = 10 * 2 ** 30;

export function run(): Promise<Figure[]> {
  return inDirectory(async (directory) => {
    const path = join(directory, 'journal.db');
    const journal = openJournal({ path, clock: systemClock, maxBytes: MAX_BYTES, ackMaxDelayMs: 20 });
    const messages = Array.from({ length: STATIONS }, (_, station) => messageOf(journal, station));
    const flooded = await flood(journal, messages);
    const paced = await pace(journal, messages);
    const fileBytes = journal.sizeBytes() / (FLOOD_MESSAGES + PACED_MESSAGES);
    await journal.close();
    return [...flooded, ...paced, figure('size on disk', fileBytes, 'bytes/message'), readBack(path)];
  });
}

async function flood(journal: JournalWriter, messages: readonly MessageDraft[]): Promise<Figure[]> {
  let next = 0;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  const lane = async (message: MessageDraft) => {
    while (next < FLOOD_MESSAGES) {
      next += 1;
      await journal.appendMessage(message);
    }
  };
  await Promise.all(messages.map(lane));
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return [
    figure('appended at full speed', (next * VALUES * 1000) / elapsedMs, 'readings/s'),
    figure('CPU of an append', (user + system) / next, 'µs/message'),
    figure('messages that share a commit', next / journal.counters.commits, 'messages'),
  ];
}

async function pace(journal: JournalWriter, messages: readonly MessageDraft[]): Promise<Figure[]> {
  const latenciesMs: number[] = [];
  const appends: Promise<void>[] = [];
  const append = async (message: MessageDraft, dueMs: number) => {
    await journal.appendMessage(message);
    latenciesMs.push(performance.now() - dueMs);
  };
  const commitsBefore = journal.counters.commits;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  // Counted from when each message was due, so that a stall is charged to all that it kept waiting.
  while (appends.length < PACED_MESSAGES) {
    const due = Math.min(PACED_MESSAGES, Math.floor((performance.now() - startedMs) * PACE_PER_MS));
    while (appends.length < due) {
      const index = appends.length;
      appends.push(append(messages[index % STATIONS]!, startedMs + index / PACE_PER_MS));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(appends);
  const elapsedMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  const at = `at ${PACE_PER_MS * 1000 * VALUES} readings/s`;
  return [
    figure(`durable after, ${at}, p50`, quantile(latenciesMs, 0.5), 'ms'),
    figure(`durable after, ${at}, p99`, quantile(latenciesMs, 0.99), 'ms'),
    figure(`commits, ${at}`, ((journal.counters.commits - commitsBefore) * 1000) / elapsedMs, 'commits/s'),
    figure(`CPU, ${at}`, (user + system) / 1000 / elapsedMs, 'cores'),
  ];
}

function readBack(path: string): Figure {
  const reader = openJournalReader(path);
  const startedMs = performance.now();
  let count = 0;
  for (let entries = reader.read(0, 500); entries.length > 0; entries = reader.read(count, 500))
    count = entries.at(-1)!.seq;
  const elapsedMs = performance.now() - startedMs;
  reader.close();
  return figure('reading back', (elapsedMs * 1000) / count, 'µs/message');
}

function messageOf(journal: JournalWriter, station: number): MessageDraft {
  const timeMs = 1_795_000_000_000 + station;
  const readings: JournaledReading[] = [];
  for (let parameter = 0; parameter < VALUES; parameter++) {
    const { series } = journal.seriesFor(`station-${station}`, `parameter-${parameter}`);
    const value = Math.round(Math.sin(station + parameter) * 100_000) / 10_000;
    readings.push({ series: series.id, timeMs, value, flag: 1, deviceFlag: null, verdict: 'new' });
  }
  const values = Object.fromEntries(readings.map(({ value }, parameter) => [`parameter-${parameter}`, value]));
  const payload = JSON.stringify({
    seq: 4711,
    samples: [{ station: `station-${station}`, time: '2026-11-22T08:00:00+08:00', values }],
  });
  return {
    source: `gateway-${station}`,
    gatewaySeq: 4711,
    readings,
    raw: Buffer.from(payload),
    quarantine: [],
    received: VALUES,
  };
}
