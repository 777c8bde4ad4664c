/** The shortest decimal text that is read back as the same float32. */
export function float32Text(value: number): string {
  // Nine digits always suffice, and most values need seven or eight.
  for (let digits = 6; digits < 9; digits++) {
    const text = value.toPrecision(digits);
    if (Math.fround(Number(text)) === value) return String(Number(text));
  }
  return String(Number(value.toPrecision(9)));
}
