"""ESM-2's forward pass in PyTorch from a Hugging Face folder, as fair-esm computes it. Reads lines, answers each."""

import json
import sys
import time

import torch
import torch.nn.functional as F

spec = json.loads(sys.argv[1])
layers, width, heads = spec["layers"], spec["width"], spec["heads"]
head_width = width // heads
torch.set_num_threads(spec["threads"])
torch.set_grad_enabled(False)

with open(spec["file"], "rb") as file:
    header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    blob = bytearray(file.read())


def weight(name):
    begin, end = header[name]["data_offsets"]
    values = torch.frombuffer(blob, dtype=torch.float32, offset=begin, count=(end - begin) // 4)
    return values.reshape(header[name]["shape"])


def linear(name):
    return weight(name + ".weight"), weight(name + ".bias")


def block(layer):
    prefix = f"esm.encoder.layer.{layer}."
    names = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    names += ["intermediate.dense", "output.dense", "attention.LayerNorm", "LayerNorm"]
    return [linear(prefix + name) for name in names]


blocks = [block(layer) for layer in range(layers)]
embedding = weight("esm.embeddings.word_embeddings.weight")
after, dense, norm = (linear(name) for name in ["esm.encoder.emb_layer_norm_after", "lm_head.dense", "lm_head.layer_norm"])
bias = weight("lm_head.bias")
fused = getattr(F, "scaled_dot_product_attention", None)


def turn(z, cos, sin):
    half = head_width // 2
    return z * cos + torch.cat((-z[..., half:], z[..., :half]), -1) * sin


def forward():
    size, tokens = ids.shape
    split = lambda z: z.view(size, tokens, heads, head_width).transpose(1, 2)
    x = F.embedding(ids, embedding) * 0.88
    for q, k, v, out, fc1, fc2, first, second in blocks:
        y = F.layer_norm(x, (width,), *first, 1e-5)
        queries, keys = (turn(split(F.linear(y, *w)), cos, sin) for w in (q, k))
        values = split(F.linear(y, *v))
        if fused:
            mixed = fused(queries, keys, values)
        else:
            mixed = torch.softmax((queries * head_width**-0.5) @ keys.transpose(-1, -2), -1) @ values
        x = x + F.linear(mixed.transpose(1, 2).reshape(size, tokens, width), *out)
        y = F.layer_norm(x, (width,), *second, 1e-5)
        x = x + F.linear(F.gelu(F.linear(y, *fc1)), *fc2)
    y = F.gelu(F.linear(F.layer_norm(x, (width,), *after, 1e-5), *dense))
    return F.linear(F.layer_norm(y, (width,), *norm, 1e-5), embedding, bias)


print(json.dumps({"version": torch.__version__}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if "ids" in request:
        ids = torch.tensor(request["ids"])
        # Angles in double precision, of frequencies as checkpoints store them: in half.
        frequency = (1 / 10000 ** (torch.arange(0, head_width, 2) / head_width)).half().double()
        angle = torch.arange(ids.shape[1])[:, None] * frequency
        cos, sin = torch.cat((angle, angle), -1).cos().float(), torch.cat((angle, angle), -1).sin().float()
    begin = time.perf_counter()
    logits = forward()
    ms = 1e3 * (time.perf_counter() - begin)
    if "logits" in request:
        with open(request["logits"], "wb") as file:
            file.write(logits.numpy().tobytes())
    print(json.dumps({"ms": ms}), flush=True)
