/** What a page asks for: its answer, the failure, and whether it is being read; read again when the question changes. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Failure } from './api.ts';

export interface Resource<T> {
  /** The last answer to the present question; what an older question got stays until then, so that nothing jumps. */
  data: T | undefined;
  failure: Failure | null;
  isLoading: boolean;
  reload(): void;
}

/** @param question null asks nothing. Two questions are the same when they are the same text. */
export function useResource<T>(question: string | null, read: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [state, setState] = useState<{ data?: T; failure: Failure | null; asked: string | null }>({
    failure: null,
    asked: null,
  });
  const [round, setRound] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  useEffect(() => {
    if (question === null) return;
    const leaving = new AbortController();
    latest.current(leaving.signal).then(
      (data) => !leaving.signal.aborted && setState({ data, failure: null, asked: question }),
      (error: unknown) => {
        if (leaving.signal.aborted) return;
        const failure = error instanceof Failure ? error : new Failure(0, 'unknown', String(error));
        setState((before) => ({ data: before.asked === question ? before.data : undefined, failure, asked: question }));
      },
    );
    return () => leaving.abort();
  }, [question, round]);
  return {
    data: state.data,
    failure: state.failure,
    isLoading: question !== null && state.asked !== question,
    reload: () => setRound((before) => before + 1),
  };
}

/** Runs `work` every so often while the page is looked at. */
export function useEvery(ms: number, work: () => void): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
