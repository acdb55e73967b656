"""A player read back as its page reads it, written out here apart from the package."""

import json
import re
import zlib
from base64 import b64decode

import numpy as np

DATA = re.compile(r'<script type="application/json" id="player-data">(.*?)</script>', re.DOTALL)


def data_of(page):
    """The payload of a page's text."""
    (found,) = DATA.findall(page)
    return json.loads(found)


def numbers_of(block):
    """The array of a block."""
    plain = zlib.decompress(b64decode(block["data"]), -15)
    dtype = np.dtype("<" + block["dtype"])
    if block["shuffled"]:
        plain = np.frombuffer(plain, np.uint8).reshape(dtype.itemsize, -1).T.tobytes()
    return np.frombuffer(plain, dtype).reshape(block["shape"])


def answers_of(run, rows):
    """Probabilities of rows from the blocks of a run, node by node."""
    scaled = np.array(rows)
    scaled[:, -2] *= run["return_scale"]
    scaled[:, -1] *= run["horizon_scale"]
    return np.array([(_of_forest if run["kind"] == "forest" else _of_net)(run[run["kind"]], row) for row in scaled])


class Trees:
    """A forest unpacked; leaves by row."""

    def __init__(self, blocks):
        self.is_leaf = numbers_of(blocks["is_leaf"]).astype(bool)
        n_nodes = len(self.is_leaf)
        self.feature, self.threshold = np.full(n_nodes, -1), np.zeros(n_nodes, np.float32)
        self.feature[~self.is_leaf] = numbers_of(blocks["inner_feature"])
        self.threshold[~self.is_leaf] = numbers_of(blocks["inner_threshold"])
        if "leaf_counts" in blocks:
            counts = numbers_of(blocks["leaf_counts"]).astype(float)
            leaf_values = counts / counts.sum(axis=1, keepdims=True)
        else:
            leaf_values = numbers_of(blocks["leaf_values"])
        self.leaf_values, self.number_of_leaf = leaf_values, np.cumsum(self.is_leaf) - 1
        self.right, self.roots = np.full(n_nodes, -1), []
        node = 0
        while node < n_nodes:
            self.roots.append(node)
            node = self._unpack(node)
        assert len(self.roots) == blocks["n_trees"]

    def _unpack(self, root):
        """Find the right children of a tree; the node behind it."""
        open_nodes, node = [root] if not self.is_leaf[root] else [], root
        while True:
            if not self.is_leaf[node]:
                node += 1
                if not self.is_leaf[node]:
                    open_nodes.append(node)
                continue
            node += 1
            while open_nodes and self.right[open_nodes[-1]] != -1:
                open_nodes.pop()
            if not open_nodes:
                return node
            self.right[open_nodes[-1]] = node
            if not self.is_leaf[node]:
                open_nodes.append(node)

    def values(self, row):
        """The value of each tree's leaf."""
        single = row.astype(np.float32)
        for root in self.roots:
            node = root
            while not self.is_leaf[node]:
                node = node + 1 if single[self.feature[node]] <= self.threshold[node] else self.right[node]
            yield self.leaf_values[self.number_of_leaf[node]]


_LAST = []  # blocks, and their trees


def _of_forest(blocks, row):
    if not _LAST or _LAST[0] is not blocks:
        _LAST[:] = blocks, Trees(blocks)
    total = numbers_of(blocks["base"]).copy()
    for value in _LAST[1].values(row):
        total += value
    if blocks["link"] == "mean":
        return total / blocks["n_trees"]
    if blocks["link"] == "logistic":
        first, second = np.flatnonzero(np.isfinite(total))
        answer = np.zeros(len(total))
        answer[second] = 1 / (1 + np.exp(total[first] - total[second]))
        answer[first] = 1 - answer[second]
        return answer
    exponentials = np.exp(total - total.max())
    return exponentials / exponentials.sum()


def _of_net(blocks, row):
    layers = list(zip(map(numbers_of, blocks["weights"]), map(numbers_of, blocks["biases"]), strict=True))
    hidden = {
        "relu": lambda x: np.maximum(x, 0), "tanh": np.tanh, "identity": lambda x: x,
        "logistic": lambda x: 1 / (1 + np.exp(-x)),
    }[blocks["activation"]]  # fmt: skip
    for number, (weights, biases) in enumerate(layers):
        row = (hidden(row) if number else row) @ weights + biases
    answer = np.zeros(blocks["n_actions"])
    if len(blocks["classes"]) == 2:
        second = 1 / (1 + np.exp(-row[0]))
        answer[blocks["classes"]] = 1 - second, second
    else:
        exponentials = np.exp(row - row.max())
        answer[blocks["classes"]] = exponentials / exponentials.sum()
    return answer
