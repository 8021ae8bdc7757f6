// Who sits in front of this window: account, profile and device. Windows of one browser are devices
// of their own, so that two of them side by side show what two devices would.

import { useSyncExternalStore } from 'preact/compat';
import { tokenFor } from './tokens.js';

export interface Who {
  account: string;
  profile: string;
  device: string;
  deviceType: string;
}

export const ID_PATTERN = '[A-Za-z0-9._~:@\\-]{1,128}';
const STANDARD = { account: 'home', profile: 'anna' };
export const STANDARD_PROFILES = ['anna', 'ben'];

const listeners = new Set<() => void>();
let who: Who = { ...STANDARD, device: '', deviceType: 'browser' };

function read(storage: Storage, key: string): string | null {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function write(storage: Storage, key: string, value: string): void {
  try {
    storage.setItem(key, value);
  } catch {
    // Storage is forbidden here: it holds as long as the page.
  }
}

const isPhone = (): boolean => matchMedia('(pointer: coarse)').matches && Math.min(screen.width, screen.height) < 600;

function newDevice(): string {
  const [a = 0, b = 0] = crypto.getRandomValues(new Uint8Array(2));
  return `${isPhone() ? 'phone' : 'browser'}-${(a * 256 + b).toString(36).padStart(4, '0')}`;
}

// A tab that was duplicated has its original's storage, and would end the original's views as its
// device. The lock tells them apart; without TLS there is none, and a duplicate is the same device.
async function isFree(device: string): Promise<boolean> {
  if (!navigator.locks) return true;
  return new Promise((resolve) => {
    void navigator.locks.request(`playhead-device-${device}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock ? new Promise(() => undefined) : undefined;
    });
  });
}

export async function loadWho(): Promise<void> {
  let device = read(sessionStorage, 'playhead-window') ?? newDevice();
  if (!(await isFree(device))) {
    device = newDevice();
    await isFree(device);
  }
  write(sessionStorage, 'playhead-window', device);
  who = {
    account: read(localStorage, 'playhead-account') ?? STANDARD.account,
    profile: read(sessionStorage, 'playhead-profile') ?? read(localStorage, 'playhead-profile') ?? STANDARD.profile,
    device,
    deviceType: isPhone() ? 'phone' : 'browser',
  };
  obeyToken();
}

/** A viewer's token says whose it is, and nothing else would be answered. */
export function obeyToken(): void {
  const token = tokenFor('viewing');
  change({ account: token?.account ?? who.account, profile: token?.profile ?? who.profile });
}

export function change(some: Partial<Who>): void {
  who = { ...who, ...some };
  write(localStorage, 'playhead-account', who.account);
  write(localStorage, 'playhead-profile', who.profile);
  write(sessionStorage, 'playhead-profile', who.profile);
  listeners.forEach((listener) => listener());
}

export function useWho(): Who {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, () => who);
}
