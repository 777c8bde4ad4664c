"""A training step of ESM-2 in PyTorch: forward, backward, clipping, AdamW. Reads lines, answers each when done."""

import json
import sys
import time

import torch
import torch.nn.functional as F

spec = json.loads(sys.argv[1])
layers, width, heads, ffn = spec["layers"], spec["width"], spec["heads"], spec["ffn"]
size, tokens, asked = spec["size"], spec["tokens"], spec["asked"]
torch.set_num_threads(spec["threads"])
torch.manual_seed(0)
head_width = width // heads


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.LayerNorm(width)
        self.second = torch.nn.LayerNorm(width)
        self.q, self.k, self.v, self.out = [torch.nn.Linear(width, width) for _ in range(4)]
        self.fc1, self.fc2 = torch.nn.Linear(width, ffn), torch.nn.Linear(ffn, width)

    def forward(self, x, cos, sin):
        y = self.first(x)
        split = lambda z: z.view(size, tokens, heads, head_width).transpose(1, 2)
        turn = lambda z: z * cos + torch.cat((-z[..., head_width // 2:], z[..., :head_width // 2]), -1) * sin
        q, k, v = turn(split(self.q(y)) * head_width**-0.5), turn(split(self.k(y))), split(self.v(y))
        p = torch.softmax(q @ k.transpose(-1, -2), -1)
        x = x + self.out((p @ v).transpose(1, 2).reshape(size, tokens, width))
        return x + self.fc2(F.gelu(self.fc1(self.second(x))))


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = torch.nn.Embedding(33, width)
        self.blocks = torch.nn.ModuleList(Block() for _ in range(layers))
        self.after, self.norm = torch.nn.LayerNorm(width), torch.nn.LayerNorm(width)
        self.dense = torch.nn.Linear(width, width)
        self.bias = torch.nn.Parameter(torch.zeros(33))

    def forward(self, ids, rows):
        x = self.embedding(ids) * 0.88
        for block in self.blocks:
            x = block(x, cos, sin)
        y = self.after(x).view(-1, width)[rows]
        return F.linear(self.norm(F.gelu(self.dense(y))), self.embedding.weight, self.bias)


frequency = 1 / 10000 ** (torch.arange(0, head_width, 2) / head_width)
angle = torch.arange(tokens)[:, None] * frequency
cos, sin = torch.cat((angle, angle), -1).cos(), torch.cat((angle, angle), -1).sin()
model = Model()
moved = [p for p in model.parameters()]
optimiser = torch.optim.AdamW(
    [{"params": [p for p in moved if p.dim() > 1], "weight_decay": 0.01},
     {"params": [p for p in moved if p.dim() == 1], "weight_decay": 0}], lr=1e-4, betas=(0.9, 0.98))
ids = torch.randint(4, 24, (size, tokens))
rows = torch.arange(0, size * tokens, size * tokens // asked)[:asked]


def step():
    optimiser.zero_grad()
    F.cross_entropy(model(ids, rows), ids.view(-1)[rows]).backward()
    torch.nn.utils.clip_grad_norm_(moved, 1.0)
    optimiser.step()


def forward():
    with torch.no_grad():
        model(ids, rows)


step(), forward()
print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    {"step": step, "forward": forward}[line.strip()]()
    print(json.dumps({"ms": 1e3 * (time.perf_counter() - begin)}), flush=True)
