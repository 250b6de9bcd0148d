// The difference of two texts by lines.

export interface DiffLine {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Most lines of a side that are compared; a longer text is compared by its beginning. */
const MAX_LINES = 2000;

/** Returns the lines of both texts: those of `before` that are missing in `after` as removed. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const one = before.split("\n").slice(0, MAX_LINES);
  const two = after.split("\n").slice(0, MAX_LINES);
  let head = 0;
  while (head < one.length && head < two.length && one[head] === two[head]) head++;
  let tail = 0;
  while (tail < one.length - head && tail < two.length - head && one.at(-1 - tail) === two.at(-1 - tail)) tail++;
  const same = (text: string): DiffLine => ({ kind: "same", text });
  return [
    ...one.slice(0, head).map(same),
    ...between(one.slice(head, one.length - tail), two.slice(head, two.length - tail)),
    ...one.slice(one.length - tail).map(same),
  ];
}

/** Returns the difference by the longest common subsequence. */
function between(one: string[], two: string[]): DiffLine[] {
  const width = two.length + 1;
  const lengths = new Uint16Array((one.length + 1) * width);
  for (let i = one.length - 1; i >= 0; i--) {
    for (let j = two.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        one[i] === two[j] ? lengths[(i + 1) * width + j + 1]! + 1 : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!);
    }
  }
  const found: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < one.length || j < two.length) {
    if (i < one.length && j < two.length && one[i] === two[j]) {
      found.push({ kind: "same", text: one[i++]! });
      j++;
    } else if (j >= two.length || (i < one.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)) {
      found.push({ kind: "removed", text: one[i++]! });
    } else found.push({ kind: "added", text: two[j++]! });
  }
  return found;
}

/** Leaves out equal lines that are far from a difference; null is in their place. */
export function withoutFarLines(lines: DiffLine[], around = 3): (DiffLine | null)[] {
  const near = lines.map((_, index) => lines.slice(Math.max(0, index - around), index + around + 1).some(({ kind }) => kind !== "same"));
  const found: (DiffLine | null)[] = [];
  lines.forEach((line, index) => {
    if (near[index]) found.push(line);
    else if (found.at(-1) !== null) found.push(null);
  });
  return found;
}
