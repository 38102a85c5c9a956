/** The page's clock, set by the service's: one tick a second for everything that says how long ago something was. */
import { signal } from '@preact/signals';

let behindMs = 0;

/** Now by the service's clock: a reader's own may be minutes off, and every age would be with it. */
export const serviceNowMs = (): number => Date.now() + behindMs;

export const nowMs = signal(serviceNowMs());

/** @param date the header of an answer that has just come; it has whole seconds. */
export function setByService(date: string | null): void {
  const differenceMs = date === null ? Number.NaN : Date.parse(date) - Date.now();
  if (Number.isFinite(differenceMs) && Math.abs(differenceMs - behindMs) > 2000) behindMs = differenceMs;
}

const tick = () => (nowMs.value = serviceNowMs());
setInterval(() => document.visibilityState === 'visible' && tick(), 1000);
document.addEventListener('visibilitychange', tick);
