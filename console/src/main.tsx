// The console: one page, whose parts are told apart by the address's fragment.

import { render } from 'preact';
import { App } from './app.js';
import './style.css';
import { loadTokens } from './tokens.js';
import { loadWho } from './who.js';

loadTokens();
await loadWho();
const root = document.getElementById('app');
if (root) render(<App />, root);
