/** A size in bytes, such as `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A stretch of seconds as a clock shows it: `0:07`, `12:30`, `1:02:03`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  const two = (value: number): string => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${Math.floor(whole / 60)}:${two(whole % 60)}`;
}

/** Milliseconds as seconds with one decimal. */
export function formatMs(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** The time since an instant (ISO 8601) in its largest unit: `3 days`, `1 minute`. */
export function formatAge(since: string): string {
  const minutes = Math.max(0, Date.now() - new Date(since).getTime()) / 60_000;
  if (minutes >= 2880) return count(Math.floor(minutes / 1440), 'day');
  return minutes >= 120 ? count(Math.floor(minutes / 60), 'hour') : count(Math.floor(minutes), 'minute');
}

/** USD, with enough digits to say something of small sums. */
export function formatUsd(usd: number): string {
  return `$${usd >= 1 ? usd.toFixed(2) : usd.toFixed(4)}`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
