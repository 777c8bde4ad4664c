/** Sizes, counts and times written for people. */

/** Bytes in decimal units: `31.4 MB`, `2.61 GB`. */
export function formatBytes(sizeBytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = sizeBytes, unit = 0;
  // 999.5 would be written with four digits, so it already belongs to the next unit.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return `${Math.round(value)} bytes`;
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${units[unit]}`;
}

/** A count with thousands separated: `7,512,474`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A duration: `0.4 s`, `12 s`, `3 min 05 s`, `2 h 04 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
}
