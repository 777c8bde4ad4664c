"""The site analysis in NumPy: as one would write it well, and as it was published. Prints JSON."""

import json
import sys
import time

import numpy as np

spec = json.loads(sys.argv[1])
heads, columns, set_size = spec["heads"], spec["columns"], spec["set_size"]
trials, tokens, blocks, theta = spec["trials"], spec["tokens"], spec["blocks"], spec["theta"]
rng = np.random.default_rng(0)


def timed(run, samples):
    run(0)
    times = []
    for i in range(samples):
        begin = time.perf_counter()
        run(i + 1)
        times.append(1e6 * (time.perf_counter() - begin))
    return times


# Two typical heads, a sharper one and one whose rows attend to few columns, repeated to the size of a
# block, in eight different places.
sharpness = np.array([1, 1, 4, 80]).reshape(4, 1, 1)
scores = np.exp(sharpness * (2 * rng.random((4, tokens, tokens)) - 1))
scores = (scores / scores.sum(axis=-1, keepdims=True)).astype(np.float32)
block = np.concatenate([scores] * (spec["block_heads"] // 4))
attention = [block.copy() for _ in range(8)]


def column_mass(turn):
    for i in range(blocks):
        inner = attention[(turn * blocks + i) % 8][:, 1:-1, :]
        above = inner > theta
        np.where(above, inner, 0).sum(axis=-2)
        above.sum(axis=-2)


mass = rng.random((heads, columns), dtype=np.float32)
sites = np.arange(set_size) * columns // set_size
others = np.setdiff1d(np.arange(columns), sites)


def site_baseline(_):
    sets = np.stack([rng.choice(others, set_size, replace=False) for _ in range(trials)])
    observed = mass[:, sites].sum(axis=-1)
    sums = mass[:, sets].sum(axis=-1)
    return sums.mean(axis=1), sums.std(axis=1), (sums >= observed[:, None]).sum(axis=1)


def published_form(_):
    for head in range(spec["sampled_heads"]):
        pattern = scores[head % 4]
        for _ in range(spec["sampled_trials"]):
            drawn = rng.choice(others, set_size, replace=False)
            found = pattern[:, drawn]
            found[found > theta].sum()


json.dump({
    "numpy": np.__version__,
    "column_mass": timed(column_mass, spec["samples"]),
    "site_baseline": timed(site_baseline, spec["samples"]),
    "published_form": timed(published_form, spec["samples"]),
}, sys.stdout)
