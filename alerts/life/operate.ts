/** What operators do to an alarm: each command with the step that follows from it; null when it changes nothing. */
import type { Alarm } from '#model/alarms/alarm.ts';
import type { Command, CommandEntry } from '#model/entry.ts';
import { acknowledge, comment, handOver, reset, type Step, shelve, unacknowledge, unshelve } from './lifecycle.ts';

/** A command about one alarm. */
type Operation = Extract<Command, { alarm: string }>;

export function operate(alarm: Alarm, { actor, receivedMs }: CommandEntry, command: Operation): Step | null {
  switch (command.verb) {
    case 'acknowledge':
      return acknowledge(alarm, actor, receivedMs, command.comment);
    case 'unacknowledge':
      return unacknowledge(alarm, actor, command.comment);
    case 'hand-over':
      return handOver(alarm, actor, command.to, command.comment);
    case 'reset':
      return reset(alarm, actor, command.comment);
    case 'shelve':
      return shelve(alarm, actor, command.untilMs, command.reason);
    case 'unshelve':
      return unshelve(alarm, actor);
    case 'comment':
      return comment(alarm, actor, command.comment);
  }
}
