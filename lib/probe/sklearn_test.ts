/** The solvers against scikit-learn's on data sets that come with it. */
import { equal, ok } from "../../tests/assert.ts";
import { hasSklearn, runPython, sklearnSkipped } from "../../tests/python.ts";
import { openBackend } from "../backend/mod.ts";
import { balancedWeights, fitLogistic, outputsOf, probabilitiesOf } from "./logistic.ts";
import { Products } from "./products.ts";
import { normalEquations, solveRidge } from "./ridge.ts";
import { Design, matrixRows, scaleOf, standardise } from "./rows.ts";

/** Fits with every C on a third of a set, so that one row of the rest is less than 1e-3. */
const SCRIPT = `
import json, sys, warnings
import numpy as np
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
warnings.filterwarnings("ignore")
out = []
for name in ["wine", "breast_cancer", "digits"]:
    data = getattr(datasets, "load_" + name)()
    x, y = data.data.astype("float32"), data.target
    test = np.arange(len(y)) % 3 != 0
    scale = StandardScaler().fit(x[~test].astype("float64"))
    a, b = scale.transform(x[~test].astype("float64")), scale.transform(x[test].astype("float64"))
    fits = []
    for balanced in [None, "balanced"]:
        for c in [0.01, 0.1, 1, 10, 100]:
            m = LogisticRegression(C=c, class_weight=balanced, solver="newton-cg", tol=1e-8, max_iter=20000).fit(a, y[~test])
            fits.append(dict(c=c, balanced=balanced is not None, accuracy=m.score(b, y[test]),
                train=log_loss(y[~test], m.predict_proba(a)), test=log_loss(y[test], m.predict_proba(b))))
    out.append(dict(name=name, width=x.shape[1], x=x.ravel().tolist(), y=y.tolist(), fits=fits))
data = datasets.load_diabetes()
x, y = data.data.astype("float32"), data.target
test = np.arange(len(y)) % 3 != 0
scale = StandardScaler().fit(x[~test].astype("float64"))
a, b = scale.transform(x[~test].astype("float64")), scale.transform(x[test].astype("float64"))
ridge = [dict(alpha=al, predicted=Ridge(alpha=al).fit(a, y[~test]).predict(b).tolist()) for al in [0.1, 10, 1000]]
print(json.dumps(dict(sets=out, ridge=dict(width=x.shape[1], x=x.ravel().tolist(), y=y.tolist(), fits=ridge))))
`;

interface SetOf<Fit> {
  name: string;
  width: number;
  x: number[];
  y: number[];
  fits: Fit[];
}
interface Expected {
  sets: SetOf<
    { c: number; balanced: boolean; accuracy: number; train: number; test: number }
  >[];
  ridge: SetOf<{ alpha: number; predicted: number[] }>;
}

const expected: Expected | undefined = hasSklearn ? JSON.parse(await runPython(SCRIPT)) : undefined;

/** Every third row is learnt from. */
function parts(x: readonly number[], y: readonly number[], width: number) {
  const of = (isTest: boolean) => {
    const rows = y.flatMap((_, i) => (i % 3 !== 0) === isTest ? [i] : []);
    return {
      x: Float32Array.from(rows.flatMap((i) => x.slice(i * width, (i + 1) * width))),
      y: rows.map((i) => y[i]),
    };
  };
  return { train: of(false), test: of(true) };
}

Deno.test({
  name: `probes equal scikit-learn's${sklearnSkipped}`,
  ignore: !expected,
  sanitizeResources: false,
  sanitizeOps: false,
  async fn(t) {
    const { backend } = await openBackend("cpu");
    await using _ = backend;
    await using products = new Products(backend);
    const prepared = async ({ x, y, width }: SetOf<unknown>, held?: number) => {
      const { train, test } = parts(x, y, width), rows = matrixRows(train.x, width);
      const scale = await scaleOf(rows);
      standardise(test.x, scale);
      return { train, test, design: await Design.create(backend, rows, scale, held) };
    };
    for (const set of expected?.sets ?? []) {
      await t.step(`${set.name}: accuracy to 1e-3, loss to 1e-4, with every C`, async () => {
        const classes = Math.max(...set.y) + 1;
        const { train, test, design } = await prepared(set);
        using _ = design;
        using x = backend.upload("test", [test.y.length, set.width], test.x);
        let start;
        for (const fit of set.fits) {
          const { loss: _, ...model } = start = await fitLogistic(
            design,
            train.y,
            classes,
            fit.c,
            products,
            {
              start,
              ...(fit.balanced && { weightOf: balancedWeights(classes, train.y) }),
            },
          );
          ok(start.converged, `C ${fit.c} converges`);
          const told = async (tensor: typeof x, y: number[]) => {
            const logits = await products.logits(tensor, model.weights, model.bias);
            equal(logits.length, y.length * outputsOf(classes));
            const p = probabilitiesOf(logits, classes);
            let loss = 0, right = 0;
            y.forEach((label, i) => {
              const own = p.subarray(i * classes, (i + 1) * classes);
              // log_loss takes no probability for smaller than this.
              loss -= Math.log(Math.max(own[label], 2 ** -52)) / y.length;
              right += Number(own.every((value) => value <= own[label])) / y.length;
            });
            return { loss, right };
          };
          const found = await told(x, test.y), what = `C ${fit.c}, balanced ${fit.balanced}`;
          ok(Math.abs(found.right - fit.accuracy) <= 1e-3, `${what}: accuracy ${found.right}`);
          ok(
            Math.abs(found.loss - fit.test) <= 1e-4,
            `${what}: test loss ${found.loss} ${fit.test}`,
          );
          if (!fit.balanced) {
            ok(
              Math.abs(start.loss - fit.train) <= 1e-4,
              `${what}: loss ${start.loss} ${fit.train}`,
            );
          }
        }
      });
    }
    await t.step("rows that are read anew at every pass give the same", async () => {
      const set = expected!.sets[0], classes = 3;
      const { train, design } = await prepared(set), other = await prepared(set, 0);
      using a = design, b = other.design;
      const [one, two] = [
        await fitLogistic(a, train.y, classes, 1, products),
        await fitLogistic(b, train.y, classes, 1, products),
      ];
      equal(one.loss, two.loss);
    });
    await t.step("ridge on diabetes", async () => {
      const { train, test, design } = await prepared({ ...expected!.ridge });
      using _ = design;
      const normal = await normalEquations(design, train.y, products);
      for (const { alpha, predicted } of expected!.ridge.fits) {
        const { weights, bias } = solveRidge(normal, alpha);
        predicted.forEach((value, i) => {
          const own = test.x.subarray(i * weights.length, (i + 1) * weights.length)
            .reduce((sum, x, d) => sum + x * weights[d], bias[0]);
          ok(Math.abs(own - value) < 1e-3, `alpha ${alpha}, row ${i}: ${own} and ${value}`);
        });
      }
    });
  },
});
