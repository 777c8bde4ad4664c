/** Things in groups of nearly equal size. */

/** Where `groups` groups of `count` things begin and end (exclusive); sizes differ by one at most. */
export const evenGroups = (count: number, groups: number): [begin: number, end: number][] =>
  Array.from({ length: groups }, (_, i) => [
    Math.floor(i * count / groups),
    Math.floor((i + 1) * count / groups),
  ]);

/** The same of as few groups as have at most `most` things each. */
export const groupsOfAtMost = (count: number, most: number): [begin: number, end: number][] =>
  evenGroups(count, Math.ceil(count / Math.max(1, most)));
