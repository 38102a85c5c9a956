/** What the HTTP API is built from: everything it needs is handed over here, and nothing comes from anywhere else. */
import type { Logger } from 'pino';
import type { Rehearsal, Rehearsed } from '#alerts/looking-back/rehearse.ts';
import type { ConnectionLimits } from '#api/access/connections.ts';
import type { Tokens } from '#api/access/tokens.ts';
import type { Live } from '#api/streams/live.ts';
import type { RecountProgress } from '#books/recount/state.ts';
import type { Door } from '#ingest/door.ts';
import type { IntakeCount, Journal, JournalReader } from '#journal/port.ts';
import type { QuarantineReads } from '#journal/quarantine.ts';
import type { Control } from '#journal/registers.ts';
import type { TellCrowded } from '#model/access-limits.ts';
import type { ClosedPeriod, KeptReport } from '#model/accounting.ts';
import type { Config } from '#model/config.ts';
import type { CommandEntry, FollowerName } from '#model/entry.ts';
import type { Fault } from '#model/faults.ts';
import type { Noun } from '#model/noun.ts';
import type { Series } from '#model/reading.ts';
import type { Reference } from '#model/reference.ts';
import type { Channel, Rule } from '#model/register.ts';
import type { LogInLimit, PasswordVerifier } from '#setting/secrets.ts';
import type { Clock } from '#src/clock.ts';
import type { ReadPage } from '#src/sqlite.ts';
import type { Queries } from './queries.ts';
import type { DrawnReport, ReportDrawing } from './reports/draw.ts';

/** `waitingFor` names what is missing while not ready: `mqtt`, `followers` … */
interface Readiness {
  ready: boolean;
  waitingFor: string[];
  /** Books of an older program that are being counted anew; null = there are none. */
  recounting: RecountProgress | null;
}

/** Closing a period and keeping a day's report (books/closings.ts). */
export interface Closings {
  /**
   * Closes a month or a transfer year, once.
   * @throws Problem `state.conflict` when it is closed, while an hour of it is open or while books are being computed;
   *   `books.behind` while what is read from lacks something that is journaled; CalendarError `range.invalid` for what is neither.
   */
  close(period: string, by: string, reason: string | null): Promise<ClosedPeriod>;
  /** Closes anew what has changed since. @throws Problem as `close`, and `not-found`. */
  restate(period: string, by: string, reason: string): Promise<ClosedPeriod>;
  /** Keeps the report of a day, once. @throws Problem as `close`. */
  keepReport(day: string, by: string): Promise<KeptReport>;
}

export interface ApiDeps {
  config: Config;
  clock: Clock;
  log: Logger;
  journal: Pick<Journal, 'appendCommand' | 'headSeq' | 'numberings' | 'receivedNowMs'>;
  reader: JournalReader & {
    commands(beforeSeq: number | null, limit: number): CommandEntry[];
    commandPage(beforeSeq: number | null, limit: number): ReadPage<CommandEntry>;
    intakeCount(source: string): IntakeCount | undefined;
    seriesOfStation(station: string): Series[];
    firstPutMs(noun: Noun): number | null;
    readonly quarantine: QuarantineReads;
  };
  control: Control;
  door: Door;
  queries: Queries;
  /** Away from the main thread. */
  drawReport(drawing: ReportDrawing): Promise<DrawnReport>;
  reference: Reference;
  closings: Closings;
  live: Live;
  /** From `createTokens(control, adminToken)`; the broker asks the same one about viewers. */
  tokens: Tokens;
  /** Shared with the broker: one memory of passwords, one limit on failed log-ins an address. */
  verifier: PasswordVerifier;
  logIns: LogInLimit;
  /** Told whenever somebody reaches a limit on access. */
  crowded: TellCrowded;
  /** Of the connections to the server that listens; the usual ones unless told. */
  connectionLimits?: Partial<ConnectionLimits>;
  /** The key under which acknowledgement links are signed. */
  linkSecret: string;
  /**
   * Resolves when this follower has passed everything that is journaled now, so that a read after a 202 sees its
   * effect; or after about two seconds, or at once while it is far behind. Says whether it has passed all that. `books`
   * goes no further than `readings`.
   */
  caughtUp(follower: FollowerName): Promise<boolean>;
  readiness(): Readiness;
  /** Prometheus' text exposition. */
  metrics(): Promise<string>;
  /** Cuts a gateway's connection: its password has changed or it is no longer. */
  disconnectGateway(id: string): void;
  /** When the broker last heard of the gateway, epoch ms; null = not since the process began. */
  gatewaySeenMs(id: string): number | null;
  /**
   * Sets the clocks of a gateway's devices over TCP. @param address of one of them; null: of all.
   * @returns the addresses of those that were told, and of those that aren't connected; null: none of its can be.
   */
  setClocks(gateway: string, address: string | null): { told: string[]; away: string[] } | null;
  /** Refusals that the gateway was not told of over MQTT, being more than ten a second. */
  gatewayUntold(id: string): number;
  checkRule(rule: Rule): Fault[];
  rehearse(rehearsal: Rehearsal, signal: AbortSignal): Promise<Rehearsed>;
  checkChannel(channel: Channel): Promise<Fault[]>;
}
