// Small parts that several pages use.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

const LOOK_AGAIN_MS = 250;

export function Notice({ kind, children }: { kind: 'info' | 'bad'; children: ComponentChildren }) {
  return <div class={`notice notice-${kind}`} role={kind === 'bad' ? 'alert' : undefined}>{children}</div>;
}

/**
 * Runs `load` when one of `causes` changes, and a moment after `later` does: one look for several events. What
 * `load` gets says whether it is still the latest, for answers may come in another order than they were asked for.
 */
export function useLoad(load: (isLatest: () => boolean) => Promise<void>, causes: unknown[], later: unknown): () => Promise<void> {
  const asked = useRef(0);
  const latest = useRef(load);
  latest.current = load;
  const run = (): Promise<void> => {
    const mine = ++asked.current;
    return latest.current(() => mine === asked.current);
  };
  useEffect(() => { void run(); }, causes);
  useEffect(() => {
    const timer = setTimeout(() => void run(), LOOK_AGAIN_MS);
    return () => clearTimeout(timer);
  }, [later]);
  return run;
}

/** False while the page is in a tab behind another. */
export function useVisible(): boolean {
  const [visible, setVisible] = useState(!document.hidden);
  useEffect(() => {
    const changed = (): void => setVisible(!document.hidden);
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
  return visible;
}

/** A bar that says how far something has come. */
export function Bar({ value, label }: { value: number; label: string }) {
  const bar = useRef<HTMLSpanElement>(null);
  // By CSSOM: an attribute `style` would be inline, which the page's policy forbids.
  useEffect(() => { bar.current?.style.setProperty('inline-size', `${value}%`); }, [value]);
  return (
    <span class="bar" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(value)}>
      <span ref={bar} />
    </span>
  );
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  class?: string;
}

export function Dialog({ title, onClose, children, class: extra = '' }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog ref={dialog} class={extra} aria-labelledby="dialog-title" onCancel={(event) => { event.preventDefault(); onClose(); }}>
      <div class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="quiet icon" aria-label="Close" onClick={onClose}>✕</button>
      </div>
      {children}
    </dialog>
  );
}

export function CopyButton({ text }: { text: string }) {
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    try {
      // Only where there is TLS, or on this machine.
      await navigator.clipboard.writeText(text);
      setSaid('Copied');
    } catch {
      setSaid('Select it to copy');
    }
  };
  return <button type="button" class="quiet small" onClick={() => void copy()}><span aria-live="polite">{said || 'Copy'}</span></button>;
}
