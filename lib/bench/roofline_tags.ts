/** Places for the numbers of points, so that they cover neither each other nor a point. */

export interface Place {
  x: number;
  y: number;
}

export interface Tag extends Place {
  /** Whether it is so far from its point that a line must lead to it. */
  far: boolean;
}

interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** Half of a tag's width and height, with a little air. */
const HALF_WIDTH = 10, HALF_HEIGHT = 8;
const DISTANCES = [14, 24, 36, 50, 66, 84];
const ANGLES = 12;

/** The nearest free place of each point, in order; the farthest if none is free. */
export function placeTags(points: readonly Place[], frame: Frame): Tag[] {
  const tags: Tag[] = [];
  for (const { x, y } of points) {
    const candidates = DISTANCES.flatMap((distance) =>
      Array.from({ length: ANGLES }, (_, i): Tag => {
        // The first candidate is above to the right.
        const angle = -Math.PI / 4 + 2 * Math.PI * i / ANGLES;
        return {
          x: Math.round(10 * (x + distance * Math.cos(angle))) / 10,
          y: Math.round(10 * (y + distance * Math.sin(angle))) / 10,
          far: distance > DISTANCES[0],
        };
      })
    );
    const isFree = (tag: Tag) =>
      tag.x - HALF_WIDTH > frame.left && tag.x + HALF_WIDTH < frame.right &&
      tag.y - HALF_HEIGHT > frame.top && tag.y + HALF_HEIGHT < frame.bottom &&
      tags.every((other) => !covers(tag, other, 2)) &&
      points.every((point) => !covers(tag, point, 1.4));
    tags.push(candidates.find(isFree) ?? candidates[candidates.length - 1]);
  }
  return tags;
}

const covers = (a: Place, b: Place, size: number) =>
  Math.abs(a.x - b.x) < size * HALF_WIDTH && Math.abs(a.y - b.y) < size * HALF_HEIGHT;
