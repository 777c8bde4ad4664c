import laneSum from "./lane_sum.wgsl" with { type: "text" };

/** WGSL function `lane_sum`, to be put behind a kernel's own text. */
export const LANE_SUM_WGSL: string = laneSum;
