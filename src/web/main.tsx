/** Starts the dashboard. */
import { render } from 'preact';
import { App } from './app.tsx';
import { resumeSession } from './core/session.ts';

void resumeSession();
render(<App />, document.getElementById('app')!);
