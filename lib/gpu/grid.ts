/** The one place that folds a dispatch into the device's limit per dimension. */

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
