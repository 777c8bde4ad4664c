/** Fitting a dispatch to the device: folding the grid, and the loop limit of software adapters. */

/** Workgroups in x, y and z. */
export type Grid = readonly [number, number, number];

/**
 * Folds `total` workgroups into three dimensions of at most 65,535 (the device's limit) each.
 *
 * A kernel gets its number back as `w.x + n.x * (w.y + n.y * w.z)` with w = `workgroup_id` and
 * n = `num_workgroups`; the grid can hold more than `total`, so the kernel compares.
 *
 * @throws {RangeError} if `total` is no natural number or does not fit
 */
export function planGrid(
  total: number,
  limits: Pick<GPUSupportedLimits, "maxComputeWorkgroupsPerDimension">,
): Grid {
  const most = limits.maxComputeWorkgroupsPerDimension;
  if (!Number.isSafeInteger(total) || total < 0 || total > most ** 3 || total > 0xffff_ffff) {
    throw new RangeError(
      `Cannot plan a grid as the number of workgroups must be in 0..${
        Math.min(most ** 3, 0xffff_ffff)
      }: current value is ${total}`,
    );
  }
  if (total <= most) return [total, 1, 1];
  const rows = Math.ceil(total / most);
  const z = Math.ceil(rows / most);
  const y = Math.ceil(rows / z);
  return [Math.ceil(total / (y * z)), y, z];
}

const SOFTWARE_LOOP_STEPS = 65_535;

/**
 * Refuses a kernel whose threads a software adapter would stop half-way.
 *
 * Mesa's llvmpipe ends every loop of a thread, without any error, once the thread has made 65,535
 * loop steps in total (the check that leaves a loop is a step too). `steps` is an upper bound.
 *
 * @throws {RangeError} on a software adapter, if there can be more steps
 */
export function checkLoopSteps(
  label: string,
  steps: number,
  adapter: { readonly isFallback: boolean },
): void {
  if (!adapter.isFallback || steps <= SOFTWARE_LOOP_STEPS) return;
  throw new RangeError(
    `Cannot run "${label}" on a software adapter as a thread must make at most ` +
      `${SOFTWARE_LOOP_STEPS} loop steps: current value is up to ${steps}`,
  );
}
