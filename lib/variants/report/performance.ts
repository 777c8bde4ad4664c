import { type Performance, STATISTIC_LABELS, STATISTIC_MEANINGS, STATISTICS } from "../evaluate.ts";
import { type Markup, markup } from "../../report/markup.ts";

const three = (value: number) => Number.isNaN(value) ? "–" : value.toFixed(3).replace("-", "−");

/** One row per group of variants, intervals below the values. */
export function performanceTable(performance: readonly Performance[]): Markup {
  const shown = STATISTICS.filter((name) =>
    performance.some(({ values }) => !Number.isNaN(values[name]))
  );
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Statistics"><table class="numbers performance">
<thead><tr><th scope="col">Variants</th><th scope="col">n</th>${
    shown.map((name) =>
      markup`<th scope="col" title="${STATISTIC_MEANINGS[name]}">${STATISTIC_LABELS[name]}</th>`
    )
  }</tr></thead>
<tbody>${
    performance.map(({ group, variants, values, intervals }) =>
      markup`
<tr><th scope="row">${group}</th><td>${variants}</td>${
        shown.map((name) => {
          const { low, high } = intervals?.[name] ?? { low: NaN, high: NaN };
          return markup`<td>${three(values[name])}${
            !Number.isNaN(low) && markup`<small>${three(low)} to ${three(high)}</small>`
          }</td>`;
        })
      }</tr>`
    )
  }
</tbody></table></div>
<dl class="glossary">${
    shown.map((name) =>
      markup`<div><dt>${STATISTIC_LABELS[name]}</dt><dd>${STATISTIC_MEANINGS[name]}</dd></div>`
    )
  }${
    performance.some(({ intervals }) => intervals) &&
    markup`<div><dt>In small</dt><dd>95 % bootstrap intervals over variants</dd></div>`
  }</dl>
`;
}
