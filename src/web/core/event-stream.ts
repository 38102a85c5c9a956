/**
 * Server-sent events over fetch (HTML Living Standard, 9.2). The browser's own EventSource hides the heartbeat, and
 * without it a line that died silently looks like a quiet river.
 */
interface StreamEvent {
  name: string;
  data: string;
}

interface StreamListener {
  /** Anything came: the line is alive. */
  heard(): void;
  event(event: StreamEvent): void;
  /** The line is down; it is tried again. */
  lost(): void;
  /** The service wants a credential: it isn't tried again. */
  refused(): void;
}

/** Two of the service's heartbeats of 15 s, and some. */
const SILENCE_MS_MAX = 40_000;
const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30_000;

/** Listens until the returned function is called; comes back after the last event that it saw. */
export function openEventStream(address: string, listener: StreamListener): () => void {
  const ending = new AbortController();
  void run(address, listener, ending.signal);
  return () => ending.abort();
}

async function run(address: string, listener: StreamListener, ending: AbortSignal): Promise<void> {
  const place = { id: '' };
  let retryMs = RETRY_MS_MIN;
  while (!ending.aborted) {
    const line = new AbortController();
    const end = () => line.abort();
    ending.addEventListener('abort', end);
    let silence = setTimeout(end, SILENCE_MS_MAX);
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(end, SILENCE_MS_MAX);
      retryMs = RETRY_MS_MIN;
      listener.heard();
    };
    try {
      const headers: Record<string, string> = place.id === '' ? {} : { 'last-event-id': place.id };
      const response = await fetch(address, { headers, signal: line.signal, cache: 'no-store' });
      if (response.status === 401) {
        listener.refused();
        return;
      }
      if (response.ok && response.body) await read(response.body, place, heard, listener);
    } catch {
      // The line broke or was cut; both are what the loop is for.
    } finally {
      clearTimeout(silence);
      ending.removeEventListener('abort', end);
    }
    if (ending.aborted) return;
    listener.lost();
    await pause(retryMs * (0.8 + 0.4 * Math.random()), ending);
    retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
  }
}

async function read(
  body: ReadableStream<Uint8Array>,
  place: { id: string },
  heard: () => void,
  listener: StreamListener,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  const parse = createParser(place, listener);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    parse(value);
  }
}

/** Takes text in any pieces. Ids count from their event on, also when it has no data. */
export function createParser(place: { id: string }, listener: Pick<StreamListener, 'event'>): (piece: string) => void {
  let rest = '';
  let name = '';
  let id: string | null = null;
  let data: string[] = [];
  const dispatch = () => {
    if (id !== null) place.id = id;
    if (data.length > 0) listener.event({ name: name || 'message', data: data.join('\n') });
    name = '';
    id = null;
    data = [];
  };
  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop()!;
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw;
      if (line === '') dispatch();
      const colon = line.indexOf(':');
      if (colon === 0 || line === '') continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') name = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') id = value;
    }
  };
}

const pause = (ms: number, ending: AbortSignal): Promise<void> =>
  new Promise((done) => {
    const timer = setTimeout(done, ms);
    ending.addEventListener('abort', () => {
      clearTimeout(timer);
      done();
    });
  });
